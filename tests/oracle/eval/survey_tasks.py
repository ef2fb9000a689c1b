#!/usr/bin/env python3
"""Which of lm-eval's own task files we read: every YAML file of the installed lm-eval that describes a generate_until or
multiple_choice task without Python (!function), with local files in place of its hub dataset.

  survey_tasks.py --driver BUILD/tests/check_driver [--verbose]

Prints how many are read and why the others are refused. Exits with 1 on a refusal that is none of EXPECTED.
"""
import argparse
import collections
import functools
import glob
import importlib.util
import json
import os
import re
import sys

import yaml
from driver import Driver

FOLDER = os.path.join(os.path.dirname(importlib.util.find_spec("lm_eval").origin), "tasks")
ASKED = "asked"

# What stays refused, since honouring it would need what we have not, and ignoring it would change a score.
EXPECTED = [
    r'metric: the metric "(bleu|chrf|ter|mcc|f1|accuracy)" is not supported',
    r'the key "regex_pattern" is there twice',  # kmmlu's cot_hard: PyYAML takes the last one
    r'doc_to_target: the tag !function',  # in an included file, overridden by the task's own key
    r'mapping_dict.A: is an integer, want a string',  # polemo2, which has the metric accuracy besides
]


class Function(str):
    pass


class Loader(yaml.CSafeLoader):
    pass


Loader.add_constructor("!function", lambda loader, node: Function(loader.construct_scalar(node)))


@functools.cache
def load(path):
    """The keys of a file with those it includes, as lm-eval merges them."""
    with open(path, encoding="utf-8") as file:
        own = yaml.load(file, Loader=Loader)
    if not isinstance(own, dict) or "include" not in own:
        return own
    merged, includes = {}, own.pop("include")
    for name in includes if isinstance(includes, list) else [includes]:
        merged.update({key: value for key, value in load(os.path.join(os.path.dirname(path), name)).items() if key != "task_list"})
    return {**merged, **own}


def has_function(value):
    if isinstance(value, dict):
        return any(map(has_function, value.values()))
    return any(map(has_function, value)) if isinstance(value, list) else isinstance(value, Function)


def kind_of(config):
    """ASKED, or why the file is none of those that are asked for."""
    if not isinstance(config, dict) or not isinstance(config.get("task"), str) or "class" in config:
        return "no task of their own"
    if has_function(config):
        return "with !function"
    output = config.get("output_type", "generate_until")
    return ASKED if output in ("generate_until", "multiple_choice") else output


def task_files():
    """lm-eval's YAML files: the path below FOLDER, the keys, the kind."""
    for path in sorted(glob.glob(f"{FOLDER}/**/*.yaml", recursive=True)):
        config = load(path)
        yield os.path.relpath(path, FOLDER), config, kind_of(config)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--driver", required=True)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    kinds, reasons, examples, unexpected = collections.Counter(), collections.Counter(), {}, 0
    driver = Driver(args.driver, "configs")
    for name, config, kind in task_files():
        kinds[kind] += 1
        if kind != ASKED:
            continue
        splits = [config[key] for key in ("training_split", "validation_split", "test_split", "fewshot_split") if config.get(key)]
        splits += [split for split in [(config.get("fewshot_config") or {}).get("split")] if split]
        kwargs = {key: value for key, value in (config.get("dataset_kwargs") or {}).items() if key not in ("data_files", "revision")}
        kwargs["data_files"] = {split: "data.jsonl" for split in splits or ["test"]}
        text = yaml.safe_dump({"include": name, "dataset_path": "json", "dataset_name": None, "dataset_kwargs": kwargs})
        error = driver.ask({"text": text, "folder": FOLDER})["error"]
        if error is None:
            kinds["read"] += 1
            continue
        reason = re.sub(r"^\S+?:\d+: ", "", error.replace("included by asked.yaml: ", ""))
        reasons[reason] += 1
        examples.setdefault(reason, name)
        unexpected += not any(re.search(pattern, reason) for pattern in EXPECTED)
    for reason, count in reasons.most_common():
        if args.verbose or not any(re.search(pattern, reason) for pattern in EXPECTED):
            print(f"{count:6} {reason[:200]}  ({examples[reason]})", file=sys.stderr)
    print(json.dumps({**kinds, "refused": sum(reasons.values()), "unexpected": unexpected}))
    return 1 if unexpected or not kinds["read"] else 0


if __name__ == "__main__":
    sys.exit(main())
