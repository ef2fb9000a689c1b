"""Times the Python originals on the responses tests/bench/text_bench.cc uses: CPU milliseconds for all
of them, best of three."""
import json
import os
import time

import langdetect
from nltk.tokenize import word_tokenize
from nltk.tokenize.punkt import PunktTokenizer

shared = os.environ.get("PLUMBLINE_SHARED_DATA", "../shared/data")
with open(os.path.join(shared, "ifeval/gpt4_responses.jsonl")) as file:
    texts = [json.loads(line)["response"] for line in file]
langdetect.DetectorFactory.seed = 0
punkt = PunktTokenizer("english")


def detect(text):
    try:
        return langdetect.detect(text)
    except langdetect.LangDetectException:
        return None


for name, work in [("BM_Sentences", punkt.tokenize), ("BM_Words", word_tokenize), ("BM_Language", detect), ("BM_Lower", str.lower)]:
    work(texts[0])
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        for text in texts:
            work(text)
        best = min(best, time.process_time() - start)
    print(f"{name:14} {best * 1e3:10.1f} ms")
