#!/usr/bin/env python3
"""Writes reference cases from timm, torchvision and transformers for the test `GradientReference`.

  python3 -m venv .venv-torch && .venv-torch/bin/pip install torch torchvision timm transformers safetensors
  .venv-torch/bin/python Tests/Benchmarks/reference_cases.py cases
  IMPROMPTU_REFERENCE_DIR=$PWD/cases swift test -c release --filter GradientReference
  .venv-torch/bin/python Tests/Benchmarks/reference_cases.py --fixtures Tests/PromptTuningTests/Fixtures

A case is one tuning step through a small random model of one of the libraries: its weights under its own names, images,
labels, prompts and a linear head in float32; features, logits, loss and gradients computed in float64 by the library's own
modules. The prompts stand between the class token and what follows it (registers, distillation token, patches), before the
first norm of CLIP; before the patches of SigLIP, whose features are what its attention pooling gives."""

import argparse
import functools
import json
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from timm.models.deit import VisionTransformerDistilled
from timm.models.vision_transformer import VisionTransformer as TimmViT
from torchvision.models import VisionTransformer as TorchvisionViT
from transformers import (CLIPVisionConfig, CLIPVisionModelWithProjection, DeiTConfig, DeiTModel, Dinov2Config,
                          Dinov2Model, Dinov2WithRegistersConfig, Dinov2WithRegistersModel, SiglipVisionConfig,
                          SiglipVisionModel, ViTConfig, ViTModel)

# Width, depth, heads, image size, patch size, hidden width / width, images, prompts, classes, epsilon.
SHAPES = [
    (96, 3, 2, 32, 8, 4, 3, 4, 10, 1e-6),
    (80, 1, 5, 28, 7, 3, 1, 1, 3, 1e-5),
    (128, 4, 1, 48, 16, 2, 2, 9, 7, 1e-12),
    (48, 2, 4, 30, 5, 4, 5, 2, 100, 1e-6),
    (40, 2, 5, 16, 16, 3, 2, 3, 2, 1e-5),
    (192, 2, 3, 56, 14, 2, 2, 10, 10, 1e-12),
]
FIXTURE = (24, 2, 3, 16, 4, 2, 2, 3, 5, 1e-6)
HUB_ACTIVATIONS = ["gelu", "gelu_new", "quick_gelu", "gelu_pytorch_tanh"]


class Family:
    """A library's model, taken apart: tokens before the prompts come in, what follows, and the final norm."""

    def __init__(self, name, model, config, embed, blocks, norm, before=lambda tokens: tokens, pool=None, rename=None):
        self.name, self.model, self.config = name, model, config
        self.embed, self.blocks, self.norm, self.before, self.pool = embed, blocks, norm, before, pool
        self.rename = rename or (lambda tensor: tensor)

    def features(self, images, prompts):
        """`prompts`: [prompts, layers, width]; those of a later layer take the place of what the block before made."""
        tokens = self.embed(images)
        first, count = 0 if self.pool else 1, len(prompts)
        layers = prompts.unsqueeze(0).expand(len(tokens), -1, -1, -1).unbind(2)
        tokens = self.before(torch.cat([tokens[:, :first], layers[0], tokens[:, first:]], 1))
        for index, block in enumerate(self.blocks):
            if 0 < index < len(layers):
                tokens = torch.cat([tokens[:, :first], layers[index], tokens[:, first + count:]], 1)
            tokens = block(tokens)
            tokens = tokens[0] if isinstance(tokens, tuple) else tokens
        tokens = self.norm(tokens)
        return self.pool(tokens) if self.pool else tokens[:, 0]


def timm_model(make, number, width, depth, heads, image, patch, ratio, epsilon, scale=None, rename=None, **options):
    tanh = number % 2 == 1
    model = make(
        img_size=image, patch_size=patch, embed_dim=width, depth=depth, num_heads=heads, mlp_ratio=ratio,
        num_classes=11 if tanh else 0, qkv_bias=number != 3, init_values=scale,
        norm_layer=functools.partial(torch.nn.LayerNorm, eps=epsilon),
        act_layer=functools.partial(torch.nn.GELU, approximate="tanh" if tanh else "none"), **options)
    config = {"img_size": image, "patch_size": patch, "embed_dim": width, "depth": depth, "num_heads": heads,
              "layer_norm_eps": epsilon, "activation": "gelu_tanh" if tanh else "gelu", **options}
    return Family(f"timm/{make.__name__}", model, config, lambda x: model._pos_embed(model.patch_embed(x)),
                  model.blocks, model.norm, rename=rename)


def timm(number, *shape):
    return timm_model(TimmViT, number, *shape, scale=None if number % 2 == 1 else 0.1)


def timm_distilled(number, *shape):
    return timm_model(VisionTransformerDistilled, number, *shape)


def timm_registers(number, *shape):
    return timm_model(TimmViT, number, *shape, scale=0.1, reg_tokens=4, no_embed_class=number % 2 == 0)


