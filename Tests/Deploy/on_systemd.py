#!/usr/bin/env python3
"""Installs the Debian package on a booted systemd and runs a federation by its units: aggregator and two workers with keys.
Their journal is restarted, an aggregator hangs, one is stopped and resumes, the package is upgraded under them, the run
finishes and replays, the package is removed.

Usage: on_systemd.py PACKAGE.deb      needs root, and what 'Deploy/setup --deploy' installs
"""

import pathlib
import shutil
import sys
import tempfile
import time

from machine import Machine, run
from steps import Failure, eventually, expect, say

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRATCH = ROOT / ".build-deploy"
AGGREGATOR = "impromptu-aggregator.service"
WORKERS = ["impromptu-worker@0.service", "impromptu-worker@1.service"]
RUN = "/var/lib/impromptu/run"
CONFIGURATION = """
run: {seed: 5, updates: 0}
endpoints: {updates: 'tcp://127.0.0.1:5601', prompts: 'tcp://127.0.0.1:5602'}
federation: {mode: buffered, buffer_size: 4, flush_after_seconds: 5, beacon_seconds: 0.5, heartbeat_seconds: 1,
             lease_seconds: 6}
prompts: {pool: 6}
encoder: {image_size: 16}
training: {maximum_steps: 1, batch_size: 8, prompts_per_batch: 3}
data: {dataset: fashion-mnist, clients: 6, training_samples: 300, validation_samples: 50, minimum_samples: 8}
evaluation: {interval_seconds: 0}
worker: {delay: constant, delay_seconds: 2, grace_seconds: 5}
"""
# A hang of two minutes is too long for a test.
IMPATIENT = "[Service]\nWatchdogSec=6s\n"


def updates(machine):
    """Accepted updates, from the metrics that the unit serves; 0 while it serves none."""
    page = machine.inside("curl", "--silent", "--max-time", "5", "http://127.0.0.1:5603/metrics", check=False).stdout
    for line in page.splitlines():
        if line.startswith('impromptu_updates_total{fate="accepted"}'):
            return int(float(line.split()[-1]))
    return 0


def install(machine, package):
    shutil.copy(package, machine.root / "root/impromptu.deb")
    machine.inside("dpkg", "--install", "/root/impromptu.deb")


def newer(package, folder):
    """The same package under a later version."""
    run("dpkg-deb", "--raw-extract", package, folder / "newer")
    control = folder / "newer/DEBIAN/control"
    lines = [line + "+later" if line.startswith("Version: ") else line for line in control.read_text().splitlines()]
    control.write_text("\n".join(lines) + "\n")
    run("dpkg-deb", "--root-owner-group", "-Znone", "--build", folder / "newer", folder / "newer.deb")
    return folder / "newer.deb"


def begin(machine, package):
    install(machine, package)
    expect(machine.unit(AGGREGATOR, "ActiveState") == "inactive", "a new installation starts nothing")
    expect("impromptu" in machine.out("id", "impromptu"), "the services' account is there")
    machine.put("/etc/impromptu/run.yaml", CONFIGURATION)
    machine.put("/etc/impromptu/aggregator.env", "OPTIONS=--dashboard-host watch.example\n")
    machine.put("/etc/impromptu/worker.env", "WORKERS=2\n")
    for unit in [AGGREGATOR, "impromptu-worker@.service"]:
        machine.put(f"/etc/systemd/system/{unit}.d/impatient.conf", IMPATIENT)
    machine.inside("systemctl", "daemon-reload")
    machine.inside("impromptu", "keys", "make", "--keys", "/etc/impromptu/keys", "--config", "/etc/impromptu/run.yaml",
                   "--workers", "2")
    machine.inside("systemctl", "start", AGGREGATOR)
    expect((machine.root / RUN.lstrip("/") / "run-000001.mcap").exists(), "systemctl returns once the aggregator has its log")
    machine.inside("systemctl", "start", *WORKERS)
    eventually(60, "updates are accepted", lambda: updates(machine) >= 8)
    page = machine.inside("curl", "--silent", "--fail", "--header", "Host: watch.example", "http://127.0.0.1:5603/").stdout
    expect("<title>" in page, "the page is served, also under the name that the options add")
    say("systemctl status: " + machine.unit(AGGREGATOR, "StatusText"))


