"""A client of PyTorch whose images lie in a folder for each class.

    python torch_images.py RUN CLIENT ENCODER IMAGES [HELD_OUT]

RUN is the run's folder, ENCODER the encoder's (docs/encoders.md), IMAGES and HELD_OUT hold CLASS/*.png or .jpg.
"""

import sys

import torch

import impromptu
from impromptu.torch import PromptedViT, Samples, TorchClient, VisionTransformer


def main(run, client, encoder, images, held_out=None):
    description = impromptu.ModelDescription.of_run(run)
    vit = VisionTransformer.load(encoder, description)
    model = PromptedViT(vit, description).to("cuda" if torch.cuda.is_available() else "cpu")

    def samples(folder):
        return Samples.of_folder(folder, description.classes, model.prepare)

    TorchClient(model, samples(images), held_out=held_out and samples(held_out)).run(run, client)
    print(f"{client}: the run has finished")


if __name__ == "__main__":
    main(*sys.argv[1:])
