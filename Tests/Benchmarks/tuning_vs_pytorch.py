#!/usr/bin/env python3
"""Runs the tuning benchmark and eager PyTorch in turns on the same shapes and prints how many times faster we are, in
float32 and in bfloat16 (PyTorch under autocast): vision transformers, and BERTs with texts. With --compile it also runs the
steps through torch.compile. With --prediction it times forward passes without gradients, and onnxruntime's (float32, of the
same model) where it is installed.

  python3 -m venv .venv-torch && .venv-torch/bin/pip install torch numpy [onnx onnxruntime]
  .venv-torch/bin/python Tests/Benchmarks/tuning_vs_pytorch.py [--threads 2] [--rounds 3] [--steps 5] [--prediction]

A step: forward, cross-entropy, backward to 10 prompts and a linear head through a frozen encoder, Adam. Both
sides take the median of their steps; the ratio is the median over the rounds, so that a busy machine harms both alike."""

import argparse
import importlib.util
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import torch
import torch.nn.functional as F
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Name: image, patch, width, depth, batch, activation.
SHAPES = {
    "CIFAR": (32, 4, 192, 6, 32, F.gelu),
    "Ti/16": (224, 16, 192, 12, 16, F.gelu),
    "B/32": (224, 32, 768, 12, 16, F.gelu),
    "CLIP B/16 160 px": (160, 16, 768, 12, 16, lambda x: x * torch.sigmoid(1.702 * x)),
}
# Texts: width, depth, tokens of each text. The questions have the lengths of banking77's, as the program's own shapes.
QUESTIONS = (8, 9, 10, 11, 11, 12, 12, 13, 14, 15, 15, 17, 18, 21, 29, 42)
TEXT_SHAPES = {
    "MiniLM 16 tokens": (384, 6, (16,) * 16),
    "MiniLM questions": (384, 6, QUESTIONS),
    "BERT questions": (768, 12, QUESTIONS),
}
PRECISIONS = ("float32", "bfloat16")
PROMPTS, CLASSES, WARM_UP = 10, 10, 2
HEADS, VOCABULARY = 12, 30_522


class Block(nn.Module):
    def __init__(self, width, activation):
        super().__init__()
        self.heads, self.activation = width // 64, activation
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(batch, tokens, 3, self.heads, 64).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(*qkv.unbind(0)).transpose(1, 2).reshape(batch, tokens, width)
        x = x + self.proj(attended)
        return x + self.fc2(self.activation(self.fc1(self.norm2(x))))


class PromptedEncoder(nn.Module):
    def __init__(self, image, patch, width, depth, activation):
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros(1, 1 + (image // patch) ** 2, width))
        self.blocks = nn.Sequential(*[Block(width, activation) for _ in range(depth)])
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.requires_grad_(False)
        self.prompts = nn.Parameter(torch.randn(1, PROMPTS, width) * 0.02)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, images):
        count = len(images)
        x = self.patches(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(count, -1, -1), x], 1) + self.positions
        x = torch.cat([x[:, :1], self.prompts.expand(count, -1, -1), x[:, 1:]], 1)
        return self.head(self.norm(self.blocks(x))[:, 0])


class PostNormBlock(nn.Module):
    """A block of BERT's."""

    def __init__(self, width):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-12), nn.LayerNorm(width, eps=1e-12)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, mask):
        batch, tokens, width = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(*qkv.unbind(0), attn_mask=mask)
        x = self.norm1(x + self.proj(attended.transpose(1, 2).reshape(batch, tokens, width)))
        return self.norm2(x + self.fc2(F.gelu(self.fc1(x))))


class PromptedBert(nn.Module):
    """Texts padded to the longest of the batch, behind a mask, as transformers runs them; the mean of a text's own tokens.
    Where all have one length there is no mask."""

    def __init__(self, width, depth):
        super().__init__()
        self.words, self.positions = nn.Embedding(VOCABULARY, width), nn.Embedding(512, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.blocks = nn.ModuleList([PostNormBlock(width) for _ in range(depth)])
        self.requires_grad_(False)
        self.prompts = nn.Parameter(torch.randn(1, PROMPTS, width) * 0.02)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, tokens, lengths):
        count, longest = tokens.shape
        own = torch.arange(longest)[None] < lengths[:, None]
        x = self.norm(self.words(tokens) + self.positions.weight[:longest])
        x = torch.cat([x[:, :1], self.prompts.expand(count, -1, -1), x[:, 1:]], 1)
        mask = torch.cat([own[:, :1], torch.ones(count, PROMPTS, dtype=torch.bool), own[:, 1:]], 1)[:, None, None]
        for block in self.blocks:
            x = block(x, None if own.all() else mask)
        x = torch.cat([x[:, :1], x[:, 1 + PROMPTS:]], 1) * own[..., None]
        return self.head(x.sum(1) / lengths[:, None])


def pytorch_model(name):
    """A model, and the inputs of its batch."""
    if name in TEXT_SHAPES:
        width, depth, lengths = TEXT_SHAPES[name]
        tokens = torch.randint(VOCABULARY, (len(lengths), max(lengths)))
        return PromptedBert(width, depth), (tokens, torch.tensor(lengths))
    image, patch, width, depth, batch, activation = SHAPES[name]
    return PromptedEncoder(image, patch, width, depth, activation), (torch.randn(batch, 3, image, image),)


