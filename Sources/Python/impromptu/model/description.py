"""The description of a model, as prompts files and runs hold it: docs/model.md calls its values by these names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ConfigurationError, ModelError
from ..wire import LABEL_BYTES, MODEL_FIELDS
from ..wire import impromptu_pb2 as pb


PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class ImageDescription:
    """How an image becomes the encoder's input, [channels, size, size]."""

    size: int
    shorter_side: int
    crop: str
    interpolation: str
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class TextDescription:
    """How a text becomes tokens."""

    maximum_length: int
    """Tokens that are read, class token and separator among them."""
    tokenizer: str
    vocabulary: int
    lowercase: bool
    strip_accents: bool


@dataclass(frozen=True)
class EncoderDescription:
    """The frozen encoder, and what no tensor of it says."""

    family: str
    library: str
    digest: str
    width: int
    depth: int
    heads: int
    hidden: int
    patch_size: int
    activation: str
    epsilon: float
    extra_tokens: int
    feature: str
    precision: str = "float32"
    """What products with the weights of the blocks are computed in."""


@dataclass(frozen=True)
class PromptsDescription:
    """The pool's geometry, and which of its prompts an image uses."""

    use: str
    picked: int
    length: int
    width: int
    blocks: int
    """Blocks that prompts of their own stand before."""
    selection: str
    batch_size: int
    key_projection: bool
    first_block: int = 0
    """The first block that prompts stand before, from 0; 0 where a file does not say it."""


@dataclass(frozen=True)
class FeatureDescription:
    """What becomes of the class feature before the head reads it."""

    whitening: bool


@dataclass(frozen=True)
class HeadDescription:
    """What is trained behind the class feature."""

    reads: str
    inputs: int
    hidden: int
    personal: bool


@dataclass(frozen=True)
class ModelDescription:
    """All that inference needs beside the tuned tensors and the encoder's weights."""

    modality: str
    classes: tuple[str, ...]
    image: ImageDescription | None
    """None for texts."""
    text: TextDescription | None
    """None for images."""
    encoder: EncoderDescription
    prompts: PromptsDescription
    feature: FeatureDescription
    head: HeadDescription

    @staticmethod
    def from_json(text: str, where: str) -> ModelDescription:
        """Reads the JSON of a prompts file or of `model.json`; `where` names it in errors (`ModelError`)."""
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise ModelError(f"{where}: model: expected JSON: {error}") from error
        if isinstance(found, dict) and found.get("modality") not in ("image", "text"):
            raise ModelError(f"{where}: model.modality: expected 'image' or 'text', found {found.get('modality')!r}")
        description: ModelDescription = _read(ModelDescription, found, f"{where}: model")
        description._check(where)
        return description

    @staticmethod
    def of_run(run: str | Path) -> ModelDescription:
        """What the clients of a run must have in common, from the `model.json` in its folder or a bundle."""
        path = Path(run) / "model.json"
        try:
            return ModelDescription.from_json(path.read_text(), str(path))
        except OSError as error:
            raise ModelError(f"{path}: expected the description of a run's model: {error.strerror}") from error

    @property
    def of_images(self) -> ImageDescription:
        """How images are prepared. Raises `ModelError` for a model of texts."""
        if self.image is None:
            raise ModelError("model.modality: expected 'image', found 'text'")
        return self.image

    @property
    def of_texts(self) -> TextDescription:
        """How texts are prepared. Raises `ModelError` for a model of images."""
        if self.text is None:
            raise ModelError("model.modality: expected 'text', found 'image'")
        return self.text

    def _check(self, where: str) -> None:
        if (self.image if self.modality == "image" else self.text) is None:
            raise ModelError(f"{where}: model.{self.modality}: expected a value, found none")
        words: tuple[tuple[str, str, tuple[str, ...]], ...]
        if self.image is not None:
            words = (
                ("image.crop", self.image.crop, ("center",)),
                ("image.interpolation", self.image.interpolation, ("bicubic-antialiased",)),
                ("encoder.feature", self.encoder.feature, ("class-token", "attention-pooling")),
            )
        else:
            words = (
                ("text.tokenizer", self.of_texts.tokenizer, ("wordpiece",)),
                ("encoder.feature", self.encoder.feature, ("class-token", "mean")),
            )
        words += (
            ("encoder.precision", self.encoder.precision, PRECISIONS),
            ("encoder.activation", self.encoder.activation, ("gelu", "geluTanh", "quickGelu")),
            ("prompts.use", self.prompts.use, ("picked", "all", "none")),
            ("prompts.selection", self.prompts.selection, ("instance", "batch")),
            ("head.reads", self.head.reads, ("feature", "classifier")),
        )
        for name, value, expected in words:
            if value not in expected:
                raise ModelError(f"{where}: model.{name}: expected one of {', '.join(expected)}, found {value!r}")
        blocks, depth = self.prompts.blocks, self.encoder.depth
        for name, count, least, most in (
            ("blocks", blocks, 1, depth),
            ("first_block", self.prompts.first_block, 0, depth - blocks),
        ):
            if not least <= count <= most:
                bound = f"least {least}" if count < least else f"most {most}"
                raise ModelError(f"{where}: model.prompts.{name}: expected at {bound}, found {count}")

    def fields(self) -> dict[str, str]:
        """Every value by its name, as in ``classes[3]`` or ``encoder.digest``, in the order of the wire."""
        named = {"modality": self.modality, "classes": str(len(self.classes))}
        named |= {f"classes[{place}]": name for place, name in enumerate(self.classes)}
        for group in ("image", "text", "encoder", "prompts", "feature", "head"):
            part = getattr(self, group)
            if part is None:
                continue
            named |= {f"{group}.{field.name}": _text(getattr(part, field.name)) for field in fields(part)}
        if not self.prompts.first_block:  # without it the model is that of a run which does not know the field
            del named["prompts.first_block"]
        return named

    def with_weights(self, path: str | Path) -> ModelDescription:
        """The same model around the encoder at `path`: with the digest of its files. Raises `ModelError`."""
        from .weights import read_tensors

        digest = read_tensors(path, with_tokenizer=self.text is not None)[1]
        return replace(self, encoder=replace(self.encoder, digest=digest))

    def specification(self) -> ModelSpecification:
        """What `join` sends, so that the run refuses another model and names the first field that differs."""
        named = self.fields()
        # Each name and value is preceded by its length, so that no two lists give the same bytes.
        texts = [text for pair in named.items() for text in pair]
        bytes_ = b"".join(f"{len(text.encode())}:{text}".encode() for text in texts)
        return ModelSpecification(named, hashlib.sha256(bytes_).hexdigest())


