"""What an update must hold, checked where it is made, so that the user hears of it and not the aggregator."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .effects import UpdateID
from .errors import UpdateError
from .plan import TrainingPlan
from .state import Version
from .wire import COUNT, LARGEST_VALUE, MESSAGE_BYTES, METRICS, PROTOCOL
from .wire import impromptu_pb2 as pb
from .wire import names
from .wire.tensors import Array, as_array, encoded


def encoded_update(
    client: str,
    session: int,
    identity: UpdateID,
    base: Version,
    plan: TrainingPlan,
    dtype: int,
    samples: int,
    tensors: Mapping[str, Any],
    metrics: Mapping[str, float],
    prompt_ids: Sequence[int] | NDArray[np.uint64] | None,
) -> bytes:
    """The whole message. Raises `UpdateError`, naming the tensor, what was expected and what came."""
    if not 1 <= samples <= COUNT:
        raise UpdateError(f"samples: expected 1 to 2^40, found {samples}")
    arrays = _tensors_to_send(base, plan, tensors)
    rows = _identities(base, plan, arrays, prompt_ids)
    update = pb.Update(
        client=client,
        session=session,
        run=identity.run,
        task=identity.task,
        base_version=base.number,
        sample_count=samples,
        tensors=[encoded(name, array, dtype) for name, array in sorted(arrays.items())],
        prompt_ids=rows,
        metrics=_metrics(metrics),
    )
    message = pb.ClientEnvelope(protocol=PROTOCOL, update=update).SerializeToString()
    most = _most_bytes(base)
    if len(message) > most:
        raise UpdateError(f"expected an update of at most {most} bytes, found {len(message)}")
    return message


def _most_bytes(base: Version) -> int:
    """What the aggregator takes of a client that holds this state; a larger message would be refused each time."""
    state = sum(4 * array.size for array in base.tensors.values())
    return min(MESSAGE_BYTES, 4 * state + (4 << 20))


def _tensors_to_send(base: Version, plan: TrainingPlan, tensors: Mapping[str, Any]) -> dict[str, Array]:
    expected = {name: array.shape for name, array in base.tensors.items() if plan.sends(name)}
    given = {name: value for name, value in tensors.items() if plan.sends(name) or name not in base.tensors}
    if plan.sends_no_rows:
        given[names.PROMPTS] = np.zeros((0, base.tensors[names.PROMPTS].shape[1]), np.float32)
    if set(given) != set(expected):
        missing, strange = sorted(set(expected) - set(given)), sorted(set(given) - set(expected))
        raise UpdateError(f"expected the tensors {sorted(expected)}; missing are {missing}, unknown are {strange}")
    arrays = {}
    for name, value in given.items():
        try:
            array = as_array(value)
        except (TypeError, ValueError) as error:
            raise UpdateError(f"{name}: expected numbers, found {type(value).__name__}: {error}") from error
        if name != names.PROMPTS and array.shape != expected[name]:
            raise UpdateError(f"{name}: expected shape {list(expected[name])}, found {list(array.shape)}")
        _check_values(name, array)
        arrays[name] = array
    return arrays


def _check_values(name: str, array: Array) -> None:
    wrong = ~(np.abs(array) <= LARGEST_VALUE)
    if wrong.any():
        place = np.unravel_index(int(np.argmax(wrong)), array.shape)
        raise UpdateError(
            f"{name}: expected finite values within ±1e15, found {array[place]} at {[int(index) for index in place]}"
        )


def _identities(
    base: Version, plan: TrainingPlan, arrays: Mapping[str, Array], given: Sequence[int] | NDArray[np.uint64] | None
) -> list[int]:
    prompts, pool = arrays[names.PROMPTS], base.tensors[names.PROMPTS]
    if plan.sends_no_rows:
        return []
    rows = [int(identity) for identity in (base.prompt_ids if given is None else given)]
    if prompts.shape != (len(rows), pool.shape[1]):
        hint = "" if given is not None else "; give prompt_ids where not all rows of the pool are sent"
        raise UpdateError(f"prompts: expected shape {[len(rows), pool.shape[1]]}, found {list(prompts.shape)}{hint}")
    if len(set(rows)) != len(rows):
        raise UpdateError(f"prompt_ids: expected each once, found {rows}")
    known = {int(identity) for identity in base.prompt_ids}
    strangers = [identity for identity in rows if identity not in known]
    if strangers:
        raise UpdateError(f"prompt_ids: expected those of version {base.number}, found {strangers}")
    return rows


def _metrics(metrics: Mapping[str, float]) -> list[pb.Metric]:
    if len(metrics) > METRICS:
        raise UpdateError(f"metrics: expected at most {METRICS}, found {len(metrics)}")
    for name, value in metrics.items():
        if not names.is_name(name):
            raise UpdateError(f"metrics: expected names of 1 to 64 bytes without control characters, found {name!r}")
        try:
            math.isnan(value)
        except TypeError as error:
            raise UpdateError(f"metrics: {name}: expected a number, found {value!r}") from error
    return [pb.Metric(name=name, value=float(value)) for name, value in metrics.items()]
