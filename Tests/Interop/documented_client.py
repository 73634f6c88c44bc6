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
run, epoch, received, sessions, final = 77, 1, [], set(), []


def tensor(name, values):
    return pb.Tensor(
        name=name, dtype=pb.DATA_TYPE_F32, shape=values.shape, data=np.asarray(values, "<f4").tobytes())


def publish(topic, **body):
    envelope = pb.AggregatorEnvelope(protocol=2, run=run, epoch=epoch, **body)
    publisher.send_multipart([topic, envelope.SerializeToString()])


trainings = []


def train(arrays, plan, seed):
    trainings.append(seed)
    if len(trainings) == 1:
        raise ValueError("no image can be read")
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
            **me, version=3 if epoch == 1 else 4, heartbeat_milliseconds=200, dtype=pb.DATA_TYPE_F16))
        publish(own, task=pb.Task(
            client="client-1", session=me["session"] ^ 1, number=9, version=3, plan=pb.TrainingPlan(epochs=1)))
        publish(own, task=pb.Task(**me, number=1, version=3, plan=pb.TrainingPlan(epochs=1)))
    elif body == "fetch":
        # The first answer leaves out what the client never had.
        fetches = sum(m.WhichOneof("body") == "fetch" for m in received)
        publish(own, prompts=pb.Prompts(
            version=3, prompt_ids=[4, 7], unchanged=[pb.Unchanged(name="head.bias", since=1)] if fetches == 1 else [],
            tensors=[tensor("prompts", pool)] + ([] if fetches == 1 else [tensor("head.bias", pool[0])])))
    elif body == "failure":
        publish(b"g", prompts=pb.Prompts(
            version=4, prompt_ids=[4, 7], tensors=[tensor("prompts", pool + 1)],
            unchanged=[pb.Unchanged(name="head.bias", since=1)]))
        publish(own, task=pb.Task(**me, number=2, version=4, seed=5, plan=pb.TrainingPlan(epochs=1)))
    elif body == "update" and count == 1:
        epoch = 2
        publish(b"g", beacon=pb.Beacon(phase=pb.PHASE_RUNNING, version=4))
    elif body == "update" and count >= 3:
        publish(own, ack=pb.Ack(client="client-1", task=2))
    elif body == "heartbeat" and count >= 3 and message.heartbeat.outstanding == 0:
        publish(b"g", beacon=pb.Beacon(phase=pb.PHASE_FINISHED, version=4))

bodies = [m.WhichOneof("body") for m in received]
first = bodies.index("update")
update = received[first].update
assert len(sessions) == 1, "one start is one session"
assert (update.run, update.task, update.base_version, list(update.prompt_ids)) == (77, 2, 4, [4, 7]), update
assert [t.name for t in update.tensors] == ["head.bias", "prompts"], "what was left out is taken from what is held"
assert all(t.dtype == pb.DATA_TYPE_F16 for t in update.tensors), "the run asks for half precision"
assert (np.frombuffer(update.tensors[1].data, "<f2").reshape(2, 3) == pool + 2).all()
failure = next(m.failure for m in received if m.WhichOneof("body") == "failure")
assert (failure.task, failure.reason) == (1, "no image can be read"), failure
assert all(m.update == update for m in received if m.WhichOneof("body") == "update"), "it is sent again as it was"
assert "hello" in bodies[first:], "another epoch is greeted"
assert bodies.count("update") >= 3, "an update is sent until it is acknowledged"
assert bodies[-1] == "goodbye" and final[0][0] == 4, bodies
