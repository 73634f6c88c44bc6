"""The encoder of docs/model.md, section 2, in numpy."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..wire.tensors import Array
from .description import EncoderDescription
from .weights import Block, EncoderWeights, Linear


def _gelu(z: Array) -> Array:
    """z Φ(z), Φ by Abramowitz and Stegun's formula 7.1.26, whose error is below 1.5e-7."""
    x = np.abs(z) * np.float32(math.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * x)
    sum_ = np.float32(1.061405429) * t
    for term in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        sum_ += np.float32(term)
        sum_ *= t
    tail = np.float32(0.5) * sum_ * np.exp(-x * x)
    result: Array = z * np.where(z < 0, tail, 1 - tail)
    return result


def _sigmoid(z: Array) -> Array:
    result: Array = 1 / (1 + np.exp(-z.clip(-80)))
    return result


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "gelu": _gelu,
    "geluTanh": lambda z: z * _sigmoid(np.float32(1.5957691216) * (z + np.float32(0.044715) * z * z * z)),
    "quickGelu": lambda z: z * _sigmoid(np.float32(1.702) * z),
}


def rounded(x: Array) -> Array:
    """Float32 values rounded to bfloat16: 8 significant bits, to nearest even, subnormal numbers to zero."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    nearest = (bits + (np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1)))) & np.uint32(0xFFFF0000)
    magnitude = bits & np.uint32(0x7FFFFFFF)
    nearest = np.where(magnitude < 0x00800000, bits & np.uint32(0x80000000), nearest)
    result: Array = np.where(magnitude > 0x7F800000, np.float32(np.nan), nearest.view(np.float32))
    return result


class Layers:
    """What all transformers have in common."""

    def __init__(self, description: EncoderDescription) -> None:
        self.description = description
        self._factor: Callable[[Array], Array] = rounded if description.precision == "bfloat16" else lambda x: x
        self._activation = ACTIVATIONS[description.activation]

    def _norm(self, norm: Linear, x: Array) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        variance = (centred * centred).mean(-1, keepdims=True)
        result: Array = centred / np.sqrt(variance + np.float32(self.description.epsilon)) * norm.weight + norm.bias
        return result

    def _attention(self, block: Block, queries: Array, seen: Array, mask: Array | None = None) -> Array:
        """- `mask`: added to the scores, [examples, 1, 1, seen]."""
        width, heads = self.description.width, self.description.heads

        def projected(part: int, x: Array) -> Array:
            rows = slice(part * width, (part + 1) * width)
            values = self._factor(x) @ self._factor(block.qkv.weight[rows]).T + block.qkv.bias[rows]
            return values.reshape(*x.shape[:2], heads, width // heads).transpose(0, 2, 1, 3)

        query, key, value = projected(0, queries), projected(1, seen), projected(2, seen)
        scores = query @ key.transpose(0, 1, 3, 2) * np.float32(1 / math.sqrt(width / heads))
        if mask is not None:
            scores = scores + mask
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        mixed = (shares @ value).transpose(0, 2, 1, 3).reshape(*queries.shape[:2], width)
        return self._apply(block.out, mixed)

    def _perceptron(self, block: Block, x: Array) -> Array:
        return self._apply(block.contract, self._activation(self._apply(block.expand, x)))

    def _apply(self, layer: Linear, x: Array) -> Array:
        result: Array = self._factor(x) @ self._factor(layer.weight).T + layer.bias
        return result


def with_prompts(x: Array, part: Array, replaced: bool) -> Array:
    """Rows with prompts behind the first one, [examples, rows, width].

    - `part`: of the prompts, [examples, prompts, width].
    - `replaced`: whether they take the place of rows that are there.
    """
    return np.concatenate([x[:, :1], part, x[:, 1 + (part.shape[1] if replaced else 0) :]], axis=1)


class Encoder(Layers):
    """A frozen vision transformer that takes prompts."""

    def __init__(self, weights: EncoderWeights, description: EncoderDescription) -> None:
        super().__init__(description)
        self.weights = weights

    def features(self, images: Array, prompts: Array | None, first_block: int = 0) -> Array:
        """Class features, [images, width].

        - `images`: inputs as docs/model.md prepares them, [images, 3, size, size].
        - `prompts`: [images or 1, prompts, blocks, width]; None for none.
        - `first_block`: the block that they enter before, from 0.
        """
        parts = np.zeros((1, 0, 0, self.description.width), np.float32) if prompts is None else prompts
        parts = np.broadcast_to(parts, (len(images), *parts.shape[1:]))
        x = self._embedded(images)
        for index, block in enumerate(self.weights.blocks):
            if 0 <= index - first_block < parts.shape[2]:
                part = parts[:, :, index - first_block]
                if index == 0 and self.weights.embedding_norm:
                    part = self._norm(self.weights.embedding_norm, part)
                x = with_prompts(x, part, replaced=index > first_block)
            normed = self._norm(block.norm1, x)
            # No token looks at the first row where there is no class token.
            seen = normed[:, 1:] if self.weights.pooling else normed
            x = x + _scaled(self._attention(block, normed, seen), block, 0)
            x = x + _scaled(self._perceptron(block, self._norm(block.norm2, x)), block, 1)
        return self._class_feature(x)

    def _class_feature(self, x: Array) -> Array:
        pooling, probe = self.weights.pooling, self.weights.probe
        if pooling is None or probe is None:
            return self._norm(self.weights.final_norm, x[:, 0])
        seen = self._norm(pooling.norm1, x[:, 1:])
        u = self._attention(pooling, np.broadcast_to(probe, (len(x), *probe.shape)), seen)
        result: Array = (u + self._perceptron(pooling, self._norm(pooling.norm2, u)))[:, 0]
        return result

    def _embedded(self, images: Array) -> Array:
        weights, patch = self.weights, self.description.patch_size
        count, grid = len(images), images.shape[2] // patch
        rows = images.reshape(count, 3, grid, patch, grid, patch).transpose(0, 2, 4, 1, 3, 5)
        patches = rows.reshape(count, grid * grid, -1) @ weights.patches.T + weights.offsets
        fixed = np.broadcast_to(weights.fixed, (count, *weights.fixed.shape))
        x: Array = np.concatenate([fixed, patches], axis=1)
        return self._norm(weights.embedding_norm, x) if weights.embedding_norm else x


def _scaled(x: Array, block: Block, place: int) -> Array:
    return x * block.scales[place] if block.scales else x
