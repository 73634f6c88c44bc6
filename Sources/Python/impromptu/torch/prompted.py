"""Prompts, selection and a head around a frozen encoder."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import ModelError
from ..model.description import ModelDescription, PromptsDescription
from ..model.images import prepared
from ..model.selection import picks
from ..model.tuned import TunedPrompts
from ..wire.names import PROMPTS
from .encoder import VisionTransformer
from .hooked import HookedViT

_TUNED = ("prompts", "key.weight", "head.weight", "head.bias", "head.hidden.weight", "head.hidden.bias")
_FIXED = ("fixed.feature.mean", "fixed.feature.whitening")
_SMALLEST_SQUARE = 1e-12


class PromptedEncoder(nn.Module):
    """The model of docs/model.md. Its encoder is frozen; what is tuned are the tensors that a run publishes.

    `forward` classifies prepared images or texts. The tensors come by `load_tensors`: `TorchClient` does it for each task.
    """

    def __init__(
        self, encoder: nn.Module, description: ModelDescription | None = None, tensors: Mapping[str, Any] | None = None
    ) -> None:
        """- `encoder`: has `features(inputs, prompts)`, `width`, `depth` and `classifier`; for a run whose prompts enter later
          than before block 0, `features(inputs, prompts, first_block=0)`.
        - `description`: which prompts `forward` uses, and how examples are prepared; `run`'s `model.json` has it
          (`impromptu.ModelDescription.of_run`).

        Raises `ModelError` where the encoder computes in another precision than the run: one of another library does in
        float32. Also where its `features` have no `first_block` and the run needs it.
        """
        super().__init__()
        precision = getattr(encoder, "precision", "float32")
        if description is not None and description.encoder.precision != precision:
            raise ModelError(
                f"encoder.precision: expected an encoder in {description.encoder.precision}, as the run has it, found"
                f" {type(encoder).__name__} in {precision}; VisionTransformer.load and TextTransformer.load make one"
            )
        self.encoder = encoder
        self.description = description
        self.first_block = 0
        if description is not None:
            self.enter_before(description.prompts.first_block)
        self.tuned = nn.ParameterDict()
        for name in _FIXED:
            self.register_buffer(_key(name), None)
        if tensors is not None:
            self.load_tensors(tensors)

    def enter_before(self, block: int) -> None:
        """Has prompts enter the encoder before that block, from 0, as the description says from the start where there is one.

        Raises `ModelError` where the encoder can take them before block 0 alone.
        """
        if block and not _takes_first_block(self.encoder):
            raise ModelError(
                f"prompts.first_block: expected an encoder with features(inputs, prompts, first_block), as prompts enter before"
                f" block {block}, found {type(self.encoder).__name__} without first_block"
            )
        self.first_block = block

    # ---- Tensors under the names of the wire ----

    def load_tensors(self, tensors: Mapping[str, Any]) -> None:
        """Takes the tensors of a published state, or of a prompts file; those for training alone are left.

        Raises `ModelError` where one does not fit the encoder.
        """
        device, width = self.device, self.encoder.width
        found = {name: torch.tensor(np.asarray(tensors[name]), dtype=torch.float32, device=device)
                 for name in (*_TUNED, *_FIXED) if name in tensors}  # fmt: skip
        self._check(found, width)
        self.tuned = nn.ParameterDict(
            {_key(name): nn.Parameter(value) for name, value in found.items() if name in _TUNED}
        )
        for name in _FIXED:
            self.register_buffer(_key(name), found.get(name))

    def _check(self, found: Mapping[str, Tensor], width: int) -> None:
        for name in ("prompts", "head.weight", "head.bias"):
            if name not in found:
                raise ModelError(f"tensors: expected {name}, found {', '.join(sorted(found)) or 'none'}")
        columns, first = found[PROMPTS].shape[-1], found.get("head.hidden.weight", found["head.weight"])
        blocks = self.encoder.depth - self.first_block
        if columns % width or not 1 <= columns // width <= blocks:
            raise ModelError(f"prompts: expected rows of 1 to {blocks} times {width} values, found {columns}")
        classifier = self.encoder.classifier
        inputs = [width] + ([classifier.weight.shape[0]] if classifier is not None else [])
        if first.shape[-1] not in inputs:
            raise ModelError(f"head: expected {' or '.join(map(str, inputs))} inputs, found {first.shape[-1]}")

    def tensors(self) -> dict[str, Tensor]:
        """The tuned tensors by the names of the wire, on their device."""
        return {_name(key): parameter.detach() for key, parameter in self.tuned.items()}

    @property
    def device(self) -> torch.device:
        """Where the encoder is."""
        return next(iter([*self.encoder.parameters(), *self.encoder.buffers()])).device

    def get(self, name: str) -> Tensor:
        """A tensor by the name of the wire."""
        value: Tensor = self.tuned[_key(name)] if name in _TUNED else getattr(self, _key(name))
        return value

    def has(self, name: str) -> bool:
        """Whether the state holds it."""
        return _key(name) in self.tuned if name in _TUNED else getattr(self, _key(name)) is not None

    # ---- The model ----

    @property
    def pool(self) -> Tensor:
        """[prompts, blocks, width]."""
        prompts = self.get(PROMPTS)
        return prompts.reshape(len(prompts), -1, self.encoder.width)

    def plain_features(self, images: Tensor) -> Tensor:
        """Class features without prompts, [images, width]; constants."""
        with torch.no_grad():
            return self.encoder.features(images, None).float()

    def similarities(self, plain: Tensor) -> Tensor:
        """Cosines with each row of the pool in float64, [images, pool]; they have gradients of prompts and key."""
        with self._in_full_precision():
            projected = F.linear(plain, self.get("key.weight")) if self.has("key.weight") else plain
            return _unit(projected) @ _unit(self.pool[:, 0]).T

    def _in_full_precision(self) -> torch.autocast:
        """What follows the encoder is computed in float32, also where autocast has the encoder in half precision."""
        return torch.autocast(self.device.type, enabled=False)

    def features(self, images: Tensor, rows: Tensor) -> Tensor:
        """Class features with prompts, [images, width].

        - `rows`: of the pool, [rows] for all images alike, or [images, rows].
        """
        chosen = self.pool[rows]
        return self.encoded(images, chosen if chosen.ndim == 4 else chosen[None]).float()

    def encoded(self, images: Tensor, prompts: Tensor) -> Tensor:
        """Class features with prompts [images or 1, prompts, blocks, width], as the encoder computes them."""
        if not self.first_block:  # an encoder may take prompts before block 0 alone
            return self.encoder.features(images, prompts)
        return self.encoder.features(images, prompts, first_block=self.first_block)

    def head_inputs(self, features: Tensor) -> Tensor:
        """What the head reads before whitening: the feature, or what the encoder's own classifier makes of it."""
        first = self.get("head.hidden.weight" if self.has("head.hidden.weight") else "head.weight")
        if first.shape[-1] == self.encoder.width:
            return features
        classifier = self.encoder.classifier
        if classifier is None:
            raise ModelError("head: expected an encoder with its own classifier, found one without")
        return classifier(features)

    def whitened(self, inputs: Tensor) -> Tensor:
        """Ω (x − μ) where the state whitens."""
        if not self.has("fixed.feature.mean"):
            return inputs
        return F.linear(inputs - self.get("fixed.feature.mean"), self.get("fixed.feature.whitening"))

    def logits(self, features: Tensor, dropout: Tensor | None = None) -> Tensor:
        """From class features to logits, [images, classes]; `dropout` are the factors of the hidden values."""
        with self._in_full_precision():
            x = self.whitened(self.head_inputs(features))
            if self.has("head.hidden.weight"):
                x = F.linear(x, self.get("head.hidden.weight"), self.get("head.hidden.bias"))
                if dropout is not None:
                    x = x * dropout
            return F.linear(x, self.get("head.weight"), self.get("head.bias"))

    def forward(self, images: Tensor) -> Tensor:
        """Logits of prepared images as the description has it, [images, classes]. One call is one batch."""
        if self.description is None:
            raise ModelError("description: expected the model's, to know which prompts are used; found none")
        return self.classify(images, self.description.prompts)

    def classify(self, images: Tensor, prompts: PromptsDescription) -> Tensor:
        """Logits with the prompts that `prompts` says, [images, classes]."""
        self.enter_before(prompts.first_block)
        return self.logits(self.features(images, self.rows(images, prompts)))

    def rows(self, images: Tensor, prompts: PromptsDescription) -> Tensor:
        """The rows of the pool that each image uses, [images, rows]."""
        pool = len(self.pool)
        if prompts.use == "picked" and prompts.picked < pool:
            with torch.no_grad():
                cosines = self.similarities(self.plain_features(images)).cpu().numpy()
            rows: Sequence[Sequence[int]] = picks(cosines, prompts, prompts.selection)
        else:
            rows = [list(range(pool)) if prompts.use != "none" else []] * len(images)
        return torch.tensor(rows, dtype=torch.long, device=self.device).reshape(len(images), -1)


