"""Position embeddings for another number of patches, as each library resamples them."""

from __future__ import annotations

import math

import numpy as np

from ..wire.tensors import Array


def resampled(grid: Array, manner: str, size: int) -> Array:
    """From [from · from, width] to [size · size, width], bicubic.

    - `manner`: ``"centres"`` and ``"corners"`` name the pixels that correspond; ``"antialiased"`` has a kernel that
      widens when the grid shrinks.
    """
    old = math.isqrt(len(grid))
    if old == size:
        return grid
    weights = np.zeros((size, old))
    for place in range(size):
        for source, weight in _weights(place, old, size, manner):
            weights[place, source] += weight
    square = grid.reshape(old, old, -1).astype(np.float64)
    mixed = np.einsum("ya,xb,abw->yxw", weights, weights, square)
    result: Array = mixed.reshape(size * size, -1).astype(np.float32)
    return result


def _weights(place: int, old: int, new: int, manner: str) -> list[tuple[int, float]]:
    scale = old / new
    if manner == "antialiased":
        stretch, centre = max(scale, 1.0), (place + 0.5) * scale
        first, last = max(int(centre - 2 * stretch + 0.5), 0), min(int(centre + 2 * stretch + 0.5), old)
        taps = [(source, _cubic((source - centre + 0.5) / stretch, -0.5)) for source in range(first, last)]
        total = sum(weight for _, weight in taps)
        return [(source, weight / total) for source, weight in taps]
    if manner == "corners":
        position = place * (old - 1) / (new - 1) if new > 1 else 0.0
    else:
        position = (place + 0.5) * scale - 0.5
    first = math.floor(position) - 1
    return [(min(max(source, 0), old - 1), _cubic(position - source, -0.75)) for source in range(first, first + 4)]


def _cubic(distance: float, a: float) -> float:
    """Keys' cubic convolution kernel (1981) with its free parameter."""
    x = abs(distance)
    if x <= 1:
        return ((a + 2) * x - (a + 3)) * x * x + 1
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a if x < 2 else 0.0
