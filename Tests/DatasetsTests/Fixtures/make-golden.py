#!/usr/bin/env python3
"""Writes the golden images of the transform tests with Pillow and numpy.

The steps are torchvision's for a Pillow image: Resize(shorter side, bicubic), CenterCrop, ToTensor, Normalize.
Each file holds float32, little-endian, [3, size, size]. Made with Pillow 13.0.0 and numpy 2.4.6."""

import pathlib

import numpy as np
from PIL import Image

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
# name: channels, height, width, shorter side, size
CASES = {
    "gray-28-to-64": (1, 28, 28, 64, 64),
    "colour-wide-crop": (3, 20, 33, 26, 23),
    "colour-tall-shrink": (3, 91, 64, 24, 17),
    "gray-odd-crop": (1, 7, 10, 9, 6),
}


def pixels(channels, height, width):
    index = np.arange(channels * height * width, dtype=np.int64)
    return (index * index * 31 + index * 7 + index // 11 * 53) % 256


for name, (channels, height, width, shorter, size) in CASES.items():
    planes = pixels(channels, height, width).reshape(channels, height, width).astype(np.uint8)
    if height <= width:
        new_height, new_width = shorter, int(shorter * width / height)
    else:
        new_height, new_width = int(shorter * height / width), shorter
    top, left = round((new_height - size) / 2), round((new_width - size) / 2)
    result = []
    for channel in range(3):
        plane = Image.fromarray(planes[channel % channels])
        resized = np.asarray(plane.resize((new_width, new_height), Image.Resampling.BICUBIC))
        cropped = resized[top:top + size, left:left + size].astype(np.float64)
        result.append((cropped / 255 - MEAN[channel]) / DEVIATION[channel])
    pathlib.Path(__file__).with_name(name + ".f32").write_bytes(np.stack(result).astype("<f4").tobytes())
