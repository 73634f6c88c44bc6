"""How well a state classifies samples."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from ..evaluation import Evaluation
from ..model.description import PromptsDescription
from .data import Samples
from .prompted import PromptedEncoder


@torch.no_grad()
def evaluate(
    model: PromptedEncoder, samples: Samples, prompts: PromptsDescription | None = None, *, autocast: torch.dtype | None = None
) -> Evaluation:
    """Classifies all samples, in batches of 64 as docs/model.md has it.

    - `prompts`: how prompts are picked; None for what the model's description says.
    """
    rule = prompts or (model.description.prompts if model.description else None)
    if rule is None:
        raise ValueError("prompts: expected how prompts are picked, or a model with a description; found neither")
    classes = len(model.get("head.bias"))
    total, correct, loss = torch.zeros(classes, dtype=torch.long), torch.zeros(classes, dtype=torch.long), 0.0
    for start in range(0, len(samples), rule.batch_size):
        places = range(start, min(start + rule.batch_size, len(samples)))
        images, labels = samples.batch(places, model.device)
        with torch.autocast(model.device.type, dtype=autocast, enabled=autocast is not None):
            logits = model.classify(images, rule)
        loss += float(F.cross_entropy(logits.float(), labels, reduction="sum"))
        total += torch.bincount(labels, minlength=classes).cpu()
        correct += torch.bincount(labels[logits.argmax(1) == labels], minlength=classes).cpu()
    return Evaluation(total.tolist(), correct.tolist(), loss / max(1, len(samples)))