def median_milliseconds(steps, run):
    times = []
    for _ in range(steps + WARM_UP):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times[WARM_UP:])


def pytorch_step(name, precision, compiles=False):
    """A step, to be called again and again. With torch.compile its first calls take minutes."""
    model, inputs = pytorch_model(name)
    if compiles:
        model.compile(dynamic=False)
    optimizer = torch.optim.Adam([model.prompts, *model.head.parameters()], lr=1e-3)
    labels = torch.arange(len(inputs[0])) % CLASSES

    def step():
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = F.cross_entropy(model(*inputs), labels)
        loss.backward()
        optimizer.step()

    return step


def pytorch_prediction(name, precision, steps):
    """The median forward pass of a batch in milliseconds."""
    model, inputs = pytorch_model(name)
    model.eval()
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        return median_milliseconds(steps, lambda: model(*inputs))


def onnx_session(name, threads, folder):
    """The model in onnxruntime, and the inputs of its batch. Texts of unlike lengths keep their mask."""
    import onnxruntime

    model, inputs = pytorch_model(name)
    path = f"{folder}/model.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model.eval(), inputs, path, opset_version=18, dynamo=False)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    given = {field.name: value.numpy() for field, value in zip(session.get_inputs(), inputs)}
    with torch.inference_mode():
        difference = float((model(*inputs) - torch.from_numpy(session.run(None, given)[0])).abs().max())
    if not difference < 1e-3:
        sys.exit(f"{name}: onnxruntime's logits differ by {difference} from PyTorch's, expected less than 0.001")
    return session, given


def our_step(command, name, precision, threads, steps):
    """The median step in milliseconds, from the line of the benchmark's table that begins with the shape's name."""
    arguments = [*command, "--threads", str(threads), "--steps", str(steps), "--shape", name, "--precision", precision]
    table = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
    for line in table.splitlines():
        if line.startswith(name):
            return float(line[len(name):].split()[0])
    sys.exit(f"expected a line for '{name}' from {' '.join(arguments)}, found:\n{table}")


def compare_predictions(options):
    command = [*options.command.split(), "--prediction"]
    peers = ["PyTorch float32", "PyTorch bfloat16"]
    versions = f"PyTorch {torch.__version__}"
    if importlib.util.find_spec("onnxruntime") and importlib.util.find_spec("onnx"):
        import onnxruntime

        peers.append("onnxruntime")
        versions += f", onnxruntime {onnxruntime.__version__}"
    print(f"{versions}, {options.threads} threads, {options.rounds} rounds of {options.steps} predictions")
    for name in options.shape or [*SHAPES, *TEXT_SHAPES]:
        ours, theirs = {p: [] for p in PRECISIONS}, {p: [] for p in peers}
        with tempfile.TemporaryDirectory() as folder:
            onnx = onnx_session(name, options.threads, folder) if "onnxruntime" in peers else None
            for _ in range(options.rounds):
                for precision in PRECISIONS:
                    ours[precision].append(
                        our_step(command, name, precision, options.threads, options.steps))
                    theirs[f"PyTorch {precision}"].append(pytorch_prediction(name, precision, options.steps))
                if onnx:
                    session, given = onnx
                    theirs["onnxruntime"].append(
                        median_milliseconds(options.steps, lambda: session.run(None, given)))
        for precision in PRECISIONS:
            ratios = ", ".join(
                f"{peer} {statistics.median(times):.1f} ms ratio"
                f" {statistics.median(t / o for t, o in zip(times, ours[precision])):.2f}"
                for peer, times in theirs.items())
            print(f"{name:18} {precision:8} ours {statistics.median(ours[precision]):8.1f} ms  {ratios}", flush=True)


def compare_steps(options):
    print(f"PyTorch {torch.__version__}, {options.threads} threads, {options.rounds} rounds of {options.steps} steps")
    peers = ["PyTorch", "compiled"] if options.compile else ["PyTorch"]
    for name in options.shape or [*SHAPES, *TEXT_SHAPES]:
        for precision in options.precision or PRECISIONS:
            steps = {peer: pytorch_step(name, precision, peer == "compiled") for peer in peers}
            ours, theirs = [], {peer: [] for peer in peers}
            for _ in range(options.rounds):
                for peer, step in steps.items():
                    theirs[peer].append(median_milliseconds(options.steps, step))
                ours.append(our_step(options.command.split(), name, precision, options.threads, options.steps))
            ratios = "  ".join(
                f"{peer} {statistics.median(times):8.1f} ms  ratio {statistics.median(t / o for t, o in zip(times, ours)):.2f}"
                for peer, times in theirs.items())
            print(f"{name:18} {precision:8} ours {statistics.median(ours):8.1f} ms  {ratios}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--shape", choices=[*SHAPES, *TEXT_SHAPES], action="append", help="only this shape; may be repeated")
    parser.add_argument("--precision", choices=PRECISIONS, action="append", help="only this one")
    parser.add_argument("--prediction", action="store_true", help="forward passes in place of steps")
    parser.add_argument("--compile", action="store_true", help="torch.compile too, which takes minutes a shape (needs g++)")
    parser.add_argument("--command", default=f"{ROOT}/.build/release/impromptu bench tuning")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.prediction:
        return compare_predictions(options)
    compare_steps(options)


if __name__ == "__main__":
    main()
