#!/usr/bin/env python3
"""Writes reference cases from timm, torchvision and transformers for the test `GradientReference`.

  python3 -m venv .venv-torch && .venv-torch/bin/pip install torch torchvision timm transformers safetensors
  .venv-torch/bin/python Tests/Benchmarks/reference_cases.py cases
  IMPROMPTU_REFERENCE_DIR=$PWD/cases swift test -c release --filter GradientReference

A case is one tuning step through a small random model of one of the libraries: its weights under its own names, images,
labels, prompts and a linear head in float32; features, logits, loss and gradients computed in float64 by the library's own
modules. The prompts stand between the class token and the patches, for CLIP before its first norm."""

import argparse
import functools
import json
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer as TimmViT
from torchvision.models import VisionTransformer as TorchvisionViT
from transformers import (CLIPVisionConfig, CLIPVisionModelWithProjection, Dinov2Config, Dinov2Model, ViTConfig,
                          ViTModel)

# Width, depth, heads, image size, patch size, hidden width / width, images, prompts, classes, epsilon.
SHAPES = [
    (96, 3, 2, 32, 8, 4, 3, 4, 10, 1e-6),
    (80, 1, 5, 28, 7, 3, 1, 1, 3, 1e-5),
    (128, 4, 1, 48, 16, 2, 2, 9, 7, 1e-12),
    (48, 2, 4, 30, 5, 4, 5, 2, 100, 1e-6),
    (40, 2, 5, 16, 16, 3, 2, 3, 2, 1e-5),
    (192, 2, 3, 56, 14, 2, 2, 10, 10, 1e-12),
]
HUB_ACTIVATIONS = ["gelu", "gelu_new", "quick_gelu", "gelu_pytorch_tanh"]


def through(blocks, tokens):
    for block in blocks:
        tokens = block(tokens)
        tokens = tokens[0] if isinstance(tokens, tuple) else tokens
    return tokens


class Family:
    """A library's model, taken apart: tokens before the prompts come in, what follows, and the final norm."""

    def __init__(self, name, model, config, embed, blocks, norm, before=lambda tokens: tokens):
        self.name, self.model, self.config = name, model, config
        self.embed, self.blocks, self.norm, self.before = embed, blocks, norm, before

    def features(self, images, prompts):
        tokens = self.embed(images)
        prompts = prompts.unsqueeze(0).expand(len(tokens), -1, -1)
        tokens = self.before(torch.cat([tokens[:, :1], prompts, tokens[:, 1:]], 1))
        return self.norm(through(self.blocks, tokens))[:, 0]


def timm(number, width, depth, heads, image, patch, ratio, epsilon):
    tanh = number % 2 == 1
    model = TimmViT(
        img_size=image, patch_size=patch, embed_dim=width, depth=depth, num_heads=heads, mlp_ratio=ratio,
        num_classes=11 if tanh else 0, qkv_bias=number != 3, init_values=None if tanh else 0.1,
        norm_layer=functools.partial(torch.nn.LayerNorm, eps=epsilon),
        act_layer=functools.partial(torch.nn.GELU, approximate="tanh" if tanh else "none"))
    config = {"img_size": image, "patch_size": patch, "embed_dim": width, "depth": depth, "num_heads": heads,
              "layer_norm_eps": epsilon, "activation": "gelu_tanh" if tanh else "gelu"}
    return Family("timm/VisionTransformer", model, config, lambda x: model._pos_embed(model.patch_embed(x)),
                  model.blocks, model.norm)


def torchvision(number, width, depth, heads, image, patch, ratio, epsilon):
    model = TorchvisionViT(image, patch, depth, heads, width, width * ratio, num_classes=13)
    config = {"image_size": image, "patch_size": patch, "hidden_dim": width, "num_layers": depth, "num_heads": heads,
              "mlp_dim": width * ratio, "layer_norm_eps": 1e-6, "activation": "gelu"}

    def embed(images):
        patches = model._process_input(images)
        return torch.cat([model.class_token.expand(len(patches), -1, -1), patches], 1) + model.encoder.pos_embedding

    return Family("torchvision/VisionTransformer", model, config, embed, model.encoder.layers, model.encoder.ln)


