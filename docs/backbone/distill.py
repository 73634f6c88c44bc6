#!/usr/bin/env python3
"""Trains the student on the teachers' kept features, and continues from its checkpoint.

    distill.py FEATURES CHECKPOINT --steps N [--total N] [--batch N] [--save-seconds N]

Trains up to step N. The rate rises over the first steps, stays, and falls to 0 over the last fifth of `--total`. The student
sees a view of 32 px in other colours, mirrored half of the time; from its tokens, linear heads predict
- from the class token: the teachers' class tokens, where a figure was drawn, and its own image in 8 x 8 grey means;
- from each patch token: the teachers' patch tokens.
Linear heads, as what is tuned later on the class token is linear too. The heads are not part of the exported model. Files of
features that appear while it runs are seen from the next pool on."""

import argparse
import os
import pathlib
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from model import ViT
from views import GRID, as_batch, augmented, luminance

SHAPE = {"kind": "plain", "side": 32, "patch": 4, "width": 192, "depth": 6, "heads": 3}
PEAK, WARMUP, DECAY, AVERAGED = 1e-3, 300, 0.05, 0.999
WEIGHTS = {"class": 1.0, "patches": 0.5, "mask": 0.3, "grey": 0.2}
POOL_FILES, POOL_STEPS = 40, 200


class Student(nn.Module):
    def __init__(self, class_size, patch_size):
        super().__init__()
        self.encoder = ViT(**SHAPE)
        width = SHAPE["width"]
        nn.init.normal_(self.encoder.cls_token, std=0.02)
        self.heads = nn.ModuleDict({"class": nn.Linear(width, class_size), "patches": nn.Linear(width, patch_size),
                                    "mask": nn.Linear(width, GRID * GRID), "grey": nn.Linear(width, GRID * GRID)})

    def losses(self, images, cls, patches, mask):
        tokens = self.encoder(images)
        first, rest = tokens[:, 0], tokens[:, 1:]
        has_figure = mask.flatten(1).amax(1) > 0
        wrong = F.binary_cross_entropy_with_logits(self.heads["mask"](first).float(), mask.flatten(1), reduction="none")
        return {
            "class": F.mse_loss(self.heads["class"](first).float(), cls),
            "patches": F.mse_loss(self.heads["patches"](rest).float(), patches),
            "mask": (wrong.mean(1) * has_figure).sum() / has_figure.sum().clamp(min=1),
            "grey": F.mse_loss(self.heads["grey"](first).float(), luminance(images)),
        }


class Pool:
    """A few files of features in memory."""

    def __init__(self, folder, seed):
        paths = sorted(folder.glob("[0-9]*[0-9].npz"))
        if not paths:
            raise SystemExit(f"distill: {folder} holds no features; features.py writes them")
        chosen = np.random.default_rng([seed]).permutation(len(paths))[:POOL_FILES]
        files = [np.load(paths[index]) for index in chosen]
        self.arrays = {name: np.concatenate([file[name] for file in files]) for name in ("pixels", "mask", "cls", "patches")}
        self.views = len(self.arrays["pixels"])

    def batch(self, count, step):
        rows = np.sort(np.random.default_rng([step, 3]).choice(self.views, count, replace=self.views < count))
        generator = torch.Generator().manual_seed(step)
        picked = {name: array[rows] for name, array in self.arrays.items()}
        images, mask = as_batch(picked["pixels"]), torch.as_tensor(picked["mask"]).float() / 255
        cls, patches = (torch.as_tensor(picked[name]).float() for name in ("cls", "patches"))
        turned = torch.rand(count, generator=generator) < 0.5
        images[turned], mask[turned] = images[turned].flip(3), mask[turned].flip(2)
        grid = patches.view(count, GRID, GRID, -1)
        grid[turned] = grid[turned].flip(2)
        return augmented(images, generator), cls, grid.flatten(1, 2), mask


def rate(step, total):
    return PEAK * max(0.0, min(1, (step + 1) / WARMUP, (total - step) / (0.2 * total)))


def save(path, **state):
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)


def train(features, checkpoint, steps, total, batch, save_seconds):
    pool = Pool(features, 0)
    torch.manual_seed(1)
    student = Student(pool.arrays["cls"].shape[-1], pool.arrays["patches"].shape[-1])
    optimizer = torch.optim.AdamW(student.parameters(), lr=PEAK, betas=(0.9, 0.98), weight_decay=DECAY)
    average = {name: value.clone() for name, value in student.encoder.state_dict().items()}
    step = 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location="cpu")
        student.load_state_dict(saved["student"])
        optimizer.load_state_dict(saved["optimizer"])
        average, step = saved["average"], saved["step"]
        print(f"distill: continues at step {step}", flush=True)
        pool = Pool(features, step - step % POOL_STEPS)
    saved_at = shown_at = time.monotonic()
    sums, count = dict.fromkeys(WEIGHTS, 0.0), 0
    while step < steps:
        if step % POOL_STEPS == 0:
            pool = Pool(features, step)
        for group in optimizer.param_groups:
            group["lr"] = rate(step, total)
        with torch.autocast("cpu", torch.bfloat16):
            losses = student.losses(*pool.batch(batch, step))
        optimizer.zero_grad(set_to_none=True)
        sum(WEIGHTS[name] * loss for name, loss in losses.items()).backward()
        nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        step, count = step + 1, count + 1
        keep = min(AVERAGED, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, value in student.encoder.state_dict().items():
                average[name].lerp_(value, 1 - keep)
        sums = {name: sums[name] + losses[name].item() for name in sums}
        if step % 50 == 0 or step == steps:
            means = ", ".join(f"{name} {value / count:.3f}" for name, value in sums.items())
            speed = count * batch / (time.monotonic() - shown_at)
            print(f"distill: step {step}, {pool.views} views, {means}, {speed:.0f} images a second", flush=True)
            sums, count, shown_at = dict.fromkeys(WEIGHTS, 0.0), 0, time.monotonic()
        if step == steps or time.monotonic() - saved_at > save_seconds:
            save(checkpoint, student=student.state_dict(), optimizer=optimizer.state_dict(), average=average, step=step)
            saved_at = time.monotonic()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("features", type=pathlib.Path)
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("--steps", type=int, required=True, help="train up to this step")
    parser.add_argument("--total", type=int, default=13000, help="the step at which the rate reaches 0")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--save-seconds", type=float, default=180)
    arguments = parser.parse_args()
    train(arguments.features, arguments.checkpoint, arguments.steps, arguments.total, arguments.batch, arguments.save_seconds)


if __name__ == "__main__":
    main()
