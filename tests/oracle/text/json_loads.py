"""For each text of {"texts": [...]} on standard input: 1 if json.loads takes it, 0 if it raises ValueError, 2 for RecursionError."""
import json
import sys


def verdict(text):
    try:
        json.loads(text)
        return "1"
    except ValueError:
        return "0"
    except RecursionError:
        return "2"


print("".join(map(verdict, json.load(sys.stdin)["texts"])), end="")
