"""One SHA-256 per text of {"texts": [...]} over what Python's str and re make of it (tests/text/python_unicode_test.cc)."""
import hashlib
import json
import re
import sys

for text in json.load(sys.stdin)["texts"]:
    parts = [text.lower(), text.upper(), text.title(), text.casefold(), text.capitalize(), text.strip(), text.lstrip(),
             text.rstrip(), text.strip('.\"e“ ')]
    out = "".join(part + "\x01" for part in parts)
    out += "".join(line + "\x02" for line in text.splitlines()) + "".join(word + "\x03" for word in text.split())
    out += "".join("01"[bit] for bit in (text.isupper(), text.islower(), text.isalnum(), text.isspace(), text.isalpha()))
    out += "%d,%d" % (len(re.findall(r"\w+", text)), len(text))
    print(hashlib.sha256(out.encode()).hexdigest())
