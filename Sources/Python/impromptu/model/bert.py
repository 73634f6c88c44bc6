"""The encoder of texts of docs/model.md, section 2, in numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..wire.tensors import Array
from .description import EncoderDescription
from .vit import Layers, with_prompts
from .weights import Block, Linear

_WORDS = "embeddings.word_embeddings.weight"
_UNSEEN = np.float32(-1e30)
"""What is added to the score of a row that is padding."""

Tokens = NDArray[np.int32]
"""The tokens of texts, [texts, tokens]; -1 where a text is over."""


@dataclass(frozen=True)
class BertWeights:
    """A transformer with its norms behind attention and perceptron; `norm1` and `norm2` of a block are these."""

    words: Array
    """[vocabulary, width]."""
    places: Array
    """Positions with the embedding of the first segment, [positions, width]."""
    norm: Linear
    blocks: tuple[Block, ...]
    classifier: Linear | None = None
    """An encoder of texts has none of its own."""


def bert_weights(tensors: Mapping[str, Any], description: EncoderDescription, where: str) -> BertWeights:
    """The weights by transformers' names of `BertModel`; `where` names the file in errors (`ModelError`)."""
    starts = sorted(name[: -len(_WORDS)] for name in tensors if name.endswith(_WORDS))
    if len(starts) != 1:
        raise ModelError(f"{where}: expected one tensor {_WORDS}, found {len(starts)}")
    return _Reader(tensors, starts[0], description, where).weights()


class _Reader:
    def __init__(self, tensors: Mapping[str, Any], start: str, description: EncoderDescription, where: str) -> None:
        self.tensors, self.start, self.description, self.where = tensors, start, description, where

    def weights(self) -> BertWeights:
        width = self.description.width
        segment = self.get("embeddings.token_type_embeddings.weight", None, width)[0]
        return BertWeights(
            words=self.get(_WORDS, None, width),
            places=self.get("embeddings.position_embeddings.weight", None, width) + segment,
            norm=self.norm("embeddings.LayerNorm"),
            blocks=tuple(self.block(f"encoder.layer.{index}.") for index in range(self.description.depth)),
        )

    def block(self, start: str) -> Block:
        width = self.description.width
        hidden = len(self.get(f"{start}intermediate.dense.weight", None, width))
        parts = [self.linear(f"{start}attention.self.{name}", width, width) for name in ("query", "key", "value")]
        return Block(
            norm1=self.norm(start + "attention.output.LayerNorm"),
            qkv=Linear(np.concatenate([part.weight for part in parts]), np.concatenate([part.bias for part in parts])),
            out=self.linear(start + "attention.output.dense", width, width),
            norm2=self.norm(start + "output.LayerNorm"),
            expand=self.linear(start + "intermediate.dense", hidden, width),
            contract=self.linear(start + "output.dense", width, hidden),
            scales=None,
        )

    def get(self, name: str, *shape: int | None) -> Array:
        """A tensor of that shape, None for any extent."""
        if self.start + name not in self.tensors:
            raise ModelError(f"{self.where}: expected the tensor {self.start + name}, found none")
        array: Array = self.tensors[self.start + name]
        if len(array.shape) != len(shape) or any(e is not None and e != f for e, f in zip(shape, array.shape)):
            wanted = ", ".join("any" if extent is None else str(extent) for extent in shape)
            raise ModelError(f"{self.where}: {self.start + name}: expected shape [{wanted}], found {list(array.shape)}")
        return array

    def linear(self, name: str, outputs: int, inputs: int) -> Linear:
        return Linear(self.get(name + ".weight", outputs, inputs), self.get(name + ".bias", outputs))

    def norm(self, name: str) -> Linear:
        """Old files call scale and shift gamma and beta."""
        width = self.description.width
        old = f"{self.start}{name}.gamma" in self.tensors
        scale, shift = ("gamma", "beta") if old else ("weight", "bias")
        return Linear(self.get(f"{name}.{scale}", width), self.get(f"{name}.{shift}", width))


class TextEncoder(Layers):
    """A frozen encoder of texts that takes prompts."""

    def __init__(self, weights: BertWeights, description: EncoderDescription) -> None:
        super().__init__(description)
        self.weights = weights

    def features(self, tokens: Tokens, prompts: Array | None, first_block: int = 0) -> Array:
        """Features of texts, [texts, width].

        - `tokens`: [texts, tokens], -1 where a text is over.
        - `prompts`: [texts or 1, prompts, blocks, width]; None for none.
        - `first_block`: the block that they enter before, from 0.
        """
        parts = np.zeros((1, 0, 0, self.description.width), np.float32) if prompts is None else prompts
        parts = np.broadcast_to(parts, (len(tokens), *parts.shape[1:]))
        count = parts.shape[1]
        tokens = trimmed(tokens)
        present = tokens >= 0
        own = self.weights.words[np.where(present, tokens, 0)] + self.weights.places[: tokens.shape[1]]
        x = self._norm(self.weights.norm, own)
        mask = np.where(present, np.float32(0), _UNSEEN)[:, None, None]
        for index, block in enumerate(self.weights.blocks):
            if 0 <= index - first_block < parts.shape[2]:
                x = with_prompts(x, parts[:, :, index - first_block], replaced=index > first_block)
                if index == first_block:
                    seen = np.zeros((len(tokens), 1, 1, count), np.float32)
                    mask = np.concatenate([mask[..., :1], seen, mask[..., 1:]], axis=-1)
            x = self._norm(block.norm1, x + self._attention(block, x, x, mask))
            x = self._norm(block.norm2, x + self._perceptron(block, x))
        if self.description.feature == "class-token":
            return x[:, 0]
        own = np.concatenate([x[:, :1], x[:, 1 + count :]], axis=1) * present[:, :, None]
        result: Array = own.sum(1) / present.sum(1, keepdims=True).astype(np.float32)
        return result


def trimmed(tokens: Tokens) -> Tokens:
    """Without the columns that are padding in all rows."""
    return tokens[:, : max(1, int((tokens >= 0).sum(1).max()))]


def padded(texts: list[Any]) -> Tokens:
    """The tokens of some texts in one array."""
    tokens = np.full((len(texts), max(len(text) for text in texts)), -1, np.int32)
    for row, text in zip(tokens, texts, strict=True):
        row[: len(text)] = text
    return tokens


def check_tokens(tokens: Any, weights: BertWeights) -> Tokens:
    """Raises `ModelError` for what are no tokens of the encoder."""
    found = np.asarray(tokens)
    most, words = len(weights.places), len(weights.words)
    if found.ndim != 2 or not found.size or found.dtype.kind not in "iu":
        raise ModelError(f"inputs: expected whole numbers [texts, tokens], found {found.dtype} {list(found.shape)}")
    found = found.astype(np.int32)
    counts = (found >= 0).sum(1)
    ends_right = (np.arange(found.shape[1]) < counts[:, None]) == (found >= 0)
    if not 1 <= counts.min() <= counts.max() <= most or not ends_right.all() or found.max() >= words:
        raise ModelError(f"inputs: expected 1 to {most} tokens from 0 to {words - 1} of each text, then -1; found others")
    return found
