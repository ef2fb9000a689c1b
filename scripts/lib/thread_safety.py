"""Runs clang's -Wthread-safety -Werror on files: thread_safety.py BUILD_DIR FILE...

The flags are those of compile_commands.json that say where headers are; a file the build does not compile is left out.
"""

import json
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor


def check(entry):
    flags = []
    words = iter(shlex.split(entry["command"])[1:])
    for word in words:
        if word == "-isystem":
            flags += [word, next(words)]
        elif word.startswith(("-I", "-D", "-std")):
            flags.append(word)
    command = ["clang++", "-fsyntax-only", "-Wno-everything", "-Wthread-safety", "-Werror", *flags, entry["file"]]
    return subprocess.run(command, cwd=entry["directory"], check=False).returncode


def main():
    build, files = sys.argv[1], {os.path.abspath(f) for f in sys.argv[2:]}
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as commands:
        entries = [e for e in json.load(commands) if os.path.abspath(os.path.join(e["directory"], e["file"])) in files]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        sys.exit(max(pool.map(check, entries), default=0))


if __name__ == "__main__":
    main()
