#!/usr/bin/env python3
"""Writes cases for the GradientReference suite: one tuning step through a small random vision transformer in float64.

  python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy scipy autograd safetensors
  /tmp/venv/bin/python make-reference.py                          the fixtures beside this script
  /tmp/venv/bin/python make-reference.py out/grad-x.safetensors family=clip width=40 depth=4 heads=5 ...

`input.prompts` is [prompts, layers * width]: the parts of a deep prompt (Jia et al. 2022) side by side. With `hidden_head`
there is a second trained layer `input.head.hidden.*`, with `classifier` a frozen one between the features and the head."""

import pathlib
import sys

import autograd.numpy as np
from autograd.scipy.special import erf, logsumexp
from reference import apply, layers, normalised, rounded, write_step

STANDARD = dict(
    family="timm", width=24, depth=3, heads=3, hidden=48, image=16, patch=4, images=3, prompts=3, layers=1, classes=5,
    hidden_head=0, classifier=0, seed=1)
FIXTURES = {
    "grad-timm-deep": dict(layers=2),
    "grad-clip-deep": dict(family="clip", layers=3, seed=2),
    "grad-tv-authors-head": dict(family="torchvision", depth=2, hidden_head=12, classifier=20, seed=3),
}


def random_model(case, draw):
    width, hidden = case.width, case.hidden
    layer, norm = layers(width, draw)
    grid = case.image // case.patch
    model = {
        "class": draw(width), "positions": 0.5 * draw(1 + grid * grid, width), "norm": norm(),
        "patches": {"weight": draw(width, 3, case.patch, case.patch) / (3 * case.patch**2) ** 0.5},
        "blocks": [
            {"norm1": norm(), "q": layer(width, width), "k": layer(width, width), "v": layer(width, width),
             "out": layer(width, width), "norm2": norm(), "expand": layer(hidden, width),
             "contract": layer(width, hidden)} for _ in range(case.depth)]}
    if case.family == "clip":
        model["prenorm"] = norm()
    else:
        model["patches"]["bias"] = 0.1 * draw(width)
    if case.classifier:
        model["classifier"] = layer(case.classifier, width)
    return model


