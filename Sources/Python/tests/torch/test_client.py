"""What TorchClient does beside the wire."""

import numpy as np
import pytest
import torch
from test_prompted import prompted
from vectors import Vectors

import impromptu
from impromptu.effects import UpdateID
from impromptu.plan import TrainingPlan
from impromptu.state import Version
from impromptu.torch import Samples, TorchClient


class FakeTask:
    """A task with what TorchClient reads of one."""

    def __init__(self, tensors, plan, seed=1, run=1):
        self.identity = UpdateID(run, seed)
        self.tensors, self.plan, self.seed, self.is_abandoned = tensors, plan, seed, False
        self.prompt_ids = np.arange(20, 20 + len(tensors["prompts"]), dtype=np.uint64)
        self.sent = None

    def send(self, tensors, metrics, *, prompt_ids):
        self.sent = tensors, metrics, prompt_ids.tolist()


@pytest.fixture
def vectors():
    return Vectors("vit")


def client_of(vectors, **options):
    inputs = torch.tensor(vectors.expected["prepared"])
    return TorchClient(prompted(vectors), Samples((inputs, vectors.labels)), **options), inputs


def test_only_the_rows_that_were_picked_are_sent(vectors):
    client, _ = client_of(vectors)
    task = FakeTask(vectors.tensors, TrainingPlan(batch_size=3, prompts_per_batch=2, personal="nothing"))
    client.train(task)
    tensors, metrics, identities = task.sent
    assert tensors["prompts"].shape == (2, 24) and len(identities) == 2 and set(identities) < set(range(20, 26))
    assert metrics["steps"] == 1 and np.isfinite(metrics["loss"])


def test_a_head_of_its_own_lasts_from_task_to_task(vectors):
    client, inputs = client_of(vectors, held_out=(torch.tensor(vectors.expected["prepared"]), vectors.labels))
    plan = TrainingPlan(batch_size=3, prompts_per_batch=2, head_learning_rate=0.02, personal="head")
    losses = []
    for seed in range(3):
        task = FakeTask(vectors.tensors, plan, seed)
        client.train(task)
        assert not any(name.startswith("head.") for name in task.sent[0])
        losses.append(task.sent[1]["loss"])
    assert losses[2] < losses[0]
    own = client.evaluate(Version(1, vectors.tensors, task.prompt_ids))
    other, _ = client_of(vectors, held_out=(inputs, vectors.labels))
    assert own.loss < other.evaluate(Version(1, vectors.tensors, task.prompt_ids)).loss


def test_a_head_of_one_run_is_none_of_another(vectors):
    client, _ = client_of(vectors)
    plan = TrainingPlan(batch_size=3, prompts_per_batch=2, head_learning_rate=0.02, personal="head")
    losses = []
    for run in (1, 2):
        task = FakeTask(vectors.tensors, plan, run=run)
        client.train(task)
        losses.append(task.sent[1]["loss"])
    assert losses[0] == losses[1]


def test_an_abandoned_task_is_left(vectors):
    client, _ = client_of(vectors)
    task = FakeTask(vectors.tensors, TrainingPlan(batch_size=3))
    task.is_abandoned = True
    client.train(task)
    assert task.sent is None


def test_samples_come_in_many_forms_and_are_checked(vectors, tmp_path):
    inputs = torch.tensor(vectors.expected["prepared"])
    pairs = [(image, int(label)) for image, label in zip(inputs, vectors.labels, strict=True)]
    for samples in (Samples(pairs), Samples((inputs, vectors.labels)), Samples(vectors.images, vectors.labels,
                                                                               prepare=prompted(vectors).prepare)):  # fmt: skip
        images, labels = samples.batch([2, 0], torch.device("cpu"))
        assert torch.allclose(images, inputs[[2, 0]], atol=1e-6) and labels.tolist() == [2, 0]
    with pytest.raises(impromptu.ConfigurationError, match="labels: expected 3, as many as images, found 2"):
        Samples(vectors.images, [0, 1])
    with pytest.raises(impromptu.ConfigurationError, match="expected images in folders of their classes, found none"):
        Samples.of_folder(tmp_path, ["cat"], None)
    (tmp_path / "cow").mkdir()
    with pytest.raises(impromptu.ConfigurationError, match="expected a class of cat, found 'cow'"):
        Samples.of_folder(tmp_path, ["cat"], None)
