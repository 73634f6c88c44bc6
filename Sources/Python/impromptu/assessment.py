"""Which versions a client evaluates on what it holds out."""

from __future__ import annotations

from .state import Version

PATIENCE = 600.0
"""A client that waits for its last evaluation ends without it after so many seconds."""


class Assessment:
    """One evaluation is under way at a time; of what is asked for meanwhile the newest is begun after it."""

    def __init__(self, held_out: int) -> None:
        self.held_out = held_out
        self.running: int | None = None
        self._wanted: int | None = None
        self._last = -1
        self._answer: tuple[int, bytes] | None = None

    def forget_run(self) -> None:
        """Another run has begun."""
        self._wanted, self._last, self._answer = None, -1, None

    def take_order(self, version: int) -> bool:
        """The run wants the version evaluated. Returns whether that is news for a client that holds samples out."""
        if not self.held_out or version <= self._last:
            return False
        self._wanted = version
        return True

    def answered(self, message: bytes) -> None:
        """What is sent of the evaluation under way; it is sent again where the run asks again."""
        if self.running is not None:
            self._answer = self.running, message

    def answer(self, version: int) -> bytes | None:
        """What was sent of that version or a newer one."""
        return self._answer[1] if self._answer is not None and self._answer[0] >= version else None

    def lacks_state(self, held: Version | None) -> bool:
        """Whether what is wanted is newer than what is held."""
        return self._wanted is not None and (held is None or held.number < self._wanted)

    def begin(self, held: Version | None) -> Version | None:
        """The state to evaluate now, None for none."""
        if self._wanted is None or self.running is not None or held is None or self.lacks_state(held):
            return None
        self._wanted, self.running, self._last = None, held.number, held.number
        return held

    @property
    def is_settled(self) -> bool:
        """Whether nothing is wanted or under way."""
        return self._wanted is None and self.running is None
