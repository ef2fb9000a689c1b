#!/usr/bin/env python3
"""Our numeric reference scores against lm-eval's own filters and exact_match, on generated responses.

  numeric_differential.py --driver BUILD/tests/check_driver --cases 5000 --seed 1
"""
import argparse
import collections
import json
import random
import sys

from driver import Driver
from lm_eval.api.metrics import exact_match_hf_evaluate
from lm_eval.filters.extraction import RegexFilter
from lm_eval.filters.selection import TakeFirstFilter

IGNORE = [",", "\\$", "(?s).*#### ", "\\.$"]
FLEXIBLE = RegexFilter(r"(-?[$0-9.,]{2,})|(-?[0-9]+)", group_select=-1)
STRICT = {False: RegexFilter(r"#### (\-?[0-9\.\,]+)"), True: RegexFilter(r"The answer is (\-?[0-9\.\,]+).")}
PIECES = ["#### ", "####", "####  ", "The answer is ", "the answer is ", "$", "\\$", "-", "−", ".", ",", "...", " ", "\n", "%", "€", "18", "1,234", "1,234.50", "0.5", ".5", "29.00", "007", "1e3",
          "3/4", "12:30", "2024-05-01", "\\boxed{42}", "**7**", "x = 3", "GPT4", "٣", "²", "１２", "İ", "Σ", "\x00", "apples", "So ", "He has ", "\r\n", "1 000", "-$5", "$-5", "5-3", "#### 18\n#### 19", ")"]
TARGETS = ["18", "#### 18", "He buys 3. 3*6=18\n#### 18", "1,234", "#### 1,234.50", "-5", "$29", "0.5", "29.00", "3", "7.", "42", "1000", "#### -3"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--driver", required=True)
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rnd = random.Random(args.seed)
    driver = Driver(args.driver, "numeric")
    counts = collections.Counter()
    for _ in range(args.cases):
        target = rnd.choice(TARGETS)
        response = "".join(rnd.choices(PIECES, k=rnd.randint(0, 8)))
        if rnd.random() < 0.5:
            response += rnd.choice(["", "#### ", "The answer is ", " $"]) + target.split("#### ")[-1] + rnd.choice(["", ".", " apples.", "..", "\n"])
        request = {"target": target, "response": response, "cot": rnd.random() < 0.5}
        ours = driver.ask(request)
        for metric, chosen in (("numeric_reference_strict", STRICT[request["cot"]]), ("numeric_reference_flexible", FLEXIBLE)):
            filtered = list(TakeFirstFilter().apply(chosen.apply([[response]], [{}]), [{}]))[0]
            score = exact_match_hf_evaluate([filtered], [target], regexes_to_ignore=IGNORE, ignore_case=True)["exact_match"]
            counts["compared"] += 1
            counts["matched"] += int(score)
            if score != ours[metric]:
                counts["DIFFERENT"] += 1
                if counts["DIFFERENT"] <= 20:
                    print(f"DIFFERENT {metric} reference {score} ours {ours[metric]} filtered {filtered!r}: {request!r}", file=sys.stderr)
    print(json.dumps({"seed": args.seed, **counts}))
    return 1 if counts["DIFFERENT"] else 0


if __name__ == "__main__":
    sys.exit(main())
