#!/usr/bin/env python3
"""Our Multi-IF checks against the reference's own code, verdict by verdict.

  multi_if_differential.py --driver BUILD/tests/check_driver --data SHARED/data/ifeval --comparisons 50000 --seed 1
  multi_if_differential.py --golden tests/golden/multi_if/conversations.jsonl --cases 130 --seed 5

The reference is facebookresearch/Multi-IF's ifeval.py and metrics.py as PyPI's evalscope 1.14.1 carries them in
evalscope/benchmarks/multi_if (which seeds langdetect and is otherwise the same); tests/oracle/setup.sh installs it without its
dependencies, which nothing here needs, and PyThaiNLP. Conversations of three turns whose instructions accumulate; the texts are
IFEval's differential test's with Chinese, Japanese, Hindi, emoji and, nearly half of them, Thai; half of the counts of words and
sentences are asked for at what the text has, one more or one less. One comparison is one instruction's verdict, strict or loose.
Left out and counted: blank responses (the reference's strict reading checks them, its runner strips them), exceptions, random letters.

--golden writes conversations of our own texts with the reference's verdicts, which tests/eval/multi_if checks without the reference.
"""
import argparse
import collections
import importlib.util
import json
import logging
import os
import random
import re
import sys
import types

logging.disable(logging.CRITICAL)
import nltk  # noqa: E402
from driver import Driver  # noqa: E402
from ifeval_differential import SCRIPTS, Texts, fit, is_random, synthetic  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "text"))
import thai_texts  # noqa: E402

MORE = ["今天天气很好，我们去公园散步。你觉得怎么样？这是一个测试！", "他说：“好的”。😀👍🏽 2024年", "今日はとてもいい天気ですね。公園に行きましょう！", "「はい」と彼は言った。カタカナ ABC test.", "यह हिन्दी में एक परीक्षण है। क्या आप समझते हैं? हाँ! बहुत धन्यवाद।",
        "मुझे यह पसंद है। 42 लोग !! और", "오늘은 날씨가 정말 좋네요. 공원에 갈까요?", "这是👨‍👩‍👧一个家庭👩🏽‍🚀，❤️‍🔥很好☺️ 1️⃣ #️⃣ ©", "“这是引用”", "「引用です」", "第一句．第二句…第三句——完", "한국어 中文 english 混合。"]
EMOJI = ["😀", "👍🏽", "🏽", "👨‍👩‍👧", "🇩🇪", "🇩", "❤️‍🔥", "❤", "️", "‍", "☺️", "1️⃣", "#️⃣", "©", "👩‍🔬‍👩", "👩🏽‍", "🦰", "👨‍🦰", "🏴‍☠️", "🏳️‍🌈", "⃣", "😀‍😀", "🏽‍😀"]


OURS = ["Tea is grown on hills where the mornings are cool. Leaves are picked by hand, dried and rolled. A good cup needs fresh water!", "First, open the box.\nThen, take out the parts.\n\nWhere is the key? It is *under* the lid.",
        "Der Zug fährt um acht Uhr ab. Wir treffen uns am Gleis, nicht vor dem Bahnhof.", "La casa es pequeña, pero tiene un jardín. ¿Quieres verla?", "Собака спит под столом. Кошка смотрит в окно.", "P.S. My answer is yes."]
LANGUAGES = ["English", "Chinese", "Hindi", "Thai"]


