"""Prints one SHA-256 per 4,096 code points over everything core/text/python_unicode.h says about a character.

The C++ test (tests/text/python_unicode_test.cc) builds the same bytes from its own functions. The committed output of this
script, made by CPython 3.11, is tests/text/golden/python_unicode.sha256.
"""
import _sre
import hashlib
import re
import struct

from make_python_unicode import flags_of, ignore_case_keys

KEYS = ignore_case_keys()
WORD = re.compile(r"\w")
SPACE = re.compile(r"\s")
DIGIT = re.compile(r"\d")


def record(i):
    c = chr(i)
    lower = _sre.unicode_tolower(i)
    regex = bool(WORD.match(c)) | bool(SPACE.match(c)) << 1 | bool(DIGIT.match(c)) << 2
    texts = "\0".join([c.lower(), c.upper(), c.title(), c.casefold(), ("a" + c).capitalize()])
    return struct.pack("<HBII", flags_of(c), regex, lower, KEYS.get(lower, lower)) + texts.encode() + b"\0"


def main():
    for start in range(0, 0x110000, 4096):
        block = b"".join(record(i) for i in range(start, start + 4096) if not 0xD800 <= i <= 0xDFFF)
        print(hashlib.sha256(block).hexdigest())


if __name__ == "__main__":
    main()
