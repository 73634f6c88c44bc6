"""A client's samples, whatever holds them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import ConfigurationError


_ENDINGS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png")


class Samples:
    """Prepared images, or the tokens of texts, and their labels by place.

    Made of a PyTorch data set (whose items are an image and a label), of a pair of tensors, or of any two sequences.
    """

    def __init__(
        self, dataset: Any, labels: Sequence[int] | None = None, *, prepare: Callable[[Any], Any] | None = None
    ) -> None:
        """- `dataset`: items are ``(image, label)``, or images where `labels` are given; or the pair ``(images, labels)``.
        - `prepare`: from an item's image or text to the encoder's input, [3, size, size] or the tokens [tokens]; None
          where they are that already.

        Raises `ConfigurationError` for numbers that do not fit. All labels are read at once.
        """
        self._prepare = prepare
        if labels is None and isinstance(dataset, (tuple, list)) and len(dataset) == 2 and len(dataset[0]) == len(dataset[1]):
            dataset, labels = dataset
        self._has_pairs = labels is None
        self._dataset = dataset
        if labels is None:
            labels = getattr(dataset, "targets", None)
        if labels is None:
            labels = [dataset[place][1] for place in range(len(dataset))]
        self.labels = [int(label) for label in labels]
        if len(self.labels) != len(dataset):
            raise ConfigurationError(f"labels: expected {len(dataset)}, as many as images, found {len(self.labels)}")

    @staticmethod
    def of_folder(folder: str | Path, classes: Sequence[str], prepare: Callable[[Any], Any]) -> Samples:
        """The images of a folder with a folder for each class, decoded when they are used; needs Pillow.

        - `classes`: the federation's, in its order; a folder of another name is refused (`ConfigurationError`).
        """
        files: list[Path] = []
        labels: list[int] = []
        for place in sorted(path for path in Path(folder).iterdir() if path.is_dir() and path.name[0] != "."):
            if place.name not in classes:
                raise ConfigurationError(f"{place}: expected a class of {', '.join(classes)}, found {place.name!r}")
            found = sorted(path for path in place.iterdir() if path.suffix.lower() in _ENDINGS)
            files += found
            labels += [list(classes).index(place.name)] * len(found)
        if not files:
            raise ConfigurationError(f"{folder}: expected images in folders of their classes, found none")
        return Samples(files, labels, prepare=prepare)

    @staticmethod
    def of_table(file: str | Path, classes: Sequence[str], prepare: Callable[[str], Any]) -> Samples:
        """The texts of a table with a header and the columns `text` and `label`, as docs/text.md has them: comma-separated,
        or tab-separated where its name ends with .tsv. They are tokenized when they are used.

        - `classes`: the federation's, in its order; another label is refused (`ConfigurationError`, with the line).
        """
        numbers = {name: number for number, name in enumerate(classes)}
        has_tabs = Path(file).suffix.lower() == ".tsv"
        texts: list[str] = []
        labels: list[int] = []
        try:
            with open(file, encoding="utf-8-sig", newline="") as stream:
                rows = csv.DictReader(
                    stream, strict=True, delimiter="\t" if has_tabs else ",",
                    quoting=csv.QUOTE_NONE if has_tabs else csv.QUOTE_MINIMAL,
                )  # fmt: skip
                if not {"text", "label"} <= set(rows.fieldnames or ()):
                    raise ConfigurationError(f"{file}: expected the columns text and label, found {rows.fieldnames or 'none'}")
                for row in rows:
                    if None in row:
                        known = len(rows.fieldnames or ())
                        raise ConfigurationError(
                            f"{file}:{rows.line_num}: expected {known} fields, found {known + len(row[None])}"
                        )
                    text, label = row["text"], row["label"]
                    if not text or label not in numbers:
                        found = f"the class {label!r}" if text else "no text"
                        raise ConfigurationError(
                            f"{file}:{rows.line_num}: expected a text and a class of {', '.join(classes)}, found {found}"
                        )
                    texts.append(text)
                    labels.append(numbers[label])
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise ConfigurationError(f"{file}: expected a table of texts: {error}") from error
        if not texts:
            raise ConfigurationError(f"{file}: expected texts, found none")
        return Samples(texts, labels, prepare=prepare)

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, places: Sequence[int], device: torch.device) -> tuple[Tensor, Tensor]:
        """Images [n, 3, size, size] as float32, or tokens [n, tokens] with -1 where a text is over, and labels [n]; on the
        device."""
        images = [self._dataset[place][0] if self._has_pairs else self._dataset[place] for place in places]
        if self._prepare is not None:
            images = [self._prepare(image) for image in images]
        found = [torch.as_tensor(image) for image in images]
        if all(input.ndim == 1 and not input.is_floating_point() for input in found):
            stacked = nn.utils.rnn.pad_sequence([input.long() for input in found], batch_first=True, padding_value=-1)
        else:
            stacked = torch.stack([input.float() for input in found])
        labels = torch.tensor([self.labels[place] for place in places])
        return stacked.to(device), labels.to(device)
