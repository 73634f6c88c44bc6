#!/usr/bin/env python3
"""Writes Tests/PromptTuningTests/Fixtures/model-*.safetensors: for each family of encoders, and for some again with prompts that
enter later than before block 0, the way of an image, or of a text's tokens, to logits, and a step's loss and gradients, computed
in float64 by model.py from docs/model.md. The weights are those of the fixtures beside them.

    model_vectors.py [FOLDER]

Gradients are central differences of the loss, which needs no second derivation. `images` are bytes, `tokens` [texts, tokens] with
-1 where a text is over, `expected.…` results."""

import json
import math
import pathlib
import struct
import sys

import numpy as np

import model

FIXTURES = pathlib.Path(__file__).parent.parent / "PromptTuningTests/Fixtures"
IMAGES, POOL, PICKED, CLASSES, STEP = 3, 6, 3, 4, 1e-5
PLAN = {"similarity_weight": 0.3, "logit_adjustment": 1.0}
CASES = {
    "vit": ("grad-timm-shared", {}),
    "deit": ("grad-deit-shared", {"key_projection": False}),
    "dinov2": ("grad-dinov2-registers-deep", {"blocks": 2}),
    "torchvision": ("grad-tv-authors-head", {"whitening": False, "hidden": 7, "reads": "classifier", "inputs": 20}),
    "clip": ("grad-clip-deep", {"blocks": 3, "activation": "quickGelu", "epsilon": 1e-5}),
    "siglip": ("grad-siglip-deep", {"blocks": 2, "feature": "attention-pooling", "whitening": False}),
    # A seed by which texts differ in what they pick.
    "bert": ("text-mean-deep", {"blocks": 2, "feature": "mean", "epsilon": 1e-12, "seed": 23}),
    # Seeds by which examples differ in what they pick and in their class, and rounding changes neither.
    "vit-later": ("grad-timm-deep", {"first_block": 2, "seed": 33}),
    "dinov2-later": ("grad-dinov2-registers-deep", {"first_block": 1, "seed": 9}),
    "clip-later": ("grad-clip-deep", {"blocks": 2, "first_block": 1, "activation": "quickGelu", "epsilon": 1e-5, "seed": 26}),
    "siglip-later":
        ("grad-siglip-deep", {"first_block": 1, "feature": "attention-pooling", "whitening": False, "seed": 12}),
    "bert-later": ("text-mean-deep", {"first_block": 1, "feature": "mean", "epsilon": 1e-12, "seed": 9}),
}


def describe(family, config, change):
    def first(*names):
        return next((config[name] for name in names if name in config), None)
    reads = {"image": {"size": 16, "shorter_side": 16, "crop": "center", "interpolation": "bicubic-antialiased", "channels": 3,
                       "mean": [0.5, 0.45, 0.4], "std": [0.25, 0.3, 0.2]}}
    if family == "bert":
        reads = {"text": {"maximum_length": 16, "tokenizer": "wordpiece", "vocabulary": 30, "lowercase": True,
                          "strip_accents": True}}
    return {
        "modality": next(iter(reads)), "classes": [f"class {place}" for place in range(CLASSES)], **reads,
        "encoder": {"family": family, "library": "", "digest": "", "width": 24,
                    "depth": first("num_hidden_layers", "depth", "num_layers"),
                    "heads": first("num_attention_heads", "num_heads"), "hidden": 0, "patch_size": 1 if family == "bert" else 4,
                    "activation": change.get("activation", "gelu"),
                    "epsilon": first("layer_norm_eps") or change.get("epsilon", 1e-6),
                    "extra_tokens": 0, "feature": change.get("feature", "class-token"), "precision": "float32"},
        "prompts": {"use": "picked", "picked": PICKED, "length": 1, "width": 24, "blocks": change.get("blocks", 1),
                    "first_block": change.get("first_block", 0),
                    "selection": "instance", "batch_size": 64, "key_projection": change.get("key_projection", True)},
        "feature": {"whitening": change.get("whitening", True)},
        "head": {"reads": change.get("reads", "feature"), "inputs": change.get("inputs", 24),
                 "hidden": change.get("hidden", 0), "personal": False}}


def draw_tensors(description, draw):
    head, width = description["head"], 24
    tensors = {"prompts": draw(POOL, description["prompts"]["blocks"] * width),
               "head.weight": draw(CLASSES, head["hidden"] or head["inputs"]), "head.bias": draw(CLASSES)}
    if head["hidden"]:
        tensors |= {"head.hidden.weight": draw(head["hidden"], head["inputs"]), "head.hidden.bias": draw(head["hidden"])}
    if description["prompts"]["key_projection"]:
        tensors["key.weight"] = np.eye(width, dtype=np.float32) + 0.3 * draw(width, width)
    if description["feature"]["whitening"]:
        tensors["fixed.feature.mean"] = draw(width)
        tensors["fixed.feature.whitening"] = np.tril(draw(width, width))
    return tensors


