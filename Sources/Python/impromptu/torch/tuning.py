"""Tuning as a task's plan says, step by step as the Swift worker does it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..draw import batches, dropout
from ..errors import UpdateError
from ..model.selection import batch_picks, largest
from ..plan import TrainingPlan
from ..wire.names import CONTROL, GENERATOR, PROMPTS, STATISTICS_GENERATION
from .data import Samples
from .optimizer import PlanOptimizer
from .prompted import PromptedEncoder
from .statistics import ClassStatistics
from .terms import ClassTerms

_SCATTER = "class.scatter"


@dataclass
class TuningResult:
    """What a task brings."""

    tensors: dict[str, Tensor]
    """What the update holds; of ``prompts`` only the rows that some batch used."""
    rows: list[int]
    """The pool's row from which each row of ``prompts`` started."""
    metrics: dict[str, float]
    kept: dict[str, Tensor] = field(default_factory=dict)
    """What the client keeps for its next task."""


def tune(
    model: PromptedEncoder,
    samples: Samples,
    tensors: Mapping[str, Any],
    plan: TrainingPlan,
    seed: int,
    *,
    kept: Mapping[str, Tensor] | None = None,
    autocast: torch.dtype | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> TuningResult | None:
    """Tunes a published state on a client's samples; the model holds what came out.

    - `tensors`: the state, by the names of the wire.
    - `seed`: the task's, which says what each batch holds.
    - `kept`: what the last task's result told to keep.
    - `autocast`: the type that the encoder computes in, for example ``torch.bfloat16``; None for float32.
    - `should_stop`: asked before each step; the result is None then.

    Raises `UpdateError` for a state or a plan that this client cannot follow, and where the loss is not finite.
    """
    tuner = _Tuner(model, samples, dict(tensors), plan, dict(kept or {}), autocast)
    return tuner.class_means(should_stop) if plan.class_means else tuner.run(seed, should_stop)


class _Tuner:
    def __init__(
        self, model: PromptedEncoder, samples: Samples, tensors: dict[str, Any], plan: TrainingPlan, kept: dict[str, Tensor],
        autocast: torch.dtype | None,
    ) -> None:  # fmt: skip
        if any(name.startswith(GENERATOR) for name in tensors):
            raise UpdateError("the run's prompts come from a generator (pfedpg), which this client does not have")
        if not len(samples):
            raise UpdateError("samples: expected at least one, found none")
        self.model, self.samples, self.plan, self.kept, self.autocast = model, samples, plan, kept, autocast
        own = {name: value.cpu().numpy() for name, value in kept.items() if plan.keeps(name) and name in tensors}
        self.published = tensors
        if model.description is None:
            model.enter_before(plan.first_block)
        elif plan.first_block != model.first_block:
            raise UpdateError(
                f"plan.first_block: expected {model.first_block}, as the model's description has it, found {plan.first_block}"
            )
        model.load_tensors({**tensors, **own})
        self.classes = len(model.get("head.bias"))
        strange = sorted(label for label in set(samples.labels) if not 0 <= label < self.classes)
        if strange:
            raise UpdateError(f"labels: expected 0 to {self.classes - 1}, found {strange[0]}")
        self.terms = ClassTerms(plan, samples.labels, self.classes, model.device)

    # ---- Steps ----

    def run(self, seed: int, should_stop: Callable[[], bool]) -> TuningResult | None:
        plan, model = self.plan, self.model
        optimizer = PlanOptimizer(plan, {name: model.get(name) for name in model.tensors()})
        if plan.control_variates:
            self._correct(optimizer)
        statistics = None
        if _SCATTER in self.published and STATISTICS_GENERATION in self.published:
            return self._measured(optimizer, should_stop)
        if _SCATTER in self.published:
            statistics = self._scatter(should_stop)
            if statistics is None:
                return None
            if not (model.get("head.weight").any() or model.get("head.bias").any()):
                # Under a head of zeros prompts have no gradient: before the first head is solved there is no step to take.
                hits = self.samples.labels.count(0) / len(self.samples)
                return self._result(optimizer, {"loss": math.log(self.classes), "accuracy": hits, "steps": 0.0}, statistics)
        steps, seen, loss, hits = 0, 0, 0.0, 0
        for _, places in batches(len(self.samples), plan, seed):
            if should_stop():
                return None
            images, labels = self.samples.batch(places, model.device)
            factors = self._dropout(len(places), seed, steps)
            found, logits = self._loss(optimizer, images, labels, factors)
            steps += 1
            if not torch.isfinite(found):
                raise UpdateError(f"the loss of step {steps} is not finite; a lower learning rate may help")
            found.backward()
            optimizer.step()
            loss += float(found.detach())
            hits += int((logits.argmax(1) == labels).sum())
            seen += len(places)
        metrics = {"loss": loss / steps, "accuracy": hits / seen, "steps": float(steps)}
        return self._result(optimizer, metrics, statistics)

    def _correct(self, optimizer: PlanOptimizer) -> None:
        for name in optimizer.tensors:
            if self.plan.keeps(name):
                continue
            control = CONTROL + name
            if control not in self.published:
                raise UpdateError(f"tensors: expected {control} where steps follow control variates, found none")
            common = torch.tensor(np.asarray(self.published[control]), device=self.model.device)
            own = self.kept.get(control)
            optimizer.correct(name, common if own is None else common - own.to(common.device))

    def _dropout(self, images: int, seed: int, step: int) -> Tensor | None:
        if not self.plan.head_dropout or not self.model.has("head.hidden.bias"):
            return None
        hidden = len(self.model.get("head.hidden.bias"))
        factors = dropout(images, hidden, self.plan.head_dropout, seed, step)
        return torch.tensor(factors, device=self.model.device)

    def _loss(
        self, optimizer: PlanOptimizer, images: Tensor, labels: Tensor, factors: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The loss of docs/model.md, section 5, and the logits."""
        model, plan = self.model, self.plan
        with torch.autocast(model.device.type, dtype=self.autocast, enabled=self.autocast is not None):
            rows, similarity = self._selected(images)
            optimizer.touched[rows] = True
            logits = model.logits(model.features(images, rows), factors)
            loss = self.terms.loss(logits, labels)
            if similarity is not None and plan.similarity_weight:
                loss = loss + plan.similarity_weight * similarity
        return loss, logits

    def _selected(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """The rows that the batch picks, and their mean similarity; the whole pool where the plan picks none."""
        pool, count = len(self.model.pool), self.plan.prompts_per_batch
        if not count:
            return torch.arange(pool, device=self.model.device), None
        cosines = self.model.similarities(self.model.plain_features(images))
        own = [largest(row, count) for row in cosines.detach().cpu().numpy()]
        rows = torch.tensor(batch_picks(own, pool, count), device=self.model.device)
        return rows, cosines[:, rows].sum(1).mean()

    # ---- Results ----

    def _result(
        self, optimizer: PlanOptimizer, metrics: dict[str, float], statistics: dict[str, Tensor] | None
    ) -> TuningResult:
        sent, kept = dict(statistics or {}), {}
        rows = [int(row) for row in optimizer.touched.nonzero()[:, 0]]
        for name, value in self.model.tensors().items():
            if self.plan.keeps(name):
                kept[name] = value.clone()
            else:
                sent[name] = (value[rows] if name == PROMPTS else value).clone()
            if (control := optimizer.control(name)) is not None:
                sent[CONTROL + name], kept[CONTROL + name] = control
        return TuningResult(sent, [] if self.plan.keeps(PROMPTS) else rows, metrics, kept)

    # ---- Statistics ----

    def _scatter(self, should_stop: Callable[[], bool]) -> dict[str, Tensor] | None:
        """Class means, counts and scatter of all samples, through the encoder without prompts."""
        statistics = ClassStatistics(self.classes)
        for features, labels in self._batches(self.model.plain_features):
            if should_stop():
                return None
            statistics.add(self.model.whitened(self.model.head_inputs(features)), labels)
        return statistics.tensors(scatter=True)

    def _measured(self, optimizer: PlanOptimizer, should_stop: Callable[[], bool]) -> TuningResult | None:
        """The same with the published prompts, in place of tuning."""
        found = self._pass_over_all(self._prompted_features, should_stop)
        return None if found is None else self._result(optimizer, found[1], found[0].tensors(scatter=True))

    def class_means(self, should_stop: Callable[[], bool]) -> TuningResult | None:
        """What FedCOF asks for."""
        found = self._pass_over_all(self.model.plain_features, should_stop)
        if found is None:
            return None
        tensors = found[0].tensors(scatter=False)
        return TuningResult({name: value.detach() for name, value in tensors.items()}, [], found[1])

    def _pass_over_all(
        self, features_of: Callable[[Tensor], Tensor], should_stop: Callable[[], bool]
    ) -> tuple[ClassStatistics, dict[str, float]] | None:
        """Statistics of all samples, with loss and accuracy of the published head in place of those of training."""
        statistics, model = ClassStatistics(self.classes), self.model
        loss, hits, count = 0.0, 0, len(self.samples)
        with torch.no_grad():
            for features, labels in self._batches(features_of):
                if should_stop():
                    return None
                logits = model.logits(features)
                statistics.add(model.whitened(model.head_inputs(features)), labels)
                loss += float(F.cross_entropy(logits, labels, reduction="sum"))
                hits += int((logits.argmax(1) == labels).sum())
        return statistics, {"loss": loss / count, "accuracy": hits / count, "steps": 0.0}

    def _prompted_features(self, images: Tensor) -> Tensor:
        """Class features with the prompts that each sample picks, or with all: [images, width]."""
        model, count = self.model, self.plan.prompts_per_batch
        rows = torch.arange(len(model.pool), device=model.device).expand(len(images), -1)
        if 0 < count < len(model.pool):
            cosines = model.similarities(model.plain_features(images)).cpu().numpy()
            rows = torch.tensor(np.array([largest(row, count) for row in cosines]), device=model.device)
        return model.features(images, rows)

    def _batches(self, features_of: Callable[[Tensor], Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """What `features_of` gives of all samples, batch by batch, and their labels."""
        count, size = len(self.samples), self.plan.batch_size
        for start in range(0, count, size):
            images, labels = self.samples.batch(range(start, min(start + size, count)), self.model.device)
            with torch.autocast(self.model.device.type, dtype=self.autocast, enabled=self.autocast is not None):
                features = features_of(images)
            yield features, labels
