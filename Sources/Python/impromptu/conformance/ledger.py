"""What an aggregator of the checker has to remember over its restarts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..wire import impromptu_pb2 as pb
from ..wire.names import PROMPTS
from ..wire.tensors import Array, decoded, encoded


@dataclass
class Ledger:
    """A run: its published states, the tasks that were given, and the updates that count."""

    run: int
    tensors: dict[str, Array]
    prompt_ids: list[int]
    dtype: pb.DataType = pb.DATA_TYPE_F32
    version: int = 0
    epoch: int = 0
    last_task: int = 0
    open_tasks: dict[str, pb.Task] = field(default_factory=dict)
    """By client."""
    given: dict[int, str] = field(default_factory=dict)
    """The client of each task."""
    accepted: dict[int, pb.Update] = field(default_factory=dict)
    """By task."""
    failed: dict[int, str] = field(default_factory=dict)
    """The reason, by task."""
    changed_at: dict[str, int] = field(default_factory=dict)
    """The version since which each tensor has its values."""

    def new_task(self, client: str, session: int, plan: pb.TrainingPlan) -> pb.Task:
        """Opens a task of the newest version for a client."""
        self.last_task += 1
        task = pb.Task(
            client=client, session=session, number=self.last_task, version=self.version, seed=self.last_task, plan=plan
        )
        self.given[task.number] = client
        self.open_tasks[client] = task
        return task

    def take(self, update: pb.Update) -> tuple[str, pb.RejectCode, str]:
        """What becomes of an update: ``("ack" or "reject", code, reason)``. It counts once."""
        if update.run != self.run:
            return "reject", pb.REJECT_CODE_OTHER_RUN, "the task belongs to another run"
        if self.given.get(update.task) != update.client:
            return "reject", pb.REJECT_CODE_UNKNOWN_TASK, f"task {update.task} was not given to {update.client}"
        if update.task not in self.accepted:
            self.accepted[update.task] = update
            self._publish(update)
        if (task := self.open_tasks.get(update.client)) and task.number == update.task:
            del self.open_tasks[update.client]
        return "ack", pb.REJECT_CODE_UNSPECIFIED, ""

    def _publish(self, update: pb.Update) -> None:
        """The next version: halfway between the state and the update."""
        self.version += 1
        rows = [self.prompt_ids.index(identity) for identity in update.prompt_ids]
        for name, array in decoded(update.tensors, "update").items():
            old = self.tensors[name]
            new = np.array(old)
            if name == PROMPTS:
                new[rows] = (old[rows] + array) / 2
            else:
                new = ((old + array) / 2).astype(np.float32)
            if not np.array_equal(new, old):
                self.tensors[name] = new
                self.changed_at[name] = self.version

    def prompts(self, holding: int) -> pb.Prompts:
        """The newest state for whoever holds that version, without what it has."""
        since = {name: self.changed_at.get(name, 0) for name in sorted(self.tensors)}
        kept = {name for name, version in since.items() if name != PROMPTS and version <= holding < self.version}
        return pb.Prompts(
            version=self.version,
            prompt_ids=self.prompt_ids,
            tensors=[encoded(name, array, self.dtype) for name, array in sorted(self.tensors.items()) if name not in kept],
            unchanged=[pb.Unchanged(name=name, since=since[name]) for name in sorted(kept)],
        )
