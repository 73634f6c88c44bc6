"""A training loop of PyTorch that takes part in a federation by five lines, each marked with a +.

    python existing_loop.py RUN CLIENT ENCODER
"""

import sys

import torch

import impromptu                                                                         # +
from impromptu.torch import PromptedViT, VisionTransformer


def made_up_images(count, size, classes):
    """Squares whose place says their class."""
    generator = torch.Generator().manual_seed(1)
    images, labels = torch.randn(count, 3, size, size, generator=generator), torch.arange(count) % classes
    for image, label in zip(images, labels):
        image[:, :, size * label // classes : size * (label + 1) // classes] += 2
    return images, labels


def train(model, images, labels, batch=16):
    """One pass as anybody would write it; returns the mean loss."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    total = 0.0
    for places in torch.randperm(len(images)).split(batch):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images[places]), labels[places])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(places)
    return total / len(images)


def main(run, client, encoder):
    description = impromptu.ModelDescription.of_run(run)
    model = PromptedViT(VisionTransformer.load(encoder, description), description)
    images, labels = made_up_images(48, description.image.size, len(description.classes))
    federation = impromptu.join(run, client, samples=len(images), model=description)     # +
    for task in federation:                                                              # +
        model.load_tensors(task.tensors)                                                 # +
        loss = train(model, images, labels)
        task.send(model.tensors(), {"loss": loss})                                       # +
        print(f"{client}: loss {loss:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
