"""A plain vision transformer under timm's names: the student, and both teachers once their tensors are renamed."""

import json
import pathlib

import torch
from torch import nn
from torch.nn import functional as F

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


class QuickGELU(nn.Module):
    def forward(self, values):
        return values * torch.sigmoid(1.702 * values)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens):
        batch, count, width = tokens.shape
        queries, keys, values = self.qkv(tokens).view(batch, count, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = queries @ keys.transpose(-2, -1) * (width // self.heads) ** -0.5
        return self.proj((scores.softmax(-1) @ values).transpose(1, 2).reshape(batch, count, width))


class Scale(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, tokens):
        return tokens * self.gamma


class Block(nn.Module):
    def __init__(self, width, heads, activation, epsilon, is_scaled):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=epsilon)
        self.attn = Attention(width, heads)
        self.ls1 = Scale(width) if is_scaled else nn.Identity()
        self.norm2 = nn.LayerNorm(width, eps=epsilon)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})
        self.act = activation
        self.ls2 = Scale(width) if is_scaled else nn.Identity()

    def forward(self, tokens):
        tokens = tokens + self.ls1(self.attn(self.norm1(tokens)))
        return tokens + self.ls2(self.mlp["fc2"](self.act(self.mlp["fc1"](self.norm2(tokens)))))


class ViT(nn.Module):
    """Images (batch, 3, side, side), values 0 to 1, to tokens (batch, 1 + patches, width), the class token first.

    `kind` is "plain" (the student), "clip" (normed before the blocks, quick GELU) or "dinov2" (LayerScale)."""

    def __init__(self, kind, side, patch, width, depth, heads, mean=IMAGENET[0], std=IMAGENET[1]):
        super().__init__()
        self.shape = {"kind": kind, "side": side, "patch": patch, "width": width, "depth": depth, "heads": heads}
        epsilon = 1e-5 if kind == "clip" else 1e-6
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, patch, patch, bias=kind != "clip")})
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.randn(1, 1 + (side // patch) ** 2, width) * 0.02)
        self.norm_pre = nn.LayerNorm(width, eps=epsilon) if kind == "clip" else nn.Identity()
        activation = QuickGELU() if kind == "clip" else nn.GELU()
        self.blocks = nn.ModuleList(Block(width, heads, activation, epsilon, kind == "dinov2") for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=epsilon)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, images):
        side = self.shape["side"]
        if images.shape[-1] != side:
            images = F.interpolate(images, (side, side), mode="bicubic", align_corners=False).clamp(0, 1)
        patches = self.patch_embed["proj"]((images - self.mean) / self.std).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token.expand(len(images), -1, -1).to(patches.dtype), patches], 1) + self.pos_embed
        tokens = self.norm_pre(tokens)
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens)


def resized_positions(positions, count):
    """Position embeddings (1, 1 + old, width) for another number of patches, bicubic over the square grid."""
    old, new = round((positions.shape[1] - 1) ** 0.5), round(count ** 0.5)
    grid = positions[:, 1:].float().reshape(1, old, old, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, (new, new), mode="bicubic", align_corners=False)
    return torch.cat([positions[:, :1].float(), grid.permute(0, 2, 3, 1).reshape(1, new * new, -1)], 1)


def load_teacher(path):
    """A teacher that `teachers.py` wrote, ready to compute with."""
    saved = torch.load(path, map_location="cpu")
    model = ViT(**saved["shape"], mean=saved["mean"], std=saved["std"])
    model.load_state_dict({name: value.float() for name, value in saved["tensors"].items()})
    return model.eval().requires_grad_(False)


def load_encoder(folder):
    """An encoder of the repository's format: config.json and model.safetensors. Its head, if any, is left out."""
    from safetensors.torch import load_file
    config = json.loads((pathlib.Path(folder) / "config.json").read_text())
    model = ViT("plain", config["img_size"], config["patch_size"], config["embed_dim"], config["depth"], config["num_heads"],
                config["pretrained_cfg"]["mean"], config["pretrained_cfg"]["std"])
    tensors = load_file(pathlib.Path(folder) / "model.safetensors")
    model.load_state_dict({name: value.float() for name, value in tensors.items() if not name.startswith("head.")})
    return model.eval().requires_grad_(False)
