#!/usr/bin/env python3
"""Computes the teachers' features of fixed views once and keeps them, a file for each thousand views.

    features.py IMAGES.npy TEACHERS OUT [--shards N] [--views N]

Writes OUT/basis.pt and OUT/00000.npz, OUT/00001.npz and so on, up to N files; those that exist are kept, so a stopped run
continues. Views run through all images, then through all again with other crops. A file holds, of each view: `pixels` (32, 32,
3) uint8, `mask` (8, 8) uint8 of the drawn figure, `cls` and `patches` (64 of them), float16. Teachers' features are projected
on the principal components of the first file's (of each teacher: 192 of the class token, 64 of the patches), each
divided by the fourth root of its variance: small components count for more than they vary, but less than the large ones."""

import argparse
import pathlib
import time

import numpy as np
import torch
from PIL import Image

from model import load_teacher
from views import GRID, as_batch, view

SMALL = 32
BATCH = 50
NAMES = ("clip", "dinov2")
COMPONENTS = {"cls": 192, "patches": 64}


def halved(array, side):
    return np.asarray(Image.fromarray(array).resize((side, side), Image.Resampling.BOX))


def looked_at(teachers, pixels):
    """Each teacher's tokens of all views, float32 (views, 65, width)."""
    tokens = {name: [] for name in teachers}
    for start in range(0, len(pixels), BATCH):
        batch = as_batch(pixels[start:start + BATCH])
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            for name, teacher in teachers.items():
                tokens[name].append(teacher(batch).float())
    return {name: torch.cat(parts) for name, parts in tokens.items()}


def basis_of(values, count):
    """Means (width) and a projection (width, components) from values (rows, width), scaled to a mean variance of 1."""
    rows = values.reshape(-1, values.shape[-1]).double()
    mean, deviation = rows.mean(0), rows.std(0) + 1e-6
    standard = (rows - mean) / deviation
    variances, vectors = torch.linalg.eigh(standard.T @ standard / len(rows))
    # Directions in which the rows hardly vary are noise, and stay small.
    variances, vectors = variances.flip(0)[:count].clamp(min=1e-3 * variances[-1].item()), vectors.flip(1)[:, :count]
    scales = variances ** -0.25 / variances.sqrt().mean().sqrt()
    return mean.float(), (vectors * scales / deviation[:, None]).float()


def bases(tokens):
    return {name: {"cls": basis_of(values[:, 0], COMPONENTS["cls"]), "patches": basis_of(values[:, 1:], COMPONENTS["patches"])}
            for name, values in tokens.items()}


def projected(tokens, basis, part):
    parts = []
    for name in NAMES:
        values = tokens[name][:, 0] if part == "cls" else tokens[name][:, 1:]
        mean, projection = basis[name][part]
        parts.append((values - mean) @ projection)
    return torch.cat(parts, -1).clamp(-30, 30).half().numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("images", type=pathlib.Path)
    parser.add_argument("teachers", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--shards", type=int, default=200)
    parser.add_argument("--views", type=int, default=1000, help="views of a file")
    arguments = parser.parse_args()
    images = np.load(arguments.images, mmap_mode="r")
    teachers = {name: load_teacher(arguments.teachers / f"{name}.pt") for name in NAMES}
    arguments.out.mkdir(parents=True, exist_ok=True)
    for shard in range(arguments.shards):
        path = arguments.out / f"{shard:05}.npz"
        if path.exists():
            continue
        started = time.monotonic()
        numbers = range(shard * arguments.views, (shard + 1) * arguments.views)
        seen = [view(images, number % len(images), number // len(images)) for number in numbers]
        pixels = np.stack([pixels for pixels, _ in seen])
        tokens = looked_at(teachers, pixels)
        if not (arguments.out / "basis.pt").exists():
            torch.save(bases(tokens), arguments.out / "basis.pt")
        basis = torch.load(arguments.out / "basis.pt")
        content = {part: projected(tokens, basis, part) for part in COMPONENTS}
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, pixels=np.stack([halved(one, SMALL) for one in pixels]),
                 mask=np.stack([halved(mask, GRID) for _, mask in seen]), **content)
        partial.rename(path)
        print(f"features: {path.name}, {arguments.views / (time.monotonic() - started):.1f} views a second", flush=True)


if __name__ == "__main__":
    main()
