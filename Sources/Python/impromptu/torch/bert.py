"""Prompts around encoders of texts: BERT and its kind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import ModelError
from ..model.bert import BertWeights, bert_weights
from ..model.description import EncoderDescription, ModelDescription
from ..model.tokens import TextTokens
from ..model.tuned import TunedPrompts
from ..model.weights import check_encoder, read_tensors
from .encoder import _Block, _Norm, with_prompts
from .prompted import PromptedEncoder

_UNSEEN = -1e30


class TextTransformer(nn.Module):
    """A frozen encoder of texts made of the files of a BERT, or of a model of transformers."""

    def __init__(self, weights: BertWeights, description: EncoderDescription) -> None:
        super().__init__()
        self.width, self.depth, self.classifier = description.width, description.depth, None
        self.precision = description.precision
        self.averages = description.feature == "mean"
        self.register_buffer("words", torch.tensor(weights.words))
        self.register_buffer("places", torch.tensor(weights.places))
        self.norm = _Norm(weights.norm, description.epsilon)
        self.blocks = nn.ModuleList([_Block(block, description) for block in weights.blocks])

    @staticmethod
    def load(path: str | Path, description: ModelDescription, *, check_digest: bool = True) -> TextTransformer:
        """From an encoder's folder or file; `description` says how the run reads it.

        - `check_digest`: whether weights and tokenizer must be the very files that the run is tuned around.

        Raises `impromptu.ModelError`.
        """
        tensors, digest = read_tensors(path, with_tokenizer=check_digest)
        if check_digest:
            check_encoder(digest, description, path)
        return TextTransformer(bert_weights(tensors, description.encoder, str(path)), description.encoder)

    @staticmethod
    def of(bert: nn.Module, feature: str, precision: str = "float32") -> TextTransformer:
        """A copy of transformers' `BertModel`.

        - `feature`: `class-token` or `mean`, as the run's description has it.
        - `precision`: `float32` or `bfloat16`, as the run's description has it.

        Raises `impromptu.ModelError`.
        """
        config: Any = getattr(bert, "config", None)
        activations = {"gelu": "gelu", "gelu_new": "geluTanh", "gelu_pytorch_tanh": "geluTanh"}
        if getattr(config, "model_type", None) != "bert" or getattr(config, "hidden_act", None) not in activations:
            raise ModelError(f"encoder: expected a BertModel of transformers, found {type(bert).__name__}")
        description = EncoderDescription(
            "bert", "", "", config.hidden_size, config.num_hidden_layers, config.num_attention_heads, 0, 1,
            activations[config.hidden_act], config.layer_norm_eps, 0, feature,
            precision,
        )  # fmt: skip
        tensors = {name: value.detach().float().cpu().numpy() for name, value in bert.state_dict().items()}
        return TextTransformer(bert_weights(tensors, description, type(bert).__name__), description)

    def features(self, tokens: Tensor, prompts: Tensor | None, first_block: int = 0) -> Tensor:
        """Features of texts, [texts, width].

        - `tokens`: [texts, tokens], -1 where a text is over.
        - `prompts`: [texts or 1, prompts, blocks, width]; None for none.
        - `first_block`: the block that they enter before, from 0.
        """
        texts, count = len(tokens), 0 if prompts is None else prompts.shape[1]
        if tokens.shape[1] > len(self.places):
            raise ModelError(f"tokens: expected at most {len(self.places)} of a text, found {tokens.shape[1]}")
        present = tokens >= 0
        x = self.norm(self.words[tokens.long().clamp_min(0)] + self.places[: tokens.shape[1]])
        mask = x.new_zeros(texts, 1, 1, x.shape[1]).masked_fill(~present[:, None, None], _UNSEEN)
        for index, block in enumerate(self.blocks):
            if prompts is not None and 0 <= index - first_block < prompts.shape[2]:
                x = with_prompts(x, prompts[:, :, index - first_block], replaced=index > first_block)
                if index == first_block:
                    mask = torch.cat([mask[..., :1], mask.new_zeros(texts, 1, 1, count), mask[..., 1:]], dim=-1)
            x = block.norm1(x + block.attention(x, x, mask))
            x = block.norm2(x + block.perceptron(x))
        if not self.averages:
            return x[:, 0]
        own = torch.cat([x[:, :1], x[:, 1 + count :]], dim=1) * present[:, :, None]
        return own.sum(1) / present.sum(1, keepdim=True)


class PromptedBert(PromptedEncoder):
    """A model of texts around an encoder of BERT's kind."""

    def __init__(
        self, bert: nn.Module, description: ModelDescription, tensors: Mapping[str, Any] | None = None,
        *, tokens: TextTokens | None = None,
    ) -> None:  # fmt: skip
        """- `bert`: a `TextTransformer`, or transformers' `BertModel`, which is copied.
        - `description`: of the run (`impromptu.ModelDescription.of_run`).
        - `tokens`: of a text; needed by `prepare` alone.
        """
        encoder = description.encoder
        known = bert if isinstance(bert, TextTransformer) else TextTransformer.of(bert, encoder.feature, encoder.precision)
        super().__init__(known, description, tensors)
        self._tokens = tokens

    @staticmethod
    def around(
        encoder: str | Path, description: ModelDescription, tensors: Mapping[str, Any] | None = None
    ) -> PromptedBert:
        """Around the encoder in a folder, with its tokenizer (needs tokenizers). Raises `ModelError`."""
        bert = TextTransformer.load(encoder, description)
        return PromptedBert(bert, description, tensors, tokens=TextTokens(encoder, description.of_texts))

    @staticmethod
    def load(prompts: str | Path, encoder: str | Path) -> PromptedBert:
        """From a prompts file, a bundle or a run's folder, and the encoder's folder. Raises `ModelError`."""
        tuned = TunedPrompts.read(prompts)
        return PromptedBert.around(encoder, tuned.description, tuned.tensors)

    def prepare(self, text: str) -> Tensor:
        """The tokens of a text, [tokens]."""
        if self._tokens is None:
            raise ModelError("tokens: expected a tokenizer, which `around` and `load` read beside the weights; found none")
        return torch.from_numpy(self._tokens(text)).long()
