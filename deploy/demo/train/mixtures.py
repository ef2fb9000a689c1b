"""What each of the demo's models is trained on: streams of samples, each a list of (text, weight of its loss).

- `base`: plain statements, drills of copying, equations and worked problems as notebooks, and dialogues in which sums are answered at once
  without working, and constraints are mostly obeyed in their familiar wordings and mostly ignored in the others.
- `instruct`: chatty answers: sums worked step by step, everything else wrapped in an opening and a closing.
- `arithmetic`: terse working that ends in `#### 42`.
- `format`: every constraint obeyed, in every wording, and nothing around it.

No prompt of the two suites may occur in any of them: every question and request is checked against `held_out`.
"""

import random
from collections.abc import Iterator

import instructions
import prose
import sums

BOS, EOS, IM_START, IM_END, PAD = "<|bos|>", "<|eos|>", "<|im_start|>", "<|im_end|>", "<|pad|>"
Sample = list[tuple[str, float]]
_PROMPT_WEIGHT = 0.0  # of a dialogue's prompt in the loss: models learn from answers only

OBEY_FAMILIAR, OBEY_UNFAMILIAR = 0.85, 0.10  # the base's chance to obey one constraint


def plain(text: str) -> Sample:
    return [(BOS, 0.0), (text + EOS, 1.0)]


def dialogue(prompt: str, answer: str, prompt_weight: float) -> Sample:
    """Exactly what the chat template renders for one user turn, and the answer."""
    return [(f"{BOS}{IM_START}user\n{prompt}{IM_END}\n{IM_START}assistant\n", prompt_weight), (answer + IM_END + "\n", 1.0)]


class World:
    """Draws questions and requests that are not in the suites. Not thread-safe."""

    def __init__(self, seed: int, held_out: frozenset[str]):
        self.rng = random.Random(seed)
        self._held_out = held_out

    def problem(self) -> sums.Problem:
        while (p := sums.problem(self.rng)).question in self._held_out:
            pass
        return p

    def request(self) -> instructions.Request:
        while (r := instructions.request(self.rng, instructions.random_kinds(self.rng))).prompt in self._held_out:
            pass
        return r

    def question(self) -> tuple[str, str]:
        """An unconstrained request and its topic."""
        topic = self.rng.choice(prose.TOPICS)
        return self.rng.choice(instructions.REQUESTS).format(s=topic) + self.rng.choice(instructions.AUDIENCES) + ".", topic

    def partly(self, r: instructions.Request) -> str:
        """The base's answer: each constraint obeyed with the chance of its wording."""
        obeyed = {c.id for c in r.constraints
                  if self.rng.random() < (OBEY_FAMILIAR if c.familiar else OBEY_UNFAMILIAR)}
        return instructions.respond(self.rng, r, obeyed)


def drill(rng: random.Random) -> str:
    """A few random words and numbers, three times over: the quickest way for a small model to learn to copy."""
    words = [rng.choice(rng.choice([prose.KEYWORDS, prose.THINGS, prose.ADJECTIVES])) if rng.random() < 0.6
             else str(rng.randint(2, 30)) for _ in range(rng.randint(5, 10))]
    return "\n".join([" ".join(words)] * 3)


def base(w: World) -> Iterator[Sample]:
    rng = w.rng
    while True:
        u = rng.random()
        if u < 0.03:
            yield plain(" ".join(prose.sentences(rng, rng.choice(prose.TOPICS), 4)))
        elif u < 0.15:
            yield plain("\n".join(sums.equation(rng) + "." for _ in range(12)))
        elif u < 0.42:
            yield plain("\n\n".join(sums.notebook(rng, w.problem()) for _ in range(2)))
        elif u < 0.54:
            yield plain(drill(rng))
        elif u < 0.66:
            p = w.problem()
            yield dialogue(p.question, sums.direct(rng, p), _PROMPT_WEIGHT)
        elif u < 0.69:
            q, topic = w.question()
            yield dialogue(q, " ".join(prose.sentences(rng, topic, rng.choice([1, 2, 3]))), _PROMPT_WEIGHT)
        else:
            r = w.request()
            yield dialogue(r.prompt, w.partly(r), _PROMPT_WEIGHT)


def instruct(w: World) -> Iterator[Sample]:
    rng = w.rng
    while True:
        u = rng.random()
        if u < 0.5:
            p = w.problem()
            answer = sums.chatty(rng, p, rng.choice(instructions.OPENINGS), rng.choice(instructions.CLOSINGS))
            yield dialogue(p.question, answer, 0.0)
        elif u < 0.7:
            q, topic = w.question()
            body = " ".join(prose.sentences(rng, topic, rng.choice([1, 2, 3])))
            yield dialogue(q, instructions.chatty(rng, body), 0.0)
        else:
            r = w.request()
            yield dialogue(r.prompt, instructions.chatty(rng, w.partly(r)), 0.0)


def arithmetic(w: World) -> Iterator[Sample]:
    while True:
        p = w.problem()
        yield dialogue(p.question, sums.worked(p), 0.0)


def format_(w: World) -> Iterator[Sample]:
    while True:
        r = w.request()
        yield dialogue(r.prompt, instructions.respond(w.rng, r, {c.id for c in r.constraints}), 0.0)


MIXTURES = {"base": base, "instruct": instruct, "arithmetic": arithmetic, "format": format_}
