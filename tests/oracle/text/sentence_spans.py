"""For each text of {"texts": [...]} on standard input, one JSON line: NLTK's sentence spans (in code points) and words."""
import json
import sys

from nltk.tokenize import NLTKWordTokenizer, word_tokenize
from nltk.tokenize.punkt import PunktTokenizer

sentences = PunktTokenizer("english")
treebank = NLTKWordTokenizer()
for text in json.load(sys.stdin)["texts"]:
    row = {"spans": list(sentences.span_tokenize(text)), "words": word_tokenize(text), "treebank": treebank.tokenize(text)}
    print(json.dumps(row))
