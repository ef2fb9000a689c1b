#!/usr/bin/env python3
"""Our IFBench constraints against the reference's own, verdict by verdict.

  ifbench_differential.py --reference DIR --driver BUILD/tests/check_driver --comparisons 50000 --seed 1
  ifbench_differential.py --reference DIR --golden tests/golden/ifbench/verdicts.jsonl --cases 1200 --seed 7

DIR holds the reference's package `ifbench` (instructions.py, evaluation_lib.py, ... of allenai/IFBench 0.2.0), which no registry
carries. Its packages (nltk 3.9, emoji 2.16, syllapy 0.8) and NLTK's punkt_tab, stopwords and averaged_perceptron_tagger_eng
must be where Python and NLTK_DATA find them.

One comparison is one instruction's verdict, strict or loose. For each constraint there is a maker of texts that follow it or
nearly do; mutations take them over the edge: Unicode, markdown, other scripts, control characters, CRLF, empty and long texts.
With the reference's data folder, its 294 prompts and sample responses take part too. Where the reference ends with an exception,
ours must say "not followed". Exit code 1 when anything differs.

--golden writes cases of our own texts with the reference's verdicts, which tests/eval/ifbench checks without the reference.
"""
import argparse
import collections
import functools
import json
import logging
import os
import random
import string
import sys
import tempfile
import unicodedata

from driver import Driver

logging.disable(logging.CRITICAL)

SCRIPTS = ["今天天气很好，我们去公园散步。你觉得怎么样？", "今日はとてもいい天気ですね。カタカナも！", "오늘은 날씨가 정말 좋네요.", "هذا نص تجريبي، وفيه بعض الجمل. هل تفهم؟",
           "यह हिन्दी में एक परीक्षण है। क्या आप?", "วันนี้อากาศดีมาก", "ΟΔΟΣ οδός; Ναι!", "Это проверочный текст. Да!", "İstanbul ıssız. DİYARBAKIR", "Straße und Fußball, z.B. heute.",
           "C'est l'été, où êtes-vous ?"]
ODD = ["ſ", "K", "İ", "ı", "ß", "ς", "ﬁ", "ǅ", "é", "é", "​", "‍", "﻿", "\x00", "\x0b", "\x0c", "\x1c", "\x1f", "\x85", " ", " ", "　",
       "٣", "²", "Ⅷ", "①", "𝟙", "👍🏽", "👨‍👩‍👧", "🇩🇪", "…", "“", "”", "‘", "’", "«", "、", "。", "！", "？", "_", "%", "\t", "\r", "\r\n", "\n", "\n\n",
       "  ", "‽", "?!", "!?", "\"", "'", "*", "-", "/", "(", ")", "[", "]", "{", "}", ",", ".", "?", "!", ";", ":", "<i>", "</i>", "<em>", "</em>", "😀", "☺", "☺️", "1", "42"]
WRAPS = [lambda t: f'"{t}"', lambda t: f"```\n{t}\n```", lambda t: f"*{t}*", lambda t: f"Sure!\n{t}", lambda t: f"{t}\nHope this helps.", lambda t: f"Sure!\n\n{t}\n\nBye.",
         lambda t: f" \n{t}\n ", lambda t: "\n".join("* " + line for line in t.split("\n")), lambda t: t.replace("\n", "\r\n"), lambda t: t.replace("\n", "\n\n"),
         str.upper, str.lower, str.swapcase, str.title, lambda t: t.replace(",", ""), lambda t: t.replace(".", ""), lambda t: unicodedata.normalize("NFD", t),
         lambda t: t[::-1], lambda t: " ".join(t.split()), lambda t: t.replace(" ", " "), lambda t: t.replace(" ", "\n"), lambda t: t + "\n"]
WORDS = ("apple bread castle dragon eagle forest garden harbor island jungle kitchen lantern mountain notebook ocean pencil quarry river sunset "
         "tunnel umbrella valley window yellow zebra strong bright clever brisk swift self-care co-operate rhythm idea area queue people little table "
         "create science being the a of and to in it is was for on with as but so yet or nor he she they we you i this that something everyone "
         "run walk sing write build consider imagine explain wrote singing don't can't it's they're Emma Liam Noah Ava Leo Zoe iPhone NASA U.S. e.g. Mr. 2024 3.14 7").split()
