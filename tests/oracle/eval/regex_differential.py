#!/usr/bin/env python3
"""core/eval/pyre against CPython's re: random patterns over random texts; spans, groups, search, count and
removal must be equal, and so must which patterns are errors.

  regex_differential.py --driver BUILD/tests/check_driver --cases 20000 --seed 1
"""
import argparse
import collections
import json
import random
import re
import signal
import sys
import warnings

from driver import Driver

warnings.simplefilter("ignore")
ATOMS = ["a", "b", "c", "A", "k", "s", "é", "ß", "ı", "İ", "K", "Σ", "ς", "日", " ", "\n", "_", "1", "٣", "-", ".", r"\.", r"\w", r"\W", r"\d", r"\D", r"\s", r"\S",
         "[ab]", "[^ab]", "[a-c]", "[^\\n*]", "[k-t]", r"[\w.]", r"[^\d]", "[À-ÿ]", "[]a]", "[a-]", r"\b", r"\B", "^", "$", r"\A", r"\Z", r"\n", r"\x61", r"\u00e9", "{", "}", "]", "(?i:k)", "(?-i:a)"]
ODD = ["(", ")", "[", "*", "+", "?", "{2}", "{1,2}", "{,2}", "{2,}", "{2,1}", "|", "\\", "(?", "(?P<n>", "(?#x)", "(?i)", "(?s)", "\\1", "\\g", "**", "a++", "(?=", "(?<!", "(?>a)", "[z-a]", "\\8", "\\07", "\\x4"]
LETTERS = list("abcABCksKSéßıİKſΣςσ日 \n_1٣-.*") + ["\r\n", "\x1c", "\x85", " ", "ab", "aa"]


def pattern(rnd, depth=0):
    r = rnd.random()
    if depth > 3 or r < 0.45:
        return rnd.choice(ATOMS)
    if r < 0.62:
        return pattern(rnd, depth + 1) + pattern(rnd, depth + 1)
    if r < 0.72:
        return rnd.choice(["(", "(?:"]) + pattern(rnd, depth + 1) + ")"
    if r < 0.82:
        return rnd.choice(["(", "(?:"]) + pattern(rnd, depth + 1) + "|" + pattern(rnd, depth + 1) + ")"
    if r < 0.86:
        return pattern(rnd, depth + 1) + "|" + pattern(rnd, depth + 1)
    if r < 0.92:
        return rnd.choice(["(?=", "(?!", "(?<=", "(?<!"]) + pattern(rnd, depth + 1) + ")"
    body = rnd.choice(["(?:" + pattern(rnd, depth + 1) + ")", rnd.choice(ATOMS), "(" + pattern(rnd, depth + 1) + ")"])
    return body + rnd.choice(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}?", "{2,}"])


class Timeout(Exception):
    pass


def on_alarm(*_):
    raise Timeout


def theirs(request):
    flags = 0
    for letter, flag in (("i", re.I), ("m", re.M), ("s", re.S)):
        flags |= flag if letter in request["flags"] else 0
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        regex = re.compile(request["pattern"], flags)
        matches = [[list(m.span(i)) for i in range(regex.groups + 1)] for m in regex.finditer(request["text"])]
        return {"matches": matches, "search": bool(regex.search(request["text"])), "count": len(regex.findall(request["text"])), "removed": regex.sub("", request["text"])}
    except (re.error, OverflowError) as error:
        return {"error": str(error)}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--driver", required=True)
    parser.add_argument("--cases", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rnd = random.Random(args.seed)
    signal.signal(signal.SIGALRM, on_alarm)
    driver = Driver(args.driver, "regex")
    counts = collections.Counter()
    for _ in range(args.cases):
        text = pattern(rnd)
        if rnd.random() < 0.15:
            at = rnd.randint(0, len(text))
            text = text[:at] + rnd.choice(ODD) + text[at:]
        request = {"pattern": text, "flags": "".join(f for f in "ims" if rnd.random() < 0.3), "text": "".join(rnd.choices(LETTERS, k=rnd.randint(0, 14)))}
        ours = driver.ask(request)
        try:
            reference = theirs(request)
        except (Timeout, RecursionError):
            counts["the reference runs away"] += 1
            continue
        if "error" in ours and ours.get("unsupported"):
            counts["not supported"] += 1
            continue
        if "error" in ours or "error" in reference:
            same = "error" in ours and "error" in reference
            counts["both refuse"] += same
        else:
            same = ours == reference
            if not same and all(ours[k] == reference[k] for k in ("search", "count", "removed")):
                # CPython keeps what a group matched in a round that backtracking has undone.
                counts["only a group differs"] += 1
                if counts["only a group differs"] <= 5:
                    print("GROUP", json.dumps(request, ensure_ascii=False), ours["matches"], reference["matches"], file=sys.stderr)
                continue
            counts["equal"] += same
        if not same:
            counts["DIFFERENT"] += 1
            if counts["DIFFERENT"] <= 20:
                print("DIFFERENT", json.dumps(request, ensure_ascii=False), ours, reference, file=sys.stderr)
    print(json.dumps({"seed": args.seed, **counts}))
    return 1 if counts["DIFFERENT"] else 0


if __name__ == "__main__":
    sys.exit(main())
