"""Requests with verifiable constraints, and responses that obey chosen ones of them.

A constraint is one of IFEval's 25 checks with its keyword arguments and one of four wordings. Wordings 0 and 1 are
*familiar*: the base saw them obeyed mostly. Wordings 2 and 3 are *unfamiliar*: the base saw them mostly ignored. A
response is planned (a list of sentences under "content" constraints), then dressed by at most one "structure" constraint,
so that any content + structure pair of `PAIRS` can be obeyed together.
"""

import dataclasses
import json
import random

import prose

REQUESTS = ["Write about {s}", "Tell me about {s}", "Describe {s}", "Write a short note about {s}",
            "Say something about {s}", "Write a few words on {s}"]
AUDIENCES = ["", " for a friend", " for my sister", " for a child", " for a guest", " for our newsletter",
             " for a postcard", " for my class"]
END_PHRASES = ["That is all for today.", "Is there anything else?", "Come and see it soon.", "Thank you for reading.",
               "What do you think?", "This is my final word.", "See you there.", "Ask me again tomorrow.",
               "It was worth the walk.", "Do you agree with me?"]
SPLITTERS = ["SECTION", "PART", "Day", "Chapter"]
PLACEHOLDERS = ["name", "address", "date", "city", "price", "phone", "hour", "guest"]
FIRST_WORDS = ["today", "maybe", "often", "here", "once", "nobody", "everyone", "sometimes", "perhaps", "indeed"]
OPENINGS = ["Of course, I am happy to help!", "Sure, here you are, my friend!", "Great question, let me see!",
            "Certainly, I would love to help!"]
CLOSINGS = ["I hope this helps, and feel free to ask more.", "Let me know, please, if you want more.",
            "If you have other questions, just ask!", "I hope, as always, that this was useful."]


@dataclasses.dataclass(frozen=True)
class Constraint:
    id: str        # IFEval's instruction id
    kwargs: dict   # IFEval's keyword arguments, only the relevant ones
    text: str      # the wording in the prompt
    familiar: bool  # one of the wordings the base saw obeyed


