"""Greedy answers of the base and every good adapter to both suites, scored; prints the matrix and paired tests.

Instructions are checked by lm-eval's own IFEval classes, strict; a numeric answer is right when the last number of the
response equals the target. Models run in fp32 on CPU. `--out FILE` keeps the responses as JSON lines; `--read FILE...`
prints the matrix of responses kept earlier (so that subjects can be run in processes of their own) and runs no model.
"""

import argparse
import json
import math
import os
import random
import re
import time

os.environ["HF_HUB_OFFLINE"] = "1"

import peft
import torch
import transformers
from lm_eval.tasks.ifeval import instructions_registry

import suites
import train

GOOD = ["instruct", "arithmetic", "format"]
MAX_NEW_TOKENS = 96


def follows(row: dict, response: str) -> list[bool]:
    """Strict verdict for every instruction of `row`."""
    out = []
    for kind, kwargs in zip(row["instruction_id_list"], row["kwargs"]):
        checker = instructions_registry.INSTRUCTION_DICT[kind](kind)
        checker.build_description(**kwargs)
        args = checker.get_instruction_args()
        if args and "prompt" in args:
            checker.build_description(prompt=row["prompt"])
        out.append(bool(response.strip()) and bool(checker.check_following(response)))
    return out


def numeric(row: dict, response: str) -> bool:
    found = re.findall(r"-?\d[\d,]*(?:\.\d+)?", response)
    target = row["answer"].rsplit("#### ", 1)[1]
    return bool(found) and float(found[-1].replace(",", "")) == float(target)


@torch.inference_mode()
def answer(model, tokenizer, prompts: list[str], batch: int = 60) -> list[str]:
    """Greedy responses, in the prompts' order; batches of like length, padded on the left."""
    texts = [tokenizer.apply_chat_template([{"role": "user", "content": p}], add_generation_prompt=True, tokenize=False)
             for p in prompts]
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    out = [""] * len(texts)
    for begin in range(0, len(order), batch):
        rows = order[begin:begin + batch]
        inputs = tokenizer([texts[i] for i in rows], return_tensors="pt", padding=True, padding_side="left",
                           add_special_tokens=False)
        ids = model.generate(input_ids=inputs.input_ids, attention_mask=inputs.attention_mask,
                             max_new_tokens=MAX_NEW_TOKENS, do_sample=False)
        for i, text in zip(rows, tokenizer.batch_decode(ids[:, inputs.input_ids.shape[1]:], skip_special_tokens=True)):
            out[i] = text
    return out


def mcnemar(a: list[bool], b: list[bool]) -> float:
    """Exact two-sided McNemar test of paired outcomes."""
    lost = sum(x and not y for x, y in zip(a, b))
    won = sum(y and not x for x, y in zip(a, b))
    n = lost + won
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(min(lost, won) + 1)) / 2 ** n) if n else 1.0


def run(subject: str, rows: dict[str, list[dict]]) -> list[dict]:
    """One record for every row of both suites: the subject's response and its verdicts."""
    random.seed(0)  # of lm-eval's checkers
    tokenizer = transformers.AutoTokenizer.from_pretrained(train.BASE)
    model = transformers.AutoModelForCausalLM.from_pretrained(train.BASE, dtype=torch.float32)
    if subject != "base":
        model = peft.PeftModel.from_pretrained(model, train.ADAPTERS / subject)
    model.eval()
    begin, out = time.time(), []
    for task, key, check in [("demo_instructions", "prompt", follows), ("demo_arithmetic", "question", numeric)]:
        for r, text in zip(rows[task], answer(model, tokenizer, [r[key] for r in rows[task]])):
            verdict = check(r, text)
            out.append({"subject": subject, "task": task, "prompt": r[key], "kinds": r.get("instruction_id_list", []),
                        "response": text, "verdict": verdict if isinstance(verdict, list) else [verdict]})
    print(f"{subject}: answered in {time.time() - begin:.0f} s", flush=True)
    return out


def report(records: list[dict]) -> None:
    """The matrix, then every check by itself."""
    subjects = list(dict.fromkeys(r["subject"] for r in records))
    subjects.sort(key=lambda s: ["base", *GOOD].index(s))
    of = lambda s, task: [r for r in records if (r["subject"], r["task"]) == (s, task)]
    whole = lambda s, task: [all(r["verdict"]) for r in of(s, task)]
    print("\n| subject | ILA strict | PLA strict | p (PLA against base) | numeric match | p (against base) |")
    print("|---|---|---|---|---|---|")
    for s in subjects:
        flat = [v for r in of(s, "demo_instructions") for v in r["verdict"]]
        pla, exact = whole(s, "demo_instructions"), whole(s, "demo_arithmetic")
        p = ["" if s == "base" else f"{mcnemar(whole('base', t), whole(s, t)):.2g}"
             for t in ("demo_instructions", "demo_arithmetic")]
        print(f"| {s} | {sum(flat) / len(flat):.3f} | {sum(pla) / len(pla):.3f} | {p[0]} "
              f"| {sum(exact) / len(exact):.3f} | {p[1]} |")
    print("\n| check | n | " + " | ".join(subjects) + " |\n|---|---|" + "---|" * len(subjects))
    for kind in sorted({k for r in records for k in r["kinds"]}):
        cells = [[v for r in of(s, "demo_instructions") for k, v in zip(r["kinds"], r["verdict"]) if k == kind]
                 for s in subjects]
        print(f"| {kind} | {len(cells[0])} | " + " | ".join(f"{sum(c) / len(c):.2f}" for c in cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", nargs="*", default=["base", *GOOD])
    parser.add_argument("--limit", type=int, help="only the first rows of each suite")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", help="keep every response and verdict in this file")
    parser.add_argument("--read", nargs="*", help="files that --out wrote")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.read:
        records = [json.loads(line) for name in args.read for line in open(name)]
    else:
        rows = {t: [json.loads(line) for line in (suites.TASKS / f"{t}.jsonl").read_text().splitlines()][:args.limit]
                for t in ("demo_instructions", "demo_arithmetic")}
        records = [r for s in args.subjects for r in run(s, rows)]
    if args.out:
        with open(args.out, "w") as f:
            f.writelines(json.dumps(r) + "\n" for r in records)
    if any(r["subject"] == "base" for r in records):
        report(records)


if __name__ == "__main__":
    main()
