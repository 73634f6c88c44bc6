"""Inference in Python against `impromptu predict` and `evaluate`, on a run of the bundled encoder."""

import json
import pathlib
import struct
import subprocess
import zlib

import numpy as np
import pytest
from live import BINARY, needs_binary

import impromptu

pytestmark = [pytest.mark.live, needs_binary]

DEMO = pathlib.Path(__file__).parents[3] / "docs/demo.yaml"
CLASSES = ("circle", "cross", "square")
SETTINGS = ["run.updates=4", "data.clients=3", "federation.clients_to_start=2", "data.minimum_samples=4",
            "data.training_samples=0", "data.validation_samples=9", "data.alpha=5", "training.maximum_steps=2", "training.batch_size=8",
            "training.prompts_per_batch=3", "prompts.pool=8", "prompts.key_projection=true", "encoder.precision=float32"]  # fmt: skip


def write_png(path, pixels):
    """Gray or RGB bytes as a file."""
    height, width, channels = pixels.shape
    lines = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    )


def drawn(label, rng):
    """A figure somewhere on a noisy ground, [height, width, 3]."""
    height, width = rng.integers(40, 90, 2)
    pixels = rng.integers(0, 90, (height, width, 3)) + rng.integers(0, 60, 3)
    y, x = np.mgrid[:height, :width]
    y, x, r = y - height / 2 - rng.integers(-5, 6), x - width / 2 - rng.integers(-5, 6), rng.integers(9, 18)
    inside = (y**2 + x**2 < r * r, (abs(y) < 4) | (abs(x) < 4), (abs(y) < r) & (abs(x) < r))[label]
    pixels[inside] = pixels[inside] // 4 + rng.integers(150, 200, 3)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def draw_images(folder, count, rng):
    """Images of each class as files; returns them with their labels in the order of the paths."""
    images, labels = [], []
    for label, name in enumerate(CLASSES):
        for place in range(count):
            images.append(drawn(label, rng))
            labels.append(label)
            write_png(folder / name / f"{place:03}.png", images[-1])
    return images, labels


def program(*arguments):
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """A short run on images of three figures: its folder, the test images, their labels."""
    folder = tmp_path_factory.mktemp("tuned")
    rng = np.random.default_rng(17)
    draw_images(folder / "data" / "train", 24, rng)
    images, labels = draw_images(folder / "data" / "test", 20, rng)
    settings = [part for setting in SETTINGS for part in ("--set", setting)]
    data = ["--set", "data.dataset=folder:figures", "--set", f"data.path={folder / 'data'}", "--set", "data.test_samples=0"]
    program("simulate", folder / "run", "--config", DEMO, *settings, *data)
    return folder / "run", folder / "data" / "test", images, labels


def weights():
    return pathlib.Path(BINARY).resolve().parent / "impromptu_PromptTuning.resources" / "vit-tiny-32"


@pytest.mark.parametrize("selection", ["instance", "batch"])
def test_python_predicts_what_the_program_predicts(tuned, selection):
    run, test, images, labels = tuned
    model = impromptu.PromptedModel.load(run, weights()).with_selection(selection)
    assert model.classes == CLASSES
    found = model.predict(images)
    lines = program("predict", run, test, "--output", "json", "--top", 3, "--selection", selection).splitlines()
    rows = [row for row in map(json.loads, lines) if row["kind"] == "prediction"]
    assert len(rows) == len(images)
    for row, logits, label in zip(rows, found.logits, labels, strict=True):
        assert CLASSES[label] in row["path"]
        expected = {entry["name"]: entry["logit"] for entry in row["classes"]}
        assert np.allclose(logits, [expected[name] for name in CLASSES], atol=1e-4)
        assert row["classes"][0]["name"] == CLASSES[int(logits.argmax())]


@pytest.mark.parametrize("selection", ["instance", "batch"])
def test_python_finds_the_figures_of_evaluate(tuned, selection):
    run, _, images, labels = tuned
    found = impromptu.PromptedModel.load(run, weights()).with_selection(selection).predict(images)
    figures = json.loads(program("evaluate", run, "--output", "json", "--selection", selection))
    assert (found.indices == np.array(labels)).mean() == pytest.approx(figures["accuracy"], abs=1e-12)
    assert found.losses(labels).mean() == pytest.approx(figures["loss"], abs=1e-5)


def test_a_bundle_says_what_a_run_says(tuned, tmp_path):
    run, _, images, _ = tuned
    program("export", run, tmp_path / "bundle", "--format", "bundle")
    whole, bundled = (impromptu.PromptedModel.load(place, weights()) for place in (run, tmp_path / "bundle"))
    assert bundled.description == whole.description == impromptu.ModelDescription.of_run(tmp_path / "bundle")
    assert np.array_equal(bundled.predict(images[:5]).logits, whole.predict(images[:5]).logits)
