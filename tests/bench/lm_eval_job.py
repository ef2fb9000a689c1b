#!/usr/bin/env python3
"""The demo job by Plumbline and by lm-eval (HF + PEFT): the same model, adapters, prompts, token limit and cores.

  scripts/bench lm-eval [--rounds 3] [--batch-sizes 8,64] [--batch-one] [--limit N] [--threads 2]

One Plumbline job evaluates the base and three adapters on both tasks at once; lm-eval needs one process a subject, one after
the other, as its users run it. Both: float32, greedy, 96 tokens, chat template. Every round runs, in turn:
  - Plumbline, from starting the server (model and adapters loaded, each with its proof of admission) to the job's end;
  - Plumbline, the same job on a server that runs already;
  - lm-eval at each batch size: wall time of its processes, and the time inside HFLM.generate_until alone;
  - with --batch-one, once, lm-eval at batch size 1 on 16 prompts a task, whose time a prompt stands for all of them (extrapolated).
Prompts a second are over subjects x prompts. The responses of both are compared as well, so that equal work is shown.
"""
import argparse
import datetime
import glob
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/oracle"))
from plumbline_process import Plumbline  # noqa: E402

MODEL = os.path.join(ROOT, "deploy/demo/models/plumb-tiny")
ADAPTERS = {"instruct": "instruction_following", "arithmetic": "numeric", "format": "instruction_following"}
TASKS = {"demo_instructions": "prompt", "demo_arithmetic": "question"}  # task: its field with the prompt
MAX_TOKENS = 96
BATCH_ONE_PROMPTS = 16

# lm-eval's own command line, with a clock around its generation and its log-likelihoods.
LM_EVAL = """
import sys, time
import lm_eval.models.huggingface as hf
def timed(method):
    def call(self, *a, **k):
        start = time.monotonic()
        result = method(self, *a, **k)
        print(f"MODEL_SECONDS={time.monotonic() - start:.3f}", file=sys.stderr)
        return result
    return call
hf.HFLM.generate_until = timed(hf.HFLM.generate_until)
hf.HFLM.loglikelihood = timed(hf.HFLM.loglikelihood)
from lm_eval.__main__ import cli_evaluate
cli_evaluate()
"""

TASK_YAML = """task: {task}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {folder}/{task}.jsonl}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{text}}}}"
doc_to_target: "x"
generation_kwargs: {{until: [], max_gen_toks: {tokens}, do_sample: false}}
metric_list: [{{metric: exact_match}}]
"""


def write_lm_eval_tasks(folder):
    """The demo's prompts as lm-eval tasks. Their scores mean nothing; generation is what is timed."""
    prompts = 0
    for task, field in TASKS.items():
        with open(f"{ROOT}/deploy/demo/tasks/{task}.jsonl", encoding="utf-8") as rows, open(f"{folder}/{task}.jsonl", "w", encoding="utf-8") as out:
            for row in rows:
                out.write(json.dumps({"text": json.loads(row)[field]}) + "\n")
                prompts += 1
        with open(f"{folder}/{task}.yaml", "w", encoding="utf-8") as out:
            out.write(TASK_YAML.format(task=task, folder=folder, tokens=MAX_TOKENS))
    return prompts


