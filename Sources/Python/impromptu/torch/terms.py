"""What the loss of a client knows of its classes; docs/algorithm.md, "Local tuning"."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ..plan import TrainingPlan


class ClassTerms:
    """Logit adjustment (Menon et al. 2021) and class balance (Cui et al. 2019) of one client's labels."""

    def __init__(self, plan: TrainingPlan, labels: Sequence[int], classes: int, device: torch.device) -> None:
        counts = [0] * classes
        for label in labels:
            counts[label] += 1
        adjustment, weights = [0.0] * classes, [1.0] * classes
        if plan.logit_adjustment:
            adjustment = [
                plan.logit_adjustment * math.log(count / len(labels)) if count else -math.inf for count in counts
            ]
        if plan.class_balance:
            weights = _balanced(counts, plan.class_balance)
        self.adjustment = torch.tensor(adjustment, device=device)
        self.weights = torch.tensor(weights, device=device)

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The mean over the batch of w_y · −log softmax(z + a)_y."""
        losses = F.cross_entropy(logits + self.adjustment, labels, reduction="none")
        return (self.weights[labels] * losses).mean()


def _balanced(counts: Sequence[int], beta: float) -> list[float]:
    """1 / E_n, E_n = (1 − βⁿ) / (1 − β), scaled so that the mean over the client's samples is 1."""
    inverses = [(1 - beta) / -math.expm1(count * math.log1p(beta - 1)) if count else 0.0 for count in counts]
    total = sum(count * inverse for count, inverse in zip(counts, inverses, strict=True))
    return [inverse * sum(counts) / total for inverse in inverses]
