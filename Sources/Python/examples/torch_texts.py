"""A client of PyTorch whose texts are a table with the columns text and label.

    python torch_texts.py RUN CLIENT ENCODER TABLE [HELD_OUT]

RUN is the run's folder, ENCODER the encoder's with its tokenizer (docs/text.md), TABLE and HELD_OUT are .csv or .tsv.
"""

import sys

import torch

import impromptu
from impromptu.torch import PromptedBert, Samples, TorchClient


def main(run, client, encoder, table, held_out=None):
    description = impromptu.ModelDescription.of_run(run)
    model = PromptedBert.around(encoder, description).to("cuda" if torch.cuda.is_available() else "cpu")

    def samples(file):
        return Samples.of_table(file, description.classes, model.prepare)

    TorchClient(model, samples(table), held_out=held_out and samples(held_out)).run(run, client)
    print(f"{client}: the run has finished")


if __name__ == "__main__":
    main(*sys.argv[1:])
