"""The golden vectors that the Swift program is tested on too; Tests/Interop/model_vectors.py made them."""

import json
import pathlib

from safetensors import safe_open
from safetensors.numpy import save_file

from impromptu.model.bert import TextEncoder, bert_weights
from impromptu.model.description import ModelDescription
from impromptu.model.vit import Encoder
from impromptu.model.weights import unified

FIXTURES = pathlib.Path(__file__).parents[3] / "Tests/PromptTuningTests/Fixtures"
FAMILIES = ("vit", "deit", "dinov2", "torchvision", "clip", "siglip")
"""Of images."""
ALL_FAMILIES = (*FAMILIES, "bert")


def read(path):
    with safe_open(path, framework="np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()


class Vectors:
    """One family's images or texts, model and expected values."""

    def __init__(self, family):
        tensors, metadata = read(FIXTURES / f"model-{family}.safetensors")
        self.description = ModelDescription.from_json(metadata["model"], family)
        self.plan = json.loads(metadata["plan"])
        self.images, self.labels = tensors.pop("images", None), tensors.pop("labels")
        tokens = tensors.pop("tokens", None)
        prefix = "expected."
        self.expected = {name[len(prefix) :]: tensors.pop(name) for name in list(tensors) if name.startswith(prefix)}
        self.tensors = tensors
        self.weights = unified_fixture(metadata["weights"], self.description.encoder)
        self.inputs = tokens if tokens is not None else self.expected["prepared"]
        """What the encoder reads."""

    def encoder(self):
        """The encoder in numpy."""
        kind = TextEncoder if self.description.text else Encoder
        return kind(self.weights, self.description.encoder)


def unified_fixture(name, description, size=16):
    """The weights of an encoder's fixture in one form."""
    tensors, _ = read(FIXTURES / f"{name}.safetensors")
    own = {key: values for key, values in tensors.items() if not key.startswith(("input.", "expected."))}
    if description.family == "bert":
        return bert_weights(own, description, name)
    return unified(own, description, size, name)


def encoder_folder(folder, vectors):
    """The weights of a family's golden vectors as the Swift worker reads them."""
    family = vectors.description.encoder.family
    _, metadata = read(FIXTURES / f"model-{family}.safetensors")
    tensors, own = read(FIXTURES / f"{metadata['weights']}.safetensors")[0], json.loads(metadata["config"])
    folder.mkdir()
    weights = {name: values for name, values in tensors.items() if not name.startswith(("input.", "expected."))}
    save_file(weights, folder / "model.safetensors")
    image = vectors.description.image
    if image is not None:
        own |= {"mean": image.mean, "std": image.std}
    (folder / "config.json").write_text(json.dumps(own))
    if image is None:
        pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS]
        (folder / "vocab.txt").write_text("".join(piece + "\n" for piece in pieces))
        (folder / "1_Pooling").mkdir()
        modes = {"class-token": "pooling_mode_cls_token", "mean": "pooling_mode_mean_tokens"}
        said = {modes[vectors.description.encoder.feature]: True}
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(said))
    return folder


WORDS = [f"word{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
"""Those of a text encoder's folder; each is one token, from 4."""
