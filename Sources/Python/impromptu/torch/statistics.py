"""What the head reads of a client's samples, by class: for runs that work the head out from it."""

from __future__ import annotations

import torch
from torch import Tensor


class ClassStatistics:
    """Counts, means and the scatter around the means, in float64."""

    def __init__(self, classes: int) -> None:
        self._classes = classes
        self._inputs: list[Tensor] = []
        self._labels: list[Tensor] = []

    def add(self, inputs: Tensor, labels: Tensor) -> None:
        """Inputs [n, width] after whitening, and the class of each."""
        self._inputs.append(inputs.detach().double())
        self._labels.append(labels)

    def tensors(self, scatter: bool) -> dict[str, Tensor]:
        """`class.means` [classes, width], `class.counts` [classes], and with `scatter` `class.scatter`: Σ (x − μ)(x − μ)ᵀ, the
        upper triangle row by row."""
        inputs, labels = torch.cat(self._inputs), torch.cat(self._labels)
        counts = torch.bincount(labels, minlength=self._classes)
        sums = torch.zeros(self._classes, inputs.shape[1], dtype=inputs.dtype, device=inputs.device)
        means = sums.index_add(0, labels, inputs) / counts.clamp_min(1)[:, None]
        found = {"class.means": means.float(), "class.counts": counts.float()}
        if scatter:
            residuals = inputs - means[labels]
            rows, columns = torch.triu_indices(inputs.shape[1], inputs.shape[1], device=inputs.device)
            found["class.scatter"] = (residuals.T @ residuals)[rows, columns].float()
        return found
