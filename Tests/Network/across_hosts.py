#!/usr/bin/env python3
"""A federation across four hosts with a bad network between them: 100 ms one way, 1 % loss, a host that is cut off for 20
seconds, and an aggregator whose machine vanishes and comes back with another address behind its name. Nothing may be
lost, the run must come to its end, and its log must replay.

usage: across_hosts.py PROGRAM [--seed N]

Needs root (network namespaces, TUN devices). Where that is not to be had it says so and exits with 0."""

import argparse
import contextlib
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from emulated_network import Network, NotPossible

UPDATES = 150
NAME = "aggregator.test"
ADDRESSES = {"aggregator": "10.77.0.1", "north": "10.77.0.2", "east": "10.77.0.3", "south": "10.77.0.4"}
MOVED = "10.77.0.9"
WORKERS = ["north", "east", "south"]
RUN = f"""
run: {{seed: 7, updates: {UPDATES}}}
federation: {{mode: buffered, buffer_size: 3, flush_after_seconds: 5, beacon_seconds: 1, heartbeat_seconds: 1,
             lease_seconds: 6}}
prompts: {{pool: 6}}
training: {{maximum_steps: 1, batch_size: 8, prompts_per_batch: 3}}
data: {{dataset: fashion-mnist, clients: 6, training_samples: 300, validation_samples: 50, minimum_samples: 8}}
evaluation: {{interval_seconds: 0}}
worker: {{delay: constant, delay_seconds: 1.5}}
"""


class Federation:
    def __init__(self, program, folder, network):
        self.program, self.folder, self.network = program, folder, network
        self.processes = {}
        self.start_time = time.monotonic()
        (folder / "run.yaml").write_text(RUN)
        self.impromptu("keys", "make", "--config", "run.yaml", "--workers", str(len(WORKERS)))

    def say(self, words):
        print(f"{time.monotonic() - self.start_time:6.1f} s  {words}", flush=True)

    def impromptu(self, *arguments):
        result = subprocess.run(
            [self.program, *arguments], cwd=self.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if result.returncode != 0:
            raise AssertionError(f"impromptu {' '.join(arguments)} exited with {result.returncode}: {result.stderr}")
        return result.stdout

    def start(self, host, *arguments):
        log = open(self.folder / f"{host}.log", "ab")
        self.processes[host] = subprocess.Popen(
            self.network.hosts[host].command(self.program, *arguments, "--config", "run.yaml", "--set",
                                             "security.keys=keys"),
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()

    def start_aggregator(self):
        self.start("aggregator", "aggregate", "run", "--quiet", "--set", "endpoints.updates=tcp://0.0.0.0:5601",
                   "--set", "endpoints.prompts=tcp://0.0.0.0:5602")

    def start_workers(self):
        for index, host in enumerate(WORKERS):
            self.start(host, "work", "--index", str(index), "--workers", str(len(WORKERS)), "--set",
                       f"worker.outbox=outbox-{host}", "--set", f"endpoints.updates=tcp://{NAME}:5601", "--set",
                       f"endpoints.prompts=tcp://{NAME}:5602")

    def records(self, kind):
        """What the log tells so far; nothing while it cannot be read."""
        result = subprocess.run([self.program, "inspect", "run", "--output", "json"], cwd=self.folder, text=True,
                                capture_output=True)
        return json.loads(result.stdout)[kind] if result.returncode == 0 else []

    def accepted(self):
        return [u for u in self.records("updates") if u["fate"] not in {"duplicate", "rejected"}]

    def updates_of(self, host):
        mine = {f"client-{number:02d}" for number in range(6) if number % len(WORKERS) == WORKERS.index(host)}
        return sum(u["client"] in mine for u in self.accepted())

    def wait(self, what, condition, seconds=90):
        deadline = time.monotonic() + seconds
        while not condition():
            dead = [host for host, process in self.processes.items() if process.poll() not in {None, 0}]
            if dead or time.monotonic() > deadline:
                raise AssertionError(f"waited in vain for {what}" + (f"; {', '.join(dead)} died" if dead else ""))
            time.sleep(0.5)
        self.say(what)

    def end(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()


def go_through(federation):
    network = federation.network
    federation.start_aggregator()
    federation.start_workers()
    federation.wait("every host has delivered", lambda: all(federation.updates_of(host) > 0 for host in WORKERS))

    before = federation.updates_of("north")
    network.cut = {"north"}
    federation.say("north is cut off")
    time.sleep(20)
    during = federation.updates_of("north")
    network.cut = set()
    federation.say(f"north is back; it delivered {during - before} updates that were under way, the others went on")
    federation.wait("north delivers again", lambda: federation.updates_of("north") > during)

    # As when a machine is lost: its connections are not closed, they fall silent.
    network.cut = {"aggregator"}
    time.sleep(1)
    aggregator = federation.processes["aggregator"]
    aggregator.send_signal(signal.SIGKILL)
    aggregator.wait()
    taken = len(federation.accepted())
    network.move("aggregator", MOVED)
    network.cut = set()
    for host in WORKERS:
        network.hosts[host].learn(NAME, MOVED)
    federation.start_aggregator()
    federation.say(f"the aggregator has moved to {MOVED} with {taken} updates")
    federation.wait("all hosts have found it", lambda: all(
        any(u["client"] == f"client-{index:02d}" for u in federation.accepted()[taken:]) for index in range(3)))
    federation.wait("every process has ended", lambda: all(p.poll() == 0 for p in federation.processes.values()), 180)


def judge(federation):
    known = {(u["client"], int(u["task"])) for u in federation.accepted()}
    told = set()
    for path in federation.folder.glob("outbox-*/**/acknowledged.txt"):
        for line in path.read_text().splitlines():
            told.add((path.parent.name, int(line.split()[1])))
    lost = told - known
    assert told, "no client was told of any update"
    assert not lost, f"{len(lost)} acknowledged updates are not in the log: {sorted(lost)[:3]}"
    counted = [(u["client"], int(u["task"])) for u in federation.accepted()]
    assert len(counted) == len(set(counted)), "an update was counted twice"
    assert len(counted) >= UPDATES, f"expected {UPDATES} updates, found {len(counted)}"
    replay = federation.impromptu("replay", "run")
    assert "every digest equal" in replay, replay
    network = federation.network
    federation.say(
        f"{len(told)} acknowledged updates are in the log once each; the network carried {network.carried} packets, lost"
        f" {network.lost} and held back {network.blocked}")
    federation.say(replay.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        network = Network(delay=0.1, loss=0.01, seed=arguments.seed)
        stack.callback(network.close)
        try:
            for name, address in ADDRESSES.items():
                network.add(name, address).learn(NAME, ADDRESSES["aggregator"])
        except NotPossible as reason:
            print(f"across_hosts: skipped, this machine lets us make no network: {reason}")
            return 0
        network.start()
        federation = Federation(arguments.program.resolve(), folder, network)
        stack.callback(federation.end)
        try:
            go_through(federation)
            judge(federation)
        except AssertionError as failure:
            print(f"across_hosts: {failure}", file=sys.stderr)
            for log in sorted(folder.glob("*.log")):
                print(f"--- {log.name}\n{log.read_text()[-1500:]}", file=sys.stderr)
            return 1
    print("across_hosts: nothing was lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