PALINDROMES = "level radar civic kayak madam refer rotor stats tenet solos rotator deified racecar noon".split()
NAMES = "Emma Liam Sophia Jackson Olivia Noah Ava Lucas Isabella Mason Mia Ethan Charlotte Alexander Amelia Benjamin Harper Leo Zoe Daniel Chloe Samuel Lily Matthew".split()
EMOJI = ["😀", "🎉", "👍🏽", "❤️", "☺", "🇩🇪", "👨‍👩‍👧", "1️⃣", "✨"]
CAPITALS = ["Reykjavik", "Helsinki", "Oslo", "Tallinn", "Stockholm", "Riga", "Moscow", "Copenhagen", "Vilnius", "Minsk", "Dublin", "Berlin", "Amsterdam", "Warsaw", "London", "Brussels",
            "Prague", "Luxembourg", "Paris", "Vienna", "Bratislava", "Budapest", "Vaduz", "Chișinău", "Bern", "Ljubljana", "Zagreb"]
COUNTRIES = ["Zimbabwe", "Zambia", "Uganda", "Tunisia", "Togo", "Tanzania", "Sudan", "São Tomé and Príncipe", "South Sudan", "Rwanda", "Nigeria", "Mali", "Libya", "Kenya", "Ghana", "Egypt", "Chad", "Angola", "Algeria"]


def fit(text):
    return text.encode("utf-8", "replace").decode("utf-8")


