"""A client of Python and a Swift worker make the same update of the same task."""

import dataclasses
import subprocess

import numpy as np
import pytest
import torch
from live import BINARY, needs_binary, wait_for
from safetensors.numpy import save_file
from test_prompted import prompted
from vectors import WORDS, Vectors, encoder_folder

from impromptu.conformance.aggregator import Aggregator
from impromptu.conformance.ledger import Ledger
from impromptu.model.images import prepared
from impromptu.plan import TrainingPlan
from impromptu.torch import Samples, tune
from impromptu.wire import impromptu_pb2 as pb
from impromptu.wire.tensors import decoded

pytestmark = [pytest.mark.live, needs_binary]

WIDTH, CLASSES, POOL, IMAGES = 24, 3, 7, 21
PLAN = TrainingPlan(
    epochs=2, batch_size=8, prompt_learning_rate=0.01, head_learning_rate=0.02, momentum=0.9, second_moment_decay=0.98,
    prompts_per_batch=3, similarity_weight=0.1, personal="nothing",
)  # fmt: skip
OPTIMIZERS = {"adam": pb.OPTIMIZER_ADAM, "adamw": pb.OPTIMIZER_ADAMW, "sgd": pb.OPTIMIZER_SGD}


def state(rng, blocks=1, hidden=0, inputs=WIDTH, key=True, whitening=True, head=0.1, **further):
    """A published state, [name: values]."""

    def draw(*shape, scale=0.1):
        return (scale * rng.normal(size=shape)).astype(np.float32)

    tensors = {"prompts": draw(POOL, blocks * WIDTH, scale=0.3), "head.bias": draw(CLASSES, scale=head)}
    tensors["head.weight"] = draw(CLASSES, hidden or WIDTH, scale=head)
    if hidden:
        tensors |= {"head.hidden.weight": draw(hidden, inputs), "head.hidden.bias": draw(hidden)}
    if key:
        tensors["key.weight"] = np.eye(WIDTH, dtype=np.float32) + draw(WIDTH, WIDTH, scale=0.02)
    if whitening:
        tensors["fixed.feature.mean"] = draw(WIDTH, scale=0.5)
        tensors["fixed.feature.whitening"] = np.tril(draw(WIDTH, WIDTH, scale=0.02)) + np.eye(WIDTH, dtype=np.float32)
    return tensors | {name: draw(*shape, scale=0) for name, shape in further.items()}


CONTROLS = {f"control.{name}": shape for name, shape in
            {"prompts": (POOL, WIDTH), "head.bias": (CLASSES,), "head.weight": (CLASSES, WIDTH)}.items()}  # fmt: skip
