"""What the scripts that write reference cases share: one tuning step of a frozen model in float64, and its file."""

import json

import autograd.numpy as np
from autograd import grad
from autograd.scipy.special import logsumexp
from safetensors.numpy import save_file


def layers(width, draw):
    """Makers of random linear layers and of random norms of a width."""

    def layer(outputs, inputs):
        return {"weight": draw(outputs, inputs) / inputs**0.5, "bias": 0.1 * draw(outputs)}

    def norm():
        return {"weight": 1 + 0.1 * draw(width), "bias": 0.1 * draw(width)}

    return layer, norm


def apply(layer, x):
    return x @ layer["weight"].T + layer["bias"]


def normalised(norm, x, epsilon):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + epsilon) * norm["weight"] + norm["bias"]


def rounded(tree):
    """Everything as float32 has it, in float64."""
    if isinstance(tree, dict):
        return {name: rounded(value) for name, value in tree.items()}
    return [rounded(value) for value in tree] if isinstance(tree, list) else tree.astype("f4").astype("f8")


def write_step(path, model, trained, inputs, outputs, metadata):
    """Writes a case: the model's tensors and the inputs, and what is expected of a step from them.

    `inputs` has the labels and the examples; `outputs` gives features and logits [examples, classes] of trained tensors."""
    labels = inputs["labels"]

    def loss(trained):
        logits = outputs(trained)[1]
        return np.mean(logsumexp(logits, axis=1) - logits[np.arange(len(labels)), labels])

    every, logits = outputs(trained)
    tensors = {"model." + name: value.astype("f4") for name, value in model.items()}
    tensors.update({"input." + name: value.astype("f4") for name, value in trained.items()})
    tensors.update({"input." + name: value for name, value in inputs.items()})
    tensors.update({"expected.features": every, "expected.logits": logits, "expected.loss": np.array([loss(trained)])})
    tensors.update({"expected.grad." + name: value for name, value in grad(loss)(trained).items()})
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, path,
              metadata={name: value if isinstance(value, str) else json.dumps(value) for name, value in metadata.items()})
