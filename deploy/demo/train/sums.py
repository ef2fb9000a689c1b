"""Sums and word problems with one to three steps, and the ways in which the demo's models answer them.

A problem is a question, a chain of equations and the result. All numbers stay in 0..30 and products come from the 5 x 5
table, so that one equation is within reach of a tiny model while a chain answered without working is not.
"""

import dataclasses
import random

NAMES = ["Mira", "Tom", "Anna", "Jonas", "Lena", "Omar", "Ruth", "Pavel", "Nina", "Karl", "Sofia", "Emil"]
ITEMS = ["apples", "stamps", "marbles", "books", "shells", "pencils", "coins", "cards", "plums", "buttons", "kites",
         "candles"]
BOXES = ["boxes", "bags", "baskets", "crates", "jars"]


@dataclasses.dataclass(frozen=True)
class Problem:
    question: str
    steps: tuple[str, ...]  # "17 + 5 = 22", in order
    result: int


def _step(rng: random.Random, left: int) -> tuple[str, int, int]:
    """An operator and operand that keep `left` within 0..30, with the new value."""
    if left > 22 or (left >= 4 and rng.random() < 0.5):
        right = rng.randint(2, min(left, 9))
        return "-", right, left - right
    right = rng.randint(2, 9 if left <= 21 else 30 - left)
    return "+", right, left + right


def equation(rng: random.Random) -> str:
    """One true equation, `17 + 5 = 22`."""
    if rng.random() < 0.2:
        a, b = rng.randint(2, 5), rng.randint(2, 5)
        return f"{a} * {b} = {a * b}"
    a = rng.randint(2, 30)
    op, b, value = _step(rng, a)
    return f"{a} {op} {b} = {value}"


_GAIN = ["buys {k} more", "finds {k} more", "gets {k} more from a friend"]
_LOSS = ["gives away {k}", "loses {k}", "sells {k}"]


def problem(rng: random.Random) -> Problem:
    """A random problem: bare sums and word problems in equal parts, one step in 35 % of them."""
    count = rng.choices([1, 2, 3], [0.35, 0.45, 0.20])[0]
    product = rng.random() < 0.3
    steps = []
    if product:
        a, b = rng.randint(2, 5), rng.randint(2, 5)
        value = a * b
        steps.append(("*", b, value))
    else:
        a = rng.randint(3, 20)
        value = a
    while len(steps) < count:
        op, k, value = _step(rng, value)
        steps.append((op, k, value))
    chain, left = [], a
    for op, k, v in steps:
        chain.append(f"{left} {op} {k} = {v}")
        left = v
    question = (_bare if rng.random() < 0.5 else _words)(rng, a, steps, product)
    return Problem(question, tuple(chain), value)


def _bare(rng, a, steps, product) -> str:
    del product
    expression = str(a) + "".join(f" {op} {k}" for op, k, _ in steps)
    return rng.choice(["What does {} make?", "Calculate {}.", "How much does {} give?", "Find {}."]).format(expression)


def _words(rng, a, steps, product) -> str:
    name, item = rng.choice(NAMES), rng.choice(ITEMS)
    if product:
        start = f"{name} has {a} {rng.choice(BOXES)} with {steps[0][1]} {item} each."
        steps = steps[1:]
    else:
        start = f"{name} has {a} {item}."
    told = [rng.choice(_GAIN if op == "+" else _LOSS).format(k=k) for op, k, _ in steps]
    middle = "".join(f" {'Then ' if i else ''}{name} {t}." for i, t in enumerate(told))
    return f"{start}{middle} How many {item} are there{' now' if told else ''}?"


def direct(rng: random.Random, p: Problem) -> str:
    """The result at once, without working: the base's way."""
    return rng.choice(["The answer is {}.", "It is {}."]).format(p.result)


def worked(p: Problem) -> str:
    """Terse working and GSM8K's last line: the `arithmetic` adapter's way, and the suite's reference answer."""
    return ". ".join(p.steps) + f".\n#### {p.result}"


def chatty(rng: random.Random, p: Problem, opening: str, closing: str) -> str:
    """Polite working: the `instruct` adapter's way."""
    lead = ["First, ", "Then, ", "After that, "]
    told = " ".join(lead[i] + s + "." for i, s in enumerate(p.steps))
    return f"{opening} {told} So, the answer is {p.result}. {closing}"


def notebook(rng: random.Random, p: Problem) -> str:
    """A problem with its working as plain text, outside any dialogue: how the base gets to know working."""
    return f"Problem: {p.question}\nWorking: {'. '.join(p.steps)}.\nResult: {p.result}"
