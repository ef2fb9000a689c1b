"""A plumblined of this build as a child process, and its command line client; for scripts that compare with an oracle.

Stops the server when left. Not thread-safe.
"""
import json
import os
import signal
import subprocess
import time


class Plumbline:
    """with Plumbline(bin_dir, work_dir, flags) as server: server.run("model", "list")"""

    def __init__(self, bin_dir, work_dir, flags, start_timeout_s=120):
        self.bin_dir = bin_dir
        ports = os.path.join(work_dir, "ports")
        command = [os.path.join(bin_dir, "plumblined"), "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0",
                   "--data-dir", os.path.join(work_dir, "data"), "--port-file", ports, *flags]
        self.log = os.path.join(work_dir, "server.log")
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + start_timeout_s
        while not (os.path.exists(ports) and os.path.getsize(ports)):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise RuntimeError(f"plumblined does not serve (exit code {self.process.poll()}):\n{self.read_log()}")
            time.sleep(0.02)
        with open(ports, encoding="utf-8") as lines:
            self.address = dict(line.strip().split("=", 1) for line in lines)["grpc"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def read_log(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    def run(self, *arguments):
        """Runs the client and returns what it wrote to stdout; an exit code other than 0 raises with its stderr."""
        command = [os.path.join(self.bin_dir, "plumbline"), "--quiet", "--address", self.address, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)}: exit code {done.returncode}: {done.stderr}{done.stdout}")
        return done.stdout

    def job(self, adapters, tasks, *flags):
        """Runs a job to its end; its id."""
        chosen = ["-a", ",".join(adapters)] if adapters else []
        job = json.loads(self.run("job", "submit", *chosen, "-t", ",".join(tasks), *flags, "-o", "json"))["id"]
        self.run("job", "watch", job)
        return job

    def verdicts(self, job):
        return [json.loads(line) for line in self.run("job", "verdicts", job, "-o", "json").splitlines()]
