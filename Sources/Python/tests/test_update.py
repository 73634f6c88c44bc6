"""What is refused before it travels: updates, keys, endpoints, arguments; and what is kept on the disk."""

import os

import numpy as np
import pytest

import impromptu
from impromptu.effects import UpdateID
from impromptu.endpoints import parsed
from impromptu.outbox import Outbox
from impromptu.plan import TrainingPlan
from impromptu.state import Version
from impromptu.update import encoded_update
from impromptu.wire import impromptu_pb2 as pb
from impromptu.wire.tensors import WireError

BASE = Version(
    4,
    {
        "prompts": np.zeros((3, 2), np.float32),
        "head.weight": np.zeros((2, 2), np.float32),
        "fixed.key": np.zeros(2, np.float32),
    },
    np.array([7, 8, 9], np.uint64),
)
GOOD = {"prompts": np.ones((3, 2)), "head.weight": np.ones((2, 2))}


def update(tensors, plan=TrainingPlan(), metrics=None, prompt_ids=None, samples=5):
    message = encoded_update(
        "a", 1, UpdateID(2, 3), BASE, plan, pb.DATA_TYPE_F32, samples, tensors, metrics or {}, prompt_ids
    )
    return pb.ClientEnvelope.FromString(message).update


def test_an_update_holds_what_the_plan_sends():
    sent = update({**GOOD, "fixed.key": np.ones(2)}, metrics={"loss": 0.5})
    assert [tensor.name for tensor in sent.tensors] == ["head.weight", "prompts"]
    assert list(sent.prompt_ids) == [7, 8, 9] and sent.metrics[0].value == 0.5
    assert (sent.run, sent.task, sent.base_version, sent.sample_count) == (2, 3, 4, 5)
    some = update({**GOOD, "prompts": np.ones((1, 2))}, prompt_ids=[8])
    assert list(some.prompt_ids) == [8]


def test_personal_tensors_stay():
    assert [tensor.name for tensor in update(GOOD, TrainingPlan(personal="head")).tensors] == ["prompts"]
    (prompts,) = update({}, TrainingPlan(personal="everything")).tensors
    assert list(prompts.shape) == [0, 2]


@pytest.mark.parametrize(
    ("tensors", "options", "words"),
    [
        ({"prompts": GOOD["prompts"]}, {}, "missing are ['head.weight'], unknown are []"),
        ({**GOOD, "head.wieght": [1]}, {}, "unknown are ['head.wieght']"),
        ({**GOOD, "head.weight": np.ones(4)}, {}, "head.weight: expected shape [2, 2], found [4]"),
        ({**GOOD, "head.weight": "text"}, {}, "head.weight: expected numbers, found str"),
        ({**GOOD, "head.weight": [[0, 1], [float("nan"), 0]]}, {}, "found nan at [1, 0]"),
        ({**GOOD, "head.weight": [[0, 1e16], [0, 0]]}, {}, "within ±1e15"),
        ({**GOOD, "prompts": np.ones((1, 2))}, {}, "give prompt_ids where not all rows"),
        ({**GOOD, "prompts": np.ones((2, 2))}, {"prompt_ids": [7, 7]}, "expected each once"),
        ({**GOOD, "prompts": np.ones((1, 2))}, {"prompt_ids": [1]}, "expected those of version 4, found [1]"),
        (GOOD, {"samples": 0}, "samples: expected 1 to 2^40, found 0"),
        (GOOD, {"metrics": {"loss": "low"}}, "loss: expected a number, found 'low'"),
        (GOOD, {"metrics": {"": 1.0}}, "expected names of 1 to 64 bytes"),
    ],
)
def test_an_update_that_does_not_fit_is_refused_here(tensors, options, words):
    with pytest.raises(impromptu.UpdateError) as refused:
        update(tensors, **options)
    assert words in str(refused.value)


def test_an_outbox_keeps_updates_over_restarts_and_finds_damage(tmp_path):
    message = pb.ClientEnvelope(protocol=2, update=pb.Update(client="a", run=1, task=2)).SerializeToString()
    box = Outbox(tmp_path / "a", "a")
    box.store(UpdateID(1, 2), message)
    (file,) = (tmp_path / "a").iterdir()
    assert file.name == "0000000000000001-2.update" and file.stat().st_mode & 0o777 == 0o600
    assert Outbox(tmp_path / "a", "a").left == {UpdateID(1, 2): message}
    with pytest.raises(impromptu.OutboxError, match="expected an update of b"):
        Outbox(tmp_path / "a", "b")
    content = file.read_bytes()
    file.write_bytes(content[:-1])
    with pytest.raises(impromptu.OutboxError, match="remove the file to continue without it"):
        Outbox(tmp_path / "a", "a")
    file.write_bytes(content)
    box.discard(UpdateID(1, 2))
    box.discard(UpdateID(1, 2))
    assert Outbox(tmp_path / "a", "a").left == {}


