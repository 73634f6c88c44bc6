"""Inference with tuned prompts, in numpy alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..wire.names import PROMPTS
from ..wire.tensors import Array
from .bert import TextEncoder, Tokens, bert_weights, check_tokens, padded
from .description import ModelDescription
from .images import prepared
from .selection import picks, similarities
from .tokens import TextTokens
from .tuned import TunedPrompts, check_tensors
from .vit import Encoder
from .weights import check_encoder, read_tensors, unified

_CHUNK = 32
"""Images that the encoder takes at once."""


@dataclass(frozen=True)
class Prediction:
    """What the model makes of some images."""

    classes: tuple[str, ...]
    logits: Array
    """[images, classes]."""
    picks: list[list[int]]
    """The rows of the pool that each image used."""

    @property
    def indices(self) -> NDArray[np.intp]:
        """The class of the largest logit, the first among equals; [images]."""
        result: NDArray[np.intp] = np.argmax(self.logits, axis=1)
        return result

    @property
    def labels(self) -> list[str]:
        """The names of these classes."""
        return [self.classes[index] for index in self.indices]

    @property
    def probabilities(self) -> Array:
        """softmax(logits), [images, classes]."""
        shares = np.exp(self.logits - self.logits.max(1, keepdims=True))
        result: Array = shares / shares.sum(1, keepdims=True)
        return result

    def losses(self, labels: Sequence[int]) -> Array:
        """-log softmax(logits) of each image's own class, [images]."""
        shifted = self.logits - self.logits.max(1, keepdims=True)
        result: Array = np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(shifted)), np.asarray(labels)]
        return result


