"""Prompts around frozen encoders in PyTorch: tuning by a run's plans, evaluation, and a ready client.

    model = impromptu.torch.PromptedViT(vit)
    impromptu.torch.TorchClient(model, dataset).run("runs/first", client="clinic-3")

docs/python.md is the manual.
"""

try:
    import torch as _torch
except ImportError as error:  # pragma: no cover
    raise ImportError("impromptu.torch needs PyTorch 1.13 or newer: pip install torch, or Debian's python3-torch") from error

from ..evaluation import Evaluation
from .bert import PromptedBert, TextTransformer
from .client import TorchClient
from .data import Samples
from .encoder import VisionTransformer
from .evaluation import evaluate
from .export import InferenceGraph, export_onnx
from .hooked import HookedViT
from .prompted import PromptedEncoder, PromptedViT
from .tuning import TuningResult, tune

__all__ = [
    "Evaluation",
    "HookedViT",
    "InferenceGraph",
    "PromptedBert",
    "PromptedEncoder",
    "PromptedViT",
    "Samples",
    "TextTransformer",
    "TorchClient",
    "TuningResult",
    "VisionTransformer",
    "evaluate",
    "export_onnx",
    "tune",
]
