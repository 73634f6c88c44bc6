"""The encoder of docs/model.md, section 2, in PyTorch."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..model.description import EncoderDescription, ModelDescription
from ..model.weights import Block, EncoderWeights, Linear, check_encoder, read_tensors, unified


class _Affine(nn.Module):
    """A frozen weight with its bias."""

    def __init__(self, layer: Linear) -> None:
        super().__init__()
        self.register_buffer("weight", torch.tensor(layer.weight))
        self.register_buffer("bias", torch.tensor(layer.bias))


class _Linear(_Affine):
    """- `rounds`: whether both factors of its products are rounded to bfloat16, forward and backward; sums are float32."""

    def __init__(self, layer: Linear, rounds: bool = False) -> None:
        super().__init__(layer)
        self.rounds = rounds
        if rounds:
            self.register_buffer("weight", _rounded(torch.tensor(layer.weight)))

    def forward(self, x: Tensor) -> Tensor:
        return self.applied(x, slice(None))

    def applied(self, x: Tensor, rows: slice) -> Tensor:
        """The outputs in these rows of the weight."""
        weight, bias = self.weight[rows], self.bias[rows]
        if self.rounds:
            product: Tensor = _RoundedProduct.apply(x, weight)
            return product + bias
        return F.linear(x, weight, bias)


def _rounded(x: Tensor) -> Tensor:
    """To bfloat16 and back to float32, in which products of such values are exact."""
    return x.bfloat16().float()


class _RoundedProduct(torch.autograd.Function):
    """x Wᵀ for W in bfloat16, x rounded to it; backward the gradient is."""

    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor) -> Tensor:
        context.save_for_backward(weight)
        return _rounded(x) @ weight.T

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (weight,) = context.saved_tensors
        return _rounded(gradients[0]) @ weight, None


class _Norm(_Affine):
    def __init__(self, layer: Linear, epsilon: float) -> None:
        super().__init__(layer)
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x.float(), self.weight.shape, self.weight, self.bias, self.epsilon)


class _Block(nn.Module):
    """A transformer block; of the attention pooling the parts that it has."""

    def __init__(self, block: Block, description: EncoderDescription) -> None:
        super().__init__()
        self.heads, self.activation = description.heads, description.activation
        self.norm1, self.norm2 = _Norm(block.norm1, description.epsilon), _Norm(block.norm2, description.epsilon)
        rounds = description.precision == "bfloat16"
        self.qkv, self.out = _Linear(block.qkv, rounds), _Linear(block.out, rounds)
        self.expand, self.contract = _Linear(block.expand, rounds), _Linear(block.contract, rounds)
        scales = block.scales or (None, None)
        for name, values in zip(("scale1", "scale2"), scales):
            self.register_buffer(name, None if values is None else torch.tensor(values))

    def attention(self, queries: Tensor, seen: Tensor, mask: Tensor | None = None) -> Tensor:
        """Of the queries [images, n, width] over what they see [images, m, width].

        - `mask`: added to the scores, [images, 1, 1, m].
        """
        width = self.out.weight.shape[0]  # a constant, which a graph can hold

        def projected(part: int, x: Tensor) -> Tensor:
            rows = slice(part * width, (part + 1) * width)
            values = self.qkv.applied(x, rows)
            return values.reshape(*x.shape[:2], self.heads, width // self.heads).transpose(1, 2)

        query, key, value = projected(0, queries), projected(1, seen), projected(2, seen)
        scores = query @ key.transpose(2, 3) / math.sqrt(width / self.heads)
        shares = (scores if mask is None else scores + mask).softmax(-1)
        return self.out((shares @ value).transpose(1, 2).reshape(queries.shape))

    def perceptron(self, x: Tensor) -> Tensor:
        """[…, width] to [..., width]."""
        z = self.expand(x)
        if self.activation == "quickGelu":
            z = z * torch.sigmoid(1.702 * z)
        else:
            z = F.gelu(z, approximate="tanh" if self.activation == "geluTanh" else "none")
        return self.contract(z)

    def forward(self, x: Tensor, skipped: int) -> Tensor:
        """No token looks at the first `skipped` rows."""
        normed = self.norm1(x)
        change = self.attention(normed, normed[:, skipped:])
        x = x + (change if self.scale1 is None else change * self.scale1)
        change = self.perceptron(self.norm2(x))
        return x + (change if self.scale2 is None else change * self.scale2)


def with_prompts(x: Tensor, part: Tensor, replaced: bool, start: int = 1) -> Tensor:
    """Rows with prompts behind the first `start`, [examples, rows, width].

    - `part`: of the prompts, [examples or 1, prompts, width].
    - `replaced`: whether they take the place of rows that are there.
    """
    rest = start + (part.shape[1] if replaced else 0)
    return torch.cat([x[:, :start], part.to(x.dtype).expand(x.shape[0], -1, -1), x[:, rest:]], dim=1)


class VisionTransformer(nn.Module):
    """A frozen vision transformer made of an encoder's files, of any family of docs/encoders.md."""

    def __init__(self, weights: EncoderWeights, description: EncoderDescription) -> None:
        super().__init__()
        self.width, self.depth, self.precision = description.width, description.depth, description.precision
        self.patch, self.pools = description.patch_size, weights.pooling is not None
        self.register_buffer("patches", torch.tensor(weights.patches))
        self.register_buffer("offsets", torch.tensor(weights.offsets))
        self.register_buffer("fixed", torch.tensor(weights.fixed))
        self.register_buffer("probe", None if weights.probe is None else torch.tensor(weights.probe))
        norm = weights.embedding_norm
        self.embedding_norm = _Norm(norm, description.epsilon) if norm else nn.Identity()
        self.blocks = nn.ModuleList([_Block(block, description) for block in weights.blocks])
        self.final_norm = _Norm(weights.final_norm, description.epsilon)
        self.pooling = _Block(weights.pooling, description) if weights.pooling else None
        self.classifier = _Linear(weights.classifier) if weights.classifier else None

    @staticmethod
    def load(path: str | Path, description: ModelDescription, *, check_digest: bool = True) -> VisionTransformer:
        """From an encoder's folder or file; `description` says how the run reads it.

        - `check_digest`: whether the weights must be the very files that the run is tuned around.

        Raises `impromptu.ModelError`.
        """
        tensors, digest = read_tensors(path)
        if check_digest:
            check_encoder(digest, description, path)
        weights = unified(tensors, description.encoder, description.of_images.size, str(path))
        return VisionTransformer(weights, description.encoder)

    def features(self, images: Tensor, prompts: Tensor | None, first_block: int = 0) -> Tensor:
        """Class features, [images, width].

        - `images`: prepared inputs, [images, 3, size, size].
        - `prompts`: [images or 1, prompts, blocks, width]; None for none.
        - `first_block`: the block that they enter before, from 0.
        """
        x = self._embedded(images)
        for index, block in enumerate(self.blocks):
            if prompts is not None and 0 <= index - first_block < prompts.shape[2]:
                part = prompts[:, :, index - first_block]
                x = with_prompts(x, part if index else self.embedding_norm(part), replaced=index > first_block)
            x = block(x, 1 if self.pools else 0)
        if self.pooling is None:
            return self.final_norm(x[:, 0])
        u = self.pooling.attention(self.probe.expand(x.shape[0], -1, -1), self.pooling.norm1(x[:, 1:]))
        return (u + self.pooling.perceptron(self.pooling.norm2(u)))[:, 0]

    def _embedded(self, images: Tensor) -> Tensor:
        rows = F.unfold(images, self.patch, stride=self.patch).transpose(1, 2)
        patches = rows @ self.patches.T + self.offsets
        fixed = self.fixed.expand(images.shape[0], -1, -1)
        return self.embedding_norm(torch.cat([fixed, patches], dim=1))