class PromptedViT(PromptedEncoder):
    """A model of images around a vision transformer."""

    def __init__(
        self, vit: nn.Module, description: ModelDescription | None = None, tensors: Mapping[str, Any] | None = None
    ) -> None:
        """- `vit`: a model of timm, transformers or torchvision, a `HookedViT`, or a `VisionTransformer`.
        - `description`: as of `PromptedEncoder`.
        """
        known = isinstance(vit, (VisionTransformer, HookedViT))
        super().__init__(vit if known else HookedViT(vit), description, tensors)

    @staticmethod
    def load(prompts: str | Path, encoder: str | Path | nn.Module) -> PromptedViT:
        """From a prompts file, a bundle or a run's folder, and the encoder's folder or a model. Raises `ModelError`."""
        tuned = TunedPrompts.read(prompts)
        vit = encoder if isinstance(encoder, nn.Module) else VisionTransformer.load(encoder, tuned.description)
        return PromptedViT(vit, tuned.description, tuned.tensors)

    def prepare(self, image: Any) -> Tensor:
        """The encoder's input, [3, size, size], of a path (needs Pillow), Pillow's image, or bytes [height, width, 3]."""
        if self.description is None:
            raise ModelError("description: expected the model's, to know how images are prepared; found none")
        return torch.from_numpy(prepared(image, self.description.of_images))


def _takes_first_block(encoder: nn.Module) -> bool:
    try:
        inspect.signature(encoder.features).bind(None, None, first_block=0)
    except TypeError:
        return False
    return True


def _unit(rows: Tensor) -> Tensor:
    wide = rows.double()
    return wide / (wide * wide).sum(-1, keepdim=True).clamp_min(_SMALLEST_SQUARE).sqrt()


def _key(name: str) -> str:
    """Names of parameters hold no dots."""
    return name.replace(".", "_")


_NAMES = {_key(name): name for name in _TUNED}


def _name(key: str) -> str:
    return _NAMES[key]
