"""What happens at the end of a program, however it comes."""

import signal
import subprocess
import sys

from test_exchange import eventually

PROGRAM = """
import sys, time, impromptu
federation = impromptu.join((sys.argv[1], sys.argv[2]), "a", samples=1, outbox=sys.argv[3])
task = federation.next_task()
print("task", flush=True)
{}
"""


def started(aggregator, outbox, last_line):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(last_line), *aggregator.endpoints, outbox],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "task\n", process.stderr.read()
    return process


def test_a_program_that_fails_says_so_and_leaves(make_aggregator, tmp_path):
    aggregator = make_aggregator()
    process = started(aggregator, tmp_path, "1 / 0")
    errors = process.communicate(timeout=20)[1]
    assert process.returncode == 1 and "ZeroDivisionError" in errors
    eventually(lambda: aggregator.heard[-1].kind == "goodbye")
    assert aggregator.ledger.failed == {1: "the client left without an answer"}


def test_a_program_that_just_ends_has_its_update_acknowledged_first(make_aggregator, tmp_path):
    aggregator = make_aggregator()
    process = started(aggregator, tmp_path, "task.send(task.tensors)")
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert 1 in aggregator.ledger.accepted and list((tmp_path / "a").iterdir()) == []


def test_a_program_that_just_ends_has_its_last_callback_called_first(make_aggregator, tmp_path):
    aggregator = make_aggregator(updates_to_finish=1)
    program = """
import gc, sys, time, impromptu
def on_end(error):
    time.sleep(1)
    print("the end", flush=True)
for task in impromptu.join((sys.argv[1], sys.argv[2]), "a", samples=1, outbox=sys.argv[3], on_end=on_end):
    task.send(task.tensors)
del task
gc.collect()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, *aggregator.endpoints, tmp_path], capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stdout) == (0, "the end\n"), done.stderr


def test_a_program_that_is_killed_has_its_update_sent_by_the_next(make_aggregator, tmp_path):
    aggregator = make_aggregator(updates_to_finish=2)
    aggregator.faults.deaf_to = {"update"}
    process = started(aggregator, tmp_path, "task.send(task.tensors); print('kept', flush=True); time.sleep(60)")
    assert process.stdout.readline() == "kept\n"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=20)
    aggregator.faults.deaf_to = set()
    process = started(aggregator, tmp_path, "task.send(task.tensors)\nfor task in federation: task.send(task.tensors)")
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert len(aggregator.ledger.accepted) == 2 and 1 in aggregator.ledger.accepted
