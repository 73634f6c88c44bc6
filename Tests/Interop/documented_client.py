#!/usr/bin/env python3
"""Runs the client of docs/wire-and-log.md against a stand-in for the aggregator that loses an acknowledgement and is
started anew in between. Exits 0 when the client did all that the exchange asks for.

    documented_client.py FOLDER        FOLDER gets the generated Python module"""

import pathlib
import subprocess
import sys
import threading
import time

import numpy as np
import zmq

root = pathlib.Path(__file__).resolve().parents[2]
subprocess.run(
    ["protoc", f"--proto_path={root / 'Proto'}", f"--python_out={sys.argv[1]}", "impromptu.proto"], check=True)
sys.path.insert(0, sys.argv[1])
import impromptu_pb2 as pb  # noqa: E402

page = (root / "docs" / "wire-and-log.md").read_text()
client = {}
exec(compile(page.split("```python\n")[1].split("```")[0], "docs/wire-and-log.md", "exec"), client)

context = zmq.Context()
pull, publisher = context.socket(zmq.PULL), context.socket(zmq.XPUB)
updates = f"tcp://127.0.0.1:{pull.bind_to_random_port('tcp://127.0.0.1')}"
prompts = f"tcp://127.0.0.1:{publisher.bind_to_random_port('tcp://127.0.0.1')}"
own = b"c/client-1/"
pool = np.arange(6, dtype="<f4").reshape(2, 3)
incarnation, received, sessions, final = 1, [], set(), []


def publish(topic, **body):
    envelope = pb.AggregatorEnvelope(protocol=1, incarnation=incarnation, **body)
    publisher.send_multipart([topic, envelope.SerializeToString()])


def train(arrays, plan, seed):
    return {name: array + 1 for name, array in arrays.items()}


thread = threading.Thread(
    target=lambda: final.append(client["run"](updates, prompts, "client-1", 5, train)), daemon=True)
thread.start()
deadline = time.monotonic() + 30
# What the client sent last may come after its end.
while thread.is_alive() or pull.poll(1000):
    if time.monotonic() > deadline:
        sys.exit(f"the client does not come to an end; received {[m.WhichOneof('body') for m in received]}")
    if not pull.poll(100):
        continue
    message = pb.ClientEnvelope.FromString(pull.recv())
    received.append(message)
    body = message.WhichOneof("body")
    me = dict(client="client-1", session=getattr(message, body).session)
    sessions.add(me["session"])
    count = sum(m.WhichOneof("body") == "update" for m in received)
    if body == "hello":
        publish(own, welcome=pb.Welcome(
            **me, version=3, acknowledged=pb.Ack(**me), heartbeat_milliseconds=200))
        publish(own, global_prompts=pb.GlobalPrompts(version=3, prompt_ids=[4, 7], tensors=[
            pb.Tensor(name="prompts", dtype=pb.DATA_TYPE_F32, shape=pool.shape, data=pool.tobytes())]))
        publish(own, task=pb.Task(client="client-1", number=1, version=3, plan=pb.TrainingPlan(epochs=1)))
    elif body == "update" and count == 1:
        incarnation = 2
        publish(b"g", beacon=pb.Beacon(phase=pb.PHASE_RUNNING, version=3))
    elif body == "update" and count >= 3:
        publish(own, ack=pb.Ack(**me, contiguous=1))
    elif body == "heartbeat" and count >= 3 and message.heartbeat.outstanding == 0:
        publish(b"g", beacon=pb.Beacon(phase=pb.PHASE_FINISHED, version=3))

bodies = [m.WhichOneof("body") for m in received]
first = bodies.index("update")
update = received[first].update
assert len(sessions) == 1, "one start is one session"
assert (update.sequence, update.task, update.base_version, list(update.prompt_ids)) == (1, 1, 3, [4, 7]), update
assert (np.frombuffer(update.tensors[0].data, "<f4").reshape(2, 3) == pool + 1).all()
assert all(m.update == update for m in received if m.WhichOneof("body") == "update"), "it is sent again as it was"
assert "hello" in bodies[first:], "a new incarnation is greeted"
assert bodies.count("update") >= 3, "an update is sent until it is acknowledged"
assert bodies[-1] == "goodbye" and final[0].version == 3
