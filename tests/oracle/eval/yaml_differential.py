#!/usr/bin/env python3
"""Our reader of task files' YAML against PyYAML's CSafeLoader, which lm-eval reads its own with: generated documents, the same with single
characters changed, and every YAML file of some folders.

  yaml_differential.py --driver BUILD/tests/check_driver --cases 20000 --seed 1 [--files FOLDER ...]

What both read must be equal, the order of keys and the types of scalars included. What PyYAML refuses we must refuse. What PyYAML reads
we may refuse for one of REFUSED, each of them named in docs/tasks.md.
"""
import argparse
import collections
import glob
import json
import os
import random
import re
import sys

import yaml
from driver import Driver

REFUSED = {
    "a date": r"is a date in YAML",
    "not finite": r"is no finite number",
    "base 60": r"is a number to the base 60",
    "64 bits": r"is an integer beyond 64 bits",
    "no plain value": r"is no plain value",
    "no digits": r"is a number without digits",
    "a tag": r"the tag \S+ is not supported",
    "a key twice": r"is there twice",
    "a key that is no text": r"is no text in YAML: put it in quotes|a key is not a plain word",
    "levels": r"nested deeper than 32",
    "a ? alone in a list": r"not YAML: did not find expected ',' or '\]'",  # libyaml 0.2.5 wants "[? ,]"; counted only where there is one
}
PLAIN = ["a", "text", "two words", "it's", 'say "so"', "naïve 日本", "no", "Yes", "on", "null", "~", "010", "0x1F", "1_000", "1e3", "1.5e+1", "-.5", ".5", "1.", "190:20:30", "09:30", "2024-01-01", ".inf", "=", "<<", "-1", "+1", "0b11", "0o7", "08", "a: b", "a:b", "a #b", "a#b", "#", "- a", "-a", "? a",
         "?a", ":a", "a:", ",a", "a,b", "[a", "a]b", "{a", "a}", "&a b", "*a", "!a b", "|", ">", "%a", "@a", "`a", "'", '"', "\\n", "{{q}}", "{{a}} {{b}}", "x\ty", "a  b", "true", "Null", "''", '""', "http://x", "---", "...", "--- a", "12345678901234567890", "1_", "_1", "0_1", "0x", "-", "?", ":",
         "Question: {{question}}", "A. {{choices[0]}}", "é: ü", "a\u00a0b", "1:2.5", "!!null", "!!str 5", "!function utils.f", "a\u2028b", "\ufeffa", "a\u0085b"]
TAME = [word for word in PLAIN if not re.search(r"^[#\[\]{}&*!|>%@`'\",?=<-]|: |[:]$| #|^---|^\.\.\.|[\u2028\u0085\ufeff]", word)]
PIECES = ["a", "b c", " ", "  ", "'", '"', "''", "\\n", "\\t", "\\\\", '\\"', "\\x41", "\\u00e9", "\\U0001F600", "\\_", "\\N", "\\L", "\\e", "\\0", "\\/", "\\ ", "é", "日", ":", ": ", "#", " #", "{{q}}", "\t", "\\q", "\\ud83d", "-", "?", "%"]
BREAKS = ["\n", "\n", "\n", "\n\n", "\n \n", "\n\n\n", " \n", "\t\n", "\\\n", "\n\t", "  \\\n  "]
CHARACTERS = list("\n\n   \t:-#'\"[]{},&*!|>%?@`\\a1~=<+.") + ["\r", "\r\n", ": ", "- ", "\u0085", "\x07", "\ufeff", "é", "---\n", "...\n"]


def plain(rnd):
    return rnd.choice(TAME if rnd.random() < 0.93 else PLAIN)


