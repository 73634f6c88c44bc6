"""Tensors between numpy and the wire."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import LARGEST_HALF, RANK, TENSORS
from . import impromptu_pb2 as pb
from .names import is_name, travels_whole

Array = NDArray[np.float32]
_TYPES = {pb.DATA_TYPE_F32: "<f4", pb.DATA_TYPE_F16: "<f2"}


class WireError(ValueError):
    """A message is not as the protocol has it: the field, what was expected, what came."""


def decoded(tensors: Iterable[pb.Tensor], where: str) -> dict[str, Array]:
    """The arrays of a message's tensors, read-only, by name.

    Raises `WireError` for an unknown type, a repeated name, or data that does not fit the shape.
    """
    arrays: dict[str, Array] = {}
    for place, tensor in enumerate(tensors):
        path = f"{where}.tensors[{place}]"
        if place >= TENSORS:
            raise WireError(f"{where}.tensors: expected at most {TENSORS}, found more")
        kind = _TYPES.get(tensor.dtype)
        if kind is None:
            raise WireError(f"{path}.dtype: expected F32 or F16, found {tensor.dtype}")
        if not is_name(tensor.name) or tensor.name in arrays:
            raise WireError(f"{path}.name: expected a name of its own of 1 to 64 bytes, found {tensor.name!r}")
        shape = tuple(tensor.shape)
        if len(shape) > RANK:
            raise WireError(f"{path}.shape: expected at most {RANK} dimensions, found {len(shape)}")
        count = 1
        for extent in shape:
            count *= extent
        expected = count * np.dtype(kind).itemsize
        if len(tensor.data) != expected:
            raise WireError(f"{path}.data: expected {expected} bytes for shape {list(shape)}, found {len(tensor.data)}")
        array = np.frombuffer(tensor.data, kind).astype(np.float32).reshape(shape)
        array.flags.writeable = False
        arrays[tensor.name] = array
    return arrays


def encoded(name: str, array: Array, dtype: int) -> pb.Tensor:
    """A tensor of the run's type; half precision is rounded to nearest and held within ±65,504."""
    if dtype == pb.DATA_TYPE_F16 and not travels_whole(name):
        data = np.clip(array, -LARGEST_HALF, LARGEST_HALF).astype("<f2")
        return pb.Tensor(name=name, dtype=pb.DATA_TYPE_F16, shape=array.shape, data=data.tobytes())
    return pb.Tensor(name=name, dtype=pb.DATA_TYPE_F32, shape=array.shape, data=array.astype("<f4").tobytes())


def as_array(value: Any) -> Array:
    """A float32 array of whatever holds numbers: numpy, lists, or a PyTorch tensor on any device."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().float().numpy()
    return np.ascontiguousarray(value, dtype=np.float32).reshape(np.shape(value))
