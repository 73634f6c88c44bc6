"""Which prompts an image uses; docs/model.md, section 3."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..wire.tensors import Array
from .description import PromptsDescription

_SMALLEST_SQUARE = 1e-12


def similarities(projected: Array, prompts: Array) -> NDArray[np.float64]:
    """Cosines, [images, pool].

    - `projected`: the class features without prompts, through the key projection where there is one; [images, width].
    - `prompts`: part 0 of each row of the pool, [pool, width].
    """
    return _unit(projected) @ _unit(prompts).T


def _unit(rows: Array) -> NDArray[np.float64]:
    wide = rows.astype(np.float64)
    result: NDArray[np.float64] = wide / np.sqrt(np.maximum((wide * wide).sum(-1, keepdims=True), _SMALLEST_SQUARE))
    return result


def largest(values: NDArray[np.float64], count: int) -> list[int]:
    """The places of the largest values, the lower one first among equals."""
    return [int(place) for place in np.argsort(-values, kind="stable")[:count]]


def batch_picks(own: Sequence[Sequence[int]], pool: int, count: int) -> list[int]:
    """The rows that most images of a batch picked, the most often picked first, the lower row first among equals."""
    votes = np.zeros(pool)
    for rows in own:
        votes[list(rows)] += 1
    return largest(votes, count)


def picks(cosines: NDArray[np.float64], description: PromptsDescription, selection: str) -> list[list[int]]:
    """The rows of each image of a batch, from the cosines; `selection` is ``"instance"`` or ``"batch"``."""
    own = [largest(row, description.picked) for row in cosines]
    if selection == "instance":
        return own
    return [batch_picks(own, cosines.shape[1], description.picked)] * len(own)
