"""How libraries name the tensors of a vision transformer; docs/encoders.md, "Libraries"."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from ..errors import ModelError


@dataclass(frozen=True)
class Layout:
    """Names without ".weight" and ".bias" where a layer is meant; `{}` stands for the number of a block."""

    title: str
    positions: str
    patches: str
    final_norm: str
    block: str
    norm1: str
    out: str
    norm2: str
    expand: str
    contract: str
    class_token: str | None = None
    """None where the feature comes from attention pooling."""
    joined: str | None = None
    """Query, key and value in one matrix, up to "weight" and "bias"."""
    query: str = ""
    key: str = ""
    value: str = ""
    extra: tuple[str, ...] = ()
    """Further tokens, in the order of their places."""
    embedding_norm: str | None = None
    scales: tuple[str, str] | None = None
    classifier: str | None = None
    marks: tuple[str, ...] = ()
    """Further tensors that all models of the library's class have."""
    interpolation: str = "centres"
    interpolation_with_registers: str | None = None

    def characteristic(self) -> list[str]:
        """The tensors by which the layout is recognised."""
        start = self.block.format(0)
        layers = [self.norm1, self.out, self.norm2, self.expand, self.contract]
        layers += [] if self.joined else [self.query, self.key, self.value]
        names = [self.positions, self.patches + ".weight", self.final_norm + ".weight", self.class_token or "head.probe"]
        names += [f"{start}{layer}.weight" for layer in layers]
        names += [f"{start}{self.joined}weight"] if self.joined else []
        names += [start + scale for scale in self.scales or ()]
        names += self.marks
        names += [self.embedding_norm + ".weight"] if self.embedding_norm else []
        return names


_TIMM = Layout(
    title="timm VisionTransformer", class_token="cls_token", positions="pos_embed", patches="patch_embed.proj",
    final_norm="norm", block="blocks.{}.", norm1="norm1", joined="attn.qkv.", out="attn.proj", norm2="norm2",
    expand="mlp.fc1", contract="mlp.fc2", classifier="head", extra=("dist_token", "reg_token"), interpolation="antialiased",
)  # fmt: skip
_TIMM_SCALED = replace(_TIMM, extra=("reg_token",), scales=("ls1.gamma", "ls2.gamma"))
_DINOV2_ORIGINAL = replace(
    _TIMM_SCALED, title="facebookresearch DinoVisionTransformer", extra=("register_tokens",), marks=("mask_token",),
    interpolation="centres", interpolation_with_registers="antialiased",
)  # fmt: skip
_VIT_5 = Layout(
    title="transformers ViTModel", class_token="embeddings.cls_token", positions="embeddings.position_embeddings",
    patches="embeddings.patch_embeddings.projection", final_norm="layernorm", block="layers.{}.",
    norm1="layernorm_before", query="attention.q_proj", key="attention.k_proj", value="attention.v_proj",
    out="attention.o_proj", norm2="layernorm_after", expand="mlp.fc1", contract="mlp.fc2",
    extra=("embeddings.distillation_token",),
)  # fmt: skip
_VIT = replace(
    _VIT_5, block="encoder.layer.{}.", query="attention.attention.query", key="attention.attention.key",
    value="attention.attention.value", out="attention.output.dense", expand="intermediate.dense", contract="output.dense",
)  # fmt: skip
_DINOV2_5 = replace(
    _VIT_5, title="transformers Dinov2Model", block="encoder.layer.{}.", norm1="norm1", norm2="norm2",
    extra=("embeddings.register_tokens",), scales=("layer_scale1.lambda1", "layer_scale2.lambda1"),
    interpolation_with_registers="antialiased",
)  # fmt: skip
_DINOV2 = replace(
    _DINOV2_5, query="attention.attention.query", key="attention.attention.key", value="attention.attention.value",
    out="attention.output.dense",
)  # fmt: skip
_TORCHVISION = Layout(
    title="torchvision VisionTransformer", class_token="class_token", positions="encoder.pos_embedding",
    patches="conv_proj", final_norm="encoder.ln", block="encoder.layers.encoder_layer_{}.", norm1="ln_1",
    joined="self_attention.in_proj_", out="self_attention.out_proj", norm2="ln_2", expand="mlp.0", contract="mlp.3",
    classifier="heads.head", interpolation="corners",
)  # fmt: skip
_CLIP = Layout(
    title="transformers CLIPVisionModel", class_token="embeddings.class_embedding",
    positions="embeddings.position_embedding.weight", patches="embeddings.patch_embedding",
    embedding_norm="pre_layrnorm", final_norm="post_layernorm", block="encoder.layers.{}.", norm1="layer_norm1",
    query="self_attn.q_proj", key="self_attn.k_proj", value="self_attn.v_proj", out="self_attn.out_proj",
    norm2="layer_norm2", expand="mlp.fc1", contract="mlp.fc2",
)  # fmt: skip

LAYOUTS = (
    _TIMM, _TIMM_SCALED, _DINOV2_ORIGINAL, _VIT_5, _VIT, _DINOV2_5, _DINOV2, _TORCHVISION,
    replace(_TORCHVISION, expand="mlp.linear_1", contract="mlp.linear_2"), _CLIP,
    replace(_CLIP, title="transformers SiglipVisionModel", class_token=None, embedding_norm=None),
)  # fmt: skip
"""In the order in which they are tried; the first among equals is taken."""


def recognised(names: Collection[str], where: str) -> tuple[Layout, str]:
    """The layout whose characteristic tensors are all there, the most of them, and what comes before their names.

    Raises `ModelError` where there is none.
    """
    known = set(names)
    best: tuple[int, Layout, str] | None = None
    for layout in LAYOUTS:
        end = layout.patches + ".weight"
        for prefix in sorted({name[: -len(end)] for name in known if name.endswith(end)}):
            expected = layout.characteristic() + [name for name in layout.extra if prefix + name in known]
            if all(prefix + name in known for name in expected) and (best is None or len(expected) > best[0]):
                best = len(expected), layout, prefix
    if best is None:
        raise ModelError(
            f"{where}: expected a vision transformer as docs/encoders.md lists them, found tensors like"
            f" {', '.join(sorted(known)[:3]) or 'none'}"
        )
    return best[1], best[2]