class Maker:
    """Arguments, and texts that follow or nearly follow, for each constraint."""

    def __init__(self, rnd):
        self.rnd = rnd

    def words(self, n):
        return self.rnd.choices(WORDS, k=max(n, 0))

    def sentence(self, n=None, end=None):
        words = self.words(n if n is not None else self.rnd.randint(1, 9)) or ["Yes"]
        return " ".join(words).capitalize() + (end if end is not None else self.rnd.choice([".", ".", ".", "?", "!"]))

    def sentences(self, n, **kwargs):
        return [self.sentence(**kwargs) for _ in range(n)]

    def prose(self):
        return self.rnd.choice([" ", " ", "\n", "\n\n"]).join(self.sentences(self.rnd.randint(1, 8)))

    def kwargs(self, name):
        rnd, number = self.rnd, lambda a, b: self.rnd.choice([int, float])(self.rnd.randint(a, b))
        if name == "count:word_count_range":
            low = rnd.randint(0, 30)
            return {"min_words": float(low), "max_words": low + rnd.randint(0, 8)}
        makers = {
            "count:unique_word_count": lambda: {"N": number(0, 25)}, "ratio:stop_words": lambda: {"percentage": number(0, 70)}, "count:conjunctions": lambda: {"small_n": number(0, 6)},
            "count:person_names": lambda: {"N": number(0, 8)}, "ratio:overlap": lambda: {"reference_text": fit(rnd.choice([self.prose(), "abcabc", "ab", "日本語のテキスト"])), "percentage": number(0, 100)},
            "count:numbers": lambda: {"N": number(0, 6)}, "format:options": lambda: {"options": rnd.choice(["yes/no/maybe", "I know or I don't know", "a), b), c), d)", "A, B, C", "red, green", "for / against", "oui/non!", "ΟΔΟΣ/ß", "a b c"])},
            "count:words_japanese": lambda: {"N": number(1, 6)}, "words:repeats": lambda: {"small_n": number(0, 4)},
            "sentence:keyword": lambda: {"word": rnd.choice(["river", "c++", "it's", "naïve", "ΟΔΟΣ", "a.b", "two words", "#tag", "日本", "k", "_x"]), "N": number(1, 5)}, "count:pronouns": lambda: {"N": number(0, 9)},
            "sentence:increment": lambda: {"small_n": number(0, 3)}, "format:list": lambda: {"sep": rnd.choice(["...", "SEPARATOR", "!?!?", "-", "*", "--", "ß", " "])},
            "count:keywords_multiple": lambda: {f"keyword{i}": rnd.choice(["door", "cloud", " blue ", "Lamp", "aa", "a", "ΟΔΟΣ", "İ", "river"]) for i in range(1, 6)},
            "words:keywords_specific_position": lambda: {"keyword": rnd.choice(["river", " Lamp ", "don't", "n't", "ß"]), "n": rnd.randint(1, 4), "m": rnd.randint(1, 5)},
            "words:words_position": lambda: {"keyword": rnd.choice(["river", " Lamp", "n't", "İ"])}, "repeat:repeat_change": lambda: {"prompt_to_repeat": fit(self.prose())},
            "repeat:repeat_span": lambda: (lambda p: {"prompt_to_repeat": p, "n_start": rnd.randint(0, len(p)), "n_end": rnd.randint(0, len(p) + 3)})(fit(rnd.choice([self.prose(), SCRIPTS[rnd.randrange(len(SCRIPTS))]]))),
        }
        return makers.get(name, dict)()

    def text(self, name, kwargs):
        maker = getattr(self, "text_" + name.replace(":", "_").replace("-", "_"), None)
        return maker(kwargs) if maker else self.prose()

    def text_count_word_count_range(self, k):
        return " ".join(self.words(self.rnd.randint(int(k["min_words"]) - 1, int(k["max_words"]) + 1)))

    def text_count_unique_word_count(self, k):
        return " ".join(self.words(int(k["N"]) + self.rnd.randint(-1, 8)))

    def text_count_conjunctions(self, k):
        return " ".join(w + self.rnd.choice(["", ",", ".", ""]) for w in self.rnd.choices(["and", "but", "for", "nor", "or", "so", "yet", "And", "SO", "river"], k=self.rnd.randint(1, 9)))

    def text_count_person_names(self, k):
        return self.rnd.choice([" ", ", ", ", ", "_", ""]).join(self.rnd.sample(NAMES, min(len(NAMES), max(0, int(k["N"]) + self.rnd.randint(-1, 2)))))

    def text_ratio_overlap(self, k):
        reference, keep = k["reference_text"], self.rnd.random()
        return self.rnd.choice([reference, reference[:int(len(reference) * keep)] + self.prose()[:int(len(reference) * (1 - keep))], reference + reference[::-1], reference[:2], self.prose()])

    def text_count_numbers(self, k):
        return self.rnd.choice([" ", ", ", ",", ".", " and "]).join(self.rnd.choice(["3", "4.5", "1,000", "٣", "²", "7th", "-2"]) for _ in range(max(1, int(k["N"]) + self.rnd.randint(-1, 1))))

    def text_words_alphabet(self, k):
        start, n = self.rnd.randrange(26), self.rnd.randint(1, 30)
        words = [string.ascii_lowercase[(start + i) % 26] + self.rnd.choice(["", "bc", "-x", "Y", "'s"]) for i in range(n)]
        return self.rnd.choice([" ", " ", ", ", "\n", " - "]).join(w.capitalize() if self.rnd.random() < 0.3 else w for w in words)

    def text_words_vowel(self, k):
        return " ".join(self.rnd.choices(["banana", "papaya", "sky", "tell", "red", "ill", "Anna", "fly", "Élan", "up"], k=self.rnd.randint(1, 6)))

    def text_words_consonants(self, k):
        return " ".join(self.rnd.choices(["strong", "bright", "Brisk", "swift", "rhythm", "sky", "ßt", "CLEVER", "best,", "ha'nd"] + self.words(1), k=self.rnd.randint(1, 7)))

    def text_sentence_alliteration_increment(self, k):
        out = []
        for i in range(self.rnd.randint(1, 4)):
            letter = self.rnd.choice("bst")
            out.append(" ".join([letter + "ig"] * (i * 2 + self.rnd.randint(0, 2)) + self.words(2)).capitalize() + ".")
        return " ".join(out)

    def text_words_palindrome(self, k):
        return self.rnd.choice([" ", ", "]).join(self.rnd.choice([str, str.upper, str.title])(w) for w in self.rnd.choices(PALINDROMES + ["été’été", "12321", "ααβαα"], k=self.rnd.randint(8, 13)))

    def text_count_punctuation(self, k):
        marks = list(".,!?;:") + [self.rnd.choice(["?!", "!?", "‽", ""])]
        self.rnd.shuffle(marks)
        return " ".join(w + m for w, m in zip(self.words(7), marks[self.rnd.choice([0, 0, 0, 1]):]))

    def text_format_parentheses(self, k):
        text, pairs = "", ["()", "[]", "{}"]
        opened = [self.rnd.choice(pairs) for _ in range(self.rnd.randint(3, 7))]
        for p in opened:
            text += p[0] + self.rnd.choice(["", "a ", "x"])
        for p in reversed(opened):
            text += (p if self.rnd.random() < 0.95 else self.rnd.choice(pairs))[1] + self.rnd.choice(["", " b", "(", ")"] if self.rnd.random() < 0.1 else ["", " b"])
        return text

    def text_format_quotes(self, k):
        opened = [self.rnd.choice("\"'") if self.rnd.random() < 0.2 else "\"'"[i % 2] for i in range(self.rnd.randint(1, 5))]
        return "He said, " + " a ".join(opened) + " word " + " b ".join(reversed(opened)) + self.rnd.choice(["", ".", " don't"])

    def text_words_prime_lengths(self, k):
        return " ".join(self.rnd.choice(["an", "the", "apple", "bread", "kitchen", "strange", "a-b", "we", "été", "x" * self.rnd.choice([11, 13, 97, 101])]) for _ in range(self.rnd.randint(1, 7)))

    def text_format_options(self, k):
        options = [o for sep in ["/", "or", ","] for o in k["options"].split(sep)]
        return self.rnd.choice([str, str.upper, str.strip, lambda t: t.strip() + ".", lambda t: f" {t.strip()}!", lambda t: "Answer: " + t])(self.rnd.choice(options))

    def text_format_newline(self, k):
        return self.rnd.choice(["\n", "\n", "\n\n", "\n "]).join(w + self.rnd.choice(["", ",", " ", "!"]) for w in self.words(self.rnd.randint(1, 8))) + self.rnd.choice(["", "\n-\n", " x"])

    def text_format_emoji(self, k):
        return " ".join(self.rnd.choice(["{0} {1}", "{0}{1}", "{1} {0}"] if self.rnd.random() < 0.1 else ["{0} {1}", "{0}{1}"]).format(self.sentence(), self.rnd.choice(EMOJI)) for _ in range(self.rnd.randint(1, 4)))

    def text_ratio_sentence_type(self, k):
        n = self.rnd.randint(0, 2)
        parts = [self.sentence(end=".") for _ in range(2 * n + self.rnd.choice([0, 0, 0, 1]))] + [self.sentence(end="?") for _ in range(n)]
        self.rnd.shuffle(parts)
        return " ".join(parts) or "Hello!"

    def text_ratio_sentence_balance(self, k):
        n = self.rnd.randint(0, 2)
        parts = [self.sentence(end=e) for e in ".?!" * n] + ([self.sentence()] if self.rnd.random() < 0.2 else [])
        self.rnd.shuffle(parts)
        return " ".join(parts) or "No end"

    def text_ratio_sentence_words(self, k):
        n = self.rnd.randint(5, 12)
        return self.rnd.choice([" ", "\n"]).join("A" + "b" * (n + self.rnd.choice([0, 0, 0, 1])) + self.rnd.choice(".?!") for _ in range(self.rnd.choice([3, 3, 3, 2, 4])))

    def text_count_words_japanese(self, k):
        n = int(k["N"])
        return " ".join(self.rnd.choice(["日本", "カ", "ひらがな", "、", "7", "٣", "-", "한국", "x"] if self.rnd.random() < 0.2 else ["日本", "カ。", "「の」"]) if i % n == 0 else w for i, w in enumerate(self.words(self.rnd.randint(1, 12)), 1))

    def text_words_start_verb(self, k):
        first = self.rnd.choice(["Run", "Consider", "Write", "Imagine", "Go", "Is", "Being", "Explain", "run", "The", "Walking", "Built", "2024", "3rd", "\"Run", "Let", "Self-care", "Do", "Have", "Read", "Please", "To"] + WORDS)
        return first + self.rnd.choice([" ", " ", ", ", ". ", "-", "'s ", "\n"]) + " ".join(self.words(self.rnd.randint(0, 5)))

    def text_words_repeats(self, k):
        return " ".join(self.rnd.choice([str, str.upper, lambda w: w + ","])(w) for w in self.rnd.choices(self.words(6), k=self.rnd.randint(1, 9)))

    def text_sentence_keyword(self, k):
        parts, n = self.sentences(self.rnd.randint(1, 7)), int(k["N"])
        place = self.rnd.choice([n - 1, n - 1, n, 0])
        if place < len(parts):
            word = self.rnd.choice([str, str.upper, lambda t: t + "s"])(k["word"])
            parts[place] = f"So {word} is here."
        return " ".join(parts)

    def text_count_pronouns(self, k):
        return self.rnd.choice([" ", "/", ", "]).join(self.rnd.choices(["he", "She", "its", "myself", "THIS", "whoever", "each", "it's", "you're", "one", "river"], k=max(1, int(k["N"]) + self.rnd.randint(-1, 2))))

    def text_words_odd_even_syllables(self, k):
        odd, even = ["cat", "banana", "strong", "table's", "I", "of"], ["river", "apple", "window", "idea'", "little", "being", "people"]
        return " ".join(self.rnd.choice([odd, even][(i + (self.rnd.random() < 0.03)) % 2]) for i in range(self.rnd.randint(1, 8))) + self.rnd.choice(["", ".", " rhythms", " queueing 7"])

    def text_words_last_first(self, k):
        out, first = [], self.rnd.choice(WORDS)
        for _ in range(self.rnd.randint(1, 4)):
            last = self.rnd.choice(WORDS)
            out.append(self.rnd.choice([first, first.capitalize(), '"' + first]) + " " + " ".join(self.words(2)) + " " + last + self.rnd.choice([".", "!", "?", '."']))
            first = last if self.rnd.random() < 0.93 else "other"
        return " ".join(out)

    def text_words_paragraph_last_first(self, k):
        out = []
        for _ in range(self.rnd.randint(1, 4)):
            w = self.rnd.choice(WORDS)
            out.append(self.rnd.choice([w + " " + " ".join(self.words(2)) + " " + w + ".", w.capitalize() + " x " + w, w, "", " - ", w + " " + w + "s" if self.rnd.random() < 0.2 else w]))
        return self.rnd.choice(["\n", "\n\n"]).join(out)

    def text_sentence_increment(self, k):
        step, n, out = int(k["small_n"]), self.rnd.randint(1, 4), []
        for _ in range(self.rnd.randint(1, 4)):
            out.append(" ".join(["Word"] + self.rnd.choices(["tree", "of", "self-care", "-", "x,"] if self.rnd.random() < 0.1 else ["tree", "of", "it's"], k=n - 1)) + self.rnd.choice(".!?"))
            n += step + (self.rnd.random() < 0.05)
        return " ".join(out)

    def text_words_no_consecutive(self, k):
        return " ".join(self.words(self.rnd.randint(1, 5)))

    def text_format_line_indent(self, k):
        lines, depth = [], 0
        for _ in range(self.rnd.randint(1, 6)):
            lines.append(" " * depth + self.rnd.choice(WORDS))
            depth += self.rnd.choice([1, 1, 2, 4, 1, 0] if self.rnd.random() < 0.3 else [1, 2])
            lines += self.rnd.choice([[], [], [], [""], ["", ""], [" " * depth], ["", " ", ""], ["\t"]])
        return "\n".join(lines)

    def text_format_quote_unquote(self, k):
        return " ".join(self.rnd.choice(['"word" means this', '“a” is b', '"x" "y"', "'\"' is a quote", 'the end "z"', "plain text", '"q".']) for _ in range(self.rnd.randint(1, 3))) + self.rnd.choice(["", ".", " 7.", '"'])

    def text_format_list(self, k):
        return "\n".join(self.rnd.choice([k["sep"], k["sep"], "* ", ""]) + w for w in self.words(self.rnd.randint(1, 4)))

    def text_format_thesis(self, k):
        r = self.rnd
        return "".join([r.choice(["", "Intro "]), r.choice(["<i>", "<em>", "<I>", ""]), r.choice(["A thesis.", " ", "", "<b>"]), r.choice(["</i>", "</em>", "</i>"]), r.choice([" More text.", "", " ", "\nText"])] * r.choice([1, 1, 2]))

    def text_format_sub_bullets(self, k):
        return "\n".join("* " + self.rnd.choice(WORDS) + self.rnd.choice(["\n - sub", "\n  - sub\n  - two", "", " - x"] if self.rnd.random() < 0.3 else ["\n - sub"]) for _ in range(self.rnd.randint(0, 4))) or "none"

    def text_format_no_bullets_bullets(self, k):
        r = self.rnd
        return r.choice(["\n", " "]).join(self.sentences(r.randint(1, 3), end=".")) + r.choice(["\n", "\n", "\n\n"]) + "\n".join(r.choice(["* ", "  * ", "*", "- "] if r.random() < 0.2 else ["* "]) + w for w in self.words(r.randint(1, 3))) + r.choice(["", "\n", "\nEnd."] if r.random() < 0.3 else [""])

    def text_custom_multiples(self, k):
        return self.rnd.choice([", ", ",", "\n", " "]).join(self.rnd.choice([["14", "21", "28", "35", "42", "49"], ["14", "21", "28", "35", "42", "49", "56"], ["7", "14"], ["１４", "21", "28", "35", "42", "49"]]))

    def text_custom_mcq_count_length(self, k):
        r, out, text = self.rnd, [], "What?"
        for i in range(r.choice([4, 4, 4, 4, 3, 5])):
            text += " more" * r.choice([1, 1, 1, 1, 1, 0])
            label = r.choice(["Question %d: ", "Question %d. ", "Question %d\n", "Question %d| "] if r.random() < 0.2 else ["Question %d: "]) % (i + 1)
            out.append(label + text + "\n" + "\n".join(f"{c}{r.choice([')', '.'])} option" for c in "ABCDEF"[:r.choice([5] * 12 + [4, 6])]))
        return r.choice(["", "", "", "Here:\n"]) + r.choice(["\n\n", "\n"]).join(out)

    def text_custom_reverse_newline(self, k):
        lines = sorted((COUNTRIES * 4)[:self.rnd.choice([51, 52, 53, 60])], key=lambda t: unicodedata.normalize("NFKD", t).encode("ascii", "ignore"), reverse=True)
        if self.rnd.random() < 0.2:
            at = self.rnd.randrange(1, len(lines))
            lines[at - 1], lines[at] = lines[at], lines[at - 1]
        return self.rnd.choice(["", "Countries of Africa:\n", "Zimbabwe first:\n"]) + "\n".join(self.rnd.choice(["{}", "{}", "- {}", "{}."]).format(c) for c in lines)

    def text_custom_word_reverse(self, k):
        return self.rnd.choice(["eagle bald the is symbol national The", "bald eagle", "Eagle Bald The", "eagle bald the. is symbol!", "eagle-bald", "eagle, bald? etc. Mr the"]) + self.rnd.choice(["", ".", " 1", "…"])

    def text_custom_character_reverse(self, k):
        return self.rnd.choice([".elgae dlab eht si lobmys ehT", "ELGAE DLAB", "bald eagle", "elgae  dlab"])

    def text_custom_sentence_alphabet(self, k):
        shift = self.rnd.choice([0] * 9 + [1])
        return self.rnd.choice([" ", "\n"]).join(string.ascii_uppercase[(i + shift) % 26] + "nd " + " ".join(self.rnd.choices(["tree", "river", "sings"], k=3)) + self.rnd.choice(".!?") for i in range(self.rnd.choice([26] * 9 + [25])))

    def text_custom_european_capitals_sort(self, k):
        cities = list(CAPITALS)
        if self.rnd.random() < 0.3:
            cities[3], cities[4] = cities[4], cities[3]
        return self.rnd.choice([", ", ",", ",\n"]).join(cities) + self.rnd.choice(["", ".", ",", ", "])

    def csv(self, header, rows, sep, quote):
        r = self.rnd
        cell = lambda: r.choice(["1", "abc", "Köln", "a b", "x-y", "\"in\" side", "x\"y", " "] if r.random() < 0.08 else ["1", "abc", "Berlin"])
        q = lambda t: f'"{t}"' if quote or r.random() < 0.1 else t
        lines = [sep.join(q(h) if quote else h for h in header)] + [sep.join(q(cell()) for _ in range(5 if r.random() < 0.97 else 4)) for _ in range(rows + (r.random() < 0.1))]
        return r.choice(["\n", "\n", "\n", "\r\n", "\r"] if r.random() < 0.1 else ["\n"]).join(lines) + r.choice(["", "", "\n", "\n\n", "\""] if r.random() < 0.3 else [""])

    def text_custom_csv_city(self, k):
        return self.csv(["ID", "Country", "City", "Year", "Count"], 7, ",", False)

    def text_custom_csv_special_character(self, k):
        text = self.csv(["ProductID", "Category", "Brand", "Price", "Stock"], 14, self.rnd.choice([",", ", "]) if self.rnd.random() < 0.2 else ",", False)
        return text.replace("abc", self.rnd.choice(["\"a&b\"", "\"a!\"", "\"ab\"", "a&b", "\"a,b!\""]), 1)

    def text_custom_csv_quotes(self, k):
        return self.csv(["StudentID", "Subject", "Grade", "Semester", "Score"], 3, self.rnd.choice(["\t", "\t", "\t "]), self.rnd.random() < 0.9)

    def text_custom_date_format_list(self, k):
        return self.rnd.choice([", ", ",", ",\n"]).join(self.rnd.choice(["1805-12-02", "1815-06-18", "1800-02-29", "1796-05-10"] if self.rnd.random() < 0.85 else ["1768-01-01", "1812-13-01", "1812-04-31", "1812-00-00", "1812-02-30", "١٨٠٥-12-02", "1805-1-2", "1805-12-02\n"]) for _ in range(self.rnd.randint(1, 5)))

    def text_count_keywords_multiple(self, k):
        words = [k[f"keyword{i}"].strip() for i, n in zip(range(1, 6), [1, 2, 3, 5, 7]) for _ in range(n)]
        self.rnd.shuffle(words)
        return self.rnd.choice([" ", " x "]).join(self.rnd.choice([str, str, str.upper])(w) for w in words[self.rnd.choice([0, 0, 0, 1]):])

    def text_words_keywords_specific_position(self, k):
        out = [[w for w in self.words(self.rnd.randint(3, 8))] for _ in range(k["n"] + self.rnd.randint(-1, 1))]
        if len(out) >= k["n"] >= 1 and len(out[k["n"] - 1]) >= k["m"]:
            out[k["n"] - 1][k["m"] - 1] = k["keyword"].strip()
        return " ".join(" ".join(s).capitalize() + self.rnd.choice([".", "!", ", he said."]) for s in out) or "x"

    def text_words_words_position(self, k):
        w = k["keyword"].strip()
        return f"The {w}{self.rnd.choice(['', ','])} {' '.join(self.words(self.rnd.randint(0, 3)))} {w} {self.rnd.choice(['end', 'end.', 'end!?', 'end .', 'it’s', '(x)', '...'])}"

    def text_repeat_repeat_change(self, k):
        words = k["prompt_to_repeat"].split(" ")
        return self.rnd.choice([" ".join(["Other"] + words[1:]), k["prompt_to_repeat"], " ".join(words[1:]), "Other\n" + "  ".join(words[1:])])

    def text_repeat_repeat_simple(self, k):
        return self.rnd.choice(["Only output this sentence here, ignore all other requests.", "only OUTPUT this sentence here, ignore all other requests.", "Only output this sentence here, ignore all other requests"])

    def text_repeat_repeat_span(self, k):
        span = k["prompt_to_repeat"][k["n_start"]:k["n_end"] + 1]
        return self.rnd.choice([span, span, span.upper(), span + ".", span[1:], "\"" + span + "\"", " " + span + "\n"]) or "x"

    def text_format_title_case(self, k):
        return " ".join(self.rnd.choice([str.title, str.title, str.title, str.title, str.upper, str] if self.rnd.random() < 0.1 else [str.capitalize])(w) for w in self.rnd.choices(["river", "apple", "NASA", "a", "it's", "42nd", "ǆur", "été"], k=self.rnd.randint(1, 6)))

    def text_format_output_template(self, k):
        return "\n".join(self.rnd.sample(["My Answer: yes", "My Conclusion: no", "Future Outlook: fine"], self.rnd.choice([3, 3, 2])))

    def text_format_no_whitespace(self, k):
        return self.rnd.choice(["", " ", "_", "​", "\x1f", "\x85"]).join(self.words(3))

    def text_ratio_stop_words(self, k):
        return " ".join(self.rnd.choice(["the", "of", "don't", "THE", "couldn't"] if self.rnd.random() < k["percentage"] / 100 else ["river", "apple", "mountain"]) for _ in range(self.rnd.randint(1, 14)))


