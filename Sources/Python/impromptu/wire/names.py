"""Names of clients and tensors, and what the well-known ones mean."""

from __future__ import annotations

import re

from ..errors import ConfigurationError
from . import NAME_BYTES

PROMPTS = "prompts"
CLASS_MEANS = "class.means"
CLASS_COUNTS = "class.counts"
STATISTICS_GENERATION = "statistics.generation"
"""Published where clients take class statistics with the published prompts and tune nothing; not sent back."""
FIXED = "fixed."
HEAD = "head."
CONTROL = "control."
GENERATOR = "generator."

_CLIENT = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


def checked_client(name: str) -> str:
    """Returns the name of a client, or raises `ConfigurationError`."""
    if not isinstance(name, str) or not _CLIENT.match(name):
        raise ConfigurationError(f"client: expected 1 to 64 characters of A-Z a-z 0-9 . _ -, found {name!r}")
    return name


def is_name(text: str) -> bool:
    """Whether a tensor or a metric may have the name."""
    return 1 <= len(text.encode()) <= NAME_BYTES and text.isprintable()


def travels_whole(name: str) -> bool:
    """Whether the tensor is float32 also where a run asks for half precision."""
    return name.startswith(FIXED) or name in (CLASS_COUNTS, STATISTICS_GENERATION)