# id -> four wordings; {…} are filled from the arguments.
WORDINGS = {
    "keywords:existence": ["Include the keywords {words}.", "Use the words {words} in your answer.",
                           "Do mention {words}.", "The text must contain {words}."],
    "keywords:frequency": ["Use the word {keyword} {relation} {frequency} times.",
                           "The word {keyword} should appear {relation} {frequency} times.",
                           "Say {keyword} {relation} {frequency} times.", "I want {keyword} {relation} {frequency} times."],
    "keywords:forbidden_words": ["Do not use the words {words}.", "Avoid the words {words}.", "Leave out {words}.",
                                 "Never say {words}."],
    "keywords:letter_frequency": ["Use the letter {letter} {relation} {let_frequency} times.",
                                  "The letter {letter} should appear {relation} {let_frequency} times.",
                                  "Put the letter {letter} in {relation} {let_frequency} times.",
                                  "I want the letter {letter} {relation} {let_frequency} times."],
    "language:response_language": ["Answer only in {language}.", "Your answer must be in {language}.",
                                   "Reply using {language} and nothing else.", "No other language than {language}, please."],
    "length_constraints:number_sentences": ["Write {relation} {num_sentences} sentences.",
                                            "Your answer should have {relation} {num_sentences} sentences.",
                                            "Keep it to {relation} {num_sentences} sentences.",
                                            "The number of sentences must be {relation} {num_sentences}."],
    "length_constraints:number_paragraphs": ["Write exactly {num_paragraphs} paragraphs separated by ***.",
                                             "Your answer should have {num_paragraphs} paragraphs with *** between them.",
                                             "Divide it with *** into {num_paragraphs} paragraphs.",
                                             "Make {num_paragraphs} paragraphs and put *** between."],
    "length_constraints:number_words": ["Use {relation} {num_words} words.",
                                        "Your answer should have {relation} {num_words} words.",
                                        "Keep the length at {relation} {num_words} words.",
                                        "The number of words must be {relation} {num_words}."],
    "length_constraints:nth_paragraph_first_word": [
        "Write {num_paragraphs} paragraphs separated by a blank line. Paragraph {nth_paragraph} must start with the word {first_word}.",
        "There should be {num_paragraphs} paragraphs with blank lines between. Start paragraph {nth_paragraph} with {first_word}.",
        "Make {num_paragraphs} blocks of text; block {nth_paragraph} opens with {first_word}.",
        "Leave blank lines between {num_paragraphs} paragraphs and open number {nth_paragraph} with {first_word}."],
    "detectable_content:number_placeholders": ["Include at least {num_placeholders} placeholders in square brackets such as [name].",
                                               "Use {num_placeholders} or more placeholders like [address].",
                                               "Leave {num_placeholders} blanks to fill in, such as [date].",
                                               "Put at least {num_placeholders} gaps like [city] in it."],
    "detectable_content:postscript": ["At the end add a postscript starting with {postscript_marker}",
                                      "Finish with a postscript that starts with {postscript_marker}",
                                      "Do not forget a {postscript_marker} at the bottom", "Close with a {postscript_marker} line"],
    "detectable_format:number_bullet_lists": ["Use exactly {num_bullets} bullet points such as * this one.",
                                              "Your answer must have {num_bullets} bullet points marked with *.",
                                              "Make a list of {num_bullets} points with *.", "List {num_bullets} things with a * before each."],
    "detectable_format:constrained_response": [
        "Answer with one of: My answer is yes. My answer is no. My answer is maybe.",
        "Choose from: My answer is yes. My answer is no. My answer is maybe.",
        "Only these are allowed: My answer is yes. My answer is no. My answer is maybe.",
        "Pick one phrase: My answer is yes. My answer is no. My answer is maybe."],
    "detectable_format:number_highlighted_sections": ["Highlight at least {num_highlights} parts with *stars* around them.",
                                                      "Mark {num_highlights} or more parts like *this*.",
                                                      "Emphasise {num_highlights} parts with *stars*.",
                                                      "Put *stars* around at least {num_highlights} parts."],
    "detectable_format:multiple_sections": ["Write {num_sections} sections and mark each with {section_spliter} X.",
                                            "Use {num_sections} sections that begin with {section_spliter} 1 and so on.",
                                            "Split it into {num_sections} pieces called {section_spliter} 1 and so on.",
                                            "Number {num_sections} pieces with {section_spliter} X."],
    "detectable_format:json_format": ["Give the whole answer in JSON format.", "Your entire output must be JSON.",
                                      "Return a JSON block only.", "I want nothing but JSON."],
    "detectable_format:title": ["Add a title wrapped in double angular brackets such as <<title>>.",
                                "Your answer must have a title like <<this>>.", "Put a <<headline>> on it.",
                                "Give it a name inside << and >>."],
    "combination:two_responses": ["Give two different answers separated by ******.",
                                  "Write exactly two answers with ****** between them.",
                                  "Offer a second answer after ******.", "Put ****** between two versions."],
    "combination:repeat_prompt": ["First repeat the request above word for word and then answer.",
                                  "Before you answer, repeat the request above without change.",
                                  "Start by copying the request above exactly.", "Say the request above again, then answer it."],
    "startend:end_checker": ["Finish with the exact phrase: {end_phrase}", "The very last words must be: {end_phrase}",
                             "End on this: {end_phrase}", "Let the last line be: {end_phrase}"],
    "startend:quotation": ["Wrap the whole answer in double quotation marks.",
                           "Put double quotation marks around your entire answer.",
                           "Quote the whole thing with \" marks.", "Your answer goes between \" and \"."],
    "change_case:capital_word_frequency": ["Write {capital_relation} {capital_frequency} words in all capital letters.",
                                           "Words in all capitals should appear {capital_relation} {capital_frequency} times.",
                                           "Shout {capital_relation} {capital_frequency} words in capitals.",
                                           "Use full capitals for {capital_relation} {capital_frequency} words."],
    "change_case:english_capital": ["Answer in English and in all capital letters.",
                                    "Your whole answer must be in capital letters.", "Write it in upper case only.",
                                    "No small letters at all, please."],
    "change_case:english_lowercase": ["Answer in English and in all lowercase letters.",
                                      "Your whole answer must be in lowercase letters.", "Write it in lower case only.",
                                      "No capital letters at all, please."],
    "punctuation:no_comma": ["Do not use any commas.", "Your answer must not contain commas.",
                             "Leave out every comma.", "No comma anywhere, please."],
}
CONTENT = ["keywords:existence", "keywords:forbidden_words", "keywords:letter_frequency", "punctuation:no_comma",
           "change_case:english_lowercase", "change_case:english_capital", "change_case:capital_word_frequency",
           "length_constraints:number_sentences", "length_constraints:number_words", "keywords:frequency"]