def load():
    """The reference's two modules, without the package around them, which imports much."""
    folder = os.path.join(importlib.util.find_spec("evalscope").submodule_search_locations[0], "benchmarks", "multi_if")
    sys.modules["evalscope"] = types.ModuleType("evalscope")
    utils = types.ModuleType("evalscope.utils")
    utils.get_logger = lambda: logging.getLogger("multi_if")
    sys.modules["evalscope.utils"] = utils
    package = types.ModuleType("multi_if")
    package.__path__ = [folder]
    sys.modules["multi_if"] = package
    modules = []
    for name in ("ifeval", "metrics"):
        spec = importlib.util.spec_from_file_location(f"multi_if.{name}", f"{folder}/{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[f"multi_if.{name}"] = module
        setattr(package, name, module)
        spec.loader.exec_module(module)
        modules.append(module)
    modules[0].print = lambda *_: None  # it says where no language is found
    # NLTK 3.9 no longer unpickles its models; this is the same English Punkt.
    modules[0].count_sentences = lambda text: len(nltk.sent_tokenize(text))
    return modules


class Cases:
    """Conversations: three instructions, the first of which counts for turn 1, the first two for turn 2, and three responses."""

    def __init__(self, rnd, responses, ifeval, dictionary=True):
        self.rnd, self.ifeval, self.dictionary = rnd, ifeval, dictionary
        self.texts = Texts(rnd, [], dict(enumerate(responses)))
        self.instructions = []
        for row in synthetic(rnd, 600, responses):
            ids = row["instruction_id_list"]
            if rnd.random() < 0.8:
                ids[rnd.randrange(3)] = "length_constraints:number_sentences" if rnd.random() < 0.5 else "length_constraints:number_words"
            self.instructions.append((ids, [self.counts(name) or k for name, k in zip(ids, row["kwargs"])]))

    def counts(self, name, near=None):
        argument = {"number_sentences": "num_sentences", "number_words": "num_words"}.get(name.split(":")[1])
        if argument is None:
            return None
        usual = range(1, 8) if argument == "num_sentences" else [1, 3, 5, 8, 12, 20, 30, 50]
        return {argument: self.rnd.choice(usual) if near is None else max(1, near + self.rnd.choice([-1, 0, 0, 1, 1])), "relation": self.rnd.choice(["less than", "at least"])}

    def text(self, ids, kwargs):
        rnd = self.rnd
        if rnd.random() < 0.45:
            text = thai_texts.thai_text(rnd) if self.dictionary else " ".join(rnd.choices(thai_texts.OWN + thai_texts.CLUSTERS + thai_texts.OTHER, k=rnd.randint(1, 8)))
            if rnd.random() < 0.2:
                text = rnd.choice(["Sure!\n", "**", "\"", "\n"]) + text + rnd.choice(["\n\nOK.", "**", "\"", "\n"])
            return fit(text)
        text = self.texts.make({"key": None, "prompt": "Write something.", "instruction_id_list": ids, "kwargs": kwargs})
        for _ in range(rnd.choice([0, 1, 1, 2])):
            r, at = rnd.random(), rnd.randint(0, len(text))
            if r < 0.5:
                text = "".join(rnd.choices(MORE, k=rnd.randint(1, 3)))
            elif r < 0.8:
                text = text[:at] + "".join(rnd.choices(EMOJI, k=rnd.randint(1, 4))) + text[at:]
            else:
                text = text[:at] + rnd.choice("。！？．।!?\n 　、，“”「」") + text[at:]
        return fit(text[:20_000])

    def count_of(self, name, text):
        """What the reference counts: the least n for which "less than n" holds, less one."""
        checker = self.ifeval.INSTRUCTION_DICT[name](name)
        argument = "num_sentences" if name.endswith("sentences") else "num_words"
        low, high = 0, 1 << 16
        checker.build_description(**{argument: 1, "relation": "less than"})
        threshold = "_num_sentences_threshold" if argument == "num_sentences" else "_num_words"
        while low < high:
            middle = (low + high) // 2
            setattr(checker, threshold, middle + 1)
            low, high = (low, middle) if checker.check_following(text) else (middle + 1, high)
        return low

    def make(self):
        ids, kwargs = self.rnd.choice(self.instructions)
        kwargs = list(kwargs)
        responses = [self.text(ids[:t], kwargs[:t]) for t in (1, 2, 3)]
        for i, name in enumerate(ids):
            response = self.rnd.choice(responses[i:])
            if self.counts(name) and self.rnd.random() < 0.5 and 0 < len(response.strip()) < 1500:
                kwargs[i] = self.counts(name, near=self.count_of(name, response))
        row = {"key": "1:1", "language": self.rnd.choice(LANGUAGES)}
        for turn in (1, 2, 3):
            row[f"turn_{turn}_prompt"] = json.dumps({"role": "user", "content": "Write something."})
            row[f"turn_{turn}_instruction_id_list"] = json.dumps(ids[:turn])
            row[f"turn_{turn}_kwargs"] = json.dumps([json.dumps(k) for k in kwargs[:turn]])
        return row, ids, kwargs, responses


def compiles(arguments):
    """Whether its keywords are regular expressions; ours refuses others, the reference raises when it gets to them."""
    try:
        for keyword in [arguments.get("keyword") or ""] + (arguments.get("keywords") or []) + (arguments.get("forbidden_words") or []):
            re.compile(keyword)
        return True
    except re.error:
        return False


def verdict(metrics, name, arguments, response):
    request = {"response": response, "instruction_id_list": [name], "kwargs": [arguments]}
    return tuple(bool(generate(request)["follow_instruction_list"][0]) for generate in (metrics.gen_acc_strict, metrics.gen_acc_loose))


def write_golden(args, rnd, ifeval, metrics):
    cases = Cases(rnd, OURS + list(SCRIPTS.values()), ifeval, dictionary=False)
    written = 0
    with open(args.golden, "w", encoding="utf-8") as out:
        while written < args.cases:
            row, ids, kwargs, responses = cases.make()
            asked = [(name, k, r) for turn, r in enumerate(responses, 1) for name, k in zip(ids[:turn], kwargs[:turn])]
            if any(len(r) > 600 or not r.strip() or is_random(name, k) or not compiles(k) for name, k, r in asked):
                continue
            try:
                verdicts = [verdict(metrics, *question) for question in asked]
            except Exception:  # noqa: BLE001
                continue
            if sum(v[0] for v in verdicts) < 2:
                continue
            out.write(json.dumps({"row": row, "responses": responses, "strict": [v[0] for v in verdicts], "loose": [v[1] for v in verdicts]}) + "\n")
            written += 1


def compare(args, rnd, ifeval, metrics):
    responses = [json.loads(line)["response"] for line in open(f"{args.data}/gpt4_responses.jsonl", encoding="utf-8")] if args.data else OURS
    cases = Cases(rnd, responses, ifeval)
    counts, by_id, shown = collections.Counter(), collections.Counter(), 0
    driver = Driver(args.driver, "turns")
    while counts["compared"] < args.comparisons:
        row, ids, kwargs, turns = cases.make()
        ours = driver.ask({"row": row, "responses": turns})
        if ours.get("error"):  # a pattern that Python does not compile, an argument that is empty
            counts["refused by name"] += 1
            continue
        at = 0
        for turn, response in enumerate(turns, 1):
            language = None
            for name, arguments in zip(ids[:turn], kwargs[:turn]):
                mine = ours["strict"][at], ours["loose"][at]
                at += 1
                if not response.strip() or is_random(name, arguments):
                    counts["blank or random"] += 1
                    continue
                try:
                    theirs = verdict(metrics, name, arguments, response)
                except Exception as error:  # noqa: BLE001
                    counts[f"the reference raises {type(error).__name__}"] += 1
                    continue
                counts["compared"] += 2
                counts["followed"] += sum(theirs)
                by_id[name] += 2
                if cases.counts(name):
                    language = language or detect(ifeval, response)
                    by_id[f"{name} of {language}"] += 2
                if theirs == mine:
                    continue
                counts["DIFFERENT"] += 1
                by_id["DIFFERENT " + name] += 1
                if shown < args.show:
                    shown += 1
                    print(f"DIFFERENT {name} {arguments}: reference {theirs}, ours {mine}: {response[:1200]!r}", file=sys.stderr)
    by_id = {k: n for k, n in sorted(by_id.items()) if " of " not in k or k.endswith((" th", " hi", " ja", "zh-cn", "zh-tw", " en"))}
    print(json.dumps({"seed": args.seed, **counts, "by_id": by_id}, indent=1))
    return 1 if counts["DIFFERENT"] else 0


def detect(ifeval, text):
    try:
        return ifeval.langdetect.detect(text)
    except Exception:  # noqa: BLE001
        return "none"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--driver")
    parser.add_argument("--data", help="folder with gpt4_responses.jsonl; without it texts of our own")
    parser.add_argument("--comparisons", type=int, default=5000)
    parser.add_argument("--golden", help="write this file instead")
    parser.add_argument("--cases", type=int, default=130)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=20)
    args = parser.parse_args()
    rnd = random.Random(args.seed)
    ifeval, metrics = load()
    return (write_golden if args.golden else compare)(args, rnd, ifeval, metrics)


if __name__ == "__main__":
    sys.exit(main())