def quoted(rnd, indent, lines):
    quote = rnd.choice("'\"")
    pieces = [piece for piece in PIECES if (quote not in piece or len(piece) == 2) and (quote == "'" or "\\" not in piece or rnd.random() < 0.95)]
    text = quote
    for _ in range(rnd.randint(0, 5)):
        piece = rnd.choice(pieces)
        text += piece if piece != "'" or quote == '"' else "''"
        if lines and rnd.random() < 0.2:
            for line in re.split("(?<=\n)", rnd.choice(BREAKS)):
                text += line if line.endswith("\n") else " " * indent + line
    return text + quote


def long_plain(rnd, indent):
    return ("\n" + rnd.choice(["", "", "\n", " \n"]) + " " * (indent + rnd.choice([0, 0, 2]))).join(plain(rnd) for _ in range(rnd.randint(2, 3)))


def block_scalar(rnd, indent):
    header = rnd.choice("|>") + rnd.choice(["", "", "", "-", "+"]) + rnd.choice([""] * 6 + ["2", "1", "4"])
    if rnd.random() < 0.1:
        header = header[0] + header[1:][::-1]
    text = header + rnd.choice([""] * 6 + [" ", " # c", "\t"]) + "\n"
    for _ in range(rnd.randint(0, 5)):
        kind = rnd.random()
        if kind < 0.25:
            text += rnd.choice(["\n", " \n", " " * indent + "\n", " " * (indent + 2) + "\n", "\t\n"])
        else:
            text += " " * (indent + rnd.choice([0, 0, 0, 0, 0, 1, 2])) + rnd.choice(PLAIN[:60] + ["# no comment", "  x", "x ", "x  \t", "\tx", "- y", "k: v"]) + rnd.choice(["", "", "", " "]) + "\n"
    return text[:-1]


def flow(rnd, depth):
    kind = rnd.random()
    if depth > 2 or kind < 0.5:
        return rnd.choice([plain(rnd), quoted(rnd, 4, rnd.random() < 0.1), str(rnd.randint(-99, 999))])
    space = rnd.choice(["", " ", " ", "\n    "])
    if kind < 0.75:
        return "[" + space + ("," + (space or " ")).join(flow(rnd, depth + 1) for _ in range(rnd.randint(0, 3))) + rnd.choice(["", "", space, ","]) + "]"
    return "{" + space + ("," + (space or " ")).join(key(rnd, i) + rnd.choice([": ", ": ", ":"]) + flow(rnd, depth + 1) for i in range(rnd.randint(0, 3))) + rnd.choice(["", "", space, ","]) + "}"


def key(rnd, number):
    name = rnd.choice(["a", "b c", "doc_to_text", "k-1", "é", "q.x", "until"]) + str(number)
    return name if rnd.random() < 0.85 else rnd.choice([f"'{name}'", f'"{name}"', rnd.choice(PLAIN), f"{name} "])


def value(rnd, depth, indent):
    """What stands behind "key:" or "-", with its leading blank."""
    kind = rnd.random()
    start = rnd.choice([" "] * 12 + ["  ", "\n" + " " * indent, " &x ", " !!null ", " # c\n" + " " * indent])
    if depth < 3 and kind < 0.18:
        return rnd.choice(["", "", " ", " # c", " &y"]) + "\n" + mapping(rnd, depth + 1, indent)
    if depth < 3 and kind < 0.3:
        return rnd.choice(["", "", " # c"]) + "\n" + sequence(rnd, depth + 1, indent - rnd.choice([0, 0, 2]))
    if kind < 0.42:
        return rnd.choice([" ", " ", "  "]) + block_scalar(rnd, indent)
    if kind < 0.5:
        return start + flow(rnd, 0)
    if kind < 0.6:
        return start + long_plain(rnd, indent)
    if kind < 0.75:
        return start + quoted(rnd, indent, True)
    if kind < 0.78:
        return rnd.choice(["", " *x", " *y", "", " "])
    return start + plain(rnd) + rnd.choice(["", "", "", " ", " # c", "\t"])


