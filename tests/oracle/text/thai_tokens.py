"""Texts with PyThaiNLP's words and sentences: thai_tokens.py COUNT SEED prints as many JSON lines
{"text", "clusters": [ends], "words": [ends], "sentences": [ends]}, ends in code points."""
import itertools
import json
import random
import sys

from pythainlp.tokenize import sent_tokenize, tcc_p, word_tokenize
from thai_texts import thai_text


def ends(pieces):
    return list(itertools.accumulate(map(len, pieces)))


rnd = random.Random(int(sys.argv[2]))
for _ in range(int(sys.argv[1])):
    text = thai_text(rnd)
    print(json.dumps({"text": text, "clusters": ends(tcc_p.segment(text)), "words": ends(word_tokenize(text)), "sentences": ends(sent_tokenize(text))}))
