#!/usr/bin/env python3
"""Runs a federation on a real Slurm of four nodes by the scripts of Deploy/slurm, through a node's death, a requeued
task and an aggregator that requeues itself and comes back elsewhere, and checks what is left of it.

Usage: federation_on_slurm.py PROGRAM      needs root, and what 'Deploy/setup --slurm' installs
"""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "House"))
from steps import Failure, eventually, expect, say  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SLURM = ROOT / "Deploy/slurm"
CLIENTS = 8
# The array begins at 3 and is larger than there are clients.
TASKS = range(3, 3 + CLIENTS + 2)
CONFIGURATION = """
run: {seed: 11}
endpoints: {advertise: lo}
federation: {mode: buffered, buffer_size: 8, flush_after_seconds: 5, beacon_seconds: 0.5, heartbeat_seconds: 1,
             lease_seconds: 8}
prompts: {pool: 6}
encoder: {image_size: 16}
training: {maximum_steps: 2, batch_size: 8, prompts_per_batch: 3}
data: {dataset: fashion-mnist, clients: 8, training_samples: 400, validation_samples: 50, minimum_samples: 8}
evaluation: {interval_seconds: 0}
worker: {delay: constant, delay_seconds: 1, grace_seconds: 5}
"""


class Federation:
    """A folder that all nodes see, with the jobs of one run."""

    def __init__(self, program, folder, updates, workers):
        self.program = program
        self.folder = folder
        folder.mkdir()
        (folder / "run.yaml").write_text(CONFIGURATION.replace("seed: 11", f"seed: 11, updates: {updates}"))
        self.impromptu("keys", "make", "--config", "run.yaml", "--workers", str(workers))

    def command(self, *arguments, check=True):
        done = subprocess.run(arguments, cwd=self.folder, capture_output=True, text=True)
        if check and done.returncode != 0:
            raise Failure(f"{' '.join(map(str, arguments))}: exit code {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def impromptu(self, *arguments):
        return self.command(self.program, *arguments)

    def submit(self, script, *options):
        """Returns the number of the job."""
        environment = f"ALL,IMPROMPTU={self.program}"
        words = ["sbatch", "--parsable", f"--export={environment}", "--cpus-per-task=1", *options, SLURM / script]
        return self.command(*words).strip()

    def jobs(self, job):
        """What Slurm knows of each task of a job, by the task's number in the array or 0."""
        tasks = {}
        for line in self.command("scontrol", "--oneliner", "show", "job", job, check=False).splitlines():
            entry = dict(re.findall(r"(\w+)=(\S*)", line))
            place = entry.get("ArrayTaskId", "0")
            if place.isdigit():
                tasks[int(place)] = entry
        return tasks

    def inspected(self, part, otherwise):
        """A part of what 'impromptu inspect' shows; the log cannot be read for a moment while it is made."""
        text = self.command(self.program, "inspect", "run", "--output", "json", check=False)
        return json.loads(text)[part] if text else otherwise

    def goodbyes(self):
        text = self.command(self.program, "inspect", "run", "--list", "records", "--output", "json", check=False)
        return [entry for entry in map(json.loads, text.splitlines()) if entry["event"] == "goodbye"]

    def clients_with(self, **least):
        """How many clients have at least so much of each."""
        return sum(all(entry[key] >= value for key, value in least.items()) for entry in self.inspected("clients", []))

    def words(self, task):
        return (self.folder / f"worker-{self.workers}_{task}.log").read_text()

    def begin(self):
        self.aggregator = self.submit("aggregator.sbatch")
        self.workers = self.submit(
            "workers.sbatch", f"--dependency=after:{self.aggregator}", f"--array={TASKS[0]}-{TASKS[-1]}")
        eventually(90, "every client has had an update used", lambda: self.clients_with(updatesUsed=1) == CLIENTS)
        for task in TASKS[CLIENTS:]:
            eventually(30, f"task {task}, beyond the last client, ends at once with exit code 0",
                       lambda: self.ended_well(self.workers, task))
            expect("nothing to do" in self.words(task), f"task {task} says why")

    def ended_well(self, job, task=0):
        entry = self.jobs(job).get(task, {})
        return entry.get("JobState") == "COMPLETED" and entry["ExitCode"] == "0:0"

    def node_of(self, job, task=0):
        entry = self.jobs(job).get(task, {})
        return entry["NodeList"] if entry.get("JobState") == "RUNNING" else None

    def restarts(self, job, task=0):
        return int(self.jobs(job)[task]["Restarts"])

    def client(self, name):
        return next(entry for entry in self.inspected("clients", []) if entry["client"] == name)


def client_of(task):
    return f"client-{task - TASKS[0]:02}"


def kill_a_node(federation, cluster):
    """Kills a node that does not hold the aggregator, and requeues a task elsewhere meanwhile."""
    home = {task: federation.node_of(federation.workers, task) for task in TASKS[:CLIENTS]}
    elsewhere = federation.node_of(federation.aggregator)
    expect(None not in home.values() and len(set(home.values())) == 4, "the workers run on all four nodes")
    dead = next(node for node in sorted(set(home.values())) if node != elsewhere)
    lost = [task for task in home if home[task] == dead]
    asked = next(task for task in home if home[task] not in (dead, elsewhere))
    say(f"killing {dead} with tasks {lost}; requeueing task {asked} on {home[asked]}")
    cluster("kill", dead)
    federation.command("scontrol", "requeue", f"{federation.workers}_{asked}")
    eventually(30, f"task {asked} says goodbye for {client_of(asked)}", lambda: any(
        entry["client"] == client_of(asked) for entry in federation.goodbyes()))
    cluster("start", dead)
    for task in lost + [asked]:
        eventually(60, f"task {task} is back as {client_of(task)}, in a new session",
                   lambda: federation.restarts(federation.workers, task) == 1
                   and federation.client(client_of(task))["sessions"] == 2)


def requeue_the_aggregator(federation):
    """Tells the aggregator's job that its time is up, and takes its port so that it comes back at another."""
    place = federation.folder / "run/endpoints.yaml"
    before = place.read_text()
    port = int(re.search(r"updates: 'tcp://127\.0\.0\.1:(\d+)'", before)[1])
    federation.command("scancel", "--batch", "--signal=USR1", federation.aggregator)
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

        def take():
            try:
                squatter.bind(("127.0.0.1", port))
                squatter.listen()
                return True
            except OSError:
                return False

        eventually(30, "the aggregator has stopped in order", take)
        expect(not federation.inspected("run", None)["finished"], "its run is not over")
        count = federation.inspected("run", None)["updatesAccepted"]
        eventually(60, "it requeued itself and is back at another port", lambda: place.read_text() != before)
    expect(federation.restarts(federation.aggregator) == 1, "Slurm counts one restart of the aggregator's job")
    eventually(60, "updates come in again", lambda: federation.inspected("run", None)["updatesAccepted"] > count)


def stop_one_job(whole):
    """Tells the job that holds a whole federation that its time is up: workers leave first, then the aggregator."""
    eventually(90, "a federation in one job has had an update used", lambda: whole.clients_with(updatesUsed=1) > 0)
    whole.command("scancel", "--batch", "--signal=USR1", whole.job)
    eventually(60, "told that its time is up, it requeued itself", lambda: whole.restarts(whole.job) == 1)
    expect(len(whole.goodbyes()) == CLIENTS, "each of its clients said goodbye before its aggregator stopped")


def check_one_job(whole):
    eventually(120, "the federation in one job is complete", lambda: whole.ended_well(whole.job))
    run = whole.inspected("run", None)
    expect(run["finished"] and run["starts"] == 2, "its run has finished, with two starts of the aggregator")
    expect("every digest equal" in whole.impromptu("replay", "run"), "and replays")


def check_the_end(federation):
    eventually(150, "the aggregator's job is complete", lambda: federation.ended_well(federation.aggregator))
    for task in TASKS[:CLIENTS]:
        eventually(30, f"task {task} is complete", lambda: federation.ended_well(federation.workers, task))
    run = federation.inspected("run", None)
    expect(run["finished"] and run["starts"] == 2, "the run has finished, with two starts of the aggregator")
    replay = federation.impromptu("replay", "run")
    expect("every digest equal" in replay, "it replays: " + " ".join(replay.split("\n")[0].split()))
    updates = federation.inspected("updates", [])
    used = [(entry["client"], int(entry["task"])) for entry in updates if entry["fate"] == "used"]
    expect(len(used) == len(set(used)), f"none of the {len(used)} updates counts twice")
    told = set()
    for path in (federation.folder / "run/outbox").glob("*/acknowledged.txt"):
        told |= {(path.parent.name, int(line.split()[1])) for line in path.read_text().splitlines()}
    expect(told and told <= set(used), f"none of the {len(told)} updates is lost that clients were told are safe")
    late = federation.command(
        federation.program, "work", "run", "--config", "run.yaml", "--set", "security.keys=keys", "--set",
        "worker.outbox=run/outbox")
    expect(late is not None, "a worker that comes after the end ends at once with exit code 0")


def main(program):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="impromptu-slurm-"))
    folder.chmod(0o755)
    state = folder / "cluster"
    os.environ["SLURM_CONF"] = str(state / "slurm.conf")

    def cluster(command, *node):
        # A session of its own: Ctrl-C is for this script, which then takes the cluster down.
        subprocess.run([SLURM / "test-cluster", command, state, *node], check=True, stdout=subprocess.DEVNULL,
                       start_new_session=True)

    try:
        cluster("up")
        say("a Slurm of four nodes is up")
        federation = Federation(program, folder / "shared", updates=400, workers=len(TASKS))
        whole = Federation(program, folder / "one-job", updates=240, workers=4)
        federation.begin()
        kill_a_node(federation, cluster)
        whole.job = whole.submit("federation.sbatch")
        requeue_the_aggregator(federation)
        stop_one_job(whole)
        check_the_end(federation)
        check_one_job(whole)
    except (Failure, subprocess.CalledProcessError) as error:
        print(subprocess.run(["squeue", "--all"], capture_output=True, text=True).stdout, file=sys.stderr)
        for log in sorted(folder.glob("*/*.log")):
            print(f"--- {log.name}\n{log.read_text()[-1500:]}", file=sys.stderr)
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    finally:
        cluster("down")
        say("the Slurm is down")
        files = [file for name in ("cmdline", "environ") for file in pathlib.Path("/proc").glob(f"[0-9]*/{name}")]
        left = subprocess.run(["grep", "-lzsF", str(folder), *files], capture_output=True, text=True).stdout.split()
        shutil.rmtree(folder)
    if left:
        print(f"FAILED: left running: {left}", file=sys.stderr)
        return 1
    say("nothing is left running")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
