"""The golden vectors that the Swift program is tested on too; Tests/Interop/model_vectors.py made them."""

import json
import pathlib

from safetensors import safe_open
from safetensors.numpy import save_file

from impromptu.model.description import ModelDescription
from impromptu.model.weights import unified

FIXTURES = pathlib.Path(__file__).parents[3] / "Tests/PromptTuningTests/Fixtures"
FAMILIES = ("vit", "deit", "dinov2", "torchvision", "clip", "siglip")


def read(path):
    with safe_open(path, framework="np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()


class Vectors:
    """One family's images, model and expected values."""

    def __init__(self, family):
        tensors, metadata = read(FIXTURES / f"model-{family}.safetensors")
        self.description = ModelDescription.from_json(metadata["model"], family)
        self.plan = json.loads(metadata["plan"])
        self.images, self.labels = tensors.pop("images"), tensors.pop("labels")
        prefix = "expected."
        self.expected = {name[len(prefix) :]: tensors.pop(name) for name in list(tensors) if name.startswith(prefix)}
        self.tensors = tensors
        self.weights = unified_fixture(metadata["weights"], self.description.encoder)


def unified_fixture(name, description, size=16):
    """The weights of an encoder's fixture in one form."""
    tensors, _ = read(FIXTURES / f"{name}.safetensors")
    own = {key: values for key, values in tensors.items() if not key.startswith(("input.", "expected."))}
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
    (folder / "config.json").write_text(json.dumps(own | {"mean": image.mean, "std": image.std}))
    return folder
