"""The scripts in docs/backbone make an encoder from a few images, continue when stopped, and predict what they train for."""

import gzip
import json
import os
import pathlib
import re
import struct
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "docs/backbone"
BUNDLED = ROOT / "Sources/PromptTuning/Resources/vit-tiny-32/model.safetensors"
ENVIRONMENT = {**os.environ, "PYTHON": sys.executable, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
sys.path.insert(0, str(SCRIPTS))


def ran(*command):
    result = subprocess.run([str(part) for part in command], env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def tensors_of(path):
    with safe_open(path, "numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder that `run --sample` filled, and what it printed."""
    folder = tmp_path_factory.mktemp("backbone")
    random = np.random.default_rng(1)
    for index in range(48):
        path = folder / f"train/n{index % 2:08}/images/{index}.JPEG"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(random.integers(0, 256, (6, 6, 3), np.uint8))
        coarse.resize((64, 64), Image.Resampling.BICUBIC).save(path)
    return folder, ran(SCRIPTS / "run", folder / "train", folder / "work", "--sample")


def test_the_exported_encoder_has_the_bundled_one_s_names(made):
    path = made[0] / "work/encoder/model.safetensors"
    ours, bundled = tensors_of(path), tensors_of(BUNDLED)
    assert set(ours) == set(bundled)
    for name in ours:
        assert ours[name].shape == bundled[name].shape, name
        assert ours[name].dtype == np.float16 and np.isfinite(ours[name]).all(), name
    assert path.stat().st_size <= 6_000_000
    assert json.loads((made[0] / "work/encoder/config.json").read_text())["img_size"] == 32


def test_a_finished_run_keeps_everything(made):
    work = made[0] / "work"
    kept = [work / "images.npy", work / "teachers/clip.pt", work / "features/00000.npz", work / "checkpoint.pt"]
    times = [path.stat().st_mtime_ns for path in kept]
    before = tensors_of(work / "encoder/model.safetensors")
    ran(SCRIPTS / "run", made[0] / "train", work, "--sample")
    after = tensors_of(work / "encoder/model.safetensors")
    assert [path.stat().st_mtime_ns for path in kept] == times
    assert all((before[name] == after[name]).all() for name in before)


def trained(made, path, *parts):
    """Trains up to each step of the parts in a process of its own; what each printed last."""
    command = [sys.executable, SCRIPTS / "distill.py", made[0] / "work/features", path, "--total", 40, "--batch", 8]
    return [ran(*command, "--steps", steps).splitlines()[-1] for steps in parts]


def test_training_in_parts_is_training_at_once_and_learns(made, tmp_path):
    trained(made, tmp_path / "once.pt", 12)
    lines = trained(made, tmp_path / "parts.pt", 3, 9, 12)
    once, parts = (torch.load(tmp_path / name)["average"] for name in ("once.pt", "parts.pt"))
    for name, value in once.items():
        assert torch.allclose(value, parts[name], atol=1e-6), name
    losses = [dict(re.findall(r"(class|patches|mask|grey) ([0-9.]+)", line)) for line in lines]
    for name in ("class", "patches", "mask", "grey"):
        assert float(losses[2][name]) < float(losses[0][name]), (name, lines)


def test_a_view_is_a_function_of_its_number(made):
    from views import view
    images = np.load(made[0] / "work/images.npy")
    assert all((view(images, 3, 1)[0] == view(images, 3, 1)[0]).all() for _ in range(2))
    assert (view(images, 3, 1)[0] != view(images, 3, 2)[0]).any()
    figures = sum(view(images, index % len(images), 5)[1].any() for index in range(300))
    assert 60 < figures < 140


def test_the_probe_separates_what_is_separate(made, tmp_path):
    """Bright and dark images in Fashion-MNIST's format; ten classes, of which two occur."""
    random = np.random.default_rng(2)
    for prefix, count in (("train", 1200), ("t10k", 200)):
        labels = random.integers(0, 2, count).astype(np.uint8)
        images = (random.integers(0, 60, (count, 28, 28)) + 150 * labels[:, None, None]).astype(np.uint8)
        header = struct.pack(">IIII", 2051, count, 28, 28)
        (tmp_path / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + images.tobytes()))
        (tmp_path / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(struct.pack(">II", 2049, count) + labels.tobytes()))
    printed = ran(sys.executable, SCRIPTS / "probe", made[0] / "work/encoder", "--fashion-mnist", tmp_path, "--draws", 1)
    assert printed.startswith("Fashion-MNIST: ") and float(printed.split()[1]) > 95


def test_a_folder_without_images_is_named(tmp_path):
    command = [sys.executable, SCRIPTS / "prepare.py", tmp_path, tmp_path / "images.npy"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1 and f"prepare: {tmp_path} holds no JPEG file" in result.stderr
