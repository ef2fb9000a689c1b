#!/usr/bin/env python3
"""Our IFEval checkers against lm-eval's own, verdict by verdict.

Real responses are mutated and combined with prompts that did not ask for them, so that every check sees
texts on both sides of its edge: Unicode, markdown, code, other scripts, control characters, empty and huge
texts. Besides IFEval's 541 prompts there are synthetic ones with unusual arguments (regular expressions,
non-ASCII keywords, other markers).

  ifeval_differential.py --driver BUILD/tests/check_driver --data SHARED/data/ifeval --comparisons 5000 --seed 1

One comparison is one instruction's verdict, strict or loose. Exit code 1 when any differs. Runs in the
oracle's environment (tests/oracle/setup.sh). Where the reference draws at random (a letter that is not a-z) or
ends with an exception, there is nothing to compare; both are counted.
"""
import argparse
import collections
import json
import logging
import random
import re
import string
import sys
import tempfile
import unicodedata

logging.disable(logging.CRITICAL)
import langdetect  # noqa: E402
from driver import Driver  # noqa: E402

langdetect.DetectorFactory.seed = 0
from lm_eval.tasks.ifeval import instructions_registry, utils  # noqa: E402

SCRIPTS = {
    "cjk": "今天天气很好，我们去公园散步。你觉得怎么样？这是一个测试！第二句话在这里。",
    "japanese": "今日はとてもいい天気ですね。公園に行きましょう！「はい」と彼は言った。",
    "korean": "오늘은 날씨가 정말 좋네요. 공원에 갈까요? 좋아요!",
    "arabic": "هذا نص تجريبي باللغة العربية، وفيه بعض الجمل. هل تفهم؟ نعم! شكرا جزيلا.",
    "urdu": "یہ اردو میں ایک تحریر ہے۔ کیا آپ سمجھتے ہیں؟ جی ہاں!",
    "thai": "วันนี้อากาศดีมาก เราไปเดินเล่นที่สวนสาธารณะกันเถอะ คุณคิดว่าอย่างไร",
    "hindi": "यह हिन्दी में एक परीक्षण है। क्या आप समझते हैं? हाँ! बहुत धन्यवाद।",
    "marathi": "हे मराठीत लिहिलेले वाक्य आहे. तुम्हाला समजले का? होय!",
    "greek": "Αυτό είναι ένα δοκιμαστικό κείμενο. ΟΔΟΣ οδός; Ναι!",
    "russian": "Это проверочный текст на русском языке. Вы понимаете? Да! Спасибо.",
    "turkish": "İstanbul'da ıssız bir sokak. DİYARBAKIR IĞDIR. Anladın mı? Evet!",
    "german": "Straße und Fußball. Die GROẞE Übung! Verstehst du das? Ja, z.B. heute.",
    "french": "C'est un « texte » d'essai. L'été, où êtes-vous ? À bientôt !",
    "tamil": "இது ஒரு சோதனை உரை. உங்களுக்கு புரிகிறதா? ஆம்!",
    "hebrew": "זה טקסט ניסיון בעברית. האם אתה מבין? כן!",
    "swahili": "Hii ni maandishi ya majaribio. Unaelewa? Ndiyo, asante sana!",
}
ODD = ["ſ", "K", "İ", "ı", "ß", "ς", "Σ", "ﬀ", "ǅ", "é", "é", "​", "‍", "﻿", "\x00", "\x0b", "\x0c", "\x1c", "\x1f",
       "\x85", " ", " ", " ", "　", "٣", "²", "Ⅷ", "①", "𝒜", "𝟙", "👍🏽", "👨‍👩‍👧", "🇩🇪", "…", "“", "”", "‘", "’", "«", "»",
       "、", "。", "！", "？", "٪", "،", "_", "%", "$", "\t", "\r", "\r\n", "\n", "\n\n", "\n\n\n", "  "]
