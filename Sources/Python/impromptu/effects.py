"""What a client's core wants done, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .state import Version
from .wire import impromptu_pb2 as pb


class Origin(NamedTuple):
    """One start of one run's aggregator."""

    run: int
    epoch: int


class UpdateID(NamedTuple):
    """What an update is known by: the run that its task belongs to, and the task's number."""

    run: int
    task: int


@dataclass(frozen=True)
class Send:
    """Send this message; it may get lost."""

    message: bytes


@dataclass(frozen=True)
class Train:
    """Begin this task on that state."""

    run: int
    task: pb.Task
    base: Version
    dtype: int


@dataclass(frozen=True)
class Evaluate:
    """Evaluate this state on what the client holds out."""

    version: Version


@dataclass(frozen=True)
class Abandon:
    """The task under way does not count any more."""

    reason: str


@dataclass(frozen=True)
class Discard:
    """Remove this update from the disk."""

    update: UpdateID


@dataclass(frozen=True)
class Rejected:
    """An update does not count, and why."""

    update: UpdateID
    code: str
    reason: str


@dataclass(frozen=True)
class Published:
    """A newer state is held."""

    version: Version


@dataclass(frozen=True)
class Joined:
    """The aggregator welcomed this session."""

    origin: Origin
    version: int
    kept_for_other_runs: int


@dataclass(frozen=True)
class Complaint:
    """Something for the log: the aggregator did not understand this client, or this client the aggregator."""

    text: str


@dataclass(frozen=True)
class End:
    """The session is over. `error` is None where the run finished or the client left."""

    error: Exception | None
    finished: bool


Effect = Send | Train | Evaluate | Abandon | Discard | Rejected | Published | Joined | Complaint | End
