#!/usr/bin/env python3
"""Nine tasks, item by item, in lm-eval and in Plumbline: the same task files, data and model (the demo's, float32, greedy). Seven
are asked of the base with plain prompts, two of an adapter through the chat template.

  lm_eval_agreement.py --bin BUILD/bin

Compared: rendered prompts (byte for byte), generated texts, every metric of every item, the log-likelihood of every choice and of
texts (1e-4 relative, per token and as sums of a choice), and the lines of `plumbline job export --format lm-eval`. A generated text may differ only where lm-eval's own model has a tie: two
candidates whose logits are less than 1e-5 apart at the first token that differs; that is printed. Exits with 1 on a difference.
The data is made here, from a seed. At the end faults are planted in our results, one by one: a comparison that does not notice one is a
difference too.
"""
import argparse
import copy
import glob
import json
import os
import random
import sys
import tempfile
import time

os.environ.update(TQDM_DISABLE="1", HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", LMEVAL_LOG_LEVEL="ERROR", TOKENIZERS_PARALLELISM="false")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from plumbline_process import Plumbline  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODEL = os.path.join(ROOT, "deploy/demo/models/plumb-tiny")
ADAPTER = os.path.join(ROOT, "deploy/demo/adapters/arithmetic")
TEST_ROWS, TRAIN_ROWS = 24, 8
RELATIVE_TOLERANCE, TIE = 1e-4, 1e-5

HEADER = """task: {task}
dataset_path: json
dataset_kwargs: {{data_files: {{train: {data}_train.jsonl, test: {data}_test.jsonl}}}}
test_split: test
training_split: train
fewshot_split: train
"""
# Task: (data, the rest of its file). The same text is read by both.
TASKS = {
    "agree_sums": ("sums", r"""
output_type: generate_until
doc_to_text: "<|im_start|>user\n{{question}}<|im_end|>\n<|im_start|>assistant\n"
doc_to_target: "{{solution}}"
num_fewshot: 2
target_delimiter: ""
fewshot_delimiter: "<|im_end|>\n"
generation_kwargs: {until: ["Question:", "</s>"], do_sample: false, temperature: 0.0, max_gen_toks: 32}
filter_list:
- {name: strict-match, filter: [{function: regex, regex_pattern: "#### (\\-?[0-9\\.\\,]+)"}, {function: take_first}]}
- {name: flexible-extract, filter: [{function: regex, group_select: -1, regex_pattern: "(-?[$0-9.,]{2,})|(-?[0-9]+)"}, {function: take_first}]}
metric_list:
- {metric: exact_match, aggregation: mean, higher_is_better: true, ignore_case: true, ignore_punctuation: false, regexes_to_ignore: [",", "\\$", "(?s).*#### ", "\\.$"]}
"""),
    "agree_extract": ("sums", r"""
output_type: generate_until
doc_to_text: "<|im_start|>user\n{{question}}<|im_end|>\n<|im_start|>assistant\n"
doc_to_target: "{{number}}"
generation_kwargs: {until: ["\n\n"], do_sample: false, max_gen_toks: 32}
filter_list:
- {name: number, filter: [{function: regex, regex_pattern: "(-?[0-9]+)[^0-9]*$"}, {function: remove_whitespace}, {function: take_first}]}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
"""),
    "agree_lines": ("places", r"""
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{options[gold]}}"
num_fewshot: 4
fewshot_config: {sampler: first_n}
fewshot_delimiter: "\n--\n"
target_delimiter: " => "
generation_kwargs: {until: ["\n"], do_sample: false, max_gen_toks: 16}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true, ignore_case: true, ignore_punctuation: true}]
"""),
    "agree_arc": ("places", r"""
output_type: multiple_choice
doc_to_text: "Question: {{question}}\nAnswer:"
doc_to_target: gold
doc_to_choice: options
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}, {metric: acc_norm, aggregation: mean, higher_is_better: true}]
"""),
    "agree_arc_fewshot": ("places", r"""
output_type: multiple_choice
doc_to_text: "Question: {{question}}\nAnswer:"
doc_to_target: "{{gold}}"
doc_to_choice: "{{options}}"
num_fewshot: 3
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}, {metric: acc_norm, aggregation: mean, higher_is_better: true}]
"""),
    "agree_text_target": ("places", r"""
output_type: multiple_choice
doc_to_text: "Question: {{question}}\nAnswer:"
doc_to_target: "{{options[gold]}}"
doc_to_choice: options
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}, {metric: acc_norm, aggregation: mean, higher_is_better: true}]
"""),
    "agree_letters": ("places", r"""
output_type: multiple_choice
doc_to_text: "{{question.strip()}}\nA. {{options[0]}}\nB. {{options[1]}}\nC. {{options[2]}}\nD. {{options[3]}}\nAnswer:"
doc_to_target: gold
doc_to_choice: ["A", "B", "C", "D"]
num_fewshot: 2
fewshot_config: {sampler: first_n}
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}, {metric: acc_norm, aggregation: mean, higher_is_better: true}]
"""),
}
# Asked of the adapter, through the chat template.
CHAT_TASKS = {
    "agree_chat_sums": ("sums", r"""
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{number}}"
generation_kwargs: {until: ["\n\n"], do_sample: false, max_gen_toks: 32}
filter_list:
- {name: number, filter: [{function: regex, regex_pattern: "(-?[0-9]+)[^0-9]*$"}, {function: remove_whitespace}, {function: take_first}]}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
"""),
    "agree_chat_arc": ("places", r"""
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_target: gold
doc_to_choice: options
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}, {metric: acc_norm, aggregation: mean, higher_is_better: true}]
"""),
}
OURS = {"acc": "accuracy"}  # lm-eval's name of a metric: ours, where they differ


def sums_row(rnd):
    a, b = rnd.randint(2, 12), rnd.randint(2, 9)
    name = rnd.choice(["Karl", "Ruth", "Zoë"])
    question = rnd.choice([f"How much does {a} + {b} give?", f"{name} has {a} candles. {name} gets {b} more from a friend. How many candles are there now?", f"Find {a} + {b}."])
    return {"question": question, "number": a + b, "solution": f"{a} + {b} = {a + b}.\n#### {a + b}"}


def places_row(rnd):
    options = rnd.sample(["the harbour", "a quiet garden", "the old mill", "under the bridge", "the café", "on a steep hill", "near water", "a market, perhaps"], 4)
    return {"question": f"Where did {rnd.choice(['the cat', 'our neighbour', 'Zoë', 'a heron'])} {rnd.choice(['sleep', 'wait', 'find the key', 'sing'])} on day {rnd.randint(1, 90)}?", "options": options, "gold": rnd.randrange(4)}


def write_tasks(folder):
    rnd = random.Random(7)
    for data, row in (("sums", sums_row), ("places", places_row)):
        for split, count in (("train", TRAIN_ROWS), ("test", TEST_ROWS)):
            with open(f"{folder}/{data}_{split}.jsonl", "w", encoding="utf-8") as out:
                out.writelines(json.dumps(row(rnd), ensure_ascii=False) + "\n" for _ in range(count))
    for task, (data, text) in {**TASKS, **CHAT_TASKS}.items():
        with open(f"{folder}/{task}.yaml", "w", encoding="utf-8") as out:
            out.write(HEADER.format(task=task, data=data) + text.lstrip("\n"))
    for task in CHAT_TASKS:  # ours says in the file what lm-eval says on the command line
        with open(f"{folder}/ours_{task}.yml", "w", encoding="utf-8") as out:
            out.write(f"include: {task}.yaml\nprompt_format: chat\n")


def run_plumbline(bin_dir, folder, score_texts):
    """Verdicts {(task, row): verdict}, for each text the log-probabilities of its tokens, and the exported lines
    {(task, row, filter): line} of plain tasks."""
    with Plumbline(bin_dir, tempfile.mkdtemp(dir=folder), ["--dtype", "float32", "--model", f"tiny={MODEL}"]) as server:
        for task in TASKS:
            server.run("task", "upload", f"{folder}/{task}.yaml")
        job = server.job([], TASKS)
        verdicts = {(v["task"], int(v["key"])): v for v in server.verdicts(job)}
        server.run("job", "export", job, "--format", "lm-eval", "--out", f"{folder}/exported")
        server.run("adapter", "load", "arithmetic", ADAPTER)
        for task in CHAT_TASKS:
            server.run("task", "upload", f"{folder}/ours_{task}.yml")
        for v in server.verdicts(server.job(["arithmetic"], CHAT_TASKS)):
            if v["adapter"]:
                verdicts[v["task"], int(v["key"])] = v
        scores = [json.loads(server.run("score", text, "--top", "0", "-o", "json"))["tokens"] for text in score_texts]
    lines = {}
    for path in glob.glob(f"{folder}/exported/*/samples_*.jsonl"):
        for line in open(path, encoding="utf-8"):
            row = json.loads(line)
            lines[os.path.basename(path)[len("samples_"):].rsplit("_", 1)[0], row["doc_id"], row["filter"]] = row
    return verdicts, scores, lines


def run_lm_eval(folder):
    """Returns (the model, {(task, row): [sample of every filter]})."""
    import lm_eval
    import torch
    torch.set_num_threads(1)  # faster for so small a model, and far faster on cores that others use too
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager
    lm = HFLM(pretrained=MODEL, dtype="float32", device="cpu", batch_size=8)
    os.chdir(folder)  # the data files' paths are relative to the task files
    manager = TaskManager(include_path=folder, include_defaults=False)
    adapted = HFLM(pretrained=MODEL, peft=ADAPTER, dtype="float32", device="cpu", batch_size=8)
    samples, scores = {}, {}
    for model, tasks, chat in ((lm, TASKS, False), (adapted, CHAT_TASKS, True)):
        results = lm_eval.simple_evaluate(model=model, tasks=list(tasks), task_manager=manager, log_samples=True, bootstrap_iters=0, apply_chat_template=chat)
        scores.update(results["results"])
        for task, rows in results["samples"].items():
            for row in rows:
                samples.setdefault((task, row["doc_id"]), []).append(row)
    return lm, adapted, samples, scores


class Comparison:
    def __init__(self, quiet=False):
        self.done, self.different, self.ties, self.quiet = 0, 0, 0, quiet

    def equal(self, what, ours, theirs):
        self.done += 1
        if ours != theirs:
            self.fail(what, ours, theirs)

    def close(self, what, ours, theirs):
        self.done += 1
        if abs(ours - theirs) > RELATIVE_TOLERANCE * max(1e-2, abs(theirs)):
            self.fail(what, ours, theirs)

    def fail(self, what, ours, theirs):
        self.different += 1
        if self.different <= 20 and not self.quiet:
            print(f"DIFFERENT {what}\n  ours    {ours!r}\n  lm-eval {theirs!r}", file=sys.stderr)


def logprobs(lm, tokens):
    """Log-probabilities, [tokens - 1][vocabulary]: row i is the prediction of token i + 1."""
    import torch
    with torch.no_grad():
        return torch.log_softmax(lm.model(torch.tensor([tokens])).logits[0].float(), -1)


def tie_gap(lm, prompt, ours, theirs):
    """Distance of the two best candidates where the texts part."""
    a, b = (lm.tok_encode(prompt + text) for text in (ours, theirs))
    common = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    best = logprobs(lm, a[:common])[-1].topk(2).values
    return float(best[0] - best[1])


def compare_item(comparison, lm, verdict, samples, name):
    kind = samples[0]["arguments"]
    comparison.equal(f"{name}: error", verdict.get("error"), None)
    prompt = verdict["prompt"]
    if name.startswith("agree_chat"):  # a job shows the prompt before its template
        prompt = lm.tokenizer.apply_chat_template([{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True)
    comparison.equal(f"{name}: prompt", prompt, kind[0][0])
    comparison.equal(f"{name}: number of choices", len(verdict["choices"]), 0 if len(kind) == 1 else len(kind))
    for i, choice in enumerate(verdict["choices"]):
        their_sum, their_greedy = samples[0]["filtered_resps"][i]
        comparison.close(f"{name}: log-likelihood of choice {i}", choice["log_likelihood"], float(their_sum))
        comparison.equal(f"{name}: choice {i} is greedy", choice["is_greedy"], bool(their_greedy))
    observations = {o["metric"]: float(o.get("successes", 0)) / float(o["trials"]) for o in verdict["observations"]}
    if len(kind) == 1:
        ours, theirs = verdict.get("response", ""), samples[0]["resps"][0][0]
        if ours != theirs and tie_gap(lm, kind[0][0], ours, theirs) < TIE:
            comparison.ties += 1
            print(f"a tie, not a difference: {name}: {ours!r}, {theirs!r}", file=sys.stderr)
            return
        comparison.equal(f"{name}: response", ours, theirs)
    for sample in samples:
        for metric in sample["metrics"]:
            ours = OURS.get(metric, metric) if len(samples) == 1 else f"{metric},{sample['filter']}"
            comparison.equal(f"{name}: {ours}", observations.get(ours), float(sample[metric]))


def compare_line(comparison, ours, sample, name):
    """A line of our export against what lm-eval's evaluation_tracker writes of its sample."""
    theirs = {**sample, "arguments": {f"gen_args_{i}": {f"arg_{j}": part for j, part in enumerate(arg)} for i, arg in enumerate(sample["arguments"])},
              "target": str(sample["target"])}
    more = set(ours["metrics"]) - set(sample["metrics"])  # acc_bytes and the validity guards are always there with us
    ours = {k: v for k, v in {**ours, "metrics": [m for m in ours["metrics"] if m not in more]}.items() if k not in more}
    comparison.equal(f"{name}: keys of the exported line", sorted(ours), sorted(k for k in theirs))
    for key in sorted(set(ours) & set(theirs) - {"resps", "filtered_resps"}):
        if key == "arguments" and len(sample["arguments"]) == 1:  # our arg_1 is the decoding in effect, lm-eval's what the file says
            comparison.equal(f"{name}: exported prompt", ours[key]["gen_args_0"]["arg_0"], theirs[key]["gen_args_0"]["arg_0"])
            continue
        comparison.equal(f"{name}: exported {key}", ours[key], theirs[key])
    if len(sample["arguments"]) == 1:
        if ours["resps"] != sample["resps"]:  # a tie (compare_item has seen to that), or a difference it told of
            return
        comparison.equal(f"{name}: exported filtered_resps of {sample['filter']}", ours["filtered_resps"], sample["filtered_resps"])
        return
    comparison.equal(f"{name}: exported resps", [r[0] for r in ours["resps"]], ours["filtered_resps"])
    for i, (our_sum, our_greedy) in enumerate(ours["filtered_resps"]):
        comparison.close(f"{name}: exported log-likelihood {i}", float(our_sum), float(sample["filtered_resps"][i][0]))
        comparison.equal(f"{name}: exported greedy {i}", our_greedy, str(bool(sample["filtered_resps"][i][1])))


def planted_faults(lm, verdicts, lines, samples):
    """Faults that no comparison noticed; there must be none."""
    generated, chosen = ("agree_extract", 0), ("agree_arc", 0)
    faults = {
        "a prompt with a space more": (generated, lambda v: v.update(prompt=v["prompt"] + " ")),
        "another response": (generated, lambda v: v.update(response=v["response"] + " 7")),
        "an execution error": (generated, lambda v: v.update(error={"message": "no"})),
        "a metric turned": (generated, lambda v: v["observations"][0].update(successes=1 - v["observations"][0]["successes"])),
        "a log-likelihood off by a thousandth": (chosen, lambda v: v["choices"][1].update(log_likelihood=v["choices"][1]["log_likelihood"] * 1.001)),
        "two choices exchanged": (chosen, lambda v: v["choices"].reverse()),
        "a choice missing": (chosen, lambda v: v["choices"].pop()),
        "an accuracy turned": (chosen, lambda v: v["observations"][0].update(successes=1 - v["observations"][0]["successes"])),
    }
    unnoticed = []
    for what, (key, plant) in faults.items():
        verdict, quiet = copy.deepcopy(verdicts[key]), Comparison(quiet=True)
        plant(verdict)
        compare_item(quiet, lm, verdict, samples[key], "planted")
        if not quiet.different:
            unnoticed.append(what)
    line, quiet = copy.deepcopy(lines[*chosen, "none"]), Comparison(quiet=True)
    line["arguments"]["gen_args_1"]["arg_1"] += "!"
    compare_line(quiet, line, samples[chosen][0], "planted")
    unnoticed += [] if quiet.different else ["an exported argument changed"]
    texts = ("agree_text_target", 0)
    line, quiet = copy.deepcopy(lines[*texts, "none"]), Comparison(quiet=True)
    line["target"] = str(line["doc"]["gold"])
    compare_line(quiet, line, samples[texts][0], "planted")
    unnoticed += [] if quiet.different else ["an exported target that is the index"]
    line, quiet = copy.deepcopy(lines[*generated, "number"]), Comparison(quiet=True)
    line["filtered_resps"] = line["resps"][0] + [""]
    compare_line(quiet, line, samples[generated][0], "planted")
    return unnoticed + ([] if quiet.different else ["an exported response that is not filtered"])


def compare_scores(comparison, lm, choices, scores):
    """`plumbline score` of prompt + choice against transformers token by token, and against lm-eval's sum for the choice."""
    for (context, continuation, their_sum), ours in zip(choices, scores):
        tokens = lm.tok_encode(context + continuation)
        theirs = logprobs(lm, tokens)
        comparison.equal(f"tokens of {context + continuation!r}", [int(t["id"]) for t in ours], tokens)
        for i in range(1, len(tokens)):
            comparison.close(f"log-probability of token {i} of {context + continuation!r}", ours[i].get("logprob", 0.0), float(theirs[i - 1, tokens[i]]))
        behind = len(tokens) - len(lm.tok_encode(context))
        comparison.close(f"log-likelihood of {continuation!r} behind {context!r}", sum(t.get("logprob", 0.0) for t in ours[-behind:]), their_sum)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, help="folder of plumblined and plumbline")
    args = parser.parse_args()
    args.bin = os.path.abspath(args.bin)
    comparison = Comparison()
    with tempfile.TemporaryDirectory() as folder:
        write_tasks(folder)
        start = time.monotonic()
        lm, adapted, samples, results = run_lm_eval(folder)
        lm_eval_s = time.monotonic() - start
        choices = []  # (prompt, continuation, lm-eval's log-likelihood)
        for task in ("agree_arc", "agree_arc_fewshot", "agree_letters"):
            for row in range(0, TEST_ROWS, 3):
                sample = samples[task, row][0]
                pick = row % 4
                choices.append((*sample["arguments"][pick][:2], float(sample["filtered_resps"][pick][0])))
        start = time.monotonic()
        verdicts, scores, lines = run_plumbline(args.bin, folder, [context + continuation for context, continuation, _ in choices])
        plumbline_s = time.monotonic() - start
        comparison.equal("the items", sorted(verdicts), sorted(samples))
        for key in sorted(set(verdicts) & set(samples)):
            compare_item(comparison, adapted if key[0] in CHAT_TASKS else lm, verdicts[key], samples[key], f"{key[0]} row {key[1]}")
        by_line = {(*key, sample["filter"]): sample for key in samples if key[0] in TASKS for sample in samples[key]}
        comparison.equal("the exported lines", sorted(lines), sorted(by_line))
        for key in sorted(set(lines) & set(by_line)):
            compare_line(comparison, lines[key], by_line[key], f"{key[0]} row {key[1]}")
        compare_scores(comparison, lm, choices, scores)
        rates = [v for values in results.values() for k, v in values.items() if k.startswith(("exact_match,", "acc,")) and "stderr" not in k]
        comparison.equal("tasks where the model is sometimes right and sometimes wrong: without any, equal metrics would mean little", sum(0 < v < 1 for v in rates) >= 4, True)
        comparison.equal("planted faults that were not noticed", planted_faults(lm, verdicts, lines, samples), [])
        print(json.dumps({"items": len(samples), "comparisons": comparison.done, "different": comparison.different, "ties": comparison.ties, "texts_scored": len(scores),
                          "lm_eval_s": round(lm_eval_s, 1), "plumbline_s": round(plumbline_s, 1),
                          "lm_eval": {task: {k: round(v, 4) for k, v in values.items() if isinstance(v, float) and "stderr" not in k} for task, values in results.items()}}))
        os.chdir(ROOT)
    return 1 if comparison.different or not comparison.done else 0


if __name__ == "__main__":
    sys.exit(main())