def test_an_outbox_removes_what_a_dead_process_was_writing(tmp_path):
    old, young = tmp_path / "1-1.update.1.new", tmp_path / "1-2.update.1.new"
    for file in (old, young):
        file.write_bytes(b"half")
    os.utime(old, (0, 0))
    Outbox(tmp_path, "a")
    assert not old.exists() and young.exists()


def test_an_outbox_that_cannot_be(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(impromptu.OutboxError, match="cannot keep updates"):
        Outbox(tmp_path / "file" / "a", "a")


def test_keys_of_a_folder(tmp_path):
    key = "a" * 40
    with pytest.raises(impromptu.ConfigurationError, match="clinic.secret: cannot read the key"):
        impromptu.Keys.from_folder(tmp_path, "clinic")
    secret = tmp_path / "clinic.secret"
    secret.write_text(key + "\n")
    secret.chmod(0o644)
    with pytest.raises(impromptu.ConfigurationError, match="chmod 600"):
        impromptu.Keys.from_folder(tmp_path, "clinic")
    secret.chmod(0o600)
    assert impromptu.Keys.from_folder(tmp_path, "clinic") == impromptu.Keys(key, None)
    assert key not in repr(impromptu.Keys(key, None))
    with pytest.raises(impromptu.ConfigurationError, match="aggregator's public key"):
        impromptu.Keys(key, None).naming(None, "endpoints.yaml")
    with pytest.raises(impromptu.ConfigurationError, match="expected the aggregator's key b"):
        impromptu.Keys(key, "b" * 40).naming("c" * 40, "endpoints.yaml")
    secret.write_text("short")
    with pytest.raises(impromptu.ConfigurationError, match="expected a key of 40 characters"):
        impromptu.Keys.from_folder(tmp_path, "clinic")


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (("tcp://h:1", "a"), {}, "found the one address 'tcp://h:1'"),
        ((("tcp://h:1",), "a"), {}, "expected two endpoints"),
        ((("h:1", "h:2"), "a"), {}, "endpoints.updates: expected tcp://HOST:PORT or ipc://PATH, found 'h:1'"),
        ((("tcp://h:1", "tcp://h:65536"), "a"), {}, "endpoints.prompts: expected a port from 1 to 65535, found"),
        (({"updates": "tcp://h:1"}, "a"), {}, "expected 'updates' and 'prompts'"),
        (("runs/first", "a/b"), {}, "client: expected 1 to 64 characters"),
        (("runs/first", "a"), {"samples": -1}, "samples: expected a whole number"),
    ],
)
def test_arguments_that_cannot_be(arguments, options, words, tmp_path):
    with pytest.raises(impromptu.ConfigurationError) as refused:
        impromptu.join(*arguments, **{"samples": 1, "outbox": tmp_path, **options})
    assert words in str(refused.value)


def test_an_endpoints_file_that_says_nothing():
    with pytest.raises(impromptu.ConfigurationError, match="f.yaml: expected endpoints.updates and endpoints.prompts"):
        parsed("endpoints:\n  updates: 'tcp://h:1'\n", "f.yaml")


def test_an_update_beyond_the_limit_does_not_go_out(monkeypatch):
    assert update(GOOD).sample_count == 5
    monkeypatch.setattr("impromptu.update.MESSAGE_BYTES", 100)
    with pytest.raises(impromptu.UpdateError, match=r"expected an update of at most 100 bytes, found 1\d\d"):
        update(GOOD)


def test_a_plan_of_the_wire_says_where_prompts_enter():
    wire = pb.TrainingPlan(epochs=1, batch_size=4, optimizer=pb.OPTIMIZER_SGD, personal=pb.PERSONAL_NOTHING, first_block=2)
    assert TrainingPlan.from_wire(wire).first_block == 2
    wire.first_block = -1
    with pytest.raises(WireError, match="task.plan.first_block: expected at least 0, found -1"):
        TrainingPlan.from_wire(wire)
