"""Calls a user's functions on a thread of their own, so that a slow one keeps nobody from heartbeats and tasks."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from .log import ClientLog
from .state import Version


class Callbacks(threading.Thread):
    """Calls in the order of what happened. Of versions that come while a call lasts only the newest is shown."""

    def __init__(
        self, name: str, on_version: Callable[[Version], object] | None, log: ClientLog, done: Callable[[], object]
    ) -> None:
        """`done` is called when the thread ends."""
        super().__init__(name=f"impromptu callbacks {name}", daemon=True)
        self._on_version = on_version
        self._log = log
        self._done = done
        self._condition = threading.Condition()
        self._newest: Version | None = None
        self._calls: deque[Callable[[], object]] = deque()
        self._is_closed = False

    def version(self, version: Version) -> None:
        """There is a newer version."""
        if self._on_version is not None:
            with self._condition:
                self._newest = version
                self._condition.notify()

    def call(self, function: Callable[[], object]) -> None:
        """Has a function called."""
        with self._condition:
            self._calls.append(function)
            self._condition.notify()

    def finish(self) -> None:
        """Ends the thread once all has been called."""
        with self._condition:
            self._is_closed = True
            self._condition.notify()

    def run(self) -> None:
        """Until `finish`. What a callback raises is logged and ends nothing; `sys.exit` in one is no exception."""
        while (call := self._next()) is not None:
            try:
                call()
            except BaseException:
                self._log.exception("a callback failed")
        self._done()

    def _next(self) -> Callable[[], object] | None:
        with self._condition:
            self._condition.wait_for(lambda: self._newest or self._calls or self._is_closed)
            if self._newest is not None and self._on_version is not None:
                version, on_version, self._newest = self._newest, self._on_version, None
                return lambda: on_version(version)
            return self._calls.popleft() if self._calls else None
