"""A task: what the aggregator asks of a client, and the answer."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .effects import UpdateID
from .plan import TrainingPlan
from .state import Version
from .update import encoded_update
from .wire.tensors import Array

if TYPE_CHECKING:
    from .federation import Federation


class Task:
    """Train on `tensors` as `plan` says, then call `send` or `fail`, once."""

    def __init__(
        self, federation: Federation, identity: UpdateID, seed: int, plan: TrainingPlan, base: Version, dtype: int
    ) -> None:
        self._federation = federation
        self._dtype = dtype
        self._abandoned = threading.Event()
        self._is_answered = False
        self._is_on_its_way = False
        self._why_abandoned = ""
        self.identity = identity
        self.seed = seed
        """Seeds whatever is random in the training."""
        self.plan = plan
        self.base = base
        """The state to start from."""

    def _abandon(self, reason: str) -> None:
        self._why_abandoned = reason
        self._abandoned.set()

    def __repr__(self) -> str:
        return f"Task(number={self.number}, version={self.version})"

    @property
    def number(self) -> int:
        """Grows over the run, from 1."""
        return self.identity.task

    @property
    def version(self) -> int:
        """The number of the state to start from."""
        return self.base.number

    @property
    def tensors(self) -> Mapping[str, Array]:
        """The state to start from, by name, read-only; ``"prompts"`` is [prompts, width]."""
        return self.base.tensors

    @property
    def prompt_ids(self) -> NDArray[np.uint64]:
        """The identity of each row of ``tensors["prompts"]``."""
        return self.base.prompt_ids

    @property
    def is_abandoned(self) -> bool:
        """Whether an answer does not count any more: the run ended, another began, or the client left."""
        return self._abandoned.is_set()

    @property
    def is_answered(self) -> bool:
        """Whether `send` or `fail` was called."""
        return self._is_answered

    def send(
        self,
        tensors: Mapping[str, Any],
        metrics: Mapping[str, float] | None = None,
        *,
        prompt_ids: Sequence[int] | NDArray[np.uint64] | None = None,
        samples: int | None = None,
    ) -> bool:
        """Answers with the values after training. On the disk when it returns, and then sent until it is settled.

        - `tensors`: of numpy, PyTorch, or nested lists, with the names and shapes of the task's. What the plan has the
          client keep, and ``fixed.…`` and ``statistics.generation``, may be given and is not sent.
        - `prompt_ids`: for each row of ``tensors["prompts"]`` the prompt that it started from; None where all rows of
          the pool are there in their order.
        - `metrics`: figures for observers, for example ``{"loss": 0.7}``.
        - `samples`: training samples of this task; None for those told to `join`.

        Returns whether the answer is on its way: False where the task was abandoned meanwhile. Raises `UpdateError`
        for an answer that does not fit, after which another may be given; `Fenced` or `Refused` where this session was
        ended; `OutboxError` where the disk does not take it.
        """
        return self._federation._answer(self, lambda: self._encoded(tensors, metrics or {}, prompt_ids, samples))

    def _encoded(
        self,
        tensors: Mapping[str, Any],
        metrics: Mapping[str, float],
        prompt_ids: Sequence[int] | NDArray[np.uint64] | None,
        samples: int | None,
    ) -> bytes:
        core = self._federation._core
        return encoded_update(
            core.client, core.session, self.identity, self.base, self.plan, self._dtype,
            core.sample_count if samples is None else samples, tensors, metrics, prompt_ids,
        )  # fmt: skip

    def fail(self, reason: str) -> None:
        """Answers that the task came to nothing, with one sentence for a person."""
        self._federation._fail(self, reason)
