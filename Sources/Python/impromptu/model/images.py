"""From an image to the encoder's input; docs/model.md, section 1."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..wire.tensors import Array
from .description import ImageDescription

Pixels = NDArray[np.uint8]
_FRACTION_BITS = 22


def prepared(image: Any, description: ImageDescription) -> Array:
    """The input, [3, size, size].

    - `image`: a path (needs Pillow), Pillow's image, or bytes [height, width], [height, width, 1] or [height, width, 3].

    Raises `ModelError`.
    """
    pixels = as_pixels(image)
    height, width, _ = pixels.shape
    shorter = min(height, width)
    new_height, new_width = (description.shorter_side * side // shorter for side in (height, width))
    planes = _resized(pixels.transpose(2, 0, 1), new_width)
    planes = _resized(planes.transpose(0, 2, 1), new_height).transpose(0, 2, 1)
    size = description.size
    # round() takes a half to the even number.
    top, left = round((new_height - size) / 2), round((new_width - size) / 2)
    cut = planes[:, top : top + size, left : left + size].astype(np.float32)
    mean, std = (np.array(values, np.float32)[:, None, None] for values in (description.mean, description.std))
    result: Array = (cut / np.float32(255) - mean) / std
    return result


def as_pixels(image: Any) -> Pixels:
    """Bytes, [height, width, 3]. Raises `ModelError`."""
    where = "image"
    if isinstance(image, (str, Path)):
        where = str(image)
        image = _opened(image)
    if hasattr(image, "convert"):  # Pillow's
        image = _converted(image)
    pixels = np.asarray(image)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or not pixels.size:
        raise ModelError(
            f"{where}: expected bytes [height, width, 3], found {pixels.dtype} {list(pixels.shape)}"
        )
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


def _opened(path: str | Path) -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ModelError(f"{path}: files of images need Pillow: pip install pillow") from error
    try:
        with Image.open(path) as opened:
            opened.load()
            return opened.copy()
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ModelError(f"{path}: expected an image that can be read: {error}") from error


def _converted(image: Any) -> Any:
    """To RGB; of gray with 16 bits the upper 8, which Pillow would cut off at 255."""
    if image.mode.startswith("I"):
        return (np.asarray(image).astype(np.int64).clip(0, 65_535) >> 8).astype(np.uint8)
    return image.convert("RGB")


def _resized(lines: NDArray[Any], length: int) -> NDArray[Any]:
    """The last axis, bytes, resized to a length, each result rounded to a byte."""
    old = lines.shape[-1]
    scale = old / length
    wide = max(1.0, scale)
    result = np.empty((*lines.shape[:-1], length), np.uint8)
    for place in range(length):
        centre = (place + 0.5) * scale
        first, last = max(0, math.floor(centre - 2 * wide + 0.5)), min(old, math.floor(centre + 2 * wide + 0.5))
        weights = np.array([_keys((source - centre + 0.5) / wide) for source in range(first, last)])
        fixed = np.floor(weights / weights.sum() * 2**_FRACTION_BITS + 0.5).astype(np.int64)
        sums = lines[..., first:last].astype(np.int64) @ fixed + 2 ** (_FRACTION_BITS - 1)
        result[..., place] = np.clip(sums >> _FRACTION_BITS, 0, 255)
    return result


def _keys(t: float) -> float:
    """Keys' cubic convolution kernel (1981), a = -0.5."""
    t = abs(t)
    if t < 1:
        return 1.5 * t**3 - 2.5 * t**2 + 1
    return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t < 2 else 0.0
