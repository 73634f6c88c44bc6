"""How well a version classifies what a client holds out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import ConfigurationError
from .wire import impromptu_pb2 as pb


@dataclass(frozen=True)
class Evaluation:
    """By class, in the order of the labels, and the mean loss."""

    total: Sequence[int]
    """Samples of each class."""
    correct: Sequence[int]
    """Samples of each class that were classified right."""
    loss: float
    """The mean cross-entropy."""

    @property
    def accuracy(self) -> float:
        """The share of all samples that were classified right; 0 without samples."""
        return sum(self.correct) / max(1, sum(self.total))

    def _to_wire(self) -> pb.Evaluation:
        """Raises `ConfigurationError` for figures that cannot be."""
        if len(self.total) != len(self.correct) or any(c > t for c, t in zip(self.correct, self.total)):
            raise ConfigurationError(f"evaluation: expected at most {list(self.total)} right, found {list(self.correct)}")
        if not (math.isfinite(self.loss) and self.loss >= 0):
            raise ConfigurationError(f"evaluation: expected a finite loss of at least 0, found {self.loss}")
        return pb.Evaluation(loss=self.loss, total=list(self.total), correct=list(self.correct))
