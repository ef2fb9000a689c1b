"""Greedy answers of the base and every good adapter to both suites, scored; prints the matrix and paired tests.

Instructions are checked by lm-eval's own IFEval classes, strict; a numeric answer is right when the last number of the
response equals the target. Models run in fp32 on CPU. `--out FILE` keeps the responses as JSON lines.
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", help="write every response and verdict to this file")
    parser.add_argument("--limit", type=int, help="only the first rows of each suite")
    parser.add_argument("--adapters", nargs="*", default=GOOD)
    args = parser.parse_args()
    torch.set_num_threads(2)
    rows = {t: [json.loads(line) for line in (suites.TASKS / f"{t}.jsonl").read_text().splitlines()][:args.limit]
            for t in ("demo_instructions", "demo_arithmetic")}
    tokenizer = transformers.AutoTokenizer.from_pretrained(train.BASE)
    score, log = {}, []
    for subject in ["base", *args.adapters]:
        random.seed(0)
        model = transformers.AutoModelForCausalLM.from_pretrained(train.BASE, dtype=torch.float32)
        if subject != "base":
            model = peft.PeftModel.from_pretrained(model, train.ADAPTERS / subject)
        model.eval()
        begin = time.time()
        told = answer(model, tokenizer, [r["prompt"] for r in rows["demo_instructions"]])
        counted = answer(model, tokenizer, [r["question"] for r in rows["demo_arithmetic"]])
        strict = [follows(r, t) for r, t in zip(rows["demo_instructions"], told)]
        exact = [numeric(r, t) for r, t in zip(rows["demo_arithmetic"], counted)]
        score[subject] = (strict, [all(s) for s in strict], exact)
        log += [{"subject": subject, "prompt": r["prompt"], "response": t, "strict": s, "ids": r["instruction_id_list"]}
                for r, t, s in zip(rows["demo_instructions"], told, strict)]
        log += [{"subject": subject, "prompt": r["question"], "response": t, "strict": [e], "answer": r["answer"]}
                for r, t, e in zip(rows["demo_arithmetic"], counted, exact)]
        print(f"{subject}: answered in {time.time() - begin:.0f} s", flush=True)
    print("\n| subject | ILA strict | PLA strict | p (PLA against base) | numeric match | p (against base) |")
    print("|---|---|---|---|---|---|")
    for subject, (strict, pla, exact) in score.items():
        flat = [x for s in strict for x in s]
        p = [f"{mcnemar(score['base'][i], score[subject][i]):.2g}" if subject != "base" else "" for i in (1, 2)]
        print(f"| {subject} | {sum(flat) / len(flat):.3f} | {sum(pla) / len(pla):.3f} | {p[0]} "
              f"| {sum(exact) / len(exact):.3f} | {p[1]} |")
    kinds = sorted({k for r in rows["demo_instructions"] for k in r["instruction_id_list"]})
    print("\n| check | n | " + " | ".join(score) + " |\n|---|---|" + "---|" * len(score))
    for kind in kinds:
        cells = {s: [v for r, f in zip(rows["demo_instructions"], score[s][0])
                     for k, v in zip(r["instruction_id_list"], f) if k == kind] for s in score}
        print(f"| {kind} | {len(cells['base'])} | " + " | ".join(f"{sum(c) / len(c):.2f}" for c in cells.values()) + " |")
    if args.out:
        with open(args.out, "w") as f:
            f.writelines(json.dumps(x) + "\n" for x in log)


if __name__ == "__main__":
    main()
