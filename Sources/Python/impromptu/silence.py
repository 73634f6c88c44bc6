"""When to say that nobody is heard: after a while, and again after pauses that grow."""

from __future__ import annotations

LONGEST_PAUSE = 600.0


class Silence:
    """Follows one aggregator by the times at which it was heard, in seconds of one steady clock."""

    def __init__(self, now: float, patience: float) -> None:
        self.patience = patience
        self.heard_at = now
        self._pause = patience
        self._report_at = now + patience
        self._was_reported = False

    def heard(self, now: float) -> bool:
        """Notes a word. Returns whether it ends a silence that was reported."""
        ends, self._was_reported = self._was_reported, False
        self.heard_at, self._pause, self._report_at = now, self.patience, now + self.patience
        return ends

    def due(self, now: float) -> float | None:
        """The seconds of a silence that is to be reported now, else None."""
        if now < self._report_at:
            return None
        self._was_reported = True
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self._report_at = now + self._pause
        return now - self.heard_at