PIECES = ["* point one\n", "- point two\n", "  * indented\n", "\t- tab\n", "---\n", "***\n", "* * *\n", "******\n", " ******", "*******", "***",
          "**bold**", "*it*", "* *", "** **", "***x***", "<<title>>", "<< >>", "<<<t>>", "<<a>> <<b>>", "<<>>", "[name]", "[]", "[[x]]", "[a\nb]",
          "P.S. bye", "p.s. bye", "P. S. bye", "P.P.S bye", "P.P.S. x", "p. p. s", "PS bye", "My answer is yes.", "My answer is no", "My answer is maybe.",
          "Section 1\n", "SECTION 2", "section 3", "Section IV", "PARAGRAPH 4 ", "Day 5", "Audience 6", "\nSection  7\n", "Section٣",
          "\"", "'", "\"\"", "'Word", "\"Word\"", "don't", "e.g. this", "Mr. Smith went.", "U.S.A.", "3.14", "1,000", "Wait... what?!", "No! Yes?", "etc.).",
          "```json\n{}\n```", "```\n[1, 2]\n```", "{\"a\": 1}", "[NaN, Infinity]", "{\"a\": 1, \"a\": 2}", "```JSON\n\"x\"```", "```Json 1```", "\"\\ud800\"", "1e999", "-",
          "# Heading\n", "| a | b |\n", "> quote\n", "`code`", "http://a.b/c?d=e,f", "def f(x):\n    return x, 1\n", "</s>", "A B C", "ALL CAPS HERE", "iPhone", "I AM"]
WRAPS = [lambda t: f'"{t}"', lambda t: f"```json\n{t}\n```", lambda t: f"```\n{t}\n```", lambda t: f"<<{t}>>", lambda t: f"*{t}*", lambda t: f"**{t}**",
         lambda t: f" \n{t}\n ", lambda t: "\n".join("* " + line for line in t.split("\n")), lambda t: json.dumps({"answer": t}), lambda t: json.dumps(t),
         lambda t: t.replace("\n", "\r\n"), lambda t: t.replace("\n\n", "\n***\n"), lambda t: t.replace("\n", "\n\n"), lambda t: f"{t}\n******\n{t}",
         lambda t: f"{t}******{t} x", str.upper, str.lower, str.swapcase, str.title, lambda t: t.replace(",", ""), lambda t: t.replace(".", ""),
         lambda t: unicodedata.normalize("NFD", t), lambda t: t[::-1], lambda t: " ".join(t.split()), lambda t: t.replace(" ", " ")]


def fit(text):
    return text.encode("utf-8", "replace").decode("utf-8")


