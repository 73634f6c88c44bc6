"""The weights of an encoder: read from the files that docs/encoders.md lists, and brought into one form for all libraries."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ModelError
from ..wire.tensors import Array
from .description import EncoderDescription, ModelDescription
from .layouts import Layout, recognised
from .positions import resampled

_INDEX = ".safetensors.index.json"


@dataclass(frozen=True)
class Linear:
    """y = W x + b; of a norm the scale and the shift."""

    weight: Array
    bias: Array


@dataclass(frozen=True)
class Block:
    """A transformer block; query, key and value are one matrix, [3 · width, width]."""

    norm1: Linear
    qkv: Linear
    out: Linear
    norm2: Linear
    expand: Linear
    contract: Linear
    scales: tuple[Array, Array] | None
    """LayerScale's factors for attention and perceptron."""


@dataclass(frozen=True)
class EncoderWeights:
    """A vision transformer in one form, whatever library saved it. All values are float32."""

    patches: Array
    """The patch convolution as a matrix, [width, 3 · patch²]."""
    offsets: Array
    """Position and convolution bias of each patch, [patches, width]."""
    fixed: Array
    """Class token (zeros where there is none), distillation token, registers, with their positions; [1 + extra, width]."""
    embedding_norm: Linear | None
    blocks: tuple[Block, ...]
    final_norm: Linear
    probe: Array | None
    """The query of the attention pooling, [1, width], whose other parts are `pooling`; None where there is a class token."""
    pooling: Block | None
    classifier: Linear | None


def read_tensors(path: str | Path, *, with_tokenizer: bool = False) -> tuple[dict[str, Any], str]:
    """The tensors of a model under their own names, and the SHA-256 digest of its files.

    - `path`: a folder, a `*.safetensors` file, or the index of shards.
    - `with_tokenizer`: whether the digest covers the tokenizer beside the weights, as that of an encoder of texts does.

    Raises `ModelError`.
    """
    place = _file(path)
    files, listed = [place], [place]
    if place.name.endswith(_INDEX):
        try:
            shards = set(json.loads(place.read_text())["weight_map"].values())
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise ModelError(f"{place}: expected an index of shards with 'weight_map': {error}") from error
        files = [place.parent / shard for shard in sorted(shards)]
        listed = [place, *files]
    if with_tokenizer:
        listed += tokenizer_files(path)
    tensors: dict[str, Any] = {}
    for file in files:
        tensors.update(_read_file(file))
    digests = [hashlib.sha256(file.read_bytes()) for file in listed]
    whole = digests[0] if len(digests) == 1 else hashlib.sha256(b"".join(digest.digest() for digest in digests))
    return tensors, whole.hexdigest()


def tokenizer_files(path: str | Path) -> list[Path]:
    """The files beside the weights that say how texts become tokens; the first has the vocabulary.

    Raises `ModelError` where there is none.
    """
    folder = _file(path).parent
    if (folder / "tokenizer.json").exists():
        return [folder / "tokenizer.json"]
    vocabulary, settings = folder / "vocab.txt", folder / "tokenizer_config.json"
    if not vocabulary.exists():
        raise ModelError(f"{folder}: expected tokenizer.json or vocab.txt beside the weights, found neither")
    return [vocabulary, settings] if settings.exists() else [vocabulary]


def check_encoder(digest: str, description: ModelDescription, path: str | Path) -> None:
    """Raises `ModelError` where weights with that digest are not the encoder that is described."""
    wanted = description.encoder
    if digest != wanted.digest:
        raise ModelError(
            f"{path}: expected the encoder with digest {wanted.digest} ({wanted.library}, width {wanted.width}), found {digest}"
        )


def _file(path: str | Path) -> Path:
    """The weights' file, or the index of their shards."""
    place = Path(path)
    return _in_folder(place) if place.is_dir() else place


