"""Published states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .wire import impromptu_pb2 as pb
from .wire.names import PROMPTS
from .wire.tensors import Array, WireError, decoded


@dataclass(frozen=True)
class Version:
    """A published state: what clients start from and what is evaluated."""

    number: int
    """0 for the initial state."""
    tensors: Mapping[str, Array]
    """By name, read-only; ``"prompts"`` is [prompts, width]."""
    prompt_ids: NDArray[np.uint64]
    """The identity of each row of ``"prompts"``."""


def completed(message: pb.Prompts, held: Version | None) -> Version | None:
    """The whole state of a message that leaves out what did not change; None where `held` lacks some of it.

    Raises `WireError` for a message that is no state.
    """
    tensors = decoded(message.tensors, "prompts")
    if PROMPTS not in tensors or tensors[PROMPTS].ndim != 2 or len(tensors[PROMPTS]) != len(message.prompt_ids):
        raise WireError(f"prompts.tensors: expected 'prompts' with {len(message.prompt_ids)} rows, found {list(tensors)}")
    for tensor in message.unchanged:
        if held is None or held.number < tensor.since or tensor.name not in held.tensors:
            return None
        tensors[tensor.name] = held.tensors[tensor.name]
    identities = np.array(list(message.prompt_ids), dtype=np.uint64)
    identities.flags.writeable = False
    return Version(message.version, dict(sorted(tensors.items())), identities)
