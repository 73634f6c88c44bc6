"""Taking part in a federation."""

from __future__ import annotations

import atexit
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from .callbacks import Callbacks
from .core import ClientCore
from .driver import Driver
from .effects import Abandon, Effect, End, Evaluate, Published, Rejected, Train, UpdateID
from .endpoints import Rendezvous, Target
from .errors import ConfigurationError, UpdateError
from .evaluation import Evaluation
from .keys import Keys
from .log import ClientLog
from .model.description import ModelDescription, ModelSpecification
from .outbox import Outbox
from .plan import TrainingPlan
from .state import Version
from .task import Task
from .wire import COUNT
from .wire.names import checked_client
from .wire.tensors import WireError

_LEFT = "the client left without an answer"
_GRACE = 10.0
_EXIT_GRACE = 5.0


def join(
    target: Target,
    client: str,
    *,
    samples: int,
    keys: Keys | str | Path | None = None,
    key_name: str | None = None,
    model: ModelDescription | ModelSpecification | None = None,
    outbox: str | Path | None = None,
    held_out: int = 0,
    on_evaluate: Callable[[Version], Evaluation | None] | None = None,
    on_version: Callable[[Version], object] | None = None,
    on_rejected: Callable[[int, str, str], object] | None = None,
    on_end: Callable[[Exception | None], object] | None = None,
) -> Federation:
    """Takes part in a run as one client; returns at once, and connects on a thread of its own.

    - `target`: the run's folder, where the aggregator keeps `endpoints.yaml`, that file, or the two endpoints
      ``("tcp://host:5555", "tcp://host:5556")`` for updates and prompts.
    - `client`: who this is, 1 to 64 characters of A-Z a-z 0-9 . _ -; the same at each start.
    - `samples`: training samples of the client; with 0 it watches and is never asked to train.
    - `keys`: the folder that `impromptu keys` made, or `Keys`; `key_name` is the name of the key where it is not the
      client's.
    - `model`: what the client tunes, to be checked against the run's; None skips the check.
    - `outbox`: the folder for updates that are not settled, kept over restarts. By default `python-outbox` in the run's
      folder, or `~/.local/state/impromptu`.
    - `held_out`: samples that the client holds out; with some, `on_evaluate` gets each version that the run wants
      evaluated on them, and returns an `impromptu.Evaluation`, or None for nothing to say.
    - `on_version` gets each newer `Version`, `on_rejected` task, code and reason of an update that does not count,
      `on_end` the reason of the end, None where the run finished or the client left. All on one further thread.

    Raises `ConfigurationError` for arguments that cannot be, `OutboxError` where updates cannot be kept.
    """
    checked_client(client)
    if isinstance(samples, bool) or not isinstance(samples, int) or not 0 <= samples <= COUNT:
        raise ConfigurationError(f"samples: expected a whole number from 0 to 2^40, found {samples!r}")
    if (held_out > 0) != (on_evaluate is not None):
        raise ConfigurationError(f"on_evaluate: expected with held_out above 0 and only then, found held_out {held_out}")
    rendezvous = Rendezvous(target)
    if isinstance(keys, (str, Path)):
        keys = Keys.from_folder(keys, key_name or client)
    specification = model.specification() if isinstance(model, ModelDescription) else model
    box = Outbox(_outbox_folder(outbox, rendezvous) / client, client)
    core = ClientCore(
        client, secrets.randbits(64), samples, specification._to_wire() if specification else None, box.left, follows=bool(on_version),
        held_out=held_out,
    )
    return Federation(core, rendezvous, keys, box, on_version, on_rejected, on_end, on_evaluate)


def _outbox_folder(given: str | Path | None, rendezvous: Rendezvous) -> Path:
    if given is not None:
        return Path(given)
    if rendezvous.run_folder is not None:
        return rendezvous.run_folder / "python-outbox"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "impromptu" / "outbox"