def go_on(machine):
    """Waits for more updates than there are."""
    before = eventually(20, "the metrics are served", lambda: updates(machine))
    eventually(60, f"the run continues after {before} updates", lambda: updates(machine) > before + 1)


def restart_the_journal(machine):
    process = machine.unit(AGGREGATOR, "MainPID")
    machine.inside("systemctl", "restart", "systemd-journald")
    machine.inside("systemctl", "reload", AGGREGATOR)
    eventually(20, "the aggregator still writes to the journal after that was restarted, here of its reloaded keys",
               lambda: "keys" in machine.out("journalctl", "--no-pager", "--output=cat", "--unit", AGGREGATOR, "--since",
                                             "-20s"))
    expect(machine.unit(AGGREGATOR, "MainPID") == process, "the same process runs on")
    go_on(machine)


def hang(machine):
    process = machine.unit(AGGREGATOR, "MainPID")
    machine.inside("systemctl", "kill", "--kill-whom=main", "--signal=STOP", AGGREGATOR)
    eventually(60, "an aggregator that hangs is ended by the watchdog and started again",
               lambda: machine.unit(AGGREGATOR, "MainPID") not in {process, "0"}
               and machine.unit(AGGREGATOR, "ActiveState") == "active")
    expect("watchdog" in machine.journal(AGGREGATOR).lower(), "the journal says so")
    go_on(machine)


def stop(machine):
    started = time.monotonic()
    machine.inside("systemctl", "stop", AGGREGATOR)
    expect(machine.unit(AGGREGATOR, "Result") == "success", f"a stop ends in order, in {time.monotonic() - started:.1f} s")
    expect("drain" in machine.inside("impromptu", "inspect", RUN, "--list", "records").stdout, "the run was drained")
    machine.inside("systemctl", "start", AGGREGATOR)
    go_on(machine)


def upgrade(machine, package):
    units = [AGGREGATOR, *WORKERS]
    before = [machine.unit(unit, "MainPID") for unit in units]
    install(machine, package)
    expect(all(machine.unit(unit, "MainPID") not in {old, "0"} for unit, old in zip(units, before, strict=True)),
           "an upgrade restarts the services that run")
    expect(machine.out("cat", "/etc/impromptu/run.yaml") == CONFIGURATION.strip(), "it leaves the configuration alone")
    go_on(machine)


def finish(machine):
    machine.inside("impromptu", "set", RUN, f"run.updates={updates(machine) + 20}")
    eventually(180, "the run ends, and the services with it", lambda: all(
        machine.unit(unit, "ActiveState") == "inactive" for unit in [AGGREGATOR, *WORKERS]))
    expect(all(machine.unit(unit, "Result") == "success" for unit in [AGGREGATOR, *WORKERS]), "each has ended well")
    replay = machine.out("impromptu", "replay", RUN)
    expect("every digest equal" in replay, replay.splitlines()[-1])


def remove(machine):
    machine.inside("dpkg", "--remove", "impromptu")
    machine.inside("dpkg", "--purge", "impromptu")
    expect(machine.inside("systemctl", "cat", AGGREGATOR, check=False).returncode != 0
           or "ExecStart" not in machine.inside("systemctl", "cat", AGGREGATOR, check=False).stdout, "the units are gone")
    expect((machine.root / "var/lib/impromptu/run/run-000001.mcap").exists(), "the run is still there after a purge")


def main():
    package = pathlib.Path(sys.argv[1]).resolve()
    machine = Machine(SCRATCH)
    try:
        with tempfile.TemporaryDirectory() as folder:
            begin(machine, package)
            restart_the_journal(machine)
            hang(machine)
            stop(machine)
            upgrade(machine, newer(package, pathlib.Path(folder)))
            finish(machine)
            remove(machine)
    except Failure as failure:
        print(f"on_systemd: {failure}", file=sys.stderr)
        for unit in [AGGREGATOR, *WORKERS]:
            print(f"--- {unit}\n{machine.journal(unit)[-2500:]}", file=sys.stderr)
        return 1
    finally:
        machine.end()
    print("on_systemd: the units ran, hung, stopped, were upgraded and ended as they must")
    return 0


if __name__ == "__main__":
    sys.exit(main())
