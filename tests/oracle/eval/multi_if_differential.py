#!/usr/bin/env python3
"""Our Multi-IF checks against the reference's own code, verdict by verdict.

  multi_if_differential.py --reference DIR --driver BUILD/tests/check_driver --data SHARED/data/ifeval --comparisons 50000 --seed 1

DIR holds ifeval.py and metrics.py of facebookresearch/Multi-IF, as PyPI's evalscope 1.14.1 carries them in
evalscope/benchmarks/multi_if (which seeds langdetect and is otherwise the same). Conversations of three turns whose instructions
accumulate; the texts are IFEval's differential test's with more Chinese, Japanese, Hindi and emoji. One comparison is one
instruction's verdict, strict or loose. Left out and counted: responses that are Thai where sentences or words are counted (ours
refuses them), blank responses (the reference's strict reading checks them, its runner strips them), exceptions, random letters.
"""
import argparse
import collections
import importlib.util
import json
import logging
import random
import subprocess
import sys
import tempfile
import types

logging.disable(logging.CRITICAL)
import nltk  # noqa: E402
from ifeval_differential import Texts, fit, is_random, synthetic  # noqa: E402

MORE = ["今天天气很好，我们去公园散步。你觉得怎么样？这是一个测试！", "他说：“好的”。😀👍🏽 2024年", "今日はとてもいい天気ですね。公園に行きましょう！", "「はい」と彼は言った。カタカナ ABC test.", "यह हिन्दी में एक परीक्षण है। क्या आप समझते हैं? हाँ! बहुत धन्यवाद।",
        "मुझे यह पसंद है। 42 लोग !! और", "오늘은 날씨가 정말 좋네요. 공원에 갈까요?", "这是👨‍👩‍👧一个家庭👩🏽‍🚀，❤️‍🔥很好☺️ 1️⃣ #️⃣ ©", "“这是引用”", "「引用です」", "第一句．第二句…第三句——完", "한국어 中文 english 混合。"]
EMOJI = ["😀", "👍🏽", "🏽", "👨‍👩‍👧", "🇩🇪", "🇩", "❤️‍🔥", "❤", "️", "‍", "☺️", "1️⃣", "#️⃣", "©", "👩‍🔬‍👩", "👩🏽‍", "🦰", "👨‍🦰", "🏴‍☠️", "🏳️‍🌈", "⃣", "😀‍😀", "🏽‍😀"]


def load(folder):
    """The reference's two modules, without the package around them."""
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
    # NLTK 3.9 no longer unpickles its models; this is the same English Punkt.
    modules[0].count_sentences = lambda text: len(nltk.sent_tokenize(text))
    return modules


def rows_of(rnd, texts):
    rows = []
    for i, row in enumerate(synthetic(rnd, 600, texts)):
        ids, kwargs = [n for n in row["instruction_id_list"]], list(row["kwargs"])
        if rnd.random() < 0.7:
            ids[rnd.randrange(3)] = "length_constraints:number_sentences" if rnd.random() < 0.5 else "length_constraints:number_words"
        kwargs = [{"num_sentences": rnd.randint(1, 7), "relation": rnd.choice(["less than", "at least"])} if n.endswith(":number_sentences")
                  else {"num_words": rnd.choice([1, 3, 5, 8, 12, 20, 30, 50]), "relation": rnd.choice(["less than", "at least"])} if n.endswith(":number_words") else k for n, k in zip(ids, kwargs)]
        out = {"key": str(i), "language": "Chinese"}
        for turn in (1, 2, 3):
            out[f"turn_{turn}_prompt"] = json.dumps({"role": "user", "content": "Write something."})
            out[f"turn_{turn}_instruction_id_list"] = json.dumps(ids[:turn])
            out[f"turn_{turn}_kwargs"] = json.dumps([json.dumps(k) for k in kwargs[:turn]])
        rows.append((out, ids, kwargs))
    return rows


def text_for(rnd, texts, ids, kwargs):
    text = texts.make({"key": None, "prompt": "Write something.", "instruction_id_list": ids, "kwargs": kwargs})
    for _ in range(rnd.choice([0, 1, 1, 2])):
        r, at = rnd.random(), rnd.randint(0, len(text))
        if r < 0.5:
            text = "".join(rnd.choices(MORE, k=rnd.randint(1, 3)))
        elif r < 0.8:
            text = text[:at] + "".join(rnd.choices(EMOJI, k=rnd.randint(1, 4))) + text[at:]
        else:
            text = text[:at] + rnd.choice("。！？．।!?\n 　、，“”「」") + text[at:]
    return fit(text[:20_000])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", required=True)
    parser.add_argument("--driver", required=True)
    parser.add_argument("--data", required=True, help="folder with gpt4_responses.jsonl")
    parser.add_argument("--comparisons", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=20)
    args = parser.parse_args()
    rnd = random.Random(args.seed)
    ifeval, metrics = load(args.reference)
    responses = [json.loads(line)["response"] for line in open(f"{args.data}/gpt4_responses.jsonl", encoding="utf-8")]
    texts = Texts(rnd, [], {i: r for i, r in enumerate(responses)})
    counts, by_id, shown = collections.Counter(), collections.Counter(), 0
    rows = []
    driver = subprocess.Popen([args.driver, "turns"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def ask(request):
        driver.stdin.write(json.dumps(request) + "\n")
        driver.stdin.flush()
        return json.loads(driver.stdout.readline())

    for row, ids, kwargs in rows_of(rnd, responses):
        if ask({"row": row})["error"] is None:
            rows.append((row, ids, kwargs))
    while counts["compared"] < args.comparisons:
        row, ids, kwargs = rnd.choice(rows)
        turns = [text_for(rnd, texts, ids[:t], kwargs[:t]) for t in (1, 2, 3)]
        ours = ask({"row": row, "responses": turns})
        if ours.get("error"):
            counts["refused: Thai"] += "Thai" in ours["error"]
            counts["OTHER ERRORS"] += "Thai" not in ours["error"]
            continue
        at = 0
        for turn, response in enumerate(turns, 1):
            for name, arguments in zip(ids[:turn], kwargs[:turn]):
                mine = ours["strict"][at], ours["loose"][at]
                at += 1
                if not response.strip() or is_random(name, arguments):
                    counts["blank or random"] += 1
                    continue
                request = {"response": response, "instruction_id_list": [name], "kwargs": [arguments]}
                try:
                    theirs = (metrics.gen_acc_strict(request)["follow_instruction_list"][0], metrics.gen_acc_loose(request)["follow_instruction_list"][0])
                except Exception as error:  # noqa: BLE001
                    counts[f"the reference raises {type(error).__name__}"] += 1
                    continue
                counts["compared"] += 2
                counts["followed"] += sum(map(bool, theirs))
                by_id[name] += 2
                if tuple(map(bool, theirs)) == mine:
                    continue
                counts["DIFFERENT"] += 1
                by_id["DIFFERENT " + name] += 1
                if shown < args.show:
                    shown += 1
                    print(f"DIFFERENT {name} {arguments}: reference {theirs}, ours {mine}: {response[:1200]!r}", file=sys.stderr)
    print(json.dumps({"seed": args.seed, **counts, "by_id": by_id}, indent=1))
    return 1 if counts["DIFFERENT"] or counts["OTHER ERRORS"] else 0


if __name__ == "__main__":
    sys.exit(main())
