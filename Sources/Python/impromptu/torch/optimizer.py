"""Steps of a plan's optimizer, as the Swift worker takes them; docs/algorithm.md, "Local tuning"."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..plan import TrainingPlan
from ..wire.names import HEAD, PROMPTS

_ADAM_EPSILON = 1e-6


class _Tuned:
    """A tensor on its way, with what the optimizer remembers of it."""

    def __init__(self, name: str, parameter: Tensor, plan: TrainingPlan) -> None:
        self.name, self.parameter = name, parameter
        self.rate = plan.head_learning_rate if name.startswith(HEAD) else plan.prompt_learning_rate
        self.base = parameter.detach().clone()
        self.first, self.second = torch.zeros_like(self.base), torch.zeros_like(self.base)
        self.correction: Tensor | None = None


class PlanOptimizer:
    """Adam (Kingma and Ba 2015, epsilon 1e-6), AdamW (Loshchilov and Hutter 2019), or SGD with momentum as PyTorch has it.

    Of the pool only the rows move that some batch used so far; a bound on the gradient's norm is over all that moves.
    """

    def __init__(self, plan: TrainingPlan, parameters: Mapping[str, Tensor]) -> None:
        """- `parameters`: leaves that need gradients, by the names of the wire."""
        self.plan = plan
        self.tensors = {name: _Tuned(name, parameter, plan) for name, parameter in parameters.items()}
        pool = parameters[PROMPTS]
        self.touched = torch.zeros(len(pool), dtype=torch.bool, device=pool.device)
        self._steps = 0

    def correct(self, name: str, correction: Tensor) -> None:
        """Has each step follow g + c − c_i (SCAFFOLD); then all rows of the pool move."""
        self.tensors[name].correction = correction
        if name == PROMPTS:
            self.touched[:] = True

    @torch.no_grad()
    def step(self) -> None:
        """Moves the values by their gradients; a tensor without one has a gradient of 0."""
        self._steps += 1
        gradients = {name: self._gradient(tensor) for name, tensor in self.tensors.items()}
        scale = self._clipping(gradients)
        for name, tensor in self.tensors.items():
            gradient = gradients[name] * scale
            change = self._sgd(tensor, gradient) if self.plan.optimizer == "sgd" else self._adam(tensor, gradient)
            if name == PROMPTS:
                change = torch.where(self.touched[:, None], change, torch.zeros_like(change))
            tensor.parameter += change
            tensor.parameter.grad = None

    def _gradient(self, tensor: _Tuned) -> Tensor:
        """With the proximal term's and the L2 penalty's."""
        value = tensor.parameter
        gradient = torch.zeros_like(value) if value.grad is None else value.grad.clone()
        if self.plan.proximal_weight:
            gradient += self.plan.proximal_weight * (value - tensor.base)
        if self.plan.weight_decay and self.plan.optimizer != "adamw":
            gradient += self.plan.weight_decay * value
        if tensor.name == PROMPTS:
            gradient[~self.touched] = 0
        return gradient

    def _clipping(self, gradients: Mapping[str, Tensor]) -> float:
        if self.plan.gradient_clip <= 0:
            return 1.0
        square = sum(float((gradient.double() ** 2).sum()) for gradient in gradients.values())
        return min(1.0, self.plan.gradient_clip / (square**0.5 + 1e-6))

    def _adam(self, tensor: _Tuned, gradient: Tensor) -> Tensor:
        plan = self.plan
        tensor.first.mul_(plan.momentum).add_(gradient, alpha=1 - plan.momentum)
        tensor.second.mul_(plan.second_moment_decay).addcmul_(gradient, gradient, value=1 - plan.second_moment_decay)
        rate = tensor.rate / (1 - plan.momentum**self._steps)
        root = (1 - plan.second_moment_decay**self._steps) ** 0.5
        change = tensor.first * -rate / (tensor.second.sqrt() / root + _ADAM_EPSILON)
        if plan.optimizer == "adamw":
            change -= tensor.rate * plan.weight_decay * tensor.parameter
        return change

    def _sgd(self, tensor: _Tuned, gradient: Tensor) -> Tensor:
        tensor.first.mul_(self.plan.momentum).add_(gradient)
        moved = tensor.first if tensor.correction is None else tensor.first + tensor.correction
        return moved * -tensor.rate

    def control(self, name: str) -> tuple[Tensor, Tensor] | None:
        """(x − y) / (K η), which is sent, and the client's next c_i; None for a tensor that is not corrected."""
        tensor = self.tensors[name]
        if tensor.correction is None:
            return None
        length = self._steps * tensor.rate
        if not length:
            return torch.zeros_like(tensor.base), torch.zeros_like(tensor.base)
        sent = (tensor.base - tensor.parameter.detach()) / length
        return sent, sent - tensor.correction
