"""Prompts in models of the installed timm, transformers and torchvision, against this package's own encoder.

    PYTHONPATH=Sources/Python python Sources/Python/tests/by_hand/libraries.py [cuda]

Makes small random models of each library, saves their weights, reads them as an encoder, and compares class features with
shallow, deep and late prompts by hooks and by `VisionTransformer`. For machines that have the libraries; CI has none of them.
"""

import pathlib
import sys
import tempfile

import torch
from safetensors.torch import save_file

from impromptu.model.description import EncoderDescription
from impromptu.model.weights import read_tensors, unified
from impromptu.torch import HookedViT, VisionTransformer

WIDTH, DEPTH, HEADS, HIDDEN, PATCH, SIZE = 48, 3, 3, 96, 8, 32


def timm_models():
    import timm

    plain = timm.models.vision_transformer.VisionTransformer
    sizes = dict(img_size=SIZE, patch_size=PATCH, embed_dim=WIDTH, depth=DEPTH, num_heads=HEADS, mlp_ratio=2)
    yield f"timm {timm.__version__} VisionTransformer", plain(**sizes, num_classes=5), {}
    yield "timm with registers", plain(**sizes, num_classes=0, reg_tokens=4, no_embed_class=True, init_values=0.5), {}


def transformers_models():
    import transformers

    sizes = dict(hidden_size=WIDTH, num_hidden_layers=DEPTH, num_attention_heads=HEADS, intermediate_size=HIDDEN,
                 image_size=SIZE, patch_size=PATCH)  # fmt: skip
    epsilon = {"epsilon": 1e-12}
    name = f"transformers {transformers.__version__}"
    yield f"{name} ViTModel", transformers.ViTModel(transformers.ViTConfig(**sizes), add_pooling_layer=False), epsilon
    yield f"{name} DeiTModel", transformers.DeiTModel(transformers.DeiTConfig(**sizes), add_pooling_layer=False), epsilon
    dino = transformers.Dinov2Config(**(sizes | {"mlp_ratio": 2}))
    yield f"{name} Dinov2Model", transformers.Dinov2Model(dino), {}
    clip = {"activation": "quickGelu", "epsilon": 1e-5}
    yield f"{name} CLIPVisionModel", transformers.CLIPVisionModel(transformers.CLIPVisionConfig(**sizes)), clip
    siglip = {"activation": "geluTanh", "feature": "attention-pooling"}
    yield f"{name} SiglipVisionModel", transformers.SiglipVisionModel(transformers.SiglipVisionConfig(**sizes)), siglip


def torchvision_models():
    import torchvision

    make = torchvision.models.vision_transformer.VisionTransformer
    yield f"torchvision {torchvision.__version__}", make(SIZE, PATCH, DEPTH, HEADS, WIDTH, HIDDEN, num_classes=5), {}


def difference(model, change, device):
    """The largest difference of the features, relative to the largest feature."""
    state = {name: values.detach().clone() for name, values in model.state_dict().items()}
    torch.manual_seed(1)
    for values in state.values():  # as libraries make them, many are zeros or ones
        if values.is_floating_point():
            values += 0.2 * torch.randn_like(values)
    model.load_state_dict(state)
    description = EncoderDescription(
        "", "", "", WIDTH, DEPTH, HEADS, 0, PATCH, change.get("activation", "gelu"), change.get("epsilon", 1e-6), 0,
        change.get("feature", "class-token"),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.safetensors"
        save_file({name: values.contiguous() for name, values in state.items()}, path)
        weights = unified(read_tensors(path)[0], description, SIZE, str(path))
    images = torch.randn(2, 3, SIZE, SIZE, device=device)
    worst = 0.0
    with torch.no_grad():
        own, hooked = VisionTransformer(weights, description).to(device), HookedViT(model.eval()).to(device)
        for blocks, first in ((0, 0), (1, 0), (DEPTH, 0), (2, 1)):
            prompts = torch.randn(2, 4, blocks, WIDTH, device=device) if blocks else None
            expected = own.features(images, prompts, first)
            found = hooked.features(images, prompts, first)
            worst = max(worst, float((found - expected).abs().max() / expected.abs().max()))
    return worst


def main(device="cpu"):
    print(f"torch {torch.__version__} on {device}")
    failed = False
    for models in (timm_models, transformers_models, torchvision_models):
        try:
            made = list(models())
        except ImportError as error:
            print(f"not tried: {error}")
            continue
        for name, model, change in made:
            worst = difference(model, change, device)
            failed = failed or not worst < 1e-4
            print(f"{name:50} {worst:.1e}")
    sys.exit(failed)


if __name__ == "__main__":
    main(*sys.argv[1:])
