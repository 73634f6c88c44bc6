"""What can go wrong, as exceptions that name what was expected, what came, and where."""

from __future__ import annotations


class ImpromptuError(Exception):
    """The base of every error of this package."""


class ConfigurationError(ImpromptuError, ValueError):
    """An argument, a key file or an endpoints file is not what it has to be."""


class UpdateError(ImpromptuError, ValueError):
    """The tensors or metrics of an update do not fit the task. Nothing was sent; the task is still open."""


class OutboxError(ImpromptuError, OSError):
    """Updates cannot be kept on the disk."""


class ModelError(ImpromptuError, ValueError):
    """A file of prompts or weights, or an image, is not what the model needs."""


class Refused(ImpromptuError):
    """The aggregator takes this session no further. `code` is the wire's word, for example ``"FULL"``."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"the aggregator refused this session ({code}): {reason}")
        self.code = code
        self.reason = reason


class Fenced(Refused):
    """Another process took part under the same client name later. It has taken over, and this one ends."""


class ModelMismatch(Refused):
    """The run tunes another model than this client."""


REFUSALS: dict[str, type[Refused]] = {"FENCED": Fenced, "MODEL_MISMATCH": ModelMismatch}