class Texts:
    def __init__(self, rnd, rows, responses):
        self.rnd, self.rows, self.responses = rnd, rows, responses

    def base(self, row):
        r = self.rnd.random()
        if r < 0.45:
            return self.responses.get(row["key"]) or self.rnd.choice(list(self.responses.values()))
        if r < 0.65:
            return self.rnd.choice(list(self.responses.values()))
        if r < 0.80:
            return "\n".join(self.rnd.choices(list(SCRIPTS.values()), k=self.rnd.randint(1, 4)))
        if r < 0.85:
            return "".join(self.rnd.choices(PIECES, k=self.rnd.randint(1, 12)))
        if r < 0.88:
            return self.rnd.choice(["", " ", "\n", "\t\n ", "*", "**", "\x00", "a", "A", "1", "\n\n", "​", "​ ", "\x1f"])
        if r < 0.90:
            return "".join(chr(self.rnd.choice([self.rnd.randrange(32, 0x250), self.rnd.randrange(0x2000, 0x2100), self.rnd.randrange(0x10000, 0x10400)]))
                           for _ in range(self.rnd.randint(1, 60)))
        return row["prompt"]

    def near(self, row):
        """Something that this row's instructions look for."""
        out = []
        for kwargs in row["kwargs"]:
            for value in kwargs.values():
                if isinstance(value, str):
                    out.append(value)
                elif isinstance(value, list):
                    out += value
        word = self.rnd.choice(out) if out else "the"
        return self.rnd.choice([word, word.upper(), word.capitalize(), word + "s", " " + word + " ", word + ".", "_" + word, word.replace("s", "ſ").replace("k", "K"), word + "\n\n"])

    def make(self, row):
        text = self.base(row)
        for _ in range(self.rnd.choice([0, 0, 1, 1, 2, 3])):
            r, at = self.rnd.random(), self.rnd.randint(0, len(text))
            if r < 0.2:
                text = text[:at] + self.rnd.choice(ODD) + text[at:]
            elif r < 0.45:
                text = text[:at] + self.rnd.choice(PIECES) + text[at:]
            elif r < 0.65:
                piece = self.near(row) * self.rnd.choice([1, 1, 2, 5])
                text = self.rnd.choice([piece + text, text + piece, text[:at] + piece + text[at:], piece + "\n" + text, text + "\n" + piece])
            elif r < 0.9:
                text = self.rnd.choice(WRAPS)(text)
            else:
                end = self.rnd.randint(at, len(text))
                text = self.rnd.choice([text[:at], text[at:], text[at:end]])
        if self.rnd.random() < 0.0005:
            text = (text + " ") * (100_000 // (len(text) + 1))
        return fit(text[:200_000])


KEYWORDS = ["dog", "c++", "a.b", "[a-c]+", "(x|y)", "^The", "end$", r"\bcat\b", "naïve", "straße", "ΟΔΟΣ", "İ", "ı", "k", "ſ", "日本", "x*", "", "a{2,3}", "a|b|", r"\d+",
            r"\w+ing", "(?:foo)?bar", "x??y", "[^a]b", "p.s", "*bad", "(open", "a**", "#tag", "C#", "it's", "x{,2}y", r"\s+", "é", ".", "۳", "[[:alpha:]]", "a)b", "\\", "?"]


def synthetic(rnd, count, texts):
    relations = ["less than", "at least"]
    makers = {
        "keywords:existence": lambda: {"keywords": rnd.sample(KEYWORDS, rnd.randint(1, 2))},
        "keywords:frequency": lambda: {"keyword": rnd.choice(KEYWORDS), "frequency": rnd.randint(1, 5), "relation": rnd.choice(relations)},
        "keywords:forbidden_words": lambda: {"forbidden_words": rnd.sample(KEYWORDS, rnd.randint(1, 2))},
        "keywords:letter_frequency": lambda: {"letter": rnd.choice("abcdeksizABKS" + "K"), "let_frequency": rnd.randint(1, 30), "let_relation": rnd.choice(relations)},
        "language:response_language": lambda: {"language": rnd.choice(["en", "de", "hi", "mr", "ar", "ur", "th", "ko", "ja", "ru", "fr", "ta", "he", "sw"])},
        "length_constraints:number_sentences": lambda: {"num_sentences": rnd.randint(1, 12), "relation": rnd.choice(relations)},
        "length_constraints:number_paragraphs": lambda: {"num_paragraphs": rnd.randint(1, 4)},
        "length_constraints:number_words": lambda: {"num_words": rnd.choice([1, 2, 5, 10, 20, 50, 100, 200]), "relation": rnd.choice(relations)},
        "length_constraints:nth_paragraph_first_word": lambda: (lambda n: {"num_paragraphs": n, "nth_paragraph": rnd.randint(1, n), "first_word": rnd.choice(["the", "I", "word", "Ναι", "ΟΔΟΣ", "İstanbul", "don"])})(rnd.randint(1, 5)),
        "detectable_content:number_placeholders": lambda: {"num_placeholders": rnd.randint(1, 4)},
        "detectable_content:postscript": lambda: {"postscript_marker": rnd.choice(["P.S.", "P.P.S", "PS", "N.B.", "ΣΗΜ", "P.S. ", "Note:", "(note", "x+"])},
        "detectable_format:number_bullet_lists": lambda: {"num_bullets": rnd.randint(1, 5)},
        "detectable_format:constrained_response": dict,
        "detectable_format:number_highlighted_sections": lambda: {"num_highlights": rnd.randint(1, 4)},
        "detectable_format:multiple_sections": lambda: {"section_spliter": rnd.choice(["Section", "SECTION", "Day", "S(e)ction", "PARAGRAPH ", "[A-Z]+"]), "num_sections": rnd.randint(1, 4)},
        "detectable_format:json_format": dict,
        "detectable_format:title": dict,
        "combination:two_responses": dict,
        "combination:repeat_prompt": lambda: {"prompt_to_repeat": rnd.choice(["Ναι ΟΔΟΣ", "İstanbul", "the", "\"", "  A b "] + [fit(r[:rnd.randint(1, 40)]) or "x" for r in rnd.sample(texts, 3)])},
        "startend:end_checker": lambda: {"end_phrase": rnd.choice(["Peace!", "ΟΔΟΣ", "İ", ".", "\"", "  x ", "yes"])},
        "startend:quotation": dict,
        "change_case:capital_word_frequency": lambda: {"capital_frequency": rnd.randint(1, 6), "capital_relation": rnd.choice(relations)},
        "change_case:english_capital": dict,
        "change_case:english_lowercase": dict,
        "punctuation:no_comma": dict,
    }
    rows = []
    for i in range(count):
        ids = rnd.choices(list(makers), k=3)
        rows.append({"key": f"synthetic-{i}", "prompt": "Write something.", "instruction_id_list": ids, "kwargs": [makers[name]() for name in ids]})
    return rows


def builds(row):
    """Whether the reference can make the row's instructions, and compile their patterns."""
    try:
        inp = utils.InputExample(row["key"], row["instruction_id_list"], row["prompt"], row["kwargs"])
        utils.test_instruction_following_strict(inp, "The P.S. text.")
        return all(v for kwargs in row["kwargs"] for v in kwargs.values())
    except (re.error, ValueError, TypeError, KeyError, OverflowError):
        return False


def is_random(instruction, kwargs):
    letter = kwargs.get("letter")
    return instruction == "keywords:letter_frequency" and not (letter and len(letter) == 1 and 97 <= ord(letter.lower()) <= 122)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--driver", required=True)
    parser.add_argument("--data", required=True, help="folder with input_data.jsonl and gpt4_responses.jsonl")
    parser.add_argument("--comparisons", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=20)
    args = parser.parse_args()
    rnd = random.Random(args.seed)
    rows = [json.loads(line) for line in open(f"{args.data}/input_data.jsonl", encoding="utf-8")]
    by_prompt = {row["prompt"]: row["key"] for row in rows}
    responses = {}
    for line in open(f"{args.data}/gpt4_responses.jsonl", encoding="utf-8"):
        row = json.loads(line)
        responses[by_prompt.get(row["prompt"])] = row["response"]
    counts = collections.Counter()
    checker = Driver(args.driver, "rows")
    for row in synthetic(rnd, 400, list(responses.values())):
        ours, theirs = checker.ask(row)["error"], builds(row)
        if ours is None and theirs:
            rows.append(row)
        elif ours is None:
            counts["rows only ours takes"] += 1
            print("ONLY OURS TAKES", json.dumps(row), file=sys.stderr)
        elif theirs:
            counts["rows only the reference takes"] += 1
            print("REFUSED HERE", ours, file=sys.stderr)
        else:
            counts["rows both refuse"] += 1

    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as prompts:
        for row in rows:
            prompts.write(json.dumps(row) + "\n")
        prompts.flush()
        driver = Driver(args.driver, "ifeval", prompts.name)
        texts = Texts(rnd, rows, responses)
        shown = 0
        by_id = collections.Counter()
        while counts["compared"] < args.comparisons:
            row = rnd.choice(rows)
            response = texts.make(row)
            ours = driver.ask({"key": str(row["key"]), "response": response})
            for loose, test in ((False, utils.test_instruction_following_strict), (True, utils.test_instruction_following_loose)):
                mine = ours["loose" if loose else "strict"]
                for i, (name, kwargs) in enumerate(zip(row["instruction_id_list"], row["kwargs"])):
                    if is_random(name, kwargs):
                        counts["random in the reference"] += 1
                        continue
                    inp = utils.InputExample(row["key"], [name], row["prompt"], [kwargs])
                    try:
                        theirs = test(inp, response).follow_instruction_list[0]
                    except (RecursionError, IndexError) as error:
                        counts[f"the reference raises {type(error).__name__}"] += 1
                        continue
                    counts["compared"] += 1
                    by_id[name] += 1
                    counts["followed"] += theirs
                    if theirs == mine[i]:
                        continue
                    counts["DIFFERENT"] += 1
                    by_id[f"DIFFERENT {name}"] += 1
                    if shown < args.show:
                        shown += 1
                        text = response if len(response) < 1500 else response[:700] + " … " + response[-700:]
                        print(f"DIFFERENT {name} {kwargs} {'loose' if loose else 'strict'}: reference {theirs}, ours {mine[i]}: {text!r}", file=sys.stderr)
    print(json.dumps({"seed": args.seed, **counts, "by_id": by_id}, indent=1))
    return 1 if counts["DIFFERENT"] or counts["rows only ours takes"] or len([k for k in by_id if not k.startswith("DIFF")]) < 25 else 0


if __name__ == "__main__":
    sys.exit(main())
