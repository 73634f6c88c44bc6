"""Prompts in the vision transformers of timm, transformers and torchvision, by hooks before their blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import ConfigurationError
from .encoder import with_prompts


class HookedViT(nn.Module):
    """Any vision transformer whose blocks take tokens [images, tokens, width], with prompts among them. It is frozen.

    Recognised are timm's `VisionTransformer`, transformers' `ViTModel`, `DeiTModel`, `Dinov2Model`, `CLIPVisionModel` and
    `SiglipVisionModel`, and torchvision's `VisionTransformer`. For others say where the blocks are and how images become
    class features.
    """

    def __init__(
        self,
        vit: nn.Module,
        *,
        blocks: Sequence[nn.Module] | None = None,
        features: Callable[[nn.Module, Tensor], Tensor] | None = None,
    ) -> None:
        """- `blocks`: in their order.
        - `features`: images [images, 3, size, size] to class features [images, width], through `vit`.

        Raises `ConfigurationError` where they are not given and the model is not recognised.
        """
        super().__init__()
        self.vit = vit.eval()
        for parameter in vit.parameters():
            parameter.requires_grad_(False)
        found = _found(vit)
        if blocks is None and found:
            blocks = found.blocks
        if features is None and found:
            features = found.features
        if not blocks or features is None:
            raise ConfigurationError(
                f"vit: expected a vision transformer of timm, transformers or torchvision, found {type(vit).__name__};"
                " give blocks= and features="
            )
        self._features = features
        self._prompt_norm = found.prompt_norm if found else None
        self._start = found.start if found else 1
        self._prompts: Tensor | None = None
        self._first_block = 0
        self.depth = len(blocks)
        self.width = _width(blocks[0])
        self.classifier = _classifier(vit)
        for index, block in enumerate(blocks):
            block.register_forward_pre_hook(self._hook(index))

    def train(self, mode: bool = True) -> HookedViT:
        """The encoder stays as it is for inference: no dropout, no stochastic depth."""
        super().train(mode)
        self.vit.eval()
        return self

    def features(self, images: Tensor, prompts: Tensor | None, first_block: int = 0) -> Tensor:
        """Class features, [images, width].

        - `prompts`: [images or 1, prompts, blocks, width]; None for none.
        - `first_block`: the block that they enter before, from 0.
        """
        self._prompts, self._first_block = prompts, first_block
        try:
            return self._features(self.vit, images)
        finally:
            self._prompts = None

    def _hook(self, index: int) -> Callable[[nn.Module, tuple[Any, ...]], tuple[Any, ...] | None]:
        def hook(block: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
            prompts, place = self._prompts, index - self._first_block
            if prompts is None or not 0 <= place < prompts.shape[2]:
                return None
            if not arguments or not torch.is_tensor(arguments[0]) or arguments[0].ndim != 3:
                raise ConfigurationError("vit: expected blocks that take tokens [images, tokens, width] as first argument")
            part = prompts[:, :, place]
            if index == 0 and self._prompt_norm is not None:
                part = self._prompt_norm(part)
            return (with_prompts(arguments[0], part, replaced=place > 0, start=self._start), *arguments[1:])

        return hook


class _Found:
    """Where a library's model has what is needed."""

    def __init__(
        self, blocks: Sequence[nn.Module], features: Callable[[nn.Module, Tensor], Tensor],
        prompt_norm: nn.Module | None = None, start: int = 1,
    ) -> None:  # fmt: skip
        self.blocks, self.features, self.prompt_norm, self.start = list(blocks), features, prompt_norm, start


def _found(vit: nn.Module) -> _Found | None:
    vision = getattr(vit, "vision_model", vit)
    if hasattr(vit, "forward_features") and hasattr(vit, "blocks"):  # timm, facebookresearch
        return _Found(vit.blocks, _timm)
    if hasattr(vit, "conv_proj") and hasattr(vit, "encoder"):  # torchvision
        return _Found(vit.encoder.layers, _torchvision)
    encoder = getattr(vision, "encoder", vision)
    blocks = getattr(encoder, "layer", None) or getattr(encoder, "layers", None)
    if blocks is None or not hasattr(vision, "embeddings"):
        return None
    if hasattr(vision, "pre_layrnorm"):  # CLIP normalises its prompts with all other tokens
        return _Found(blocks, _pooled, vision.pre_layrnorm)
    if hasattr(getattr(vision, "head", None), "probe"):  # SigLIP has no class token
        return _Found(blocks, _pooled, start=0)
    return _Found(blocks, _class_token)


def _timm(vit: Any, images: Tensor) -> Tensor:
    tokens = vit.forward_features(images)
    if isinstance(tokens, dict):  # facebookresearch
        tokens = tokens["x_norm_clstoken"][:, None]
    return tokens[:, 0] if tokens.ndim == 3 else tokens


def _torchvision(vit: Any, images: Tensor) -> Tensor:
    patches = vit._process_input(images)
    return vit.encoder(torch.cat([vit.class_token.expand(patches.shape[0], -1, -1), patches], dim=1))[:, 0]


def _class_token(vit: Any, images: Tensor) -> Tensor:
    return vit(pixel_values=images).last_hidden_state[:, 0]


def _pooled(vit: Any, images: Tensor) -> Tensor:
    return vit(pixel_values=images).pooler_output


def _width(block: nn.Module) -> int:
    norms = [module for module in block.modules() if isinstance(module, nn.LayerNorm)]
    if not norms:
        raise ConfigurationError("vit: expected blocks with a LayerNorm, found one without")
    return int(norms[0].normalized_shape[-1])


def _classifier(vit: Any) -> nn.Module | None:
    """The model's own layer from the class feature to its classes."""
    heads = getattr(getattr(vit, "heads", None), "head", None) or getattr(vit, "head", None)
    return heads if isinstance(heads, nn.Linear) else None
