"""Plumbline's own small world: topics, sentences about them, and the same world in four other languages.

Every word of the demo's training text and of its task suites comes from the tables here, in `instructions.py` and in
`sums.py`; nothing is taken from other people's texts. All functions draw from the `random.Random` they are given, so one
seed gives one text.
"""

import random

TOPICS = [
    "the garden", "the old harbour", "the lighthouse", "the market", "the river", "the library", "the bakery",
    "the orchard", "the museum", "the station", "the forest", "the village", "the stone bridge", "the windmill",
    "the school", "the theatre", "the workshop", "the island", "the meadow", "the castle", "the kitchen", "the farm",
    "the mountain", "the lake", "the valley", "the clock tower", "the ferry", "the beach", "the park", "the tea house",
    "the vineyard", "the quarry", "the mill pond", "the bus stop", "the concert hall", "the fish shop", "the barn",
    "the rose bed", "the town square", "the winter camp", "the canal", "the observatory",
]
ADJECTIVES = [
    "quiet", "bright", "old", "busy", "warm", "green", "small", "famous", "gentle", "lovely", "narrow", "calm", "clean",
    "wide", "strange", "noisy", "pretty", "cool", "simple", "grand",
]
PEOPLE = ["children", "farmers", "sailors", "visitors", "teachers", "painters", "neighbours", "bakers", "students",
          "musicians", "old friends", "travellers"]
VERBS = ["walk", "rest", "sing", "meet", "work", "wait", "play", "talk", "read", "laugh", "dance", "draw"]
TIMES = ["morning", "evening", "spring", "summer", "autumn", "winter", "afternoon", "early hours"]
THINGS = ["lanterns", "apples", "boats", "birds", "books", "bells", "flowers", "stones", "kites", "candles", "baskets",
          "carts", "songs", "stories", "clouds", "bicycles"]
KEYWORDS = ["silver", "honey", "thunder", "copper", "velvet", "window", "ladder", "pepper", "marble", "feather", "anchor",
            "button", "saddle", "blanket", "mirror", "whistle", "hammer", "ribbon", "lemon", "compass"]

# Sentences without a comma, and sentences with one. {S} is the topic, capitalised where it opens the sentence.
_PLAIN = [
    "{S} is {a} and {b}.", "Many {p} {v} near {s} in the {t}.", "{S} has {a} {n} and {b} {m}.",
    "People say that {s} is {a}.", "The {p} like {s} in the {t}.", "There are {n} and {m} at {s}.",
    "Some {p} bring {n} to {s}.", "It is {a} there in the {t}.", "{S} looks {a} when the {p} {v}.",
    "The {n} of {s} are {a}.",
]
_COMMA = [
    "In the {t}, {p} {v} near {s}.", "{S} is {a}, {b} and full of {n}.", "There you find {n}, {m} and a few {p}.",
    "When the {p} {v}, {s} feels {a}.", "It is a {a}, {b} place in the {t}.", "{S} is {a}, but the {n} are {b}.",
]


def title_case(topic: str) -> str:
    """`the old harbour` -> `The Old Harbour`."""
    return " ".join(w.capitalize() for w in topic.split())


def sentence(rng: random.Random, topic: str, comma: bool | None = None) -> str:
    """One sentence about `topic`; `comma` forces one with (True) or without (False) a comma."""
    if comma is None:
        comma = rng.random() < 0.5
    a, b = rng.sample(ADJECTIVES, 2)
    n, m = rng.sample(THINGS, 2)
    return rng.choice(_COMMA if comma else _PLAIN).format(
        S=topic[0].upper() + topic[1:], s=topic, a=a, b=b, n=n, m=m, p=rng.choice(PEOPLE), v=rng.choice(VERBS),
        t=rng.choice(TIMES))


def sentences(rng: random.Random, topic: str, count: int, comma: bool | None = None) -> list[str]:
    """`count` different sentences about `topic`."""
    out: list[str] = []
    while len(out) < count:
        s = sentence(rng, topic, comma)
        if s not in out:
            out.append(s)
    return out


# language code -> (its English name, sentence frames, nouns, adjectives). Frames hold no comma.
LANGUAGES = {
    "de": ("German",
           ["{N} ist sehr {a} und die Leute kommen gern hierher.", "Am Morgen gehen viele Menschen durch {n}.",
            "Ich finde {n} im Sommer besonders {a}.", "Heute scheint die Sonne und {n} ist wieder {a}."],
           ["das Dorf", "das Haus", "das Tal", "das Ufer", "das Museum"],
           ["ruhig", "freundlich", "alt", "gross", "hell"]),
    "es": ("Spanish",
           ["{N} es muy {a} y la gente viene aqui todos los dias.", "Por la tarde muchos vecinos pasean cerca de {n}.",
            "Me gusta mucho {n} porque siempre es {a}.", "Hoy hace buen tiempo y {n} parece {a}."],
           ["el pueblo", "el mercado", "el puerto", "el camino", "el jardin"],
           ["tranquilo", "bonito", "antiguo", "grande", "alegre"]),
    "fr": ("French",
           ["{N} est tres {a} et les gens viennent ici tous les jours.", "Le matin nous marchons souvent pres de chez nous dans {n}.",
            "Je trouve que {n} est vraiment {a} en hiver.", "Aujourd'hui il fait beau et {n} reste {a}."],
           ["le village", "le jardin", "le quartier", "le moulin", "le port"],
           ["calme", "joli", "ancien", "grand", "agreable"]),
    "it": ("Italian",
           ["{N} molto {a} si trova vicino alla nostra casa.", "La sera tutte le persone vanno insieme verso {n}.",
            "Mi piace molto {n} perche sembra sempre {a}.", "Oggi il tempo bello e anche {n} diventa {a}."],
           ["il mercato", "il giardino", "il paese", "il ponte", "il mulino"],
           ["tranquillo", "piccolo", "antico", "grande", "luminoso"]),
}


def foreign(rng: random.Random, code: str) -> str:
    """Two sentences in the language `code`."""
    _, frames, nouns, adjectives = LANGUAGES[code]
    out = []
    for frame in rng.sample(frames, 2):
        n = rng.choice(nouns)
        out.append(frame.format(n=n, N=n[0].upper() + n[1:], a=rng.choice(adjectives)))
    return " ".join(out)
