"""The golden vectors that the Swift program is tested on too; Tests/Interop/model_vectors.py made them."""

import json
import pathlib

from safetensors import safe_open

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
