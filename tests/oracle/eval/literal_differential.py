#!/usr/bin/env python3
"""Our reader of Python literals against ast.literal_eval: generated literals in all their spellings, and the same with
single characters changed.

  literal_differential.py --driver BUILD/tests/check_driver --cases 20000 --seed 1

What Python refuses, we must refuse; what both have, must be equal; what Python reads and a task cannot use (bytes, sets, dicts,
complex numbers, half surrogates, numbers beyond 64 bits, more than 16 levels) must be refused as that.
"""
import argparse
import ast
import collections
import json
import math
import random
import sys
import warnings

from driver import Driver

QUOTES = ["'", '"', "'''", '"""']
PIECES = ["a", "yes", "No.", " ", "é", "日本", "👍", "'", '"', "''", '""', "[x]", "(y)", ",", "#", "{", "\\n", "\\\\", "\\'", '\\"', "\\t", "\\x41", "\\xe9", "\\u00e9", "\\U0001F600", "\\0", "\\101", "\\7", "\\777", "\\q", "\\d", "\\\n", "\n", "\r\n", "\r", "\t",
          "\\ud83d", "\\N{BULLET}", "\\x4", "\\u12", "\\", "\x0b", "\u00a0"]
CHARACTERS = list("'\"[](),.+-_\\#rRuUbBfFjJeExX0123456789{}:=* \t\n\r\x0c\x0b") + ["True", "None", "é", "\u00a0", "\x00", "...", "\\\n"]

UNREAD = ["a character by its name", "a sign before a bracket", "more than 16 levels"]  # forms that Python reads and we refuse by name


class Unusable(Exception):
    pass


def usable(value, depth=0):
    """The value as JSON has it."""
    if depth > 16:
        raise Unusable
    if isinstance(value, (list, tuple)):
        return [usable(element, depth + 1) for element in value]
    if isinstance(value, str):
        if any(0xD800 <= ord(c) < 0xE000 for c in value):
            raise Unusable
        return value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise Unusable


def string(rnd):
    quote = rnd.choice(QUOTES)
    prefix = rnd.choice(["", "", "", "", "r", "R", "u", "U"] if rnd.random() < 0.93 else ["b", "f", "br", "Rb", "ur", "fr"])
    pieces = PIECES if rnd.random() < 0.15 else [piece for piece in PIECES[:30] if quote[0] not in piece or piece[0] == "\\"]
    return prefix + quote + "".join(rnd.choice(pieces) for _ in range(rnd.randint(0, 5))) + quote


def number(rnd):
    text = rnd.choice(["0", "7", "12", "3.5", "42", "-3", "+5", "- 8", "1_000", "0x1F", "0b101", "0o17", "007", "00", "1.5", ".5", "5.", "-1e3", "1E-2", "1_0.5e1_0", "1e999", "2j", "1+2j", "--1", "-True", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1__0", "0x_f", "0xG",
                       "-0.0", "1.e3", "08.5", "0e0", "1e", "0_7", "1a", "-(1)", "- .5"])
    return text if rnd.random() < 0.5 else str(rnd.randint(-10**6, 10**6)) + rnd.choice(["", "", ".25", "e2"])


def value(rnd, depth):
    kind = rnd.random()
    if depth < 4 and kind < 0.35:
        inside = [value(rnd, depth + 1) for _ in range(rnd.randint(0, 4))]
        space = rnd.choice(["", " ", "\n", "\n  ", " # c\n", "\\\n"])
        opening, closing = rnd.choice(["[]", "()"])
        return opening + space + ("," + space).join(inside) + rnd.choice(["", "", "", ",", space]) + closing
    if kind < 0.8:
        return rnd.choice(["", "", " "]).join(string(rnd) for _ in range(rnd.choice([1, 1, 1, 2])))
    if kind < 0.93:
        return number(rnd)
    return rnd.choice(["True", "False", "None", "...", "{1}", "{'a': 1}", "set()", "x", "true", "Truex", "None1", "[" * 17 + "]" * 17, "[" * 16 + "]" * 16])


def case(rnd):
    text = rnd.choice(["", "", "", "", "", " ", "\n", "\t", "# c\n", "\n ", "\x0c"]) + value(rnd, rnd.choice([0, 0, 1]))
    if rnd.random() < 0.15:
        text += rnd.choice([",", ", 2", ", 'a',", " 'b'", "\n'b'", ",\n1"])
    text += rnd.choice(["", "", "", "", "", "", "", " ", "\n", " # c", "\n\n # c\n", "\n 1", ";", "\\\n"])
    for _ in range(rnd.choice([0, 0, 0, 0, 0, 1, 2])):
        at = rnd.randint(0, len(text))
        text = text[:at] + rnd.choice(["", rnd.choice(CHARACTERS)]) + text[at + rnd.randint(0, 1):]
    return text


def theirs(text):
    try:
        read = ast.literal_eval(text)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return "refused"
    try:
        return json.dumps(usable(read))
    except Unusable:
        return "unusable"


def main():
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("--driver", required=True)
    parser.add_argument("--cases", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rnd = random.Random(args.seed)
    driver = Driver(args.driver, "literals")
    counts = collections.Counter()
    for _ in range(args.cases):
        text = case(rnd)
        ours, python = driver.ask({"text": text}), theirs(text)
        kind = python if python in ("refused", "unusable") else "read"
        counts[kind] += 1
        if ours.get("unsupported") and any(form in ours["error"] for form in UNREAD):
            counts["unread"] += 1
            continue
        same = ours.get("unsupported") is True if kind == "unusable" else "error" in ours if kind == "refused" else "value" in ours and json.dumps(ours["value"]) == python
        if not same:
            counts["DIFFERENT"] += 1
            if counts["DIFFERENT"] <= 10:
                print(f"DIFFERENT {text!r}\n  ours   {ours}\n  python {python}", file=sys.stderr)
    print(json.dumps({"seed": args.seed, **counts}))
    return 1 if counts["DIFFERENT"] or not counts["read"] else 0


if __name__ == "__main__":
    sys.exit(main())
