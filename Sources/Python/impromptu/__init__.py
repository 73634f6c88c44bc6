"""Take part in a federation that tunes prompts, and use what it made.

    federation = impromptu.join("runs/first", client="clinic-3", samples=len(dataset))
    for task in federation:
        tensors, loss = train(task.tensors, task.plan, task.seed)
        task.send(tensors, {"loss": loss})

docs/python.md is the manual.
"""

from importlib.metadata import PackageNotFoundError, version

from .endpoints import Endpoints
from .errors import (
    ConfigurationError,
    Fenced,
    ImpromptuError,
    ModelError,
    ModelMismatch,
    OutboxError,
    Refused,
    UpdateError,
)
from .evaluation import Evaluation
from .federation import Federation, join
from .keys import Keys
from .model.description import ModelDescription, ModelSpecification
from .model.prompted import Prediction, PromptedModel
from .plan import TrainingPlan
from .state import Version
from .task import Task

try:
    __version__ = version("impromptu")
except PackageNotFoundError:  # imported from the sources
    __version__ = "0"

__all__ = [
    "ConfigurationError",
    "Endpoints",
    "Evaluation",
    "Federation",
    "Fenced",
    "ImpromptuError",
    "Keys",
    "ModelDescription",
    "ModelError",
    "ModelMismatch",
    "ModelSpecification",
    "OutboxError",
    "Prediction",
    "PromptedModel",
    "Refused",
    "Task",
    "TrainingPlan",
    "UpdateError",
    "Version",
    "join",
]
