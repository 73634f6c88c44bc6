"""Prompts files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError
from ..wire.names import PROMPTS
from ..wire.tensors import Array
from .description import ModelDescription

_FORMAT = "impromptu.prompts.v2"


@dataclass(frozen=True)
class TunedPrompts:
    """What `prompts.safetensors` holds; docs/model.md, "The prompts file"."""

    description: ModelDescription
    tensors: Mapping[str, Array]
    prompt_ids: tuple[int, ...]
    run: str
    run_id: str
    version: int
    digest: str

    @staticmethod
    def read(path: str | Path) -> TunedPrompts:
        """Reads a prompts file, or the one in a bundle or a run's folder. Raises `ModelError`."""
        from safetensors import SafetensorError, safe_open

        place = Path(path)
        if place.is_dir():
            place = place / "prompts.safetensors"
        try:
            with safe_open(place, framework="np") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{place}: expected a prompts file: {error}") from error
        for key in ("format", "model", "run", "run_id", "version", "digest", "prompt_ids"):
            if key not in metadata:
                raise ModelError(f"{place}: expected {key!r} in the metadata of a prompts file, found none")
        if metadata["format"] != _FORMAT:
            raise ModelError(f"{place}: expected the format {_FORMAT}, found {metadata['format']!r}")
        tuned = TunedPrompts(
            ModelDescription.from_json(metadata["model"], str(place)),
            tensors,
            tuple(int(word) for word in metadata["prompt_ids"].split()),
            metadata["run"],
            metadata["run_id"],
            int(metadata["version"]),
            metadata["digest"],
        )
        check_tensors(tuned.tensors, tuned.description, str(place))
        return tuned


def check_tensors(tensors: Mapping[str, Array], model: ModelDescription, where: str) -> None:
    """Raises `ModelError` where a tensor that inference needs is missing or has another shape."""
    width, head = model.encoder.width, model.head
    pool = len(tensors[PROMPTS]) if PROMPTS in tensors else 0
    expected: dict[str, tuple[int, ...]] = {PROMPTS: (pool, model.prompts.blocks * width)}
    if model.prompts.key_projection:
        expected["key.weight"] = (width, width)
    if model.feature.whitening:
        expected |= {"fixed.feature.mean": (width,), "fixed.feature.whitening": (width, width)}
    if head.hidden:
        expected |= {"head.hidden.weight": (head.hidden, head.inputs), "head.hidden.bias": (head.hidden,)}
    classes = len(model.classes)
    expected |= {"head.weight": (classes, head.hidden or head.inputs), "head.bias": (classes,)}
    for name, shape in expected.items():
        if name not in tensors:
            raise ModelError(f"{where}: expected the tensor {name}, found {', '.join(sorted(tensors))}")
        if tensors[name].shape != shape:
            raise ModelError(f"{where}: {name}: expected shape {list(shape)}, found {list(tensors[name].shape)}")
