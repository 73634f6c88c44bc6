#!/usr/bin/env python3
"""The wire format as a Python program sees it, for Tests/PromptWireTests/InteropTests.swift.

    wire.py FOLDER

FOLDER/in holds files NAME-*.bin, each one message NAME (or NAME of schema.bin for records). Each is parsed, built anew
field by field and written to FOLDER/out. FOLDER/made gets one file for each message that a program would write by hand,
with values that the Swift test knows."""

import pathlib
import subprocess
import sys

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

folder = pathlib.Path(sys.argv[1])
proto = pathlib.Path(__file__).resolve().parents[2] / "Proto"
subprocess.run(
    ["protoc", f"--proto_path={proto}", f"--python_out={folder}", "impromptu.proto"], check=True)
sys.path.insert(0, str(folder))
import impromptu_pb2 as wire  # noqa: E402


def rebuilt(message):
    """A copy made through the fields' setters, so that nothing of the original's bytes is kept."""
    copy = type(message)()
    for field, value in message.ListFields():
        if field.type != field.TYPE_MESSAGE:
            if field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED:
                getattr(copy, field.name).extend(value)
            else:
                setattr(copy, field.name, value)
        elif hasattr(value, "add"):
            getattr(copy, field.name).extend(rebuilt(element) for element in value)
        else:
            getattr(copy, field.name).CopyFrom(rebuilt(value))
    return copy


def tensor(name, values):
    values = np.asarray(values, dtype="<f4")
    return wire.Tensor(name=name, dtype=wire.DATA_TYPE_F32, shape=values.shape, data=values.tobytes())


def made():
    client = dict(client="client-1", session=2**64 - 1)

    def said(**body):
        return wire.ClientEnvelope(protocol=2, **body)

    def told(**body):
        return wire.AggregatorEnvelope(protocol=2, run=2**63, epoch=7, **body)

    yield "hello", said(hello=wire.Hello(**client, sample_count=500, model=wire.ModelSpecification(
        digest="0a", fields=[
            wire.ModelField(name="classes[0]", value="Käse"), wire.ModelField(name="encoder", value="00ff")])))
    yield "update", said(update=wire.Update(
        **client, run=2**63, task=17, base_version=9, sample_count=500,
        tensors=[tensor("head.bias", [1, 2, 3]), tensor("prompts", np.arange(6).reshape(2, 3) / 4)],
        prompt_ids=[8, 2**40], metrics=[wire.Metric(name="loss", value=0.1)]))
    yield "half-update", said(update=wire.Update(
        **client, run=1, task=1, base_version=0, sample_count=1, prompt_ids=[8], tensors=[wire.Tensor(
            name="prompts", dtype=wire.DATA_TYPE_F16, shape=[1, 2],
            data=np.array([0.5, -65504], dtype="<f2").tobytes())]))
    yield "failure", said(failure=wire.Failure(**client, task=17, reason="kein Bild – nirgends"))
    yield "fetch", said(fetch=wire.Fetch(**client, holding=-1))
    yield "heartbeat", said(heartbeat=wire.Heartbeat(
        **client, activity=wire.ACTIVITY_TRAINING, task=17, outstanding=1))
    yield "goodbye", said(goodbye=wire.Goodbye(**client))
    yield "welcome", told(welcome=wire.Welcome(
        **client, version=10, heartbeat_milliseconds=2000, dtype=wire.DATA_TYPE_F16, model_digest="0a"))
    yield "task", told(task=wire.Task(
        **client, number=18, version=10, seed=123456789, plan=wire.TrainingPlan(
            epochs=2, maximum_steps=50, batch_size=8, optimizer=wire.OPTIMIZER_SGD, prompt_learning_rate=0.01,
            head_learning_rate=0.02, momentum=0.8, second_moment_decay=0.99, weight_decay=1e-4, gradient_clip=1,
            prompts_per_batch=4, similarity_weight=0.5, proximal_weight=1e-3, logit_adjustment=1,
            class_balance=0.75, head_dropout=0.5, personal=wire.PERSONAL_HEAD, control_variates=True,
            class_means=True, generator_rate=0.25, first_block=6)))
    yield "prompts", told(prompts=wire.Prompts(
        version=10, tensors=[tensor("prompts", np.zeros((0, 4)))],
        unchanged=[wire.Unchanged(name="head.bias", since=4)]))
    yield "ack", told(ack=wire.Ack(client="client-1", task=17))
    yield "reject", told(reject=wire.Reject(
        client="client-1", run=2**63, task=4, code=wire.REJECT_CODE_TOO_STALE, reason="zu alt – erwartet 5"))
    yield "refuse", told(refuse=wire.Refuse(
        **client, code=wire.REFUSE_CODE_FENCED, reason="ein anderer ist da"))
    yield "say_hello", told(say_hello=wire.SayHello(**client))
    yield "malformed", told(malformed=wire.Malformed(
        client="client-1", reason="update.task: expected at least 1, found 0"))
    yield "beacon", told(beacon=wire.Beacon(
        phase=wire.PHASE_FINISHED, version=10, updates=100, late_updates=40, clients_alive=3, in_flight=2, buffered=1,
        pool=12, metrics=[wire.Metric(name="accuracy", value=0.75)]))


for name in ("out", "made"):
    (folder / name).mkdir()

# The log's own schema must do as well as the generated module.
schema = descriptor_pb2.FileDescriptorSet.FromString((folder / "schema.bin").read_bytes())
pool = descriptor_pool.DescriptorPool()
for file in schema.file:
    pool.Add(file)

for path in sorted((folder / "in").iterdir()):
    name = path.name.split("-")[0]
    described = message_factory.GetMessageClass(pool.FindMessageTypeByName(f"impromptu.v2.{name}"))
    for source in (getattr(wire, name), described):
        message = rebuilt(source.FromString(path.read_bytes()))
        if message.SerializeToString(deterministic=True) != path.read_bytes():
            sys.exit(f"{path.name}: Python writes other bytes than were read:\n{message}")
    (folder / "out" / path.name).write_bytes(message.SerializeToString(deterministic=True))
for name, message in made():
    (folder / "made" / f"{name}.bin").write_bytes(message.SerializeToString(deterministic=True))
