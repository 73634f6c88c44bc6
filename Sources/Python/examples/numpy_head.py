"""A client that needs numpy alone: it tunes the linear head on features of the encoder, and leaves the prompts as they are.

    python numpy_head.py RUN CLIENT ENCODER

For machines where PyTorch cannot be. The run needs a linear head (the default).
"""

import sys

import numpy as np

import impromptu


def made_up_images(count, size, classes):
    """Bytes of stripes whose place says their class."""
    random = np.random.default_rng(1)
    images, labels = random.integers(0, 100, (count, size, size, 3)), np.arange(count) % classes
    for image, label in zip(images, labels):
        image[size * label // classes : size * (label + 1) // classes] += 120
    return images.astype(np.uint8), labels


def train(features, labels, weight, bias, rate, steps=20):
    """Gradient steps of softmax regression; returns the loss before them."""
    weight, bias, first = weight.copy(), bias.copy(), None
    for _ in range(steps):
        logits = features @ weight.T + bias
        shares = np.exp(logits - logits.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        if first is None:
            first = float(-np.log(shares[np.arange(len(labels)), labels]).mean())
        shares[np.arange(len(labels)), labels] -= 1
        weight -= rate * shares.T @ features / len(labels)
        bias -= rate * shares.mean(0)
    return weight, bias, first


def main(run, client, encoder):
    description = impromptu.ModelDescription.of_run(run)
    images, labels = made_up_images(30, description.image.size, len(description.classes))
    with impromptu.join(run, client, samples=len(images), model=description) as federation:
        for task in federation:
            model = impromptu.PromptedModel.of_tensors(description, task.tensors, encoder)
            features = model.head_inputs(np.stack([model.prepare(image) for image in images]))
            weight, bias, loss = train(features, labels, task.tensors["head.weight"], task.tensors["head.bias"], rate=0.1)
            task.send({**task.tensors, "head.weight": weight, "head.bias": bias}, {"loss": loss})
            print(f"{client}: loss {loss:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
