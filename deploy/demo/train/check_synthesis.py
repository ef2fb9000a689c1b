"""Holds our synthetic obedient answers to lm-eval's checkers: the share that passes, for every kind and pair."""

import collections
import random

import evaluate
import instructions


def main() -> None:
    rng, passed, failed = random.Random(5), collections.Counter(), {}
    kinds = [(k,) for k in instructions.WORDINGS] * 12 + instructions.PAIRS
    for kind in kinds:
        r = instructions.request(rng, kind)
        text = instructions.respond(rng, r, set(kind))
        row = {"prompt": r.prompt, "instruction_id_list": [c.id for c in r.constraints],
               "kwargs": [c.kwargs for c in r.constraints]}
        verdict = evaluate.follows(row, text)
        for k, v in zip(row["instruction_id_list"], verdict):
            passed[k, v] += 1
            if not v:
                failed[k] = (r.prompt, text)
    for k in sorted(instructions.WORDINGS):
        n = passed[k, True] + passed[k, False]
        print(f"{passed[k, True] / n:.2f} of {n:3d} {k}" + (f"   e.g. {failed[k]}" if k in failed else ""))


if __name__ == "__main__":
    main()
