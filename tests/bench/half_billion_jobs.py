#!/usr/bin/env python3
"""Two jobs on the shape of Qwen2.5-0.5B, by Plumbline and by lm-eval (HF + PEFT): the same task files, model, adapters and cores.

  scripts/bench jobs [--dtypes bfloat16,float32] [--workloads generation,choices] [--batch-sizes 1,32]

generation: 32 prompts x (base + 4 adapters), greedy, 32 tokens each. Plumbline runs one job on a running server; lm-eval one
process a subject. choices: 8 questions of four choices, 5-shot, by log-likelihood, base + 2 adapters; the few-shot examples are
the same for all, as in most published tasks, so Plumbline computes them once.
Two times of lm-eval: the whole processes, and inside its model calls alone (its loading and rendering left out). A batch size of 1 runs on
a part of the prompts and is extrapolated (the rows say so). Weights are random, so texts mean nothing; how many responses (or choices) are the
same is counted all the same.
"""
import argparse
import datetime
import glob
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests/oracle"), os.path.join(ROOT, "tests/bench")]
from lm_eval_job import LM_EVAL  # noqa: E402
from plumbline_process import Plumbline  # noqa: E402

TASKS = {"generation": r"""task: generation
dataset_path: json
dataset_kwargs: {{data_files: {{test: generation.jsonl}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{text}}}}"
doc_to_target: "x"
generation_kwargs: {{until: [], max_gen_toks: {tokens}, do_sample: false}}
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
""", "choices": r"""task: choices
dataset_path: json
dataset_kwargs: {{data_files: {{train: train.jsonl, test: choices.jsonl}}}}
test_split: test
training_split: train
fewshot_split: train
fewshot_config: {{sampler: first_n}}
num_fewshot: 5
output_type: multiple_choice
doc_to_text: "Question: {{{{text}}}}\nAnswer:"
doc_to_target: gold
doc_to_choice: options
metric_list: [{{metric: acc, aggregation: mean, higher_is_better: true}}]
"""}
PROMPTS = {"generation": 32, "choices": 8}
ADAPTERS = {"generation": 4, "choices": 2}
PART = 4  # prompts at batch size 1
TOKENS = 32
WORDS = "the a river house seven many red letters count write list answer walk small old market boat garden light number story short about with under".split()


def write_tasks(folder):
    rnd = random.Random(3)

    def row():
        text = " ".join(rnd.choice(WORDS) for _ in range(24))
        return {"text": text, "options": [" ".join(rnd.choice(WORDS) for _ in range(4)) for _ in range(4)], "gold": rnd.randrange(4)}

    for name, count in (("train", 5), ("generation", PROMPTS["generation"]), ("choices", PROMPTS["choices"])):
        with open(f"{folder}/{name}.jsonl", "w", encoding="utf-8") as out:
            out.writelines(json.dumps(row()) + "\n" for _ in range(count))
    for task, text in TASKS.items():
        with open(f"{folder}/{task}.yaml", "w", encoding="utf-8") as out:
            out.write(text.format(tokens=TOKENS))


def best(scores):
    return str(scores.index(max(scores)))


def answer(verdict):
    """The response, or the index of the most probable choice."""
    choices = verdict.get("choices")
    return best([c.get("log_likelihood", c.get("logLikelihood")) for c in choices]) if choices else verdict.get("response", "")


def run_plumbline(args, folder, dtype, workload):
    """Seconds of the job on a running server, seconds from the start to serving, {(subject, row): response or choice}."""
    adapters = [f"a{n}" for n in range(ADAPTERS[workload])]
    flags = ["--dtype", dtype, "--threads", str(args.threads), "--model", f"half={args.model}/model"]
    for n, alias in enumerate(adapters):
        flags += ["--adapter", f"half/{alias}={args.model}/adapter-{n}"]
    start = time.monotonic()
    with Plumbline(args.bin, tempfile.mkdtemp(dir=folder), flags) as server:
        ready = time.monotonic() - start
        server.run("task", "upload", f"{folder}/{workload}.yaml")
        start = time.monotonic()
        job = server.job(adapters, [workload])
        seconds = time.monotonic() - start
        return seconds, ready, {(v.get("adapter", ""), int(v["key"])): answer(v) for v in server.verdicts(job)}