def _in_folder(folder: Path) -> Path:
    for name in ("model.safetensors", "model" + _INDEX):
        if (folder / name).exists():
            return folder / name
    found = sorted(folder.glob("*.safetensors"))
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        raise ModelError(f"{folder}: expected model.safetensors or one other *.safetensors file, found {names}")
    return found[0]


def _read_file(file: Path) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="np") as opened:
            return {name: _floats(opened.get_tensor(name), f"{file}: {name}") for name in opened.keys()}
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{file}: expected a safetensors file: {error}") from error


def _floats(values: Any, where: str) -> Any:
    """As float32 where it holds floating numbers; bfloat16 comes as a type of its own, which numpy converts."""
    array = np.asarray(values)
    if array.dtype.kind not in "fV" and array.dtype.name != "bfloat16":
        return array
    array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise ModelError(f"{where}: expected finite values, found {int((~np.isfinite(array)).sum())} that are not")
    return array


def unified(tensors: Mapping[str, Any], description: EncoderDescription, image_size: int, where: str) -> EncoderWeights:
    """The weights in one form, with positions for images of `image_size` pixels.

    - `where`: names the file in errors (`ModelError`).
    """
    layout, prefix = recognised(tensors, where)
    return _Reader(tensors, layout, prefix, description, where).weights(image_size)


