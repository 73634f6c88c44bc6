#!/usr/bin/env python3
"""Joins a live run with the client of docs/wire-and-log.md and a stub for its training. Exits 0 at the end of the run,
3 if it is not told of one in time.

    join_run.py FOLDER UPDATES PROMPTS NAME [SECONDS [SECRET SERVER]]

FOLDER gets the generated Python module. SECRET is the file of the client's secret key, SERVER that of the aggregator's
public one."""

import os
import pathlib
import subprocess
import sys
import threading

import zmq

folder, updates, prompts, name, *rest = sys.argv[1:]
root = pathlib.Path(__file__).resolve().parents[2]
subprocess.run(["protoc", f"--proto_path={root / 'Proto'}", f"--python_out={folder}", "impromptu.proto"], check=True)
sys.path.insert(0, folder)

page = (root / "docs" / "wire-and-log.md").read_text()
client = {}
exec(compile(page.split("```python\n")[1].split("```")[0], "docs/wire-and-log.md", "exec"), client)

seconds, keys = 60, None
if rest:
    seconds = float(rest[0])
if rest[1:]:
    secret, server = (pathlib.Path(file).read_bytes().strip() for file in rest[1:])
    keys = zmq.curve_public(secret), secret, server


def train(arrays, plan, seed):
    return {key: array * 0.99 for key, array in arrays.items()}


ended = []
thread = threading.Thread(
    target=lambda: ended.append(client["run"](updates, prompts, name, 5, train, keys)[0]), daemon=True)
thread.start()
thread.join(seconds)
print("the run ended at version", *ended or ["none that it heard of"], flush=True)
# ZeroMQ would wait for messages that nobody takes.
os._exit(0 if ended else 3 if thread.is_alive() else 1)
