"""From a text to tokens; docs/text.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ModelError
from .bert import Tokens
from .description import TextDescription
from .weights import tokenizer_files

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


class TextTokens:
    """Hugging Face's tokenizer of an encoder, as the model reads texts."""

    def __init__(self, encoder: str | Path, description: TextDescription) -> None:
        """- `encoder`: its folder, or the file of its weights. Raises `ModelError`."""
        files = tokenizer_files(encoder)
        try:
            import tokenizers
        except ImportError as error:
            raise ModelError(f"{files[0]}: texts need tokenizers: pip install tokenizers") from error
        try:
            if files[0].suffix == ".json":
                made = tokenizers.Tokenizer.from_file(str(files[0]))
            else:
                made = _of_vocabulary(files, tokenizers)
        except ModelError:
            raise
        except Exception as error:  # what tokenizers raises has no type of its own
            raise ModelError(f"{files[0]}: expected a tokenizer: {error}") from error
        made.no_padding()
        made.enable_truncation(description.maximum_length)
        self._tokenizer = made

    def __call__(self, text: str) -> Tokens:
        """The tokens of a text, class token first and separator last; [tokens]."""
        return np.array(self._tokenizer.encode(text).ids, np.int32)


def _of_vocabulary(files: list[Path], tokenizers: Any) -> Any:
    """A tokenizer of `vocab.txt`, a piece on each line."""
    said = json.loads(files[1].read_text()) if len(files) > 1 else {}
    lowercase = said.get("do_lower_case", True)
    pieces = files[0].read_bytes().decode().split("\n")
    numbers = {piece.removesuffix("\r"): number for number, piece in enumerate(pieces) if piece}
    missing = [piece for piece in ("[UNK]", "[CLS]", "[SEP]") if piece not in numbers]
    if missing:
        raise ModelError(f"{files[0]}: expected the piece {missing[0]}, found none")
    made = tokenizers.Tokenizer(
        tokenizers.models.WordPiece(numbers, unk_token="[UNK]", max_input_chars_per_word=100)
    )
    made.normalizer = tokenizers.normalizers.BertNormalizer(
        lowercase=lowercase, strip_accents=said.get("strip_accents"),
        handle_chinese_chars=said.get("tokenize_chinese_chars", True),
    )  # fmt: skip
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    made.add_special_tokens([piece for piece in _SPECIAL if piece in numbers])
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(piece, numbers[piece]) for piece in ("[CLS]", "[SEP]")]
    )
    return made
