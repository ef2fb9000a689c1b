"""Writes tests/text/golden/sentences.json and languages.json: our own texts and what NLTK 3.9 and langdetect 1.0.9 make of them.

Usage: python make_golden.py tests/text/golden   (in the oracle's Python, see tests/oracle/README.md)
"""
import json
import os
import random
import sys

import langdetect
from langdetect import detector_factory
from nltk.tokenize import NLTKWordTokenizer, word_tokenize
from nltk.tokenize.punkt import PunktTokenizer

PIECES = """Mr. Dr. e.g. i.e. U.S. p.m. etc. vs. No. J. A. I. Ph.D. Inc. Jan. 3.14 1,000 $5.50 1. 12. The the He however However
In in word Word WORD don't can't cannot gonna wanna gimme 'tis 'Twas d'ye more'n I'm we're they've it'll John's boys' n't \" '
`` '' “ ” ‘ ’ « » „ ( ) [ ] { } < > (Hello.) ... .... … .. . ? ! ?! !!! , ; : - -- --- — / @ # $ % & * ** a,b a:b 1:2 你好。 世界！
Привет. ΣΑΣ. é. É. ß. ² ½ 🎉 www.x.com. a@b.co. Yes.No. end.\"Start end.\" end.) -a x-1. P.S. Fig. approx. D. J.K.""".split()
SEPARATORS = [" ", " ", " ", " ", "", "\n", "\n\n", "  ", "\t", "\u00a0", "\u2003", "\r\n"]
SENTENCES = """Dr. Smith met Mr. Jones at 5 p.m. in Washington, D.C. They talked about the U.S. economy.
"Where are you?" she asked. "I'm here!" (He wasn't.) Nobody knew... But everyone cared.
The price was $3.50, i.e. too much. See Fig. 3, p. 12. J. R. Ewing disagreed, however.
Version 1.0 is out. 2.0 follows in Jan. 2027. No. 5 is alive! No. I don't think so.""".split("\n")
LANGUAGES = """This is a plain English sentence about the weather today.
Dies ist ein einfacher deutscher Satz über das Wetter von heute.
Ceci est une phrase française toute simple à propos du temps qu'il fait.
Esta es una frase sencilla en español sobre el tiempo de hoy.
Questa è una semplice frase italiana sul tempo di oggi.
Esta é uma frase simples em português sobre o tempo de hoje.
Dit is een eenvoudige Nederlandse zin over het weer van vandaag.
Это простое русское предложение о сегодняшней погоде.
これは今日の天気についての簡単な日本語の文です。
这是一个关于今天天气的简单中文句子。
이것은 오늘 날씨에 관한 간단한 한국어 문장입니다.
هذه جملة عربية بسيطة عن طقس اليوم.
यह आज के मौसम के बारे में एक सरल हिंदी वाक्य है।
Đây là một câu tiếng Việt đơn giản về thời tiết hôm nay.
To jest proste polskie zdanie o dzisiejszej pogodzie.
THIS IS A SHORT TEXT IN CAPITAL LETTERS ONLY.
ok
12345
https://example.com/a name@example.com
Bonjour, hello, hola, ciao: un mélange of languages para todos.""".split("\n")


def sentence_texts():
    choose = random.Random(5)
    texts = list(SENTENCES)
    for _ in range(200):
        texts.append("".join(choose.choice(PIECES) + choose.choice(SEPARATORS) for _ in range(choose.randint(1, 25))))
    return texts


def main():
    folder = sys.argv[1]
    punkt, treebank = PunktTokenizer("english"), NLTKWordTokenizer()
    texts = sentence_texts()
    rows = [{"spans": list(punkt.span_tokenize(t)), "words": word_tokenize(t), "treebank": treebank.tokenize(t)} for t in texts]
    with open(os.path.join(folder, "sentences.json"), "w") as file:
        json.dump({"texts": texts, "rows": rows}, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")

    listdir = os.listdir
    detector_factory.os.listdir = lambda path: sorted(listdir(path))  # as core/text/hf/src/language.rs
    langdetect.DetectorFactory.seed = 0

    def detect(text):
        try:
            return langdetect.detect(text)
        except langdetect.LangDetectException:
            return "error"

    with open(os.path.join(folder, "languages.json"), "w") as file:
        json.dump([[text, detect(text)] for text in LANGUAGES], file, ensure_ascii=False, indent=0)
        file.write("\n")


if __name__ == "__main__":
    main()
