"""A ready client: joins a run, tunes by its plans, evaluates its versions."""

from __future__ import annotations

import threading
from typing import Any

import torch
from torch import Tensor

from ..endpoints import Target
from ..evaluation import Evaluation
from ..federation import Federation, join
from ..model.description import PromptsDescription
from ..plan import TrainingPlan
from ..state import Version
from ..task import Task
from .data import Samples
from .evaluation import evaluate
from .prompted import PromptedEncoder
from .tuning import tune


class TorchClient:
    """Takes part with a PyTorch model and data set.

    ::

        TorchClient(PromptedViT(vit), dataset).run("runs/first", client="clinic-3")
    """

    def __init__(
        self, model: PromptedEncoder, dataset: Any, *, held_out: Any = None, autocast: torch.dtype | None = None
    ) -> None:
        """- `dataset`: as `Samples` takes it; its images are prepared inputs.
        - `held_out`: samples that versions are evaluated on when the run asks for it.
        - `autocast`: the type that the encoder computes in, for example ``torch.bfloat16``; None for float32.
        """
        self.model, self.autocast = model, autocast
        self.samples = dataset if isinstance(dataset, Samples) else Samples(dataset)
        self.held_out = held_out if held_out is None or isinstance(held_out, Samples) else Samples(held_out)
        self._kept: dict[str, Tensor] = {}
        self._run: int | None = None
        """The run that `_kept` is of."""
        self._plan: TrainingPlan | None = None
        self._turn = threading.Lock()
        """The model is either tuned or evaluated."""

    def join(self, target: Target, client: str, **options: Any) -> Federation:
        """Joins as `impromptu.join` does, with the numbers of samples, and what evaluates versions."""
        if self.model.description is not None:
            options.setdefault("model", self.model.description)
        if self.held_out is not None and len(self.held_out):
            options |= {"held_out": len(self.held_out), "on_evaluate": self.evaluate}
        return join(target, client, samples=len(self.samples), **options)

    def run(self, target: Target, client: str, **options: Any) -> None:
        """Takes part until the run has finished; the model then holds what it published last.

        `options` are those of `impromptu.join`.
        """
        with self.join(target, client, **options) as federation:
            for task in federation:
                self.train(task)
            last = federation.version
        if last is not None:
            self.model.load_tensors(last.tensors)

    def train(self, task: Task) -> None:
        """Tunes as the task says, and answers."""
        with self._turn:
            if self._run != task.identity.run:
                self._run, self._kept = task.identity.run, {}
            self._plan = task.plan
            result = tune(
                self.model, self.samples, task.tensors, task.plan, task.seed, kept=self._kept, autocast=self.autocast,
                should_stop=lambda: task.is_abandoned,
            )  # fmt: skip
        if result is None:
            return
        self._kept = result.kept
        tensors = {name: value.cpu().numpy() for name, value in result.tensors.items()}
        task.send(tensors, result.metrics, prompt_ids=task.prompt_ids[result.rows])

    def evaluate(self, version: Version) -> Evaluation | None:
        """How a version does on what is held out; None before it is known how prompts are picked."""
        rule = self._rule()
        if rule is None or self.held_out is None:
            return None
        with self._turn:
            own = {name: value for name, value in self._kept.items() if name in version.tensors}
            self.model.load_tensors({**version.tensors, **own})
            return evaluate(self.model, self.held_out, rule, autocast=self.autocast)

    def _rule(self) -> PromptsDescription | None:
        if self.model.description is not None:
            return self.model.description.prompts
        if self._plan is None:
            return None
        plan = self._plan
        use = "none" if plan.class_means else "picked" if plan.prompts_per_batch else "all"
        return PromptsDescription(
            use, plan.prompts_per_batch, 1, self.model.encoder.width, 1, "instance", 64, False, plan.first_block
        )