class PromptedModel:
    """Tuned prompts around their encoder, as docs/model.md has it.

    ::

        model = impromptu.PromptedModel.load("runs/first", encoder="weights")
        model.predict(["scan.png"]).labels  # or, of a model of texts, model.predict(["Where is my card?"]).labels
    """

    def __init__(
        self, description: ModelDescription, tensors: Mapping[str, Array], encoder: Encoder | TextEncoder,
        tokens: Callable[[str], Tokens] | None = None,
    ) -> None:  # fmt: skip
        """Of parts at hand; `load` reads them. Raises `ModelError` where the tensors do not fit the description.

        - `tokens`: of a text; a model of texts classifies tokens alone without it.
        """
        if description.head.personal:
            raise ModelError("head.personal: every client keeps a head of its own, so these prompts classify nothing")
        check_tensors(tensors, description, "tensors")
        self.description, self.tensors, self.encoder = description, tensors, encoder
        self._tokens = tokens
        pool = tensors[PROMPTS]
        self._pool = pool.reshape(len(pool), description.prompts.blocks, -1)

    @staticmethod
    def load(prompts: str | Path, encoder: str | Path, *, check_digest: bool = True) -> PromptedModel:
        """Reads prompts and the weights of their encoder.

        - `prompts`: a prompts file, a bundle, or a run's folder.
        - `encoder`: the encoder's folder, a safetensors file, or an index of shards.
        - `check_digest`: whether the weights must be the very files that the prompts were tuned around.

        Raises `ModelError`.
        """
        tuned = TunedPrompts.read(prompts)
        return PromptedModel.of_tensors(tuned.description, tuned.tensors, encoder, check_digest=check_digest)

    @staticmethod
    def of_tensors(
        description: ModelDescription, tensors: Mapping[str, Array], encoder: str | Path, *, check_digest: bool = True
    ) -> PromptedModel:
        """From tensors at hand, such as a task's, and the weights of their encoder. Raises `ModelError`."""
        texts = description.text
        found, digest = read_tensors(encoder, with_tokenizer=texts is not None)
        if check_digest:
            check_encoder(digest, description, encoder)
        if texts is not None:
            reader = TextEncoder(bert_weights(found, description.encoder, str(encoder)), description.encoder)
            return PromptedModel(description, tensors, reader, TextTokens(encoder, texts))
        weights = unified(found, description.encoder, description.of_images.size, str(encoder))
        return PromptedModel(description, tensors, Encoder(weights, description.encoder))

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes in the order of the logits."""
        return self.description.classes

    def with_selection(self, selection: str) -> PromptedModel:
        """The same model with another rule of selection, ``"instance"`` or ``"batch"``."""
        if selection not in ("instance", "batch"):
            raise ModelError(f"selection: expected 'instance' or 'batch', found {selection!r}")
        prompts = replace(self.description.prompts, selection=selection)
        return PromptedModel(replace(self.description, prompts=prompts), self.tensors, self.encoder, self._tokens)

    def prepare(self, example: Any) -> NDArray[Any]:
        """The encoder's input of an image or a text.

        - An image is a path (needs Pillow), Pillow's image, or bytes [height, width, 3]; its input is [3, size, size].
        - A text is a `str` (needs tokenizers); its input are its tokens, [tokens].
        """
        if self.description.image is not None:
            return prepared(example, self.description.image)
        if not isinstance(example, str):
            raise ModelError(f"text: expected a str, found {type(example).__name__}")
        if self._tokens is None:
            raise ModelError("text: expected a tokenizer, which `load` reads beside the weights; found none")
        return self._tokens(example)

    def predict(self, examples: Iterable[Any]) -> Prediction:
        """Classifies images or texts as `prepare` takes them, of which it holds a batch at a time. Raises `ModelError`."""
        rest = iter(examples)
        parts = []
        while batch := [self.prepare(example) for example in islice(rest, self.description.prompts.batch_size)]:
            parts.append(self.classify(np.stack(batch) if self.description.image is not None else padded(batch)))
        if not parts:
            raise ModelError(f"{self.description.modality}s: expected at least one, found none")
        rows = [row for part in parts for row in part.picks]
        return Prediction(self.classes, np.concatenate([part.logits for part in parts]), rows)

    def classify(self, inputs: NDArray[Any]) -> Prediction:
        """Classifies inputs that `prepare` made: [images, 3, size, size], or the tokens of texts, [texts, tokens] with -1
        where a text is over."""
        if isinstance(self.encoder, TextEncoder):
            inputs = check_tokens(inputs, self.encoder.weights)
        else:
            size = self.description.of_images.size
            if inputs.ndim != 4 or inputs.shape[1:] != (3, size, size) or not len(inputs):
                raise ModelError(f"inputs: expected shape [images, 3, {size}, {size}], found {list(inputs.shape)}")
        rows = list(self._picks(inputs))
        return Prediction(self.classes, self.logits(self._features(inputs, rows)), rows)

    def head_inputs(self, inputs: NDArray[Any]) -> Array:
        """What the first layer of the head reads of such inputs, whitened where the model whitens; [images, values]."""
        return self._read_by_head(self._features(inputs, list(self._picks(inputs))))

    def similarities(self, inputs: NDArray[Any]) -> NDArray[np.float64]:
        """The cosine of each input's class feature without prompts with each row of the pool, [images, pool]."""
        parts = [self.encoder.features(inputs[start : start + _CHUNK], None) for start in range(0, len(inputs), _CHUNK)]
        plain: Array = np.concatenate(parts)
        if self.description.prompts.key_projection:
            return similarities(plain @ self.tensors["key.weight"].T, self._pool[:, 0])
        return similarities(plain, self._pool[:, 0])

    def logits(self, features: Array) -> Array:
        """From class features with prompts, [images, width], to logits, [images, classes]."""
        tensors = self.tensors
        x: NDArray[Any] = self._read_by_head(features)
        if self.description.head.hidden:
            x = x @ tensors["head.hidden.weight"].T + tensors["head.hidden.bias"]
        result: Array = x @ tensors["head.weight"].T + tensors["head.bias"]
        return result

    def _read_by_head(self, features: Array) -> Array:
        x: Array = features
        if self.description.head.reads == "classifier":
            classifier = self.encoder.weights.classifier
            if classifier is None:
                raise ModelError("head.reads: expected an encoder with its own classifier, found one without")
            x = x @ classifier.weight.T + classifier.bias
        if self.description.feature.whitening:
            x = np.matmul(x - self.tensors["fixed.feature.mean"], self.tensors["fixed.feature.whitening"].T)
        return x

    def _picks(self, inputs: NDArray[Any]) -> Iterator[list[int]]:
        prompts, pool = self.description.prompts, len(self._pool)
        if prompts.use != "picked" or prompts.picked >= pool:
            yield from [[] if prompts.use == "none" else list(range(pool))] * len(inputs)
            return
        cosines = self.similarities(inputs)
        for start in range(0, len(inputs), prompts.batch_size):
            yield from picks(cosines[start : start + prompts.batch_size], prompts, prompts.selection)

    def _features(self, inputs: NDArray[Any], rows: list[list[int]]) -> Array:
        chosen = np.array(rows, dtype=np.intp)
        parts = [slice(start, start + _CHUNK) for start in range(0, len(inputs), _CHUNK)]
        first = self.description.prompts.first_block
        return np.concatenate([self.encoder.features(inputs[part], self._pool[chosen[part]], first) for part in parts])
