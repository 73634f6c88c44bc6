#!/usr/bin/env python3
"""Writes cases for the TextGradient suite: one tuning step through a small random BERT in float64.

  python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy scipy autograd safetensors
  /tmp/venv/bin/python make-text-reference.py                     the fixtures beside this script
  /tmp/venv/bin/python make-text-reference.py out/text-x.safetensors pooling=mean layers=3 width=40 heads=5 ...

As transformers does it, texts of unlike lengths are padded to one length, and a mask keeps the others from looking at the
padding. `input.tokens` is [texts, length], -1 where a text is over; `input.prompts` is [prompts, layers * width]."""

import pathlib
import sys

import autograd.numpy as np
from autograd.scipy.special import erf, logsumexp
from reference import apply, layers, normalised, rounded, write_step

STANDARD = dict(
    pooling="class-token", width=24, depth=3, heads=3, hidden=48, vocabulary=30, positions=16, texts=5, prompts=3,
    layers=1, classes=5, prefix="", old=0, seed=1)
FIXTURES = {
    "text-class-shallow": dict(prefix="bert.", old=1),
    "text-class-deep": dict(layers=2, seed=2),
    "text-mean-shallow": dict(pooling="mean", width=32, heads=2, seed=3),
    "text-mean-deep": dict(pooling="mean", layers=3, seed=4),
}
EPSILON = 1e-12


def random_model(case, draw):
    width, hidden = case.width, case.hidden
    layer, norm = layers(width, draw)
    return {
        "words": draw(case.vocabulary, width), "positions": 0.5 * draw(case.positions, width), "types": draw(2, width),
        "norm": norm(),
        "blocks": [
            {"q": layer(width, width), "k": layer(width, width), "v": layer(width, width), "out": layer(width, width),
             "norm1": norm(), "expand": layer(hidden, width), "contract": layer(width, hidden), "norm2": norm()}
            for _ in range(case.depth)]}


def features(case, model, tokens, prompts):
    """tokens: [texts, length], -1 where a text is over."""
    count, length = tokens.shape
    present = tokens >= 0
    x = model["words"][np.where(present, tokens, 0)] + model["positions"][:length] + model["types"][0]
    x = normalised(model["norm"], x, EPSILON)
    parts = np.reshape(prompts, (case.prompts, case.layers, case.width))

    def spread(layer):
        return np.repeat(parts[None, :, layer], count, axis=0)

    x = np.concatenate([x[:, :1], spread(0), x[:, 1:]], axis=1)
    seen = np.concatenate([present[:, :1], np.ones((count, case.prompts), bool), present[:, 1:]], axis=1)
    mask = np.where(seen, 0.0, -1e30)[:, None, None, :]
    for index, block in enumerate(model["blocks"]):
        if 0 < index < case.layers:
            x = np.concatenate([x[:, :1], spread(index), x[:, 1 + case.prompts:]], axis=1)
        rows = x.shape[1]
        q, k, v = [np.transpose(np.reshape(apply(block[name], x), (count, rows, case.heads, -1)), (0, 2, 1, 3))
                   for name in "qkv"]
        scores = q @ np.transpose(k, (0, 1, 3, 2)) / (case.width // case.heads) ** 0.5 + mask
        shares = np.exp(scores - logsumexp(scores, axis=-1, keepdims=True))
        mixed = np.reshape(np.transpose(shares @ v, (0, 2, 1, 3)), (count, rows, case.width))
        x = normalised(block["norm1"], x + apply(block["out"], mixed), EPSILON)
        h = apply(block["expand"], x)
        x = normalised(block["norm2"], x + apply(block["contract"], h * 0.5 * (1 + erf(h / 2**0.5))), EPSILON)
    if case.pooling == "class-token":
        return x[:, 0]
    own = np.concatenate([x[:, :1], x[:, 1 + case.prompts:]], axis=1)
    return np.sum(own * present[:, :, None], axis=1) / np.sum(present, axis=1)[:, None]


def exported(case, model):
    names = {"embeddings.word_embeddings.weight": model["words"],
             "embeddings.position_embeddings.weight": model["positions"],
             "embeddings.token_type_embeddings.weight": model["types"]}

    def put(name, layer):
        old = {"weight": "gamma", "bias": "beta"} if case.old and name.endswith("LayerNorm") else {}
        names.update({f"{name}.{old.get(part, part)}": value for part, value in layer.items()})

    put("embeddings.LayerNorm", model["norm"])
    for index, block in enumerate(model["blocks"]):
        start = f"encoder.layer.{index}."
        for part, name in {
                "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
                "out": "attention.output.dense", "norm1": "attention.output.LayerNorm", "expand": "intermediate.dense",
                "contract": "output.dense", "norm2": "output.LayerNorm"}.items():
            put(start + name, block[part])
    return {case.prefix + name: value for name, value in names.items()}


def write(path, **changes):
    values = {**STANDARD, **changes}
    case = type("Case", (), values)
    random = np.random.RandomState(case.seed)
    draw = lambda *shape: random.standard_normal(shape)
    model = rounded(random_model(case, draw))
    trained = rounded({
        "prompts": draw(case.prompts, case.layers * case.width),
        "head.weight": draw(case.classes, case.width) / case.width**0.5, "head.bias": 0.1 * draw(case.classes)})
    lengths = random.randint(2, case.positions + 1, case.texts)
    tokens = random.randint(0, case.vocabulary, (case.texts, lengths.max()))
    tokens[np.arange(lengths.max()) >= lengths[:, None]] = -1
    labels = random.randint(0, case.classes, case.texts)

    def outputs(trained):
        every = features(case, model, tokens, trained["prompts"])
        return every, every @ trained["head.weight"].T + trained["head.bias"]

    config = {"model_type": "bert", "hidden_size": case.width, "num_hidden_layers": case.depth,
              "num_attention_heads": case.heads, "intermediate_size": case.hidden, "layer_norm_eps": EPSILON}
    write_step(path, exported(case, model), trained, {"tokens": tokens.astype("i4"), "labels": labels.astype("i4")}, outputs,
               {"pooling": case.pooling, "config": config, "case": values})


if len(sys.argv) > 1:
    pairs = (argument.split("=") for argument in sys.argv[2:])
    write(sys.argv[1], **{name: int(value) if value.isdigit() else value for name, value in pairs})
else:
    for name, changes in FIXTURES.items():
        write(pathlib.Path(__file__).with_name(name + ".safetensors"), **changes)