class _Reader:
    """Takes one library's tensors by their names, checking shapes."""

    def __init__(
        self, tensors: Mapping[str, Any], layout: Layout, prefix: str, description: EncoderDescription, where: str
    ) -> None:
        self.tensors, self.layout, self.prefix, self.description, self.where = tensors, layout, prefix, description, where

    def weights(self, image_size: int) -> EncoderWeights:
        layout, width = self.layout, self.description.width
        patch = self.description.patch_size
        fixed, offsets = self._tokens(image_size // patch)
        pools = self.description.feature == "attention-pooling"
        probe = self.get("head.probe", (1, width)) if pools else None
        classifier = None
        if layout.classifier and self.has(layout.classifier + ".weight"):
            classes = len(self.tensors[f"{self.prefix}{layout.classifier}.weight"])
            classifier = self.linear(layout.classifier, classes, width)
        return EncoderWeights(
            patches=self.get(layout.patches + ".weight", (width, 3, patch, patch)).reshape(width, -1),
            offsets=offsets,
            fixed=fixed,
            embedding_norm=self.norm(layout.embedding_norm) if layout.embedding_norm else None,
            blocks=tuple(self.block(layout.block.format(index)) for index in range(self.description.depth)),
            final_norm=self.norm(layout.final_norm),
            probe=probe,
            pooling=self._pooling() if pools else None,
            classifier=classifier,
        )

    def has(self, name: str) -> bool:
        return self.prefix + name in self.tensors

    def get(self, name: str, shape: tuple[int, ...]) -> Array:
        """A tensor of that shape; extents of 1 in front say nothing."""
        if not self.has(name):
            raise ModelError(f"{self.where}: expected the tensor {self.prefix + name}, found none")
        array: Array = self.tensors[self.prefix + name]
        if [extent for extent in array.shape if extent != 1] != [extent for extent in shape if extent != 1]:
            raise ModelError(
                f"{self.where}: {self.prefix + name}: expected shape {list(shape)}, found {list(array.shape)}"
            )
        return array.reshape(shape)

    def linear(self, name: str, outputs: int, inputs: int) -> Linear:
        """A layer; a library may leave its bias out."""
        bias = self.get(name + ".bias", (outputs,)) if self.has(name + ".bias") else np.zeros(outputs, np.float32)
        return Linear(self.get(name + ".weight", (outputs, inputs)), bias)

    def norm(self, name: str) -> Linear:
        width = self.description.width
        return Linear(self.get(name + ".weight", (width,)), self.get(name + ".bias", (width,)))

    def _joined(self, name: str) -> Linear:
        width = self.description.width
        bias = np.zeros(3 * width, np.float32)
        if self.has(name + "bias"):
            bias = self.get(name + "bias", (3 * width,))
        return Linear(self.get(name + "weight", (3 * width, width)), bias)

    def block(self, start: str) -> Block:
        """The block whose tensors' names begin so."""
        layout, width, hidden = self.layout, self.description.width, self.description.hidden
        if layout.joined:
            qkv = self._joined(start + layout.joined)
        else:
            parts = [self.linear(start + name, width, width) for name in (layout.query, layout.key, layout.value)]
            qkv = Linear(np.concatenate([part.weight for part in parts]), np.concatenate([part.bias for part in parts]))
        scales = None
        if layout.scales:
            scales = self.get(start + layout.scales[0], (width,)), self.get(start + layout.scales[1], (width,))
        elif self.has(start + "ls1.gamma"):
            raise ModelError(f"{self.where}: {self.prefix}{start}ls1.gamma: expected no LayerScale in a {layout.title}")
        return Block(
            norm1=self.norm(start + layout.norm1),
            qkv=qkv,
            out=self.linear(start + layout.out, width, width),
            norm2=self.norm(start + layout.norm2),
            expand=self.linear(start + layout.expand, hidden or self._hidden(start), width),
            contract=self.linear(start + layout.contract, width, hidden or self._hidden(start)),
            scales=scales,
        )

    def _hidden(self, start: str) -> int:
        """Where the description does not say it, what the tensors say."""
        return len(self.tensors[f"{self.prefix}{start}{self.layout.expand}.weight"])

    def _pooling(self) -> Block:
        width = self.description.width
        hidden = len(self.get("head.mlp.fc1.bias", self.tensors[f"{self.prefix}head.mlp.fc1.bias"].shape))
        return Block(
            norm1=self.norm(self.layout.final_norm),
            qkv=self._joined("head.attention.in_proj_"),
            out=self.linear("head.attention.out_proj", width, width),
            norm2=self.norm("head.layernorm"),
            expand=self.linear("head.mlp.fc1", hidden, width),
            contract=self.linear("head.mlp.fc2", width, hidden),
            scales=None,
        )

    def _tokens(self, grid: int) -> tuple[Array, Array]:
        """The tokens that all images share, and what is added to each patch's."""
        layout, width = self.layout, self.description.width
        first = np.zeros((1, width), np.float32)
        if layout.class_token:
            first = self.get(layout.class_token, (1, width))
        extra = [
            self.get(name, (math.prod(self.tensors[self.prefix + name].shape) // width, width))
            for name in layout.extra
            if self.has(name)
        ]
        fixed = np.concatenate([first, *extra])
        table = self.tensors[self.prefix + layout.positions].reshape(-1, width)
        placed = self._placed(len(table), len(fixed))
        fixed[:placed] += table[:placed]
        hasregisters = any(self.has(name) for name in layout.extra if "register" in name)
        manner = (layout.interpolation_with_registers if hasregisters else None) or layout.interpolation
        offsets = resampled(table[placed:], manner, grid)
        if self.has(layout.patches + ".bias"):
            offsets = offsets + self.get(layout.patches + ".bias", (width,))
        return fixed, offsets

    def _placed(self, positions: int, tokens: int) -> int:
        """How many tokens before the patches have a position: what is left is a square of patches."""
        if self.layout.class_token is None:
            candidates = [0]
        elif self.layout.title.startswith("timm"):
            candidates = [tokens, 0]
        else:
            candidates = [2 if any(self.has(name) for name in self.layout.extra if "dist" in name) else 1]
        for placed in candidates:
            if math.isqrt(max(positions - placed, 0)) ** 2 == positions - placed:
                return placed
        raise ModelError(
            f"{self.where}: {self.prefix}{self.layout.positions}: expected {candidates[0]} + a square number of positions,"
            f" found {positions}"
        )
