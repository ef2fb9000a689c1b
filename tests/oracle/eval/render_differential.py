#!/usr/bin/env python3
"""The templates of lm-eval's own task files over made-up rows, in lm-eval and here: prompts, choices, targets and stops.

  render_differential.py --driver BUILD/tests/check_driver [--every 1] [--seed 1]

The files are those that survey_tasks.py asks for; of those with the same keys one is taken, of these each --every-th. A row's fields are those its
templates name, of types that fit how they are used; rows are tried until lm-eval makes something of them.
"""
import argparse
import collections
import copy
import json
import logging
import os
import random
import re
import sys
import tempfile

os.environ.update(TQDM_DISABLE="1", HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", LMEVAL_LOG_LEVEL="CRITICAL")
import yaml  # noqa: E402
from jinja2 import Environment, meta, nodes  # noqa: E402
from lm_eval.api.task import ConfigurableTask  # noqa: E402
from survey_tasks import ASKED, task_files  # noqa: E402
from tasks_differential import TaskDriver, compare, limits  # noqa: E402

WORDS = "blue red it's \"quoted\" naïve 日本 Σ's big-small one two three [x] (y) 3.5 'single' new\\n emoji👍 x_y A. B) yes no".split() + ["two lines\nhere", " led", "trailed ", "A", "B", "C", "D", "0", "1", "2", "7"]
TEMPLATES = ("doc_to_text", "doc_to_target", "doc_to_choice", "description", "gen_prefix")
ENVIRONMENT = Environment()
ENVIRONMENT.filters["regex_replace"] = str


class Docs(list):
    """What lm-eval takes for a dataset."""

    @property
    def features(self):
        return dict.fromkeys(self[0])


def shape_of(shapes, node):
    """The shape of the variable or part of one that `node` names, or None."""
    if isinstance(node, nodes.Name):
        return shapes.setdefault(node.name, {"kind": None, "parts": {}})
    if isinstance(node, (nodes.Getattr, nodes.Getitem)):
        outer = shape_of(shapes, node.node)
        if outer is None:
            return None
        name = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", None)
        if isinstance(name, str) and name not in dir(str) + dir(list) + dir(dict):
            outer["kind"] = "map"
            return outer["parts"].setdefault(name, {"kind": None, "parts": {}})
        if isinstance(name, str):
            outer["kind"] = outer["kind"] or ("list" if name == "index" else "text")
            return None
        if isinstance(node.arg, nodes.Slice):
            outer["kind"] = outer["kind"] or "text"
            return None
        outer["kind"] = "list"
        return outer["parts"].setdefault(0, {"kind": None, "parts": {}})
    return None


def shapes_of(config):
    shapes = {}
    for key in TEMPLATES:
        text = config.get(key)
        if not isinstance(text, str):
            continue
        if re.fullmatch(r"\w+", text):
            shapes.setdefault(text, {"kind": "list" if key == "doc_to_choice" else None, "parts": {}})
            continue
        tree = ENVIRONMENT.parse(text)
        free = meta.find_undeclared_variables(tree)
        found = dict(shapes)
        for node in tree.find_all((nodes.Name, nodes.Getattr, nodes.Getitem)):
            shape_of(found, node)
        for node in tree.find_all(nodes.For):
            shape = shape_of(found, node.iter)
            if shape is not None:
                shape["kind"] = "list"
        for node in tree.find_all(nodes.Filter):
            shape = shape_of(found, node.node) if node.name in ("join", "list", "map") else None
            if shape is not None:
                shape["kind"] = "list"
        shapes.update({name: found[name] for name in free if name in found})
    return shapes


def kinds_of(rnd, shape):
    """A type for every field, by chance where its use does not say."""
    kind = shape["kind"] or rnd.choices(["text", "index", "list", "flag", "real"], [8, 3, 1, 0.5, 0.3])[0]
    return {"kind": kind, "parts": {name: kinds_of(rnd, part) for name, part in shape["parts"].items()}}


def value_of(rnd, shape):
    if shape["kind"] == "map":
        return {name: value_of(rnd, part) for name, part in shape["parts"].items()}
    if shape["kind"] == "list":
        part = shape["parts"].get(0, {"kind": "text", "parts": {}})
        if part["kind"] == "text" and rnd.random() < 0.4:
            return rnd.choice([["A", "B", "C", "D", "E"], ["1", "2", "3", "4", "5"]])
        return [value_of(rnd, part) for _ in range(rnd.choice([4, 4, 4, 5]))]
    if shape["kind"] == "index":
        return rnd.randrange(4)
    if shape["kind"] in ("flag", "real"):
        return rnd.random() < 0.5 if shape["kind"] == "flag" else rnd.choice([0.5, 1.0, -2.25, 12345.678])
    if rnd.random() < 0.3:
        return rnd.choice(["A", "B", "C", "D", "1", "2", "3"])
    return " ".join(rnd.choices(WORDS, k=rnd.choice([1, 1, 2, 5, 12])))


def sound(task, doc, first):
    """Whether lm-eval makes of the row what it scores: a text or index, as in the first row, and a target that is right."""
    text, target = task.doc_to_text(doc), task.doc_to_target(doc)
    if isinstance(text, str) != isinstance(task.doc_to_text(first), str) or isinstance(target, list) != isinstance(task.doc_to_target(first), list):
        return False
    if task.config.doc_to_choice is None:
        return isinstance(text, str) and text != "" and target is not None and not isinstance(target, (dict, list)) or isinstance(target, list) and all(isinstance(one, str) for one in target) and len(target) > 0
    choices = task.doc_to_choice(doc)
    if not isinstance(choices, (list, tuple)) or not choices or not all(isinstance(choice, str) and choice for choice in choices):
        return False
    if not isinstance(text, str) and not isinstance(target, str):
        return False
    gold = text if not isinstance(text, str) else target
    golds = gold if isinstance(gold, list) else [gold]
    return bool(golds) and all(isinstance(one, int) and 0 <= one < len(choices) or (isinstance(one, str) and one in choices and not isinstance(gold, list)) for one in golds)


def new_row(rnd, number, kinds):
    return {"row": number, **{field: value_of(rnd, kind) for field, kind in kinds.items()}}


def first_task(rnd, config, docs, kinds):
    """The task as soon as lm-eval can read its first row."""
    for _ in range(20):
        try:
            return ConfigurableTask(config=copy.deepcopy(config))
        except Exception:
            docs[0] = new_row(rnd, 0, kinds)
    raise ValueError


def make_sound(rnd, task, docs, number, first, kinds):
    for _ in range(60):
        try:
            if sound(task, docs[number], docs[0] if number == 0 else first):
                return
        except Exception:  # its template fails on this row
            pass
        docs[number] = new_row(rnd, number, kinds)
    raise ValueError


def make_task(rnd, config, name, folder):
    """lm-eval's task over rows that it makes something of, or None."""
    shapes = shapes_of(config)
    if "multi_choice_regex" in str(config.get("filter_list")):
        shapes["choices"] = {"kind": "list", "parts": {0: {"kind": "text", "parts": {}}}}
    for _ in range(60):
        kinds = {field: kinds_of(rnd, shape) for field, shape in shapes.items()}
        rows = {"train": Docs(), "test": Docs()}
        ours = copy.deepcopy(config)
        for key in ("training_split", "validation_split", "test_split", "fewshot_split"):
            ours.pop(key, None)
        ours.update({"task": name, "dataset_path": "json", "test_split": "test", "training_split": "train", "fewshot_split": "train" if not (config.get("fewshot_config") or {}).get("samples") else None, "dataset_kwargs": {"data_files": {split: f"{folder}/{split}.jsonl" for split in rows}}})
        ours.pop("dataset_name", None)
        ConfigurableTask.download = lambda self, *args, **kwargs: setattr(self, "dataset", rows)
        for split, count in (("train", 9), ("test", 5)):
            for number in range(count):
                rows[split].append(new_row(rnd, number, kinds))
        try:
            task = first_task(rnd, ours, rows["test"], kinds)
            for docs in rows.values():
                for number in range(len(docs)):
                    make_sound(rnd, task, docs, number, rows["test"][0], kinds)
            task = ConfigurableTask(config=copy.deepcopy(ours))
            task.set_fewshot_seed(1234)
            task.build_all_requests(limit=None, rank=0, world_size=1)
            return task, ours, rows
        except Exception:  # whatever lm-eval makes nothing of
            continue
    return None


def main():
    logging.disable(logging.CRITICAL)
    parser = argparse.ArgumentParser()
    parser.add_argument("--driver", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--verbose", action="store_true", help="name the files of whose rows lm-eval makes nothing")
    args = parser.parse_args()
    rnd = random.Random(args.seed)
    counts, seen = collections.Counter(), {}
    for name, config, kind in task_files():
        if kind != ASKED:
            continue
        metrics = {metric["metric"] for metric in config.get("metric_list") or []}
        if not metrics <= {"acc", "acc_norm", "acc_bytes", "exact_match"}:
            continue
        kept = {key: value for key, value in config.items() if key not in ("task", "task_alias", "tag", "metadata", "dataset_name", "dataset_path", "dataset_kwargs", "include", "training_split", "validation_split", "test_split", "fewshot_split", "process_docs")}
        seen.setdefault(json.dumps({key: value for key, value in kept.items() if key != "description"}, sort_keys=True, default=str), (name, kept))
    for name, kept in list(seen.values())[args.seed % args.every::args.every]:
        counts["files"] += 1
        with tempfile.TemporaryDirectory() as where:
            made = make_task(rnd, kept, "asked", where)
            if made is None:
                counts["lm-eval makes nothing of our rows"] += 1
                if args.verbose:
                    print(f"NOTHING {name}", file=sys.stderr)
                continue
            task, config, rows = made
            for split, docs in rows.items():
                with open(f"{where}/{split}.jsonl", "w", encoding="utf-8") as out:
                    out.writelines(json.dumps(doc, ensure_ascii=False) + "\n" for doc in docs)
            config["dataset_kwargs"] = {"data_files": {split: f"{split}.jsonl" for split in rows}}
            with open(f"{where}/task.yaml", "w", encoding="utf-8") as out:
                yaml.safe_dump(config, out, allow_unicode=True)
            try:
                driver = TaskDriver(args.driver, f"{where}/task.yaml", len(rows["test"]))
            except json.JSONDecodeError:  # it has said why
                counts["DIFFERENT"] += 1
                print(f"REFUSED {name}: {json.dumps(rows['test'][0])[:300]}", file=sys.stderr)
                continue
            by_doc = collections.defaultdict(list)
            for instance in task.instances:
                by_doc[instance.doc_id].append(instance)
            for i, item in enumerate(driver.items):
                arguments = [instance.args for instance in by_doc[i]]
                compare(counts, f"{name} target {i}", item["doc_target"], str(task.doc_to_target(task.task_docs[i])))
                compare(counts, f"{name} prompt {i}", item["contexts"] or [item["prompt"]] * len(arguments), [one[0] for one in arguments])
                if config.get("output_type", "generate_until") == "multiple_choice":
                    compare(counts, f"{name} choices {i}", item["choices"], [one[1] for one in arguments])
                elif i == 0:
                    compare(counts, f"{name} stop", [driver.decoding["stop"], driver.decoding["max_new_tokens"]], limits(arguments[0][1]))
            driver.close()
    print(json.dumps({"seed": args.seed, **counts}))
    return 1 if counts["DIFFERENT"] or not counts["compared"] else 0


if __name__ == "__main__":
    sys.exit(main())
