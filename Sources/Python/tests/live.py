"""A small federation of the real program on loopback, for the live tests."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

BINARY = os.environ.get("IMPROMPTU_BINARY", "")
needs_binary = pytest.mark.skipif(not BINARY, reason="IMPROMPTU_BINARY names no program")

# Four clients of workers with fifty images each; Python's clients come on top.
CONFIGURATION = """
run: {seed: 7, updates: UPDATES}
endpoints: {updates: 'tcp://127.0.0.1:*', prompts: 'tcp://127.0.0.1:*'}
federation: {mode: buffered, buffer_size: 2, flush_after_seconds: 5, beacon_seconds: 0.2, heartbeat_seconds: 0.3,
             lease_seconds: 3, clients_to_start: 1}
prompts: {pool: 6, feature_whitening: none}
training: {maximum_steps: 1, batch_size: 8, prompts_per_batch: 3}
data: {dataset: fashion-mnist, clients: 4, training_samples: 200, validation_samples: 50, minimum_samples: 8}
evaluation: {interval_seconds: 0}
worker: {delay: constant, delay_seconds: 0.2}
"""

CLIENT = """
import logging, sys, time, impromptu
logging.basicConfig(level=logging.INFO, stream=sys.stdout)
run, name, outbox, keys, pause = sys.argv[1:]
federation = impromptu.join(run, name, samples=10, outbox=outbox, keys=keys or None)
for task in federation:
    time.sleep(float(pause))
    if task.send({name: array * 0.99 for name, array in task.tensors.items()}, {"loss": 1.0}):
        print("sent", task.number, flush=True)
print("the run has finished", flush=True)
"""


class LiveFederation:
    """Processes and files of one federation; `close` ends all of them."""

    def __init__(self, folder: pathlib.Path, settings=(), updates=24, keys=False):
        self.folder, self.run = folder, folder / "run"
        self.keys = folder / "keys" if keys else None
        (folder / "run.yaml").write_text(CONFIGURATION.replace("UPDATES", str(updates)))
        settings = [*settings, *([f"security.keys={self.keys}"] if keys else [])]
        self.settings = [part for setting in settings for part in ("--set", setting)]
        self.processes = []

    def start(self, arguments, name):
        log = (self.folder / f"{name}.log").open("a")
        process = subprocess.Popen(arguments, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def program(self, arguments):
        """Runs the program to its end and returns what it wrote."""
        done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def aggregator(self):
        config = [str(self.run), "--config", str(self.folder / "run.yaml")]
        before = (self.run / "endpoints.yaml").stat().st_mtime_ns if (self.run / "endpoints.yaml").exists() else 0
        process = self.start([BINARY, "aggregate", *config, "--quiet", *self.settings], "aggregator")
        wait_for(
            lambda: process.poll() is not None
            or ((self.run / "endpoints.yaml").exists() and (self.run / "endpoints.yaml").stat().st_mtime_ns > before),
            "the aggregator's endpoints",
        )
        assert process.poll() is None, self.log("aggregator")
        return process

    def worker(self, index):
        config = [str(self.run), "--config", str(self.folder / "run.yaml")]
        place = ["--index", str(index), "--workers", "2", "--set", f"worker.outbox={self.folder / 'outbox'}"]
        return self.start([BINARY, "work", *config, *place, *self.settings], f"worker-{index}")

    def client(self, name, pause=0.2):
        keys = str(self.keys or "")
        arguments = [str(self.run), name, str(self.folder / "python-outbox"), keys, str(pause)]
        return self.start([sys.executable, "-c", CLIENT, *arguments], name)

    def script(self, name, file, *arguments):
        """Runs a client that is a file of Python."""
        return self.start([sys.executable, str(file), *map(str, arguments)], name)

    def make_keys(self, clients):
        configuration = ["--config", str(self.folder / "run.yaml"), *self.settings]
        self.program(["keys", "make", *configuration, "--keys", str(self.keys), "--workers", "2"])
        for client in clients:
            self.program(["keys", "make", "--keys", str(self.keys), "--name", client, "--client", client])

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def sent_by(self, name):
        """The tasks that a client of Python has answers to on its disk, over all its starts."""
        lines = self.log(name).splitlines() if (self.folder / f"{name}.log").exists() else []
        return [int(line.split()[1]) for line in lines if line.startswith("sent ")]

    def so_far(self):
        """What the log says."""
        return json.loads(self.program(["inspect", str(self.run), "--output", "json"]))

    def inspection(self):
        """What the log says, after it replayed to the same digests."""
        self.program(["replay", str(self.run)])
        return self.so_far()

    def finish_soon(self, clients):
        """Has a run without an end come to it, as soon as each of so many clients had a part in it."""
        wait_for(lambda: sum(entry["updatesUsed"] > 0 for entry in self.so_far()["clients"]) >= clients, "every client's part")
        self.program(["set", str(self.run), f"run.updates={len(self.so_far()['updates']) + 4}"])

    def inspected(self):
        """What the log says of each client, by name."""
        return {entry["client"]: entry for entry in self.inspection()["clients"]}

    def rejections(self, client):
        """Why updates of a client were rejected, each reason once."""
        updates = self.inspection()["updates"]
        return {entry["reason"] for entry in updates if entry["client"] == client and entry["fate"] == "rejected"}

    def exit_codes(self, *processes, seconds=240):
        """Waits for all, or until one has failed; None for one that still runs then."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            codes = [process.poll() for process in processes]
            if None not in codes or any(codes):
                return codes
            time.sleep(0.05)
        return [process.poll() for process in processes]

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()


def crash(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def wait_for(condition, what, seconds=180):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{seconds} s passed without {what}"
        time.sleep(0.05)