class Federation:
    """A client's part in a run, made by `join`: iterate over its tasks.

    The loop ends when the run has finished. Sockets, heartbeats and resends have a thread of their own. Use it in a
    `with` statement to leave at once when the program fails; else it leaves when the program exits.
    """

    def __init__(
        self,
        core: ClientCore,
        rendezvous: Rendezvous,
        keys: Keys | None,
        outbox: Outbox,
        on_version: Callable[[Version], object] | None,
        on_rejected: Callable[[int, str, str], object] | None,
        on_end: Callable[[Exception | None], object] | None,
        on_evaluate: Callable[[Version], Evaluation | None] | None = None,
    ) -> None:
        self._on_evaluate = on_evaluate
        self._core = core
        self._outbox = outbox
        self._log = ClientLog(core.client)
        self._condition = threading.Condition()
        self._order: Task | None = None
        self._current: Task | None = None
        self._version: Version | None = None
        self._end: End | None = None
        self._on_rejected = on_rejected
        self._on_end = on_end
        self._process = os.getpid()
        self._callbacks = Callbacks(core.client, on_version, self._log, lambda: _open.discard(self))
        self._driver = Driver(core, rendezvous, keys, outbox, self._take, self._log)
        _open.add(self)
        self._callbacks.start()
        self._driver.start()

    # ---- For the user ----

    @property
    def client(self) -> str:
        """The client's name."""
        return self._core.client

    @property
    def version(self) -> Version | None:
        """The newest state that is held, None before the first."""
        return self._version

    @property
    def has_finished(self) -> bool:
        """Whether the run has come to its end."""
        return self._end is not None and self._end.finished

    def __iter__(self) -> Iterator[Task]:
        """The tasks as they come, until the run has finished. Raises as `next_task`."""
        while (task := self.next_task()) is not None:
            yield task

    def next_task(self, timeout: float | None = None) -> Task | None:
        """Waits for a task, for so many seconds at most; None where none came or the run has finished.

        A task that was not answered before is answered as failed. Raises `Fenced`, `ModelMismatch` or `Refused` where
        the aggregator ended this session, `ConfigurationError` in a process that was forked off.
        """
        self._check_process()
        with self._condition:
            self._give_up(self._current, "the training loop continued without an answer")
            self._condition.wait_for(lambda: self._order or self._end, timeout)
            if self._order is not None:
                self._current, self._order = self._order, None
                return self._current
            if self._end is not None and self._end.error is not None:
                raise self._end.error
            return None

    def close(self, grace: float = _GRACE) -> None:
        """Leaves: a task without an answer is answered as failed, and for `grace` seconds at most it is waited until
        what was sent is settled. What is not settled by then is sent at the next start."""
        if os.getpid() != self._process:
            return  # the threads and sockets are the other process's
        with self._condition:
            for task in (self._current, self._order):
                self._give_up(task, _LEFT, is_over=True)
            self._order = None
        self._driver.call(lambda now: self._core.leave(now, grace))
        self._driver.join(grace + 5)
        self._callbacks.finish()
        if threading.current_thread() is not self._callbacks:
            self._callbacks.join(grace)

    def __enter__(self) -> Federation:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None:
            with self._condition:
                self._give_up(self._current, f"{type(error).__name__}: {error}")
        self.close()

    # ---- For tasks ----

    def _answer(self, task: Task, encode: Callable[[], bytes]) -> bool:
        self._check_process()
        if self._claim(task):
            try:
                message = encode()
                self._outbox.store(task.identity, message)
            except BaseException:
                task._is_answered = False
                raise
            self._driver.call(lambda now: self._hand_over(task, message, now))
        if not task.is_abandoned:
            return True
        with self._condition:  # an end abandons the task a step before it says why
            self._condition.wait_for(lambda: self._end is not None or not self._core.finished)
        if self.has_finished:
            self._outbox.discard(task.identity)
        if self._end is not None and self._end.error is not None:
            raise self._end.error
        self._log.info("the answer to task %d does not count: %s", task.number, task._why_abandoned)
        return False

    def _claim(self, task: Task) -> bool:
        """Lets one caller answer a task, so that nobody gives it up while its update is written. Returns whether an
        answer counts."""
        with self._condition:
            if task.is_abandoned:
                return False
            if task._is_answered:
                raise UpdateError(f"task {task.number}: expected one answer, found a second")
            task._is_answered = True
            return True

    def _fail(self, task: Task, reason: str) -> None:
        self._check_process()
        if self._claim(task):
            self._log.warning("task %d failed: %s", task.number, reason)
            self._driver.call(lambda now: self._core.failed(task.number, reason))

    def _give_up(self, task: Task | None, reason: str, is_over: bool = False) -> None:
        """Answers a task as failed if it is open; with `is_over` an answer that comes later is none too many."""
        if task is not None and not task._is_answered and not task.is_abandoned:
            self._fail(task, reason)
            if is_over:
                task._abandon(reason)

    def _check_process(self) -> None:
        if os.getpid() != self._process:
            raise ConfigurationError(
                f"{self.client}: expected the process that joined, found one that was forked off; join in that one"
            )

    # ---- On the callbacks' thread ----

    def _evaluate(self, version: Version) -> None:
        message = None
        try:
            found = self._on_evaluate(version) if self._on_evaluate else None
            message = found._to_wire() if found else None
        finally:
            self._driver.call(lambda now: self._core.evaluated(message))

    # ---- On the driver's thread ----

    def _hand_over(self, task: Task, message: bytes, now: float) -> None:
        """What the core has taken is on its way, whatever comes after."""
        if self._core.trained(task.identity, message, now):
            task._is_on_its_way = True

    def _take(self, effect: Effect) -> None:
        with self._condition:
            if isinstance(effect, Train):
                self._begin(effect)
            elif isinstance(effect, Evaluate):
                version = effect.version
                self._callbacks.call(lambda: self._evaluate(version))
            elif isinstance(effect, Abandon):
                self._abandon(effect.reason)
            elif isinstance(effect, Published):
                self._version = effect.version
                self._callbacks.version(effect.version)
            elif isinstance(effect, Rejected):
                if (on_rejected := self._on_rejected) is not None:
                    task, code, reason = effect.update.task, effect.code, effect.reason
                    self._callbacks.call(lambda: on_rejected(task, code, reason))
            elif isinstance(effect, End):
                self._finish(effect)

    def _begin(self, order: Train) -> None:
        task = order.task
        try:
            plan = TrainingPlan.from_wire(task.plan)
        except WireError as error:
            self._core.failed(task.number, str(error))
            return
        self._order = Task(self, UpdateID(order.run, task.number), task.seed, plan, order.base, order.dtype)
        self._condition.notify_all()

    def _abandon(self, reason: str) -> None:
        for task in (self._order, self._current):
            if task is not None and not task._is_on_its_way:
                task._abandon(reason)
        self._order = None

    def _finish(self, end: End) -> None:
        if self._end is None:
            self._abandon(str(end.error) if end.error else "the run has finished" if end.finished else "the client left")
            self._end = end
            if (on_end := self._on_end) is not None:
                self._callbacks.call(lambda: on_end(end.error))
            self._callbacks.finish()
        self._condition.notify_all()


_open: set[Federation] = set()
"""Those whose callbacks may still be called."""


@atexit.register
def _leave_all() -> None:
    """Leaves what the program did not."""
    for federation in list(_open):
        federation.close(_EXIT_GRACE)