def run_lm_eval(args, folder, batch_size, limit):
    """All subjects, one process each. Returns (wall seconds, generation seconds, {(subject, task, row): response})."""
    env = dict(os.environ, HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", OMP_NUM_THREADS=str(args.threads), TOKENIZERS_PARALLELISM="false", HF_DATASETS_CACHE=f"{folder}/cache")
    wall, generation, responses = 0.0, 0.0, {}
    for subject in ("", *ADAPTERS):
        out = tempfile.mkdtemp(dir=folder)
        model_args = f"pretrained={MODEL},dtype=float32" + (f",peft={ROOT}/deploy/demo/adapters/{subject}" if subject else "")
        command = [args.oracle_python, "-W", "ignore", "-c", LM_EVAL, "--model", "hf", "--model_args", model_args, "--tasks", ",".join(TASKS), "--include_path", folder, "--device", "cpu",
                   "--batch_size", str(batch_size), "--apply_chat_template", "--output_path", out, "--log_samples", *(["--limit", str(limit)] if limit else [])]
        start = time.monotonic()
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        wall += time.monotonic() - start
        if done.returncode:
            sys.exit(f"lm_eval: exit code {done.returncode}\n{done.stderr[-4000:]}")
        generation += sum(map(float, re.findall(r"MODEL_SECONDS=([0-9.]+)", done.stderr)))
        for task in TASKS:
            for file in glob.glob(f"{out}/**/samples_{task}_*.jsonl", recursive=True):
                with open(file, encoding="utf-8") as rows:
                    for row in map(json.loads, rows):
                        responses[subject, task, row["doc_id"]] = row["resps"][0][0]
    return wall, generation, responses


def server_flags(args):
    flags = ["--dtype", "float32", "--threads", str(args.threads), "--tasks", f"{ROOT}/deploy/demo/tasks", "--model", f"tiny={MODEL}"]
    for alias, label in ADAPTERS.items():
        flags += ["--adapter", f"tiny/{alias}:{label}={ROOT}/deploy/demo/adapters/{alias}"]
    return flags


def run_plumbline(args, folder):
    """Returns (seconds from the server's start to the job's end, seconds of the job on the running server, responses)."""
    limit = ["--limit", str(args.limit)] if args.limit else []
    start = time.monotonic()
    with Plumbline(args.bin, tempfile.mkdtemp(dir=folder), server_flags(args)) as server:
        job = server.job(ADAPTERS, TASKS, *limit)
        cold = time.monotonic() - start
        start = time.monotonic()
        server.job(ADAPTERS, TASKS, *limit)
        warm = time.monotonic() - start
        responses, row = {}, {}
        for v in server.verdicts(job):  # in order of sequence; rows are found by their key
            row.setdefault((v.get("adapter", ""), v["task"]), {})[v["key"]] = v.get("response", "")
    for (subject, task), by_key in row.items():
        for number, key in enumerate(sorted(by_key, key=int)):
            responses[subject, task, number] = by_key[key]
    return cold, warm, responses


def load():
    return f"{os.getloadavg()[0]:.1f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=f"{ROOT}/build/release/bin")
    parser.add_argument("--oracle-python", default=os.environ.get("PLUMBLINE_ORACLE_PYTHON", os.path.expanduser("~/.cache/plumbline/oracle/bin/python")))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch-sizes", default="8,64")
    parser.add_argument("--limit", type=int, default=0, help="only the first N prompts of each task; 0: all")
    parser.add_argument("--batch-one", action="store_true", help=f"lm-eval at batch size 1 too, on {BATCH_ONE_PROMPTS} prompts a task")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()
    if not os.path.exists(args.oracle_python):
        sys.exit(f"no oracle Python at {args.oracle_python}: run tests/oracle/setup.sh")
    batch_sizes = [int(b) for b in args.batch_sizes.split(",")]

    with tempfile.TemporaryDirectory() as folder:
        prompts = write_lm_eval_tasks(folder)
        if args.limit:
            prompts = len(TASKS) * args.limit
        subjects = 1 + len(ADAPTERS)
        total = subjects * prompts
        print(f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC, load {load()}, {args.threads} threads; {subjects} subjects x {prompts} prompts = {total}", flush=True)
        seconds = {}  # name: one figure a round

        def add(name, figure):
            seconds.setdefault(name, []).append(figure)
            print(f"  {name:42} {figure:8.2f} s {total / figure:8.1f} prompts/s   load {load()}", flush=True)

        for number in range(args.rounds):
            print(f"round {number + 1}", flush=True)
            cold, warm, ours = run_plumbline(args, folder)
            add("Plumbline, server start included", cold)
            add("Plumbline, server running", warm)
            for batch_size in batch_sizes:
                wall, generation, theirs = run_lm_eval(args, folder, batch_size, args.limit)
                add(f"lm-eval, batch {batch_size}", wall)
                add(f"lm-eval, batch {batch_size}, generation alone", generation)
                same = sum(ours[key] == theirs[key] for key in ours)
                print(f"  the same response in {same} of {len(ours)}", flush=True)
            if number == 0 and args.batch_one:
                wall, generation, theirs = run_lm_eval(args, folder, 1, BATCH_ONE_PROMPTS)
                part = len(TASKS) * BATCH_ONE_PROMPTS / prompts
                same = sum(ours[key] == text for key, text in theirs.items())
                print(f"  lm-eval, batch 1, {BATCH_ONE_PROMPTS} prompts a task: {generation:.1f} s of generation; for all, extrapolated, {generation / part:.0f} s generation, "
                      f"{wall - generation + generation / part:.0f} s wall; the same response in {same} of {len(theirs)}", flush=True)

        median = {name: statistics.median(figures) for name, figures in seconds.items()}
        print(f"medians of {args.rounds}")
        for name, figure in median.items():
            print(f"  {name:42} {figure:8.2f} s {total / figure:8.1f} prompts/s   ({', '.join(f'{f:.1f}' for f in seconds[name])})")
        best = min(median[f"lm-eval, batch {b}"] for b in batch_sizes)
        best_generation = min(median[f"lm-eval, batch {b}, generation alone"] for b in batch_sizes)
        print(f"ratio, the whole against the whole (server start included, best batch size): {best / median['Plumbline, server start included']:.2f}")
        print(f"ratio, server running against lm-eval's processes:                          {best / median['Plumbline, server running']:.2f}")
        print(f"ratio, server running against lm-eval's generation alone:                   {best_generation / median['Plumbline, server running']:.2f}")


if __name__ == "__main__":
    main()
