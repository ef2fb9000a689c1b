"""For each text of {"texts": [...]} on standard input, a line: langdetect's language (seed 0), or "error"."""
import json
import os
import sys

import langdetect
from langdetect import detector_factory

# Profiles in sorted order, as core/text/hf/src/language.rs loads them; os.listdir's order is the file system's.
listdir = os.listdir
detector_factory.os.listdir = lambda path: sorted(listdir(path))
langdetect.DetectorFactory.seed = 0
for text in json.load(sys.stdin)["texts"]:
    try:
        print(langdetect.detect(text))
    except langdetect.LangDetectException:
        print("error")
