#!/usr/bin/env python3
"""Our task files against lm-eval's own reading of the same YAML and the same local data: rendered prompts byte
for byte, choices, gold answers, stops, and the metrics of generated responses and log-likelihoods.

  tasks_differential.py --driver BUILD/tests/check_driver --seed 1
"""
import argparse
import collections
import json
import os
import random
import sys
import tempfile

os.environ.update(TQDM_DISABLE="1", HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", LMEVAL_LOG_LEVEL="ERROR")
import numpy as np  # noqa: E402
import yaml  # noqa: E402
from driver import Driver  # noqa: E402
from lm_eval.api.task import ConfigurableTask  # noqa: E402
from lm_eval.models.utils import handle_stop_sequences, normalize_gen_kwargs  # noqa: E402

WORDS = "blue red it's \"quoted\" naïve 日本 Σ's big-small one two three [x] (y) 3.5 'single' back\\slash new\\n emoji👍 x_y".split()
LETTERS = ["A", "B", "C", "D"]


def rows(rnd, count):
    out = []
    for i in range(count):
        options = [" ".join(rnd.choices(WORDS, k=rnd.randint(1, 4))) + f" {j}" for j in range(4)]
        gold = rnd.randrange(4)
        a, b = rnd.randint(1, 99), rnd.randint(1, 99)
        out.append({"id": i, "question": " ".join(rnd.choices(WORDS, k=rnd.randint(2, 9))) + "?", "options": options, "gold": gold, "answer": options[gold], "letter": LETTERS[gold],
                    "solution": f"{a} + {b} = {a + b}.\n#### {a + b}", "number": a + b, "ctx": " ".join(rnd.choices(WORDS, k=5)) + rnd.choice(["", " "]), "label": str(rnd.randrange(2)), "rest": "fell over.",
                    "flag": rnd.random() < 0.5, "choices": options, "targets": [options[gold], "x"], "golds": rnd.choices(range(4), k=rnd.randint(1, 4)),
                    "listed": str(rnd.choice([["a", 1], [2], "[1,2]", "7", "x]", "[", "[oops]"]))})
    return out


TASKS = {
    "gsm8k": """
doc_to_text: "Question: {{question}}\\nAnswer:"
doc_to_target: "{{solution}}"
num_fewshot: 5
training_split: train
fewshot_split: train
output_type: generate_until
generation_kwargs: {until: ["Question:", "</s>", "<|im_end|>"], do_sample: false, temperature: 0.0}
filter_list:
- {name: strict-match, filter: [{function: regex, regex_pattern: "#### (\\\\-?[0-9\\\\.\\\\,]+)"}, {function: take_first}]}
- {name: flexible-extract, filter: [{function: regex, group_select: -1, regex_pattern: "(-?[$0-9.,]{2,})|(-?[0-9]+)"}, {function: take_first}]}
metric_list:
- {metric: exact_match, aggregation: mean, higher_is_better: true, ignore_case: true, ignore_punctuation: false, regexes_to_ignore: [",", "\\\\$", "(?s).*#### ", "\\\\.$"]}
""",
    "letters": """
doc_to_text: "{{question}}\\n{% for o in options %}{{ 'ABCD'[loop.index0] }}. {{ o }}\\n{% endfor %}Answer:"
doc_to_target: letter
description: "The following are questions about {{question.split(' ')[0]}}.\\n\\n"
num_fewshot: 3
fewshot_config: {sampler: first_n}
fewshot_split: train
output_type: generate_until
filter_list:
- {name: get-answer, filter: [{function: regex, regex_pattern: "answer is \\\\(?([ABCD])"}, {function: remove_whitespace}, {function: take_first}]}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true, ignore_case: true, ignore_punctuation: true}]
""",
    "free": """
doc_to_text: question
doc_to_target: "{{answer | upper}}"
num_fewshot: 2
output_type: generate_until
fewshot_delimiter: "\\n--\\n"
target_delimiter: " => "
generation_kwargs: {max_gen_toks: 7}
filter_list: [{name: low, filter: [{function: lowercase}, {function: remove_whitespace}, {function: take_first}]}]
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true, ignore_case: true, ignore_numbers: true}]
""",
    "many_targets": """
doc_to_text: "{{question}} {{flag}} {{number}}"
doc_to_target: targets
output_type: generate_until
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
""",
    "choice_by_index": """
doc_to_text: "{{question}}\\nAnswer:"
doc_to_target: gold
doc_to_choice: options
num_fewshot: 4
fewshot_split: train
output_type: multiple_choice
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}, {metric: acc_norm, aggregation: mean, higher_is_better: true}, {metric: acc_bytes, aggregation: mean, higher_is_better: true}, {metric: exact_match, aggregation: mean, higher_is_better: true}]
""",
    "choice_letters": """
doc_to_text: "{{question.strip()}}\\nA. {{options[0]}}\\nB. {{options[1]}}\\nC. {{options[2]}}\\nD. {{options[3]}}\\nAnswer:"
doc_to_target: letter
doc_to_choice: ["A", "B", "C", "D"]
num_fewshot: 2
fewshot_config: {sampler: first_n}
output_type: multiple_choice
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}, {metric: acc_norm, aggregation: mean, higher_is_better: true}]
""",
    "choice_template": """
doc_to_text: "{{ctx}}"
doc_to_target: "{{gold}}"
doc_to_choice: "{{[options[0], options[1], options[2], options[3]]}}"
output_type: multiple_choice
target_delimiter: ""
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}, {metric: acc_norm, aggregation: mean, higher_is_better: true}]
""",
    "contexts": """
doc_to_text: "{{label}}"
doc_to_target: rest
doc_to_choice: "{{[ctx + ' Ann', ctx + ' Bob']}}"
num_fewshot: 2
fewshot_split: train
output_type: multiple_choice
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
""",
}
TASKS.update({
    "prefix": """
doc_to_text: "{{question}}"
doc_to_target: answer
gen_prefix: "The {{flag}} answer:"
num_fewshot: 2
fewshot_split: train
output_type: generate_until
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
""",
    "prefix_spaces": """
doc_to_text: "{{ctx}}"
doc_to_target: gold
doc_to_choice: options
gen_prefix: letter
target_delimiter: "_"
num_fewshot: 3
fewshot_split: train
output_type: multiple_choice
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
""",
    "prefix_contexts": """
doc_to_text: "{{label}}"
doc_to_target: rest
doc_to_choice: "{{[ctx + ' Ann', ctx + ' Bob ']}}"
gen_prefix: "then "
num_fewshot: 1
fewshot_split: train
output_type: multiple_choice
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
""",
    "multi_choice": """
doc_to_text: "{{question}}"
doc_to_target: "({{letter}})"
output_type: generate_until
filter_list:
- {name: strict, filter: [{function: multi_choice_regex, regex_pattern: "answer is (\\\\([A-D]\\\\))"}, {function: take_first}]}
- {name: loose, filter: [{function: multi_choice_regex, group_select: -1, ignore_case: true, ignore_punctuation: true, regexes_to_ignore: ["1", "So"], regex_pattern: "(\\\\([A-D]\\\\))"}, {function: take_first}]}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true, ignore_case: true}]
""",
})
# Several responses a prompt. "consistency" is gsm8k-cot-self-consistency's own filter_list, with fewer repeats.
SAMPLED = "output_type: generate_until\nrepeats: 12\ngeneration_kwargs: {until: [\"Q:\"], do_sample: true, temperature: 0.2}\n"
TASKS.update({
    "consistency": """
doc_to_text: "Q: {{question}}\\nA:"
doc_to_target: "{{number}}"
filter_list:
- {name: score-first, filter: [{function: regex, regex_pattern: "(\\\\-?[0-9\\\\.\\\\,]*[0-9]+)"}, {function: take_first}]}
- {name: maj@12, filter: [{function: regex, regex_pattern: "(\\\\-?[0-9\\\\.\\\\,]*[0-9]+)"}, {function: majority_vote}, {function: take_first}]}
- {name: maj@8, filter: [{function: take_first_k, k: 8}, {function: regex, regex_pattern: "(\\\\-?[0-9\\\\.\\\\,]*[0-9]+)"}, {function: majority_vote}, {function: take_first}]}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true, ignore_case: true, regexes_to_ignore: [",", "\\\\$", "(?s).*#### ", "\\\\.$"]}]
""" + SAMPLED,
    "votes": """
doc_to_text: question
doc_to_target: answer
filter_list:
- {name: whole, filter: [{function: majority_vote}, {function: take_first}]}
- {name: open, filter: [{function: majority_vote}]}
- {name: behind, filter: [{function: remove_whitespace}, {function: majority_vote}, {function: lowercase}, {function: take_first}]}
- {name: narrower, filter: [{function: take_first_k, k: 9}, {function: take_first_k, k: 5}, {function: lowercase}, {function: majority_vote}, {function: majority_vote}, {function: take_first_k, k: 1}, {function: take_first}]}
- {name: one, filter: [{function: take_first_k, k: 1}, {function: majority_vote}]}
- {name: first, filter: [{function: lowercase}, {function: take_first}]}
- {name: every, filter: [{function: take_first_k, k: 12}, {function: remove_whitespace}]}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true, ignore_case: true, ignore_punctuation: true}]
""" + SAMPLED,
    "vote_choices": """
doc_to_text: question
doc_to_target: "({{letter}})"
filter_list:
- {name: loose, filter: [{function: multi_choice_regex, group_select: -1, ignore_case: true, regex_pattern: "(\\\\([A-D]\\\\))"}, {function: majority_vote}, {function: take_first}]}
- {name: letter, filter: [{function: regex, regex_pattern: "([ABCD])", fallback: "[none]"}, {function: majority_vote}, {function: map, mapping_dict: {A: (A), B: (B), C: (C), D: (D)}, default_value: none of them}, {function: take_first}]}
- {name: twice, filter: [{function: regex, regex_pattern: "([ABCD][a-z]?)"}, {function: take_first}, {function: map, mapping_dict: {A: (A), B: (B), C: (C), D: (D)}, default_value: none of them}, {function: take_first}]}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
""" + SAMPLED,
})
# Right choices that are a list or a boolean; lists among generated answers.
SCORES = "metric_list: [{metric: acc, aggregation: mean, higher_is_better: true, weight_by_size: true}, {metric: acc_norm, aggregation: mean, higher_is_better: true}, {metric: acc_bytes, aggregation: mean, higher_is_better: true}, {metric: exact_match, aggregation: mean, higher_is_better: true}]\n"
TASKS.update({
    "several_golds": """
doc_to_text: "{{question}}\\nAnswer:"
doc_to_target: golds
doc_to_choice: options
output_type: multiple_choice
dataset_name: null
should_decontaminate: true
doc_to_decontamination_query: question
""" + SCORES,
    "golds_template": """
doc_to_text: question
doc_to_target: "[{{golds | join(', ')}},]"
doc_to_choice: options
output_type: multiple_choice
training_split: null
""" + SCORES,
    "golds_constant": """
doc_to_text: question
doc_to_target: [true, 3, 0]
doc_to_choice: options
output_type: multiple_choice
""" + SCORES,
    "boolean": """
doc_to_text: question
doc_to_target: flag
doc_to_choice: [no way, "yes"]
num_fewshot: 3
fewshot_split: train
output_type: multiple_choice
generation_kwargs: {max_gen_toks: 3}
""" + SCORES,
    "boolean_constant": """
doc_to_text: question
doc_to_target: true
doc_to_choice: options
num_fewshot: 1
fewshot_split: train
output_type: multiple_choice
""" + SCORES,
    "boolean_contexts": """
doc_to_text: flag
doc_to_target: "{{number}} apples"
doc_to_choice: "{{[ctx + ' Ann', ctx + ' Bob']}}"
output_type: multiple_choice
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
""",
    "boolean_text": """
doc_to_text: question
doc_to_target: flag
generation_kwargs: {until: null, max_new_tokens: 9, num_beams: 1}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true, ignore_case: true}]
""",
    "lists_as_texts": """
doc_to_text: question
doc_to_target: "{{listed if id else 'first'}}"
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
""",
    "fewshot_lists": """
doc_to_text: question
doc_to_target: targets
num_fewshot: 2
fewshot_split: train
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
""",
})
PLAIN_ONLY = {"prefix", "prefix_spaces", "prefix_contexts"}


def responses(rnd, row):
    text = rnd.choice([row["answer"], row["answer"].upper(), row["letter"], f"The answer is ({row['letter']}).", "the answer is B", row["solution"], f"#### {row['number']}.", f"It is ${row['number']}", "x", "", "no",
                       row["answer"] + "!", row["answer"].replace("1", "2"), f"A 3 then {row['number']},", " ".join(rnd.choices(WORDS, k=4)), f"{row['options'][1]} or {row['answer']}", str(row["flag"]), str(row["flag"]).lower(), row["listed"], f"Answer:\n {row['letter']}", f"(B) or ({row['letter']})", row["answer"].replace(" ", "  ")])
    return rnd.choice(["", " ", "So. "]) + text + rnd.choice(["", "\n", " ."])


class TaskDriver(Driver):
    """A task of `items` prompts, which are read first."""

    def __init__(self, binary, task, items):
        super().__init__(binary, "task", task)
        self.items = [self.read() for _ in range(items)]
        self.decoding = self.read()


def compare(counts, what, ours, theirs):
    counts["compared"] += 1
    if ours != theirs:
        counts["DIFFERENT"] += 1
        if counts["DIFFERENT"] <= 10:
            print(f"DIFFERENT {what}\n  ours      {ours!r}\n  reference {theirs!r}", file=sys.stderr)


def limits(kwargs):
    """The stop strings and the token limit that lm-eval's models make of generation_kwargs."""
    normal = normalize_gen_kwargs(kwargs)
    return [handle_stop_sequences(kwargs["until"], None), normal["max_gen_toks"]]


def check(name, text, chat, data, rnd, args, counts):
    with tempfile.TemporaryDirectory() as folder:
        for split in ("train", "test"):
            with open(f"{folder}/{split}.jsonl", "w", encoding="utf-8") as out:
                out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in data[split])
        header = f"task: {name}\ndataset_path: json\ntest_split: test\ndataset_kwargs: {{data_files: {{train: train.jsonl, test: test.jsonl}}}}\n"
        with open(f"{folder}/task.yaml", "w", encoding="utf-8") as out:
            out.write("include: base.yaml\n" + ("prompt_format: chat\n" if chat else "") + text)
        with open(f"{folder}/base.yaml", "w", encoding="utf-8") as out:
            out.write(header + "output_type: generate_until\nnum_fewshot: 0\n")
        config = yaml.safe_load(header + text)
        config["dataset_kwargs"]["data_files"] = {split: f"{folder}/{split}.jsonl" for split in ("train", "test")}
        config["dataset_kwargs"]["cache_dir"] = f"{folder}/cache"
        task = ConfigurableTask(config=config)
        task.set_fewshot_seed(1234)
        kwargs = {"apply_chat_template": True, "fewshot_as_multiturn": True, "chat_template": lambda messages, add_generation_prompt=True: json.dumps(messages)} if chat else {}
        task.build_all_requests(limit=None, rank=0, world_size=1, **kwargs)
        driver = TaskDriver(args.driver, f"{folder}/task.yaml", len(data["test"]))
        by_doc = collections.defaultdict(list)
        for instance in task.instances:
            by_doc[instance.doc_id].append(instance)
        for i, row in enumerate(data["test"]):
            ours, instances, doc = driver.items[i], by_doc[i], task.task_docs[i]
            compare(counts, f"{name} target {i}", ours["doc_target"], str(task.doc_to_target(doc)))
            prompt = json.loads(instances[0].arguments[0]) if chat else instances[0].arguments[0]
            if config.get("output_type", "generate_until") == "generate_until":
                compare(counts, f"{name} prompt {i}", ours["prompt"], prompt)
                if i == 0:
                    compare(counts, f"{name} stop", [driver.decoding["stop"], driver.decoding["max_new_tokens"]], limits(instances[0].arguments[1]))
                for _ in range(args.responses):
                    repeats = config.get("repeats", 1)
                    pool = [responses(rnd, row) for _ in range(rnd.randint(1, 6))]
                    sampled = [rnd.choice(pool) for _ in range(repeats)]
                    for instance in instances:
                        instance.resps, instance.filtered_resps = sampled, {}
                    answer = driver.ask({"item": i, "responses": sampled} if repeats > 1 else {"item": i, "response": sampled[0]})
                    for ensemble in task._filters:
                        ensemble.apply(instances)
                    for filter_name in instances[0].filtered_resps:
                        theirs = task.process_results(doc, [instance.filtered_resps[filter_name] for instance in instances])["exact_match"]
                        key = "exact_match" if len(task._filters) == 1 else f"exact_match,{filter_name}"
                        compare(counts, f"{name} {key} of {sampled!r} for {row}", round(answer[key], 9), round(float(theirs), 9))
                continue
            compare(counts, f"{name} choices {i}", ours["choices"], [instance.arguments[1] for instance in instances])
            contexts = [json.loads(instance.arguments[0]) if chat else instance.arguments[0] for instance in instances]
            compare(counts, f"{name} contexts {i}", ours["contexts"] or [ours["prompt"]] * len(instances), contexts)
            for _ in range(args.responses):
                sums = [rnd.choice([-1.0, -2.5, -10 * rnd.random(), -40 * rnd.random()]) for _ in instances]
                greedy = [rnd.random() < 0.3 for _ in instances]
                theirs = task.process_results(doc, list(zip(sums, greedy)))
                answer = driver.ask({"item": i, "sums": sums, "greedy": greedy})
                for metric, value in theirs.items():
                    compare(counts, f"{name} {metric} {sums}", answer["accuracy" if metric == "acc" else metric], float(value))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--driver", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--responses", type=int, default=10)
    args = parser.parse_args()
    rnd = random.Random(args.seed)
    counts = collections.Counter()
    for name, text in TASKS.items():
        for chat in (False,) if name in PLAIN_ONLY else (False, True):
            check(name, text, chat, {"train": rows(rnd, 30), "test": rows(rnd, args.rows)}, rnd, args, counts)
    print(json.dumps({"seed": args.seed, **counts}))
    return 1 if counts["DIFFERENT"] or not counts["compared"] else 0


if __name__ == "__main__":
    sys.exit(main())