def dinov2_original(number, *shape):
    """timm has the same computation as Facebook's own repository, under these names of its."""
    def rename(name):
        return "register_tokens" if name == "reg_token" else name

    family = timm_model(TimmViT, number, *shape, scale=0.1, reg_tokens=3, no_embed_class=True, rename=rename)
    model, width, patches = family.model, shape[0], (shape[3] // shape[4]) ** 2
    # There the class token has a position, which timm adds to the token when it loads such a file.
    model.register_parameter("class_position", torch.nn.Parameter(torch.zeros(1, 1, width)))
    model.register_parameter("mask_token", torch.nn.Parameter(torch.zeros(1, width)))

    def embed(x):
        tokens = model._pos_embed(model.patch_embed(x))
        return torch.cat([tokens[:, :1] + model.class_position, tokens[:, 1:]], 1)

    family.embed = embed
    return family


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


def deit(*shape):
    config = hub_config(*shape)
    model = DeiTModel(DeiTConfig(**config, attn_implementation="eager"))
    return Family("transformers/DeiTModel", model, config, model.embeddings, model.layers, model.layernorm)


def siglip(*shape):
    config = hub_config(*shape)
    model = SiglipVisionModel(SiglipVisionConfig(**config, attn_implementation="eager"))
    blocks = [functools.partial(layer, attention_mask=None) for layer in model.encoder.layers]
    return Family("transformers/SiglipVisionModel", model, config, model.embeddings, blocks, model.post_layernorm,
                  pool=model.head)


def clip(*shape):
    config = hub_config(*shape) | {"projection_dim": 8}
    model = CLIPVisionModelWithProjection(CLIPVisionConfig(**config, attn_implementation="eager"))
    tower = model.vision_model
    blocks = [functools.partial(layer, attention_mask=None) for layer in tower.encoder.layers]
    return Family("transformers/CLIPVisionModelWithProjection", model, config, tower.embeddings, blocks,
                  tower.post_layernorm, before=tower.pre_layrnorm)


def dinov2(number, *shape):
    return dinov2_model(Dinov2Model, Dinov2Config, number, *shape)


def dinov2_registers(number, *shape):
    return dinov2_model(Dinov2WithRegistersModel, Dinov2WithRegistersConfig, number, *shape)


def dinov2_model(make, configuration, number, *shape):
    config = hub_config(number, *shape) | {"hidden_act": "gelu", "mlp_ratio": shape[5], "qkv_bias": number != 3}
    del config["intermediate_size"]
    model = make(configuration(**config, attn_implementation="eager"))
    return Family(f"transformers/{make.__name__}", model, config, model.embeddings, model.encoder.layer, model.layernorm)


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


def state(family):
    """The model's floating tensors under the names that they have in files."""
    tensors = {family.rename(name): value.detach().clone() for name, value in family.model.state_dict().items()
               if value.is_floating_point()}
    if "class_position" in tensors:
        tensors["pos_embed"] = torch.cat([tensors.pop("class_position"), tensors["pos_embed"]], 1)
    return tensors


def write(path, make, number, shape, layers=1):
    width, depth, heads, image, patch, ratio, images, prompts, classes, epsilon = shape
    random = torch.Generator().manual_seed(number)
    family = make(number, width, depth, heads, image, patch, ratio, epsilon)
    fill(family.model, random)
    tensors = {f"model.{name}": value for name, value in state(family).items()}
    trained = {"prompts": 0.5 * torch.randn(prompts, layers * width, generator=random),
               "head.weight": torch.randn(classes, width, generator=random) / width ** 0.5,
               "head.bias": 0.1 * torch.randn(classes, generator=random)}
    tensors |= {f"input.{name}": value for name, value in trained.items()}
    tensors["input.images"] = torch.randn(images, 3, image, image, generator=random)
    tensors["input.labels"] = torch.randint(0, classes, (images,), generator=random)

    family.model.double().eval()
    exact = {name: value.double().requires_grad_() for name, value in trained.items()}
    parts = exact["prompts"].unflatten(1, (layers, width))
    features = family.features(tensors["input.images"].double(), parts)
    logits = features @ exact["head.weight"].T + exact["head.bias"]
    loss = F.cross_entropy(logits, tensors["input.labels"])
    loss.backward()
    tensors |= {"expected.features": features.detach(), "expected.logits": logits.detach(),
                "expected.loss": loss.detach().reshape(1)}
    tensors |= {f"expected.grad.{name}": value.grad for name, value in exact.items()}
    save_file({name: value.contiguous() for name, value in tensors.items()}, path,
              metadata={"family": family.name, "config": json.dumps(family.config)})
    print(path)


FAMILIES = (timm, timm_distilled, timm_registers, torchvision, vit, deit, clip, siglip, dinov2, dinov2_registers,
            dinov2_original)
# Those that no older fixture covers, with the blocks that prompts stand before.
FIXTURES = ((timm_distilled, 1), (timm_registers, 1), (deit, 1), (siglip, 2), (dinov2_registers, 2),
            (dinov2_original, 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--fixtures", action="store_true", help="a small case of each family for the project's tests")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if arguments.fixtures:
        for make, layers in FIXTURES:
            name = make.__name__.replace("_", "-") + ("-deep" if layers > 1 else "-shared")
            write(arguments.folder / f"grad-{name}.safetensors", make, 0, FIXTURE, layers)
        return
    for make in FAMILIES:
        for number, shape in enumerate(SHAPES):
            width, depth, heads, image, patch = shape[:5]
            write(arguments.folder / f"{make.__name__}-{width}x{depth}x{heads}-{image}p{patch}.safetensors", make,
                  number, shape, layers=max(1, depth - 1))


if __name__ == "__main__":
    main()