def run_lm_eval(args, folder, dtype, workload, batch_size, limit):
    """Wall seconds of all processes, seconds inside the model's calls, {(subject, row): response or choice}."""
    env = dict(os.environ, HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", OMP_NUM_THREADS=str(args.threads), TOKENIZERS_PARALLELISM="false", HF_DATASETS_CACHE=f"{folder}/cache")
    wall, inside, answers = 0.0, 0.0, {}
    for subject in ("", *(f"a{n}" for n in range(ADAPTERS[workload]))):
        out = tempfile.mkdtemp(dir=folder)
        model_args = f"pretrained={args.model}/model,dtype={dtype}" + (f",peft={args.model}/adapter-{subject[1:]}" if subject else "")
        command = [args.oracle_python, "-W", "ignore", "-c", LM_EVAL, "--model", "hf", "--model_args", model_args, "--tasks", workload, "--include_path", folder,
                   "--device", "cpu", "--batch_size", str(batch_size), "--output_path", out, "--log_samples", *(["--limit", str(limit)] if limit else [])]
        start = time.monotonic()
        done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True)  # data files lie beside the task
        wall += time.monotonic() - start
        if done.returncode:
            sys.exit(f"lm_eval: exit code {done.returncode}\n{done.stderr[-4000:]}")
        inside += sum(map(float, re.findall(r"MODEL_SECONDS=([0-9.]+)", done.stderr)))
        for file in glob.glob(f"{out}/**/samples_{workload}_*.jsonl", recursive=True):
            with open(file, encoding="utf-8") as rows:
                for row in map(json.loads, rows):
                    if workload == "generation":
                        answers[subject, row["doc_id"]] = row["resps"][0][0]
                    else:
                        answers[subject, row["doc_id"]] = best([float(r[0][0]) for r in row["resps"]])
    return wall, inside, answers


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=os.path.expanduser("~/.cache/plumbline/bench/half"))
    parser.add_argument("--dtypes", default="bfloat16,float32")
    parser.add_argument("--workloads", default="generation,choices")
    parser.add_argument("--batch-sizes", default="1,32")
    parser.add_argument("--bin", default=f"{ROOT}/build/release/bin")
    parser.add_argument("--oracle-python", default=os.path.expanduser("~/.cache/plumbline/oracle/bin/python"))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()
    if not os.path.exists(f"{args.model}/model/config.json"):
        subprocess.run([args.oracle_python, "-W", "ignore", f"{ROOT}/tests/bench/make_half_billion.py", args.model], check=True)
    with tempfile.TemporaryDirectory() as folder:
        write_tasks(folder)
        for dtype in args.dtypes.split(","):
            for workload in args.workloads.split(","):
                prompts, subjects = PROMPTS[workload], 1 + ADAPTERS[workload]
                total = prompts * subjects
                print(f"\n{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC, {workload}, {dtype}, {args.threads} threads, load {os.getloadavg()[0]:.1f}; "
                      f"{subjects} subjects x {prompts} prompts\n", flush=True)
                seconds, ready, ours = run_plumbline(args, folder, dtype, workload)
                print(f"| | s | prompts/s | Plumbline is faster |\n|---|---|---|---|\n| Plumbline (start, adapters' proofs included: {ready:.1f} s more) | {seconds:.1f} | {total / seconds:.2f} | |", flush=True)
                for batch_size in map(int, args.batch_sizes.split(",")):
                    limit = PART if batch_size == 1 else 0
                    scale = prompts / limit if limit else 1
                    wall, inside, theirs = run_lm_eval(args, folder, dtype, workload, batch_size, limit)
                    outside = wall - inside
                    note = f", from {limit} prompts" if limit else ""
                    for name, figure in ((f"lm-eval, batch {batch_size}, processes{note}", outside + inside * scale), (f"lm-eval, batch {batch_size}, model calls alone{note}", inside * scale)):
                        print(f"| {name} | {figure:.1f} | {total / figure:.2f} | {figure / seconds:.1f}x |", flush=True)
                    keys = [key for key in theirs if key in ours]
                    print(f"| the same answer, batch {batch_size} | | {sum(ours[key].strip() == theirs[key].strip() for key in keys)} of {len(keys)} | |", flush=True)


if __name__ == "__main__":
    main()
