"""The seeded draws of training, the same as the Swift worker's; docs/algorithm.md, "What a task draws"."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from .plan import TrainingPlan
from .wire.tensors import Array

_MASK = (1 << 64) - 1
_DROPOUT_STREAM = 1 << 32


class SeededRandom:
    """xoshiro256++ (Blackman and Vigna 2019), seeded through SplitMix64."""

    def __init__(self, seed: int, stream: int = 0) -> None:
        """`seed` is a task's; `stream` distinguishes independent draws of one seed."""
        state = seed ^ (stream * 0xD134_2543_DE82_EF95 & _MASK)
        self._state = []
        for _ in range(4):
            state = (state + 0x9E37_79B9_7F4A_7C15) & _MASK
            z = (state ^ (state >> 30)) * 0xBF58_476D_1CE4_E5B9 & _MASK
            z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB & _MASK
            self._state.append(z ^ (z >> 31))

    def next(self) -> int:
        """64 random bits."""
        s0, s1, s2, s3 = self._state
        total = (s0 + s3) & _MASK
        result = ((total << 23 | total >> 41) + s0) & _MASK
        t = (s1 << 17) & _MASK
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= t
        self._state = [s0, s1, s2, (s3 << 45 | s3 >> 19) & _MASK]
        return result

    def below(self, bound: int) -> int:
        """Uniform in 0 ..< `bound` (Lemire 2019)."""
        while True:
            product = self.next() * bound
            if product & _MASK >= (1 << 64) % bound:
                return product >> 64

    def uniform(self) -> float:
        """Uniform in [0, 1), 53 bits."""
        return (self.next() >> 11) * 2.0**-53

    def normal(self) -> float:
        """Standard normal, by Box and Muller; two uniforms each."""
        radius = math.sqrt(-2 * math.log(1 - self.uniform()))
        return radius * math.cos(2 * math.pi * self.uniform())


def order(samples: int, seed: int, epoch: int) -> list[int]:
    """The order of a client's samples in an epoch, from 0: Fisher and Yates, from the first place to the last but one."""
    random = SeededRandom(seed, epoch)
    places = list(range(samples))
    for place in range(samples - 1):
        other = place + random.below(samples - place)
        places[place], places[other] = places[other], places[place]
    return places


def batches(samples: int, plan: TrainingPlan, seed: int) -> Iterator[tuple[int, list[int]]]:
    """The epoch and the samples of each step of a task; the last batch of an epoch may be smaller."""
    step = 0
    for epoch in range(plan.epochs):
        places = order(samples, seed, epoch)
        for start in range(0, samples, plan.batch_size):
            if plan.maximum_steps and step == plan.maximum_steps:
                return
            yield epoch, places[start : start + plan.batch_size]
            step += 1


def dropout(samples: int, hidden: int, rate: float, seed: int, step: int) -> Array:
    """The factors of the head's hidden values in a step, from 0: 0 with the probability `rate`, else 1 / (1 - rate).

    [samples, hidden], drawn row by row.
    """
    random = SeededRandom(seed, _DROPOUT_STREAM + step)
    dropped = np.array([random.uniform() < rate for _ in range(samples * hidden)])
    return np.where(dropped, np.float32(0), np.float32(1 / (1 - rate))).reshape(samples, hidden)
