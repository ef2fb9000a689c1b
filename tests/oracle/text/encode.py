"""Encodes the texts of {"texts": [...]} with the tokenizer.json given as an argument: [{"ids", "text"}, ...]."""
import json
import sys

from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file(sys.argv[1])
rows = [tokenizer.encode(text).ids for text in json.load(sys.stdin)["texts"]]
json.dump([{"ids": ids, "text": tokenizer.decode(ids, skip_special_tokens=False)} for ids in rows], sys.stdout)
