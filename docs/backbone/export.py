#!/usr/bin/env python3
"""Writes a checkpoint's averaged encoder as the program reads it: FOLDER/model.safetensors (float16) and FOLDER/config.json.

    export.py CHECKPOINT FOLDER"""

import argparse
import json
import pathlib

import torch
from safetensors.torch import save_file

from distill import SHAPE
from model import IMAGENET


def config():
    return {
        "architecture": f"vit_tiny_patch{SHAPE['patch']}_{SHAPE['side']}", "num_classes": 0, "img_size": SHAPE["side"],
        "patch_size": SHAPE["patch"], "embed_dim": SHAPE["width"], "depth": SHAPE["depth"], "num_heads": SHAPE["heads"],
        "mlp_ratio": 4, "qkv_bias": True, "layer_norm_eps": 1e-6, "activation": "gelu", "class_token": True,
        "pretrained_cfg": {"mean": list(IMAGENET[0]), "std": list(IMAGENET[1]), "interpolation": "bicubic"},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    arguments = parser.parse_args()
    saved = torch.load(arguments.checkpoint, map_location="cpu")
    tensors = {name: value.half().contiguous() for name, value in saved["average"].items()}
    arguments.folder.mkdir(parents=True, exist_ok=True)
    source = f"distilled for Impromptu on TinyImageNet-200, step {saved['step']}; docs/backbone"
    save_file(tensors, arguments.folder / "model.safetensors", metadata={"format": "pt", "source": source})
    (arguments.folder / "config.json").write_text(json.dumps(config(), indent=1) + "\n")
    size = (arguments.folder / "model.safetensors").stat().st_size
    print(f"export: step {saved['step']}, {len(tensors)} tensors, {size / 1e6:.1f} MB in {arguments.folder}")


if __name__ == "__main__":
    main()