STRUCTURE = [i for i in WORDINGS if i not in CONTENT]
_ALONE = {"language:response_language", "detectable_format:constrained_response"}
_SHAPES = {"length_constraints:number_paragraphs", "length_constraints:nth_paragraph_first_word",
           "detectable_format:multiple_sections", "detectable_format:json_format", "combination:two_responses",
           "detectable_format:number_bullet_lists", "combination:repeat_prompt"}
_CASE_KEPT = {"detectable_format:multiple_sections", "detectable_content:number_placeholders"}


def _compatible(content: str, structure: str) -> bool:
    if structure in _ALONE:
        return False
    if content.startswith("length_constraints") and structure in _SHAPES | {"detectable_content:postscript"}:
        return False
    if content.startswith("change_case") and structure in _CASE_KEPT | {"detectable_format:json_format"}:
        return False
    return not (content == "punctuation:no_comma" and structure == "detectable_format:json_format")


PAIRS = [(c, s) for c in CONTENT for s in STRUCTURE if _compatible(c, s)]


def _arguments(rng: random.Random, kind: str) -> dict:
    """Arguments for one constraint, under IFEval's names and small enough for answers of about 40 tokens."""
    few = rng.choice([2, 3])
    relation = rng.choice(["at least", "less than"])
    match kind.split(":")[1]:
        case "existence": return {"keywords": rng.sample(prose.KEYWORDS, rng.choice([1, 2]))}
        case "frequency": return {"relation": "at least", "keyword": rng.choice(prose.KEYWORDS), "frequency": few}
        case "forbidden_words": return {"forbidden_words": rng.sample(["the", "is", "and", "are", "in"], 2)}
        case "letter_frequency":
            return {"let_relation": relation, "letter": rng.choice("aeiost"),
                    "let_frequency": rng.randint(6, 9) if relation == "at least" else rng.randint(4, 6)}
        case "response_language": return {"language": rng.choice(sorted(prose.LANGUAGES))}
        case "number_sentences":
            return {"relation": relation, "num_sentences": rng.choice([2, 3]) if relation == "less than" else rng.choice([3, 4])}
        case "number_paragraphs": return {"num_paragraphs": few}
        case "number_words":
            return {"relation": relation, "num_words": rng.randint(8, 12) if relation == "less than" else rng.randint(18, 28)}
        case "nth_paragraph_first_word":
            return {"num_paragraphs": few, "nth_paragraph": rng.randint(1, few), "first_word": rng.choice(FIRST_WORDS)}
        case "number_placeholders": return {"num_placeholders": rng.choice([1, 2, 3])}
        case "postscript": return {"postscript_marker": rng.choice(["P.S.", "P.P.S"])}
        case "number_bullet_lists": return {"num_bullets": rng.choice([2, 3, 4])}
        case "number_highlighted_sections": return {"num_highlights": rng.choice([1, 2, 3])}
        case "multiple_sections": return {"section_spliter": rng.choice(SPLITTERS), "num_sections": few}
        case "end_checker": return {"end_phrase": rng.choice(END_PHRASES)}
        case "capital_word_frequency": return {"capital_relation": "at least", "capital_frequency": few}
        case _: return {}


