"""tests/eval/check_driver as a child process, for scripts that compare with an oracle: a JSON object a line in and out."""
import json
import subprocess


class Driver:
    """Driver(binary, mode, ...).ask(request)"""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def read(self):
        return json.loads(self.process.stdout.readline())

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait()