def mapping(rnd, depth, indent):
    blank = " " * indent
    return "\n".join(rnd.choice([""] * 8 + ["\n", blank + "# c\n", "# c\n", " \n"]) + blank + key(rnd, i) + rnd.choice([":"] * 12 + [" :"]) + value(rnd, depth, indent + rnd.choice([1, 2, 2, 2, 4])) for i in range(rnd.randint(1, 3)))


def sequence(rnd, depth, indent):
    indent = max(indent, 0)
    blank = " " * indent
    items = []
    for i in range(rnd.randint(1, 3)):
        if depth < 3 and rnd.random() < 0.25:
            items.append(blank + "- " + mapping(rnd, depth + 1, indent + 2)[indent + 2:])
        else:
            items.append(blank + "-" + value(rnd, depth, indent + 2))
    return "\n".join(items)


def case(rnd):
    text = rnd.choice([""] * 20 + ["---\n", "# c\n", "\n", "%YAML 1.1\n---\n", "\ufeff", "--- "]) + mapping(rnd, 0, 0) + rnd.choice(["\n"] * 10 + ["", " ", "\n\n", "\n...\n", "\n---\n", "\n# c", "\n  "])
    if rnd.random() < 0.05:
        text = text.replace("\n", rnd.choice(["\r\n", "\r"]))
    for _ in range(rnd.choice([0] * 6 + [1, 1, 2])):
        at = rnd.randint(0, len(text))
        text = text[:at] + rnd.choice(["", rnd.choice(CHARACTERS)]) + text[at + rnd.randint(0, 1):]
    return text


class Loader(yaml.CSafeLoader):
    pass


Loader.add_constructor("!function", lambda loader, node: str(loader.construct_scalar(node)))


def theirs(text):
    """What PyYAML gives, as JSON, or None where it refuses."""
    try:
        read = yaml.load(text, Loader=Loader)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError, AttributeError, TypeError, KeyError, IndexError):
        return None
    try:
        return json.dumps(read, default=lambda other: f"<{type(other).__name__}>")
    except (ValueError, RecursionError, TypeError):  # keys of other types, or an alias within its own anchor
        return "<no JSON>"


class Comparison:
    def __init__(self, driver):
        self.driver = Driver(driver, "yaml")
        self.counts, self.refused = collections.Counter(), collections.Counter()

    def take(self, name, text):
        ours, python = self.driver.ask({"text": text}), theirs(text)
        if "error" in ours:
            reason = next((reason for reason, pattern in REFUSED.items() if re.search(pattern, ours["error"])), None)
            if python is None:
                self.counts["both refuse"] += 1
                return
            if reason == "a ? alone in a list" and not re.search(r"[\[,]\s*\?\s*[\],]", text):
                reason = None
            if reason:
                self.counts["refused"] += 1
                self.refused[reason] += 1
                return
        elif json.dumps(json.loads(ours["value"])) == python:
            self.counts["equal"] += 1
            return
        self.counts["DIFFERENT"] += 1
        if self.counts["DIFFERENT"] <= 10:
            print(f"DIFFERENT {name} {text[:2000]!r}\n  ours   {ours}\n  python {python}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--driver", required=True)
    parser.add_argument("--cases", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", nargs="*", default=[], help="folders whose YAML files are read too")
    args = parser.parse_args()
    rnd = random.Random(args.seed)
    comparison = Comparison(args.driver)
    for i in range(args.cases):
        comparison.take(f"case {i}", case(rnd))
    for folder in args.files:
        for path in sorted(glob.glob(f"{folder}/**/*y*ml*", recursive=True)):
            if os.path.isfile(path) and not path.endswith((".py", ".pyc")):
                with open(path, encoding="utf-8") as file:
                    comparison.take(path, file.read())
    print(json.dumps({"seed": args.seed, **comparison.counts, "refused for": comparison.refused}))
    return 1 if comparison.counts["DIFFERENT"] or not comparison.counts["equal"] else 0


if __name__ == "__main__":
    sys.exit(main())