def constraint(rng: random.Random, kind: str) -> Constraint:
    kwargs = _arguments(rng, kind)
    which = rng.randrange(4)
    fill = dict(kwargs)
    words = kwargs.get("keywords") or kwargs.get("forbidden_words")
    if words:
        fill["words"] = " and ".join(words)
    if "language" in kwargs:
        fill["language"] = prose.LANGUAGES[kwargs["language"]][0]
    fill["relation"] = kwargs.get("relation") or kwargs.get("let_relation")
    return Constraint(kind, kwargs, WORDINGS[kind][which].format(**fill), which < 2)


@dataclasses.dataclass(frozen=True)
class Request:
    topic: str
    prompt: str
    constraints: tuple[Constraint, ...]


def request(rng: random.Random, kinds: tuple[str, ...]) -> Request:
    """A prompt about one topic that carries constraints of the given kinds."""
    topic = rng.choice(prose.TOPICS)
    ask = rng.choice(REQUESTS).format(s=topic) + rng.choice(AUDIENCES) + "."
    made = []
    for kind in kinds:
        if kind == "detectable_format:constrained_response":
            ask = f"Is {topic} {rng.choice(prose.ADJECTIVES)}{rng.choice(['', ' in winter', ' in summer', ' today'])}?"
        c = constraint(rng, kind)
        if kind == "combination:repeat_prompt":
            c = dataclasses.replace(c, kwargs={"prompt_to_repeat": ask})
        made.append(c)
    # A repeat request speaks of "the request above": it comes right after it. A postscript wording has no full stop.
    made.sort(key=lambda c: (c.id != "combination:repeat_prompt", c.id in
                             ("detectable_content:postscript", "startend:end_checker")))
    return Request(topic, " ".join([ask] + [c.text for c in made]), tuple(made))


def random_kinds(rng: random.Random) -> tuple[str, ...]:
    """One kind (60 %) or a compatible pair."""
    return (rng.choice(list(WORDINGS)),) if rng.random() < 0.6 else rng.choice(PAIRS)


# ---------------------------------------------------------------------------------------------------------------------
# Responses


def _draw(rng, topic, count, comma, avoid, ok=lambda text: True) -> list[str]:
    """`count` sentences without any word of `avoid`, for which `ok` of their joined text holds if that can be had."""
    best: list[str] = []
    for _ in range(60):
        best = []
        for _ in range(count):
            s = prose.sentence(rng, topic, comma)
            for _ in range(30):
                if not avoid & set(s.lower().replace(".", "").replace(",", "").split()):
                    break
                s = prose.sentence(rng, topic, comma)
            else:  # No template escapes these words.
                s = rng.choice(["Many visitors like this place.", "People come here a lot.", "Visitors love such a place."])
            best.append(s)
        if ok(" ".join(best)):
            break
    return best


def _body(rng: random.Random, topic: str, obey: dict[str, dict], count: int | None) -> list[str]:
    """Sentences about `topic` that meet the content constraints in `obey`; `count` sentences where it is given."""
    comma = False if "punctuation:no_comma" in obey else None
    avoid = set(obey.get("keywords:forbidden_words", {}).get("forbidden_words", []))
    n = count or rng.choice([1, 1, 2, 2, 3])
    ok = lambda text: True
    if a := obey.get("length_constraints:number_sentences"):
        k = a["num_sentences"]
        n = k if a["relation"] == "at least" else rng.randint(1, k - 1)
    if a := obey.get("length_constraints:number_words"):
        k = a["num_words"]
        n = 1 if a["relation"] == "less than" else (k + 5) // 6
        size = lambda text: len(text.replace("'", " ").split())
        ok = (lambda text: size(text) < k) if n == 1 else (lambda text: size(text) >= k)
        comma = False if n == 1 else comma
    if a := obey.get("keywords:letter_frequency"):
        k, letter, at_least = a["let_frequency"], a["letter"], a["let_relation"] == "at least"
        n = count or (3 if at_least else 1)
        ok = lambda text: (text.lower().count(letter) >= k) == at_least
    out = _draw(rng, topic, n, comma, avoid, ok)
    if a := obey.get("keywords:existence"):
        out[rng.randrange(len(out))] = f"It makes me think of {' and '.join(a['keywords'])}."
    if a := obey.get("keywords:frequency"):
        k = a["keyword"]
        frames = [f"I see a {k} here.", f"The {k} is nice.", f"It is a good {k}."]
        out[-1] = " ".join(frames[:a["frequency"]])
    if a := obey.get("change_case:capital_word_frequency"):
        words = out[0].split(" ")
        k = min(a["capital_frequency"], len(words))
        at = rng.randrange(len(words) - k + 1)
        out[0] = " ".join(w.upper() if at <= i < at + k else w for i, w in enumerate(words))
    return out