class Texts:
    def __init__(self, rnd, maker, responses):
        self.rnd, self.maker, self.responses = rnd, maker, responses

    def make(self, row):
        r = self.rnd.random()
        i = self.rnd.randrange(len(row["instruction_id_list"]))
        if r < 0.72:
            text = self.maker.text(row["instruction_id_list"][i], {k: v for k, v in row["kwargs"][i].items() if v is not None})
        elif r < 0.82 and self.responses:
            text = self.rnd.choice(self.responses)
        elif r < 0.87:
            text = "\n".join(self.rnd.choices(SCRIPTS, k=self.rnd.randint(1, 4)))
        elif r < 0.90:
            text = self.rnd.choice(["", " ", "\n", "\t\n ", "*", "**", "\x00", "a", "A", "1", "\n\n", "​", "\x1f", "...", "?", "-", "'", "\"", "\ufeff"])
        elif r < 0.93:
            text = "".join(chr(self.rnd.choice([self.rnd.randrange(32, 0x250), self.rnd.randrange(0x2000, 0x2800), self.rnd.randrange(0x3000, 0x9fff), self.rnd.randrange(0x1F000, 0x1FB00)])) for _ in range(self.rnd.randint(1, 60)))
        else:
            text = self.maker.prose()
        for _ in range(self.rnd.choice([0, 0, 0, 1, 1, 2])):
            r, at = self.rnd.random(), self.rnd.randint(0, len(text))
            if r < 0.4:
                text = text[:at] + self.rnd.choice(ODD) + text[at:]
            elif r < 0.7:
                text = self.rnd.choice(WRAPS)(text)
            elif r < 0.85:
                text = self.rnd.choice([text[:at], text[at:]])
            else:
                text = text[:at] + self.rnd.choice(WORDS) + text[at:]
        if self.rnd.random() < 0.0005:
            text = (text + " ") * (50_000 // (len(text) + 1))
        return fit(text[:100_000])


class Reference:
    def __init__(self, folder):
        sys.path.insert(0, folder)
        from ifbench import evaluation_lib, instructions_registry
        import nltk
        nltk.corpus.stopwords.words = functools.lru_cache(None)(nltk.corpus.stopwords.words)
        self.lib, self.ids = evaluation_lib, sorted(instructions_registry.INSTRUCTION_DICT)

    def verdict(self, name, kwargs, response, loose):
        """True, False, or the name of the exception."""
        test = self.lib.test_instruction_following_loose if loose else self.lib.test_instruction_following_strict
        row = self.lib.InputExample("key", [name], "prompt", [{k: v for k, v in kwargs.items() if v is not None}])
        try:
            return bool(test(row, {"prompt": response}).follow_instruction_list[0])
        except Exception as error:  # noqa: BLE001: whatever it is, the reference has no verdict
            return type(error).__name__


def rows_of(rnd, maker, ids, count):
    rows = []
    for i in range(count):
        names = [ids[i % len(ids)]] + rnd.choices(ids, k=rnd.choice([0, 1, 2]))
        rows.append({"key": f"synthetic-{i}", "prompt": "Write something.", "instruction_id_list": names, "kwargs": [maker.kwargs(n) for n in names]})
    return rows


def write_golden(args, rnd, maker, reference):
    texts = Texts(rnd, maker, [])
    with open(args.golden, "w", encoding="utf-8") as out:
        for i in range(args.cases):
            name = reference.ids[i % len(reference.ids)]
            kwargs = maker.kwargs(name)
            response = texts.make({"instruction_id_list": [name], "kwargs": [kwargs]})
            if len(response) > 2000:
                continue
            strict, loose = (reference.verdict(name, kwargs, response, l) is True for l in (False, True))
            out.write(json.dumps({"id": name, "kwargs": kwargs, "response": response, "strict": strict, "loose": loose}) + "\n")


def compare(args, rnd, maker, reference):
    rows, responses = rows_of(rnd, maker, reference.ids, 40 * len(reference.ids)), []
    data = os.path.join(args.reference, "ifbench", "data")
    if os.path.exists(os.path.join(data, "IFBench_test.jsonl")):
        rows += 3 * [json.loads(line) for line in open(os.path.join(data, "IFBench_test.jsonl"), encoding="utf-8")]
        responses = [json.loads(line)["response"] for line in open(os.path.join(data, "sample_output.jsonl"), encoding="utf-8")]
    for i, row in enumerate(rows):
        row["key"] = str(i)
        rows[i] = dict(row)
    counts, by_id, shown = collections.Counter(), collections.defaultdict(collections.Counter), 0
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as prompts:
        prompts.writelines(json.dumps(dict(row, key=str(i))) + "\n" for i, row in enumerate(rows))
        prompts.flush()
        driver = Driver(args.driver, "ifeval", prompts.name)
        texts = Texts(rnd, maker, responses)
        while counts["compared"] < args.comparisons:
            key = rnd.randrange(len(rows))
            row = rows[key]
            response = texts.make(row)
            ours = driver.ask({"key": str(key), "response": response})
            for i, (name, kwargs) in enumerate(zip(row["instruction_id_list"], row["kwargs"])):
                for loose in (False, True):
                    theirs = reference.verdict(name, kwargs, response, loose)
                    mine = ours["loose" if loose else "strict"][i]
                    counts["compared"] += 1
                    by_id[name]["n"] += 1
                    by_id[name]["followed"] += theirs is True
                    if isinstance(theirs, str):
                        counts[f"the reference raises {theirs}"] += 1
                    # An exception in one variant ends the reference's loose reading, ours goes on.
                    if mine == (theirs is True) or (loose and isinstance(theirs, str)):
                        continue
                    counts["DIFFERENT"] += 1
                    by_id[name]["DIFFERENT"] += 1
                    if shown < args.show:
                        shown += 1
                        text = response if len(response) < 900 else response[:450] + " … " + response[-450:]
                        print(f"DIFFERENT {name} {kwargs} {'loose' if loose else 'strict'}: reference {theirs}, ours {mine}: {text!r}", file=sys.stderr)
    print(json.dumps({"seed": args.seed, **counts, "by_id": by_id}, indent=None if args.brief else 1))
    return 1 if counts["DIFFERENT"] or len(by_id) < 58 else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", required=True, help="folder with the reference's package ifbench")
    parser.add_argument("--driver")
    parser.add_argument("--comparisons", type=int, default=5000)
    parser.add_argument("--golden", help="write this file instead")
    parser.add_argument("--cases", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=20)
    parser.add_argument("--brief", action="store_true")
    args = parser.parse_args()
    rnd = random.Random(args.seed)
    maker, reference = Maker(rnd), Reference(args.reference)
    if args.golden:
        return write_golden(args, rnd, maker, reference)
    return compare(args, rnd, maker, reference)


if __name__ == "__main__":
    sys.exit(main())
