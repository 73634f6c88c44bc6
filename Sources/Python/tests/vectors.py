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
LATER_IMAGES = ("vit-later", "dinov2-later", "clip-later", "siglip-later")
"""Those whose prompts enter later than before block 0."""
OF_IMAGES = ("vit", "deit", "dinov2", "torchvision", "clip", "siglip", *LATER_IMAGES)
LATER = (*LATER_IMAGES, "bert-later")
ALL = (*OF_IMAGES, "bert", "bert-later")


def read(path):
    with safe_open(path, framework="np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()


class Vectors:
    """Images or texts, model and expected values around an encoder of one family."""

    def __init__(self, name):
        tensors, metadata = read(FIXTURES / f"model-{name}.safetensors")
        self.fixture = metadata["weights"]
        """The name of the one that holds the encoder's weights."""
        self.config = json.loads(metadata["config"])
        self.description = ModelDescription.from_json(metadata["model"], name)
        self.plan = json.loads(metadata["plan"])
        self.images, self.labels = tensors.pop("images", None), tensors.pop("labels")
        tokens = tensors.pop("tokens", None)
        prefix = "expected."
        self.expected = {name[len(prefix) :]: tensors.pop(name) for name in list(tensors) if name.startswith(prefix)}
        self.tensors = tensors
        self.weights = unified_fixture(self.fixture, self.description.encoder)
        self.inputs = tokens if tokens is not None else self.expected["prepared"]
        """What the encoder reads."""

    def encoder(self):
        """The encoder in numpy."""
        kind = TextEncoder if self.description.text else Encoder
        return kind(self.weights, self.description.encoder)


def encoder_tensors(name):
    """The weights of an encoder's fixture by the library's names."""
    tensors, _ = read(FIXTURES / f"{name}.safetensors")
    return {key: values for key, values in tensors.items() if not key.startswith(("input.", "expected."))}


def unified_fixture(name, description, size=16):
    """The weights of an encoder's fixture in one form."""
    own = encoder_tensors(name)
    if description.family == "bert":
        return bert_weights(own, description, name)
    return unified(own, description, size, name)


def encoder_folder(folder, vectors):
    """The weights of golden vectors as the Swift worker reads them."""
    folder.mkdir()
    save_file(encoder_tensors(vectors.fixture), folder / "model.safetensors")
    image = vectors.description.image
    own = vectors.config if image is None else vectors.config | {"mean": image.mean, "std": image.std}
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
