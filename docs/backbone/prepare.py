#!/usr/bin/env python3
"""Puts the training images of TinyImageNet into one array file.

    prepare.py FOLDER OUT.npy [--count N] [--seed N]

FOLDER holds a folder of JPEG files for each class, at any depth (`train/WNID/images/*.JPEG`). OUT.npy is uint8 of shape
(images, 64, 64, 3), in an order shuffled by the seed, so that any first part of it is a fair sample."""

import argparse
import pathlib
import random

import numpy as np
from PIL import Image

SIDE = 64


def prepare(folder, out, count, seed):
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpeg", ".jpg"))
    if not paths:
        raise SystemExit(f"prepare: {folder} holds no JPEG file; expected TinyImageNet's folder 'train'")
    random.Random(seed).shuffle(paths)
    paths = paths[:count]
    partial = out.with_suffix(".partial")
    images = np.lib.format.open_memmap(partial, "w+", np.uint8, (len(paths), SIDE, SIDE, 3))
    for index, path in enumerate(paths):
        with Image.open(path) as image:
            if image.size != (SIDE, SIDE):
                raise SystemExit(f"prepare: {path} is {image.size[0]} x {image.size[1]} pixels; expected {SIDE} x {SIDE}")
            images[index] = np.asarray(image.convert("RGB"))
    images.flush()
    partial.rename(out)
    print(f"prepare: {len(paths)} images in {out}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--count", type=int, help="keep the first N of the shuffled images; all by default")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    prepare(arguments.folder, arguments.out, arguments.count, arguments.seed)


if __name__ == "__main__":
    main()
