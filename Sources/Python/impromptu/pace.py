"""When a client says what again. All times are seconds of one steady clock."""

from __future__ import annotations

from dataclasses import dataclass

HELLO_DELAYS = (0.2, 5.0)
RESEND_DELAYS = (1.0, 30.0)
PATIENCE = 10.0
"""The silence of an aggregator after which an earlier start of it is listened to."""


@dataclass
class Pace:
    """The deadlines of a client; None where nothing is due. Delays double from the lower bound to the upper one."""

    heartbeat: float = 2.0
    hello_delay: float = HELLO_DELAYS[0]
    resend_delay: float = RESEND_DELAYS[0]
    hello_at: float | None = None
    heartbeat_at: float | None = None
    resend_at: float | None = None
    leave_at: float | None = None
    heard_at: float = 0.0

    def next_deadline(self) -> float | None:
        """The earliest of them."""
        due = (self.hello_at, self.heartbeat_at, self.resend_at, self.leave_at)
        return min((time for time in due if time is not None), default=None)

    def said_hello(self, now: float) -> None:
        """Arms the next hello, later than the last."""
        self.heartbeat_at = None
        self.hello_at = now + self.hello_delay
        self.hello_delay = min(2 * self.hello_delay, HELLO_DELAYS[1])

    def welcomed(self, now: float, heartbeat: float) -> None:
        """Ends the hellos; what is sent from now on may be lost as well, so the first resend comes soon."""
        self.hello_at = None
        self.hello_delay = HELLO_DELAYS[0]
        self.resend_delay = RESEND_DELAYS[0]
        self.heartbeat = heartbeat
        self.heard_at = now

    def resent(self, now: float) -> None:
        """Arms the next resend, later than the last."""
        self.resend_delay = min(2 * self.resend_delay, RESEND_DELAYS[1])
        self.resend_at = now + self.resend_delay
