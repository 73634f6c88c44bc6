#!/usr/bin/env python3
"""The model of docs/model.md in numpy and float64, written from that page and docs/encoders.md alone.

    model.py PROMPTS WEIGHTS IMAGE.png ...

prints a line of JSON for each image: its path, the rows that it picked, its logits. WEIGHTS is the encoder's folder. Only
numpy is needed; images are PNG files of 8 bits, gray or RGB."""

import json
import math
import pathlib
import struct
import sys
import zlib

import numpy as np

TYPES = {"F32": "<f4", "F64": "<f8", "F16": "<f2", "U8": "u1", "I64": "<i8", "I32": "<i4"}


def read_safetensors(path):
    """The tensors by name, and the metadata."""
    data = pathlib.Path(path).read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        values = np.frombuffer(data[8 + size + start:8 + size + end], TYPES[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"])
    return tensors, metadata


# 1. From a file to the input


def read_png(path):
    """[height, width, 3] bytes."""
    data = pathlib.Path(path).read_bytes()
    place, body = 8, b""
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place:place + 8])
        chunk = data[place + 8:place + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunk)
        elif kind == b"IDAT":
            body += chunk
        place += 12 + length
    if depth != 8 or colour not in (0, 2) or interlaced:
        raise ValueError(f"{path}: expected gray or RGB of 8 bits, found another PNG")
    channels = 1 if colour == 0 else 3
    raw, stride = zlib.decompress(body), width * channels
    rows, before = [], [0] * stride
    for y in range(height):
        line = raw[y * (stride + 1):(y + 1) * (stride + 1)]
        row = []
        for x, value in enumerate(line[1:]):
            left = row[x - channels] if x >= channels else 0
            corner = before[x - channels] if x >= channels else 0
            guesses = (abs(before[x] - corner), abs(left - corner), abs(left + before[x] - 2 * corner))
            paeth = (left, before[x], corner)[guesses.index(min(guesses))]
            row.append((value + (0, left, before[x], (left + before[x]) // 2, paeth)[line[0]]) & 255)
        rows.append(row)
        before = row
    return np.repeat(np.array(rows, np.uint8).reshape(height, width, channels), 3 // channels, axis=2)


def keys(t):
    t = abs(t)
    if t < 1:
        return 1.5 * t**3 - 2.5 * t**2 + 1
    return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t < 2 else 0.0


def resized(lines, length):
    """The last axis, bytes, resized to a length."""
    old = lines.shape[-1]
    scale = old / length
    wide = max(1.0, scale)
    columns = []
    for place in range(length):
        centre = (place + 0.5) * scale
        first, last = max(0, math.floor(centre - 2 * wide + 0.5)), min(old, math.floor(centre + 2 * wide + 0.5))
        weights = np.array([keys((j - centre + 0.5) / wide) for j in range(first, last)])
        fixed = np.floor(weights / weights.sum() * 2**22 + 0.5).astype(np.int64)
        columns.append(np.clip((lines[..., first:last].astype(np.int64) @ fixed + 2**21) >> 22, 0, 255))
    return np.stack(columns, -1)


def prepared(pixels, image):
    """From [height, width, 3] bytes to the input, [3, size, size]."""
    height, width, _ = pixels.shape
    shorter, size = image["shorter_side"], image["size"]
    new = (shorter * height // min(height, width), shorter * width // min(height, width))
    planes = resized(pixels.transpose(2, 0, 1), new[1])
    planes = resized(planes.transpose(0, 2, 1), new[0]).transpose(0, 2, 1)
    top, left = round((new[0] - size) / 2), round((new[1] - size) / 2)
    planes = planes[:, top:top + size, left:left + size]
    mean, std = (np.array(image[name])[:, None, None] for name in ("mean", "std"))
    return (planes / 255 - mean) / std


# 2. The encoder

ERF = np.vectorize(math.erf)
ACTIVATIONS = {
    "gelu": lambda z: z * 0.5 * (1 + ERF(z / math.sqrt(2))),
    "geluTanh": lambda z: z / (1 + np.exp(-1.5957691216 * (z + 0.044715 * z**3))),
    "quickGelu": lambda z: z / (1 + np.exp(-1.702 * z)),
}

# By library: class token, positions, patches, first and last norm, and the names within block {}.
TIMM = dict(cls="cls_token", pos="pos_embed", patch="patch_embed.proj", last="norm", extra=["dist_token", "reg_token"],
            block="blocks.{}.", n1="norm1", qkv="attn.qkv", out="attn.proj", n2="norm2", fc1="mlp.fc1", fc2="mlp.fc2",
            scale=("ls1.gamma", "ls2.gamma"), classifier="head")
VIT = dict(cls="embeddings.cls_token", pos="embeddings.position_embeddings",
           patch="embeddings.patch_embeddings.projection", last="layernorm",
           extra=["embeddings.distillation_token", "embeddings.register_tokens"])
LAYOUTS = [
    TIMM, dict(TIMM, extra=["register_tokens"]),
    dict(VIT, block="layers.{}.", n1="layernorm_before", q="attention.q_proj", k="attention.k_proj", v="attention.v_proj",
         out="attention.o_proj", n2="layernorm_after", fc1="mlp.fc1", fc2="mlp.fc2"),
    dict(VIT, block="encoder.layer.{}.", n1="layernorm_before", q="attention.attention.query",
         k="attention.attention.key", v="attention.attention.value", out="attention.output.dense", n2="layernorm_after",
         fc1="intermediate.dense", fc2="output.dense"),
    dict(VIT, block="encoder.layer.{}.", n1="norm1", q="attention.attention.query", k="attention.attention.key",
         v="attention.attention.value", out="attention.output.dense", n2="norm2", fc1="mlp.fc1", fc2="mlp.fc2",
         scale=("layer_scale1.lambda1", "layer_scale2.lambda1")),
    dict(VIT, block="encoder.layer.{}.", n1="norm1", q="attention.q_proj", k="attention.k_proj", v="attention.v_proj",
         out="attention.o_proj", n2="norm2", fc1="mlp.fc1", fc2="mlp.fc2",
         scale=("layer_scale1.lambda1", "layer_scale2.lambda1")),
    dict(cls="class_token", pos="encoder.pos_embedding", patch="conv_proj", last="encoder.ln", extra=[],
         block="encoder.layers.encoder_layer_{}.", n1="ln_1", qkv="self_attention.in_proj_", out="self_attention.out_proj",
         n2="ln_2", fc1="mlp.0", fc2="mlp.3", classifier="heads.head"),
    dict(cls="embeddings.class_embedding", pos="embeddings.position_embedding.weight", patch="embeddings.patch_embedding",
         first="pre_layrnorm", last="post_layernorm", extra=[], block="encoder.layers.{}.", n1="layer_norm1",
         q="self_attn.q_proj", k="self_attn.k_proj", v="self_attn.v_proj", out="self_attn.out_proj", n2="layer_norm2",
         fc1="mlp.fc1", fc2="mlp.fc2"),
    dict(cls=None, pos="embeddings.position_embedding.weight", patch="embeddings.patch_embedding",
         last="post_layernorm", extra=[], block="encoder.layers.{}.", n1="layer_norm1", q="self_attn.q_proj",
         k="self_attn.k_proj", v="self_attn.v_proj", out="self_attn.out_proj", n2="layer_norm2", fc1="mlp.fc1",
         fc2="mlp.fc2"),
]


def entered(x, prompts, part):
    """Rows before a block that has the prompts' part of this number; there may be none."""
    if not 0 <= part < prompts.shape[1]:
        return x
    return np.concatenate([x[:1], prompts[:, part], x[1 + (len(prompts) if part else 0):]])


class Encoder:
    """`description` is the field `encoder` of the model's description."""

    def __init__(self, tensors, description):
        self.heads, self.patch, self.epsilon = (description[name] for name in ("heads", "patch_size", "epsilon"))
        self.depth, self.width, self.act = description["depth"], description["width"], ACTIVATIONS[description["activation"]]
        self.pools = description["feature"] == "attention-pooling"
        candidates = [
            (layout, name[:-len(layout["patch"] + ".weight")]) for layout in LAYOUTS for name in tensors
            if name.endswith(layout["patch"] + ".weight")]
        self.layout, self.prefix = max(candidates, key=lambda found: sum(
            found[1] + name in tensors for name in [
                found[0]["pos"], found[0]["cls"] or "head.probe", found[0]["block"].format(0) + found[0]["out"] + ".weight",
                found[0]["block"].format(0) + found[0]["fc1"] + ".weight", *found[0].get("scale", ()),
                *(found[0]["extra"])] if name))
        self.tensors = {name: values.astype(np.float64) for name, values in tensors.items()}

    def get(self, name, otherwise=None):
        return self.tensors.get(self.prefix + name, otherwise)

    def apply(self, name, x):
        return x @ self.get(name + ".weight").T + self.get(name + ".bias", 0)

    def norm(self, name, x):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + self.epsilon)
        return scaled * self.get(name + ".weight") + self.get(name + ".bias")

    def projections(self, prefix, names, queries, x):
        if "qkv" in names:
            joint = prefix + names["qkv"]
            joint += "" if joint.endswith("_") else "."
            weight, bias = self.get(joint + "weight"), self.get(joint + "bias", np.zeros(3 * self.width))
            parts = [(queries if part == 0 else x) @ w.T + b for part, (w, b) in enumerate(
                zip(np.split(weight, 3), np.split(bias, 3)))]
        else:
            parts = [self.apply(prefix + names[name], queries if name == "q" else x) for name in "qkv"]
        return [part.reshape(len(part), self.heads, -1).transpose(1, 0, 2) for part in parts]

    def attention(self, prefix, names, queries, x):
        q, k, v = self.projections(prefix, names, queries, x)
        scores = q @ k.transpose(0, 2, 1) / math.sqrt(self.width / self.heads)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = shares / shares.sum(-1, keepdims=True) @ v
        return self.apply(prefix + names["out"], mixed.transpose(1, 0, 2).reshape(len(queries), -1))

    def embedded(self, image, prompts):
        """[tokens, width] before the first block; prompts [count, width]."""
        grid, width, layout = image.shape[1] // self.patch, self.width, self.layout
        rows = image.reshape(3, grid, self.patch, grid, self.patch).transpose(1, 3, 0, 2, 4).reshape(grid * grid, -1)
        patches = rows @ self.get(layout["patch"] + ".weight").reshape(width, -1).T + self.get(layout["patch"] + ".bias", 0)
        fixed = [np.zeros((1, width)) if layout["cls"] is None else self.get(layout["cls"]).reshape(-1, width)]
        fixed += [self.get(name).reshape(-1, width) for name in layout["extra"] if self.get(name) is not None]
        fixed = np.concatenate(fixed)
        table = self.get(layout["pos"]).reshape(-1, width)
        placed = len(table) - grid * grid
        if placed < 0 or placed > len(fixed):
            raise ValueError(f"expected positions for {grid * grid} patches, found {len(table)}: another image size")
        fixed[:placed] += table[:placed]
        x = np.concatenate([fixed[:1], prompts, fixed[1:], patches + table[placed:]])
        return self.norm(layout["first"], x) if "first" in layout else x

    def feature(self, image, prompts, first):
        """The class feature, [width]; prompts [count, blocks, width], which enter before block `first`."""
        layout = self.layout
        x = self.embedded(image, prompts[:, 0] if first == 0 else prompts[:0, 0])
        for index in range(self.depth):
            if index:
                x = entered(x, prompts, index - first)
            block = layout["block"].format(index)
            scales = [self.get(block + name, 1) for name in layout.get("scale", ())] or [1, 1]
            # No token looks at the first row where there is no class token.
            n = self.norm(block + layout["n1"], x)
            x = x + scales[0] * self.attention(block, layout, n, n[1:] if self.pools else n)
            hidden = self.act(self.apply(block + layout["fc1"], self.norm(block + layout["n2"], x)))
            x = x + scales[1] * self.apply(block + layout["fc2"], hidden)
        if not self.pools:
            return self.norm(layout["last"], x[0])
        names = dict(qkv="attention.in_proj_", out="attention.out_proj")
        probe = self.get("head.probe").reshape(1, -1)
        u = self.attention("head.", names, probe, self.norm(layout["last"], x[1:]))
        hidden = self.act(self.apply("head.mlp.fc1", self.norm("head.layernorm", u)))
        return (u + self.apply("head.mlp.fc2", hidden))[0]


class TextEncoder(Encoder):
    """That of texts: norms stand behind attention and perceptron."""

    def __init__(self, weights, description):
        start = "embeddings.word_embeddings.weight"
        self.prefix = next(name[:-len(start)] for name in weights if name.endswith(start))
        self.tensors = {name: values.astype(np.float64) for name, values in weights.items()}
        self.width, self.depth, self.heads = (description[name] for name in ("width", "depth", "heads"))
        self.act, self.epsilon = ACTIVATIONS[description["activation"]], description["epsilon"]
        self.averages = description["feature"] == "mean"

    def feature(self, tokens, prompts, first):
        """The feature, [width], of the tokens of a text; prompts [count, blocks, width], which enter before block `first`."""
        own = self.get("embeddings.word_embeddings.weight")[tokens]
        own = own + self.get("embeddings.position_embeddings.weight")[:len(tokens)]
        x = self.norm("embeddings.LayerNorm", own + self.get("embeddings.token_type_embeddings.weight")[0])
        names = dict(q="attention.self.query", k="attention.self.key", v="attention.self.value",
                     out="attention.output.dense")
        for index in range(self.depth):
            x = entered(x, prompts, index - first)
            block = f"encoder.layer.{index}."
            x = self.norm(block + "attention.output.LayerNorm", x + self.attention(block, names, x, x))
            hidden = self.act(self.apply(block + "intermediate.dense", x))
            x = self.norm(block + "output.LayerNorm", x + self.apply(block + "output.dense", hidden))
        return np.concatenate([x[:1], x[1 + len(prompts):]]).mean(0) if self.averages else x[0]


# 3 and 4. Picks and logits


def unit(rows):
    return rows / np.sqrt(np.maximum((rows**2).sum(-1, keepdims=True), 1e-12))


def largest(values, count):
    """The lower place first among equals."""
    return sorted(range(len(values)), key=lambda place: (-values[place], place))[:count]


class Model:
    def __init__(self, tensors, description, encoder):
        self.tensors = {name: values.astype(np.float64) for name, values in tensors.items()}
        self.description, self.encoder = description, encoder
        self.blocks = description["prompts"]["blocks"]

    def pool(self):
        prompts = self.tensors["prompts"]
        return prompts.reshape(len(prompts), self.blocks, -1)

    def plain_feature(self, image):
        return self.encoder.feature(image, np.zeros((0, self.blocks, self.encoder.width)), 0)

    def prompted_feature(self, image, rows):
        return self.encoder.feature(image, self.pool()[rows], self.description["prompts"]["first_block"])

    def similarities(self, plain):
        """Cosines of an image's feature with each prompt: [pool]."""
        query = self.tensors["key.weight"] @ plain if self.description["prompts"]["key_projection"] else plain
        return unit(self.pool()[:, 0]) @ unit(query)

    def picks(self, similarities):
        """Rows for each of some consecutive images, from their similarities: [images, pool]."""
        prompts = self.description["prompts"]
        if prompts["use"] != "picked":
            return [list(range(len(self.pool()) if prompts["use"] == "all" else 0))] * len(similarities)
        own = [largest(row, prompts["picked"]) for row in similarities]
        if prompts["selection"] == "instance":
            return own
        votes = [sum(row in picks for picks in own) for row in range(len(self.pool()))]
        return [largest(votes, prompts["picked"])] * len(own)

    def logits(self, feature):
        x, tensors, head = feature, self.tensors, self.description["head"]
        if head["reads"] == "classifier":
            x = self.encoder.apply(self.encoder.layout["classifier"], x)
        if self.description["feature"]["whitening"]:
            x = tensors["fixed.feature.whitening"] @ (x - tensors["fixed.feature.mean"])
        if head["hidden"]:
            x = tensors["head.hidden.weight"] @ x + tensors["head.hidden.bias"]
        return tensors["head.weight"] @ x + tensors["head.bias"]

    def classify(self, images):
        """Picks and logits of inputs [3, size, size]."""
        prompts = self.description["prompts"]
        size = prompts["batch_size"] if prompts["selection"] == "batch" else 1
        for start in range(0, len(images), size):
            batch = images[start:start + size]
            rows = [self.similarities(self.plain_feature(image)) for image in batch]
            for image, picks in zip(batch, self.picks(rows)):
                yield picks, self.logits(self.prompted_feature(image, picks))


def main():
    tensors, metadata = read_safetensors(sys.argv[1])
    description = json.loads(metadata["model"])
    weights, _ = read_safetensors(pathlib.Path(sys.argv[2]) / "model.safetensors")
    model = Model(tensors, description, Encoder(weights, description["encoder"]))
    images = [prepared(read_png(path), description["image"]) for path in sys.argv[3:]]
    for path, (picks, logits) in zip(sys.argv[3:], model.classify(images)):
        print(json.dumps({"path": path, "picks": picks, "logits": list(logits)}))


if __name__ == "__main__":
    main()
