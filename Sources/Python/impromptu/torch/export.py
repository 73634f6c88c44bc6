"""A tuned model as one graph of images to logits, for ONNX and `torch.export`."""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import ConfigurationError
from .prompted import PromptedViT

_OPSET = 14


class InferenceGraph(nn.Module):
    """`PromptedViT.forward` in operations of tensors alone; `torch.export.export` takes it.

    Each image picks its own prompts: a graph has no neighbours to vote with.
    """

    def __init__(self, model: PromptedViT) -> None:
        """Raises `ConfigurationError` where prompts are picked by batch, or the model has no description."""
        super().__init__()
        if model.description is None:
            raise ConfigurationError("description: expected the model's, to know which prompts are used; found none")
        prompts = model.description.prompts
        if prompts.use == "picked" and prompts.selection != "instance":
            raise ConfigurationError(f"prompts.selection: expected 'instance' for a graph, found {prompts.selection!r}")
        self.model = model.eval()
        pool = len(model.pool)
        self.use = "all" if prompts.use == "picked" and prompts.picked >= pool else prompts.use
        self.picked = prompts.picked

    def forward(self, images: Tensor) -> Tensor:
        """Prepared images [images, 3, size, size] to logits [images, classes]."""
        model = self.model
        if self.use == "none":
            return model.logits(model.encoder.features(images, None))
        prompts = model.pool[None]
        if self.use == "picked":
            cosines = model.similarities(model.encoder.features(images, None))
            prompts = model.pool[cosines.topk(self.picked, dim=1).indices]
        return model.logits(model.encoded(images, prompts))


def export_onnx(model: PromptedViT, path: str | Path) -> None:
    """Writes an ONNX file with the input `images` [images, 3, size, size], the output `logits` [images, classes], and the
    names of the classes, one a line, as its documentation.

    Raises `ConfigurationError` as `InferenceGraph` does.
    """
    graph = InferenceGraph(model)
    assert model.description is not None
    size = model.description.of_images.size
    options: dict[str, Any] = {"doc_string": "\n".join(model.description.classes)}
    known = inspect.signature(torch.onnx.export).parameters
    if "dynamo" in known:  # the older exporter, which all releases have
        options["dynamo"] = False
    with torch.no_grad(), warnings.catch_warnings():
        # What a trace takes for constants are the depths and widths of the model.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        torch.onnx.export(
            graph, torch.zeros(2, 3, size, size, device=model.device), str(path), input_names=["images"],
            output_names=["logits"], dynamic_axes={"images": {0: "images"}, "logits": {0: "images"}},
            opset_version=_OPSET, **{name: value for name, value in options.items() if name in known},
        )  # fmt: skip