def loss(machine, images, plain, labels, rows):
    """That of section 5, with the rows that the batch picked; `plain` are constants."""
    counts = np.bincount(labels, minlength=CLASSES)
    adjustment = np.array([PLAN["logit_adjustment"] * math.log(n / len(labels)) if n else -np.inf for n in counts])
    total = 0.0
    for image, feature, label in zip(images, plain, labels):
        z = machine.logits(machine.prompted_feature(image, rows)) + adjustment
        total += np.log(np.exp(z - z.max()).sum()) + z.max() - z[label]
        total += PLAN["similarity_weight"] * machine.similarities(feature)[rows].sum()
    return total / len(images)


def gradients(machine, evaluate):
    found = {}
    for name in [name for name in machine.tensors if not name.startswith("fixed.")]:
        values = machine.tensors[name]
        gradient = np.zeros_like(values)
        for place in np.ndindex(values.shape):
            kept = values[place]
            values[place] = kept + STEP
            above = evaluate()
            values[place] = kept - STEP
            gradient[place] = (above - evaluate()) / (2 * STEP)
            values[place] = kept
        found[name] = gradient
    return found


def write(path, tensors, metadata):
    names = {"float64": "F64", "float32": "F32", "int32": "I32", "uint8": "U8"}
    header, body = {"__metadata__": metadata}, b""
    for name, values in sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0])):
        data = np.ascontiguousarray(values).tobytes()
        header[name] = {"dtype": names[values.dtype.name], "shape": list(values.shape),
                        "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def padded(texts):
    tokens = np.full((len(texts), max(map(len, texts))), -1, np.int32)
    for row, text in zip(tokens, texts):
        row[:len(text)] = text
    return tokens


def case(family, fixture, change, seed):
    random = np.random.default_rng(seed)
    weights, metadata = model.read_safetensors(FIXTURES / f"{fixture}.safetensors")
    weights = {name: values for name, values in weights.items() if not name.startswith(("input.", "expected."))}
    description = describe(family, json.loads(metadata["config"]), change)
    tensors = draw_tensors(description, lambda *shape: random.normal(0, 0.5, shape).astype(np.float32))
    labels = np.array([0, 2, 2], np.int32)
    if family == "bert":
        encoder = model.TextEncoder(weights, description["encoder"])
        images = [random.integers(0, 30, length) for length in (5, 16, 2)]
        given, prepared = {"tokens": padded(images)}, {}
    else:
        encoder = model.Encoder(weights, description["encoder"])
        # Blots on a ground of another colour each, so that the images differ in what they pick.
        pixels = np.clip(random.integers(-300, 500, (IMAGES, 1, 1, 3)) + random.integers(-80, 80, (IMAGES, 20, 23, 3)), 0, 255)
        pixels[:, 5:12, 4:15] = random.integers(0, 256, (IMAGES, 1, 1, 3))
        pixels = pixels.astype(np.uint8)
        images = [model.prepared(image, description["image"]) for image in pixels]
        given, prepared = {"images": pixels}, {"prepared": np.array(images).astype(np.float32)}
    machine = model.Model(tensors, description, encoder)
    plain = np.array([machine.plain_feature(image) for image in images])
    similarities = np.array([machine.similarities(feature) for feature in plain])
    own = machine.picks(similarities)
    description["prompts"]["selection"] = "batch"
    shared = machine.picks(similarities)[0]

    def logits(picks):
        return np.array([machine.logits(machine.prompted_feature(image, rows)) for image, rows in zip(images, picks)])
    expected = prepared | {
        "plain": plain, "similarities": similarities,
        "picks.instance": np.array(own, np.int32), "picks.batch": np.array(shared, np.int32),
        "logits.instance": logits(own), "logits.batch": logits([shared] * IMAGES)}

    def evaluate():
        return loss(machine, images, plain, labels, shared)
    expected["loss"] = np.array([evaluate()])
    expected |= {f"grad.{name}": values for name, values in gradients(machine, evaluate).items()}
    description["prompts"]["selection"] = "instance"
    return (tensors | given | {"labels": labels} | {f"expected.{name}": v for name, v in expected.items()},
            {"weights": fixture, "config": metadata["config"], "model": json.dumps(description), "plan": json.dumps(PLAN)})


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else FIXTURES
    for seed, (name, (fixture, change)) in enumerate(CASES.items()):
        tensors, metadata = case(name.removesuffix("-later"), fixture, change, change.get("seed", seed))
        write(folder / f"model-{name}.safetensors", tensors, metadata)


if __name__ == "__main__":
    main()
