"""Standard input as UTF-8 with errors="replace", to standard output."""
import sys

sys.stdout.buffer.write(sys.stdin.buffer.read().decode("utf-8", "replace").encode())