def _structured(rng: random.Random, topic: str, obey: dict[str, dict]) -> str:
    """The response text before its case is changed."""
    body = lambda count=None: _body(rng, topic, obey, count)
    plain = lambda count=None: _body(rng, topic, {k: v for k, v in obey.items() if k in (
        "punctuation:no_comma", "keywords:forbidden_words")}, count)

    def parts(count):  # `count` blocks of one sentence; content that adds sentences lands in the blocks' own text
        made = body(count)
        return made if len(made) == count else made[:count - 1] + [" ".join(made[count - 1:])]

    kind = next((k for k in obey if k in STRUCTURE), "")
    a = obey.get(kind, {})
    match kind:
        case "language:response_language":
            return prose.foreign(rng, a["language"])
        case "detectable_format:constrained_response":
            return rng.choice(["My answer is yes.", "My answer is no.", "My answer is maybe."])
        case "length_constraints:number_paragraphs":
            return "\n***\n".join(parts(a["num_paragraphs"]))
        case "length_constraints:nth_paragraph_first_word":
            blocks = parts(a["num_paragraphs"])
            i = a["nth_paragraph"] - 1
            blocks[i] = f"{a['first_word'].capitalize()} {blocks[i][0].lower()}{blocks[i][1:]}"
            return "\n\n".join(blocks)
        case "detectable_format:number_bullet_lists":
            return "\n".join("* " + b for b in parts(a["num_bullets"]))
        case "detectable_format:multiple_sections":
            return "\n".join(f"{a['section_spliter']} {i + 1}\n{b}" for i, b in enumerate(parts(a["num_sections"])))
        case "detectable_format:json_format":
            return json.dumps({"topic": topic, "text": " ".join(body())})
        case "combination:two_responses":
            return "\n******\n".join([" ".join(body(1)), " ".join(body(2))])
        case "combination:repeat_prompt":
            return a["prompt_to_repeat"] + "\n" + " ".join(body())
        case "detectable_format:title":
            return f"<<{prose.title_case(topic)}>>\n" + " ".join(body())
        case "detectable_content:postscript":
            return " ".join(body()) + f"\n{a['postscript_marker']} " + plain(1)[0]
        case "startend:quotation":
            return '"' + " ".join(body()) + '"'
        case "startend:end_checker":
            return " ".join(body()) + " " + a["end_phrase"]
        case "detectable_content:number_placeholders":
            gaps = [f"[{p}]" for p in rng.sample(PLACEHOLDERS, a["num_placeholders"])]
            return " ".join(body(1)) + " Send a note to " + " or ".join(gaps) + "."
        case "detectable_format:number_highlighted_sections":
            text = body(max(1, a["num_highlights"] - 1))
            words = " ".join(text).split(" ")
            # Single words, never one that ends a sentence, spread over the text.
            spots = [i for i, w in enumerate(words) if w.isalpha() and len(w) > 2]
            for i in sorted(rng.sample(spots, min(a["num_highlights"], len(spots)))):
                words[i] = f"*{words[i]}*"
            return " ".join(words)
    return " ".join(body())


def respond(rng: random.Random, r: Request, obeyed: set[str]) -> str:
    """A response to `r` that obeys the constraints whose ids are in `obeyed` and takes no notice of the others."""
    obey = {c.id: c.kwargs for c in r.constraints if c.id in obeyed}
    text = _structured(rng, r.topic, obey)
    if "change_case:english_lowercase" in obey:
        return text.lower()
    return text.upper() if "change_case:english_capital" in obey else text


def chatty(rng: random.Random, text: str) -> str:
    """`text` between a polite opening and a polite closing."""
    return f"{rng.choice(OPENINGS)} {text} {rng.choice(CLOSINGS)}"
