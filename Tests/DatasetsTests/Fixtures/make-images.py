#!/usr/bin/env python3
"""Writes the image files of the reader tests with Pillow, and beside each what Pillow decodes them to, as raw bytes
[channels, height, width]. Made with Pillow 13 (libjpeg-turbo 3, libpng 1.6); JPEG decoders agree within a few steps."""

import pathlib

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).parent
row, column = np.mgrid[0:12, 0:10]
colour = np.stack([20 * row, 24 * column, 255 - 10 * (row + column)], axis=2).astype(np.uint8)
gray = (11 * row + 9 * column).astype(np.uint8)

CASES = {
    "colour.png": (Image.fromarray(colour), {}),
    "gray.png": (Image.fromarray(gray), {}),
    "palette.png": (Image.fromarray(colour).quantize(16), {}),
    "colour.jpg": (Image.fromarray(colour), {"quality": 95, "subsampling": 0}),
    "gray.jpg": (Image.fromarray(gray), {"quality": 95}),
    "progressive.jpg": (Image.fromarray(colour), {"quality": 90, "progressive": True}),
}
for name, (image, options) in CASES.items():
    image.save(HERE / name, **options)
    decoded = Image.open(HERE / name)
    decoded = np.asarray(decoded if decoded.mode == "L" else decoded.convert("RGB"))
    planes = decoded[None] if decoded.ndim == 2 else decoded.transpose(2, 0, 1)
    (HERE / f"{name}.raw").write_bytes(np.ascontiguousarray(planes).tobytes())