def hub_config(number, width, depth, heads, image, patch, ratio, epsilon):
    return {"hidden_size": width, "intermediate_size": width * ratio, "num_hidden_layers": depth,
            "num_attention_heads": heads, "image_size": image, "patch_size": patch, "layer_norm_eps": epsilon,
            "hidden_act": HUB_ACTIVATIONS[number % len(HUB_ACTIVATIONS)]}


def vit(*shape):
    config = hub_config(*shape)
    model = ViTModel(ViTConfig(**config, attn_implementation="eager"))
    return Family("transformers/ViTModel", model, config, model.embeddings, model.layers, model.layernorm)


def clip(*shape):
    config = hub_config(*shape) | {"projection_dim": 8}
    model = CLIPVisionModelWithProjection(CLIPVisionConfig(**config, attn_implementation="eager"))
    tower = model.vision_model
    blocks = [functools.partial(layer, attention_mask=None) for layer in tower.encoder.layers]
    return Family("transformers/CLIPVisionModelWithProjection", model, config, tower.embeddings, blocks,
                  tower.post_layernorm, before=tower.pre_layrnorm)


def dinov2(number, *shape):
    config = hub_config(number, *shape) | {"hidden_act": "gelu", "mlp_ratio": shape[5], "qkv_bias": number != 3}
    del config["intermediate_size"]
    model = Dinov2Model(Dinov2Config(**config, attn_implementation="eager"))
    return Family("transformers/Dinov2Model", model, config, model.embeddings, model.encoder.layer, model.layernorm)


def fill(model, random):
    """Weights of a size at which every part of the model matters, the norms' and the scales' too."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=random)
        with torch.no_grad():
            if "norm" in name or ".ln" in name:
                parameter.copy_(0.2 * noise + (1 if name.endswith("weight") else 0))
            elif "lambda" in name or "gamma" in name:
                parameter.copy_(0.5 + 0.3 * noise)
            else:
                parameter.copy_(noise * (0.5 / parameter.shape[-1] ** 0.5 if parameter.dim() > 1 else 0.1))


def write(folder, make, number):
    width, depth, heads, image, patch, ratio, images, prompts, classes, epsilon = SHAPES[number]
    random = torch.Generator().manual_seed(number)
    family = make(number, width, depth, heads, image, patch, ratio, epsilon)
    fill(family.model, random)
    tensors = {f"model.{name}": value.detach().clone() for name, value in family.model.state_dict().items()
               if value.is_floating_point()}
    trained = {"prompts": 0.5 * torch.randn(prompts, width, generator=random),
               "head.weight": torch.randn(classes, width, generator=random) / width ** 0.5,
               "head.bias": 0.1 * torch.randn(classes, generator=random)}
    tensors |= {f"input.{name}": value for name, value in trained.items()}
    tensors["input.images"] = torch.randn(images, 3, image, image, generator=random)
    tensors["input.labels"] = torch.randint(0, classes, (images,), generator=random)

    family.model.double().eval()
    exact = {name: value.double().requires_grad_() for name, value in trained.items()}
    features = family.features(tensors["input.images"].double(), exact["prompts"])
    logits = features @ exact["head.weight"].T + exact["head.bias"]
    loss = F.cross_entropy(logits, tensors["input.labels"])
    loss.backward()
    tensors |= {"expected.features": features.detach(), "expected.logits": logits.detach(),
                "expected.loss": loss.detach().reshape(1)}
    tensors |= {f"expected.grad.{name}": value.grad for name, value in exact.items()}
    path = folder / f"{make.__name__}-{width}x{depth}x{heads}-{image}p{patch}.safetensors"
    save_file({name: value.contiguous() for name, value in tensors.items()}, path,
              metadata={"family": family.name, "config": json.dumps(family.config)})
    print(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for make in (timm, torchvision, vit, clip, dinov2):
        for number in range(len(SHAPES)):
            write(folder, make, number)


if __name__ == "__main__":
    main()