@dataclass(frozen=True)
class ModelSpecification:
    """What all clients of a run must have in common; the run refuses another, naming the first field that differs."""

    fields: Mapping[str, str]
    """In the run's order, for example ``{"classes[0]": "cat", …}``."""
    digest: str
    """Of the fields, in hexadecimal."""

    def __post_init__(self) -> None:
        if len(self.fields) > MODEL_FIELDS:
            raise ConfigurationError(f"model: expected at most {MODEL_FIELDS} fields, found {len(self.fields)}")
        for name, value in (*self.fields.items(), ("digest", self.digest)):
            if len(value.encode()) > LABEL_BYTES:
                raise ConfigurationError(f"model.{name}: expected at most {LABEL_BYTES} bytes, found {value[:40]!r}…")

    def _to_wire(self) -> pb.ModelSpecification:
        fields = [pb.ModelField(name=name, value=value) for name, value in self.fields.items()]
        return pb.ModelSpecification(digest=self.digest, fields=fields)


def _text(value: object) -> str:
    """A value as the wire has it: numbers with a fraction as the shortest text that gives the same float32."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(np.float32(value))
    if isinstance(value, tuple):
        return " ".join(_text(part) for part in value)
    return str(value)


_OR_NONE = " | None"
_MAY_BE_ABSENT = ("first_block",)
_KINDS: dict[str, tuple[type, ...]] = {
    "int": (int,), "float": (float, int), "str": (str,), "bool": (bool,),
    "tuple[float, ...]": (list,), "tuple[str, ...]": (list,),
}  # fmt: skip


def _read(kind: Any, found: Any, where: str) -> Any:
    """A dataclass from a JSON object, whose further fields do not count."""
    if not isinstance(found, dict):
        raise ModelError(f"{where}: expected a JSON object, found {found!r}")
    values: dict[str, Any] = {}
    for field in fields(kind):
        place = f"{where}.{field.name}"
        optional = str(field.type).endswith(_OR_NONE)
        if optional and found.get(field.name) is None:
            values[field.name] = None
            continue
        if field.name not in found:
            if field.name in _MAY_BE_ABSENT:
                continue
            raise ModelError(f"{place}: expected a value, found none")
        value: Any = found[field.name]
        annotation = str(field.type).removesuffix(_OR_NONE)
        if annotation not in _KINDS:
            values[field.name] = _read(globals()[annotation], value, place)
            continue
        if not isinstance(value, _KINDS[annotation]) or (isinstance(value, bool) and annotation != "bool"):
            raise ModelError(f"{place}: expected {annotation}, found {value!r}")
        values[field.name] = _converted(value, annotation)
    return kind(**values)


def _converted(value: Any, annotation: str) -> Any:
    if annotation == "float":
        return float(value)
    if annotation == "tuple[float, ...]":
        return tuple(float(part) for part in value)
    return tuple(str(part) for part in value) if annotation == "tuple[str, ...]" else value