def features(case, model, image, prompts):
    epsilon = 1e-5 if case.family == "clip" else 1e-6
    grid, size, width = case.image // case.patch, case.patch, case.width
    rows = image.reshape(3, grid, size, grid, size).transpose(1, 3, 0, 2, 4).reshape(grid * grid, -1)
    patches = rows @ model["patches"]["weight"].reshape(width, -1).T + model["patches"].get("bias", 0)
    x = np.concatenate([model["class"][None], patches]) + model["positions"]
    parts = np.reshape(prompts, (case.prompts, case.layers, width))
    x = np.concatenate([x[:1], parts[:, 0], x[1:]])
    if "prenorm" in model:
        x = normalised(model["prenorm"], x, epsilon)
    for index, block in enumerate(model["blocks"]):
        if 0 < index < case.layers:
            x = np.concatenate([x[:1], parts[:, index], x[1 + case.prompts:]])
        n = normalised(block["norm1"], x, epsilon)
        q, k, v = [np.transpose(np.reshape(apply(block[name], n), (len(x), case.heads, -1)), (1, 0, 2)) for name in "qkv"]
        scores = q @ np.transpose(k, (0, 2, 1)) / (width // case.heads) ** 0.5
        shares = np.exp(scores - logsumexp(scores, axis=-1, keepdims=True))
        x = x + apply(block["out"], np.reshape(np.transpose(shares @ v, (1, 0, 2)), (len(x), width)))
        h = apply(block["expand"], normalised(block["norm2"], x, epsilon))
        h = h / (1 + np.exp(-1.702 * h)) if case.family == "clip" else h * 0.5 * (1 + erf(h / 2**0.5))
        x = x + apply(block["contract"], h)
    return normalised(model["norm"], x[0], epsilon)


def head(model, trained, feature):
    if "classifier" in model:
        feature = apply(model["classifier"], feature)
    if "head.hidden.weight" in trained:
        feature = feature @ trained["head.hidden.weight"].T + trained["head.hidden.bias"]
    return feature @ trained["head.weight"].T + trained["head.bias"]


def exported(case, model):
    """The weights under the names of the family, without their prefix."""
    naming = {
        "timm": ("cls_token", "pos_embed", "patch_embed.proj", "norm", "blocks.{}.", "norm1", "attn.qkv.{}",
                 "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"),
        "torchvision": ("class_token", "encoder.pos_embedding", "conv_proj", "encoder.ln",
                        "encoder.layers.encoder_layer_{}.", "ln_1", "self_attention.in_proj_{}",
                        "self_attention.out_proj", "ln_2", "mlp.0", "mlp.3"),
        "clip": ("embeddings.class_embedding", "embeddings.position_embedding.weight", "embeddings.patch_embedding",
                 "post_layernorm", "encoder.layers.{}.", "layer_norm1", None, "self_attn.out_proj", "layer_norm2",
                 "mlp.fc1", "mlp.fc2")}[case.family]
    token, positions, patches, last, prefix, norm1, joined, out, norm2, expand, contract = naming
    clip = case.family == "clip"
    tensors = {token: model["class"] if clip else model["class"][None, None],
               positions: model["positions"] if clip else model["positions"][None]}

    def put(name, layer):
        tensors.update({f"{name}.{part}": value for part, value in layer.items()})

    put(patches, model["patches"])
    put(last, model["norm"])
    if clip:
        put("pre_layrnorm", model["prenorm"])
    if case.classifier:
        put("heads.head", model["classifier"])
    for index, block in enumerate(model["blocks"]):
        start = prefix.format(index)
        for name, part in ((norm1, "norm1"), (out, "out"), (norm2, "norm2"), (expand, "expand"), (contract, "contract")):
            put(start + name, block[part])
        if clip:
            for name in "qkv":
                put(f"{start}self_attn.{name}_proj", block[name])
        else:
            for part in ("weight", "bias"):
                tensors[start + joined.format(part)] = np.concatenate([block[name][part] for name in "qkv"])
    return {("vision_model." if clip else "") + name: value for name, value in tensors.items()}


def write(path, **changes):
    values = {**STANDARD, **changes}
    case = type("Case", (), values)
    random = np.random.RandomState(case.seed)
    draw = lambda *shape: random.standard_normal(shape)
    model = rounded(random_model(case, draw))
    inputs = case.classifier or case.width
    trained = {"prompts": draw(case.prompts, case.layers * case.width)}
    if case.hidden_head:
        trained["head.hidden.weight"] = draw(case.hidden_head, inputs) / inputs**0.5
        trained["head.hidden.bias"] = 0.1 * draw(case.hidden_head)
        inputs = case.hidden_head
    trained["head.weight"] = draw(case.classes, inputs) / inputs**0.5
    trained["head.bias"] = 0.1 * draw(case.classes)
    trained = rounded(trained)
    images = rounded(draw(case.images, 3, case.image, case.image))
    labels = random.randint(0, case.classes, case.images)

    def outputs(trained):
        every = np.stack([features(case, model, image, trained["prompts"]) for image in images])
        return every, head(model, trained, every)

    config = {"hidden_size": case.width, "num_hidden_layers": case.depth, "num_attention_heads": case.heads,
              "intermediate_size": case.hidden, "image_size": case.image, "patch_size": case.patch}
    write_step(path, exported(case, model), trained, {"images": images.astype("f4"), "labels": labels.astype("i4")}, outputs,
               {"family": case.family, "config": config, "case": values})


if len(sys.argv) > 1:
    pairs = (argument.split("=") for argument in sys.argv[2:])
    write(sys.argv[1], **{name: value if name == "family" else int(value) for name, value in pairs})
else:
    for name, changes in FIXTURES.items():
        write(pathlib.Path(__file__).with_name(name + ".safetensors"), **changes)