STATISTICS = {"class.means": (CLASSES, WIDTH), "class.counts": (CLASSES,), "class.scatter": (WIDTH * (WIDTH + 1) // 2,)}
# Statistics with the published prompts. Clients do not read the number.
MEASURED = {"statistics.generation": (1,)}
CASES = {
    "adam": ("vit", {}, {}),
    "adamw": ("clip", {"optimizer": "adamw", "weight_decay": 0.1, "gradient_clip": 0.5}, {"blocks": 3}),
    "sgd": ("siglip", {"optimizer": "sgd", "weight_decay": 0.01, "proximal_weight": 0.1}, {"blocks": 2}),
    "dropout": ("deit", {"head_dropout": 0.5, "maximum_steps": 4}, {"hidden": 12, "whitening": False}),
    "classes": ("dinov2", {"logit_adjustment": 1.0, "class_balance": 0.99, "prompts_per_batch": 0}, {"key": False}),
    "scaffold": ("vit", {"optimizer": "sgd", "momentum": 0.0, "control_variates": True}, {"key": False, **CONTROLS}),
    "closed head": ("dinov2", {"head_learning_rate": 0.0}, {"key": False, **STATISTICS}),
    "measured closed head": ("dinov2", {"head_learning_rate": 0.0}, {"key": False, **STATISTICS, **MEASURED}),
    "measured closed head of texts":
        ("bert", {"head_learning_rate": 0.0, "prompts_per_batch": 0}, {"key": False, **STATISTICS, **MEASURED}),
    "first closed head": ("vit", {"head_learning_rate": 0.0}, {"key": False, "head": 0, **STATISTICS}),
    "classifier": ("torchvision", {"head_dropout": 0.2}, {"hidden": 7, "inputs": 20, "whitening": False}),
    "texts": ("bert", {"prompts_per_batch": 0, "similarity_weight": 0.0}, {"blocks": 2, "key": False}),
    "picks for texts": ("bert", {}, {"blocks": 3}),
    "later": ("clip-later", {"first_block": 1}, {"blocks": 2}),
    "later texts": ("bert-later", {"first_block": 1}, {}),
    "closed head of texts": ("bert", {"head_learning_rate": 0.0}, {"key": False, **STATISTICS}),
    "fedcof": ("vit", {"class_means": True}, {"key": False, "class.means": (CLASSES, WIDTH), "class.counts": (CLASSES,)}),
}


@pytest.fixture(scope="module")
def images():
    """Bytes of figures of three classes, and their labels."""
    rng = np.random.default_rng(3)
    labels = np.array([0, 0, 1, 2, 1, 0, 1] * 3, np.int32)
    pixels = rng.integers(0, 120, (IMAGES, 30, 40, 3))
    for image, label in zip(pixels, labels, strict=True):
        image[5 : 15 + 4 * label, 8:20] += 30 + 50 * label
    return pixels.astype(np.uint8), labels


@pytest.fixture(scope="module")
def texts():
    """Tokens of words of three classes, in texts of unlike lengths, and their labels."""
    rng = np.random.default_rng(4)
    labels = np.array([0, 0, 1, 2, 1, 0, 1] * 3, np.int32)
    words = [rng.integers(0, 26, rng.integers(1, 14)) for _ in labels]
    for row, label in zip(words, labels, strict=True):
        row[0] = label
    return words, labels


def write_samples(folder, samples, vectors):
    """What a Swift worker reads them from."""
    values, labels = samples
    if vectors.description.text:
        rows = [f"{' '.join(WORDS[word] for word in row)},{'abc'[label]}" for row, label in zip(values, labels, strict=True)]
        (folder / "samples.csv").write_text("text,label\n" + "".join(row + "\n" for row in rows))
        return folder / "samples.csv"
    save_file({"images": values, "labels": labels}, folder / "samples.safetensors")
    return folder / "samples.safetensors"


def inputs(samples, vectors):
    """What the encoder reads of them."""
    if vectors.description.text:
        return [[2, *(4 + row), 3] for row in samples[0]]
    return [torch.tensor(prepared(image, vectors.description.image)) for image in samples[0]]


def of_swift(folder, samples, tensors, plan, vectors):
    """The update that a Swift worker makes of the task."""
    (folder / "classes.txt").write_text("a\nb\nc\n")
    fields = dataclasses.asdict(plan) | {"optimizer": OPTIMIZERS[plan.optimizer], "personal": pb.PERSONAL_NOTHING}
    aggregator = Aggregator(
        Ledger(5, dict(tensors), list(range(10, 10 + POOL))), pb.TrainingPlan(**fields), updates_to_finish=1
    )
    aggregator.start()
    settings = {
        "endpoints.updates": aggregator.endpoints[0], "endpoints.prompts": aggregator.endpoints[1], "data.held_out": 0,
        "worker.outbox": folder / "outbox", "encoder.path": encoder_folder(folder / "encoder", vectors),
        "encoder.family": vectors.description.encoder.family,
    }  # fmt: skip
    command = [BINARY, "work", "--client", "swift", "--data", write_samples(folder, samples, vectors), "--classes",
               folder / "classes.txt", *(f"--set={key}={value}" for key, value in settings.items())]  # fmt: skip
    worker = subprocess.Popen([str(part) for part in command], stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: aggregator.ledger.accepted or worker.poll() is not None, "an update of the worker")
        assert aggregator.ledger.accepted, (aggregator.ledger.failed, worker.communicate()[1])
        return aggregator.ledger.accepted[1]
    finally:
        worker.kill()
        worker.communicate()
        aggregator.close()


@pytest.mark.parametrize("case", CASES)
def test_an_update_equals_the_swift_workers(case, images, texts, tmp_path):
    golden, changes, shapes = CASES[case]
    plan, vectors = dataclasses.replace(PLAN, **changes), Vectors(golden)
    tensors = state(np.random.default_rng(8), **shapes)
    samples = texts if vectors.description.text else images
    update = of_swift(tmp_path, samples, tensors, plan, vectors)
    expected = decoded(update.tensors, "update")
    found = tune(prompted(vectors), Samples(inputs(samples, vectors), samples[1]), tensors, plan, seed=1)
    assert [10 + row for row in found.rows] == list(update.prompt_ids)
    if not plan.class_means:
        assert set(found.tensors) == set(expected)
    metrics = {metric.name: metric.value for metric in update.metrics}
    assert found.metrics["accuracy"] == metrics["accuracy"]
    assert found.metrics["loss"] == pytest.approx(metrics["loss"], rel=1e-4)
    for name, values in expected.items():
        if name == "prompts" and plan.class_means:
            assert values.shape == (0, WIDTH)
            continue
        ours = found.tensors[name].numpy()
        assert np.linalg.norm(ours - values) <= 1e-4 * np.linalg.norm(values), name
        moved = values if name.startswith(("class.", "control.")) else values - base(tensors, name, found.rows)
        # What tuning moved is far smaller than the values; it has to agree too.
        assert np.linalg.norm(ours - values) <= 2e-3 * np.linalg.norm(moved) + 1e-9, name


def base(tensors, name, rows):
    return tensors[name][rows] if name == "prompts" else tensors[name]
