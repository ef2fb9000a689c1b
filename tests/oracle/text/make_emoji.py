"""Prints the table of core/text/emoji.cc: the emoji of one code point that the package emoji 2.16 knows, as ranges.

Usage: pip install emoji==2.16.0; python make_emoji.py
"""
import emoji

ranges = []
for code in sorted(ord(key) for key in emoji.EMOJI_DATA if len(key) == 1):
    if ranges and ranges[-1][1] == code - 1:
        ranges[-1][1] = code
    else:
        ranges.append([code, code])
print(", ".join(f"{{0x{first:X}, 0x{last:X}}}" for first, last in ranges))
