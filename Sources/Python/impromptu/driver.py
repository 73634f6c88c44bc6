"""Drives a client's core on a thread of its own: sockets, timers, the search for the aggregator, the log."""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Callable

import zmq

from .core import ClientCore
from .effects import Complaint, Discard, Effect, End, Joined, Rejected, Send
from .endpoints import Endpoints, Rendezvous, RunFinished
from .errors import ConfigurationError, OutboxError
from .keys import Keys
from .links import Links
from .log import ClientLog
from .outbox import Outbox
from .silence import Silence

PATIENCE = 10.0
"""Seconds without a word after which a line in the log says so, and refused connections are made again."""
_LOOK_AGAIN = 0.5
_LINGER = 1_000


class Driver(threading.Thread):
    """The only thread that touches core and sockets. Others hand it work with `call`."""

    def __init__(
        self,
        core: ClientCore,
        rendezvous: Rendezvous,
        keys: Keys | None,
        outbox: Outbox,
        tell: Callable[[Effect], None],
        log: ClientLog,
    ) -> None:
        """`tell` gets, on this thread, every effect that is not the driver's own to carry out; it must not block."""
        super().__init__(name=f"impromptu {core.client}", daemon=True)
        self.core, self.rendezvous, self.keys, self.outbox, self.tell, self.log = (
            core, rendezvous, keys, outbox, tell, log,
        )  # fmt: skip
        self._work: deque[Callable[[float], None]] = deque()
        self._wake, self._woken = socket.socketpair()
        for end in (self._wake, self._woken):
            end.setblocking(False)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._links: Links | None = None
        self._found: Endpoints | None = None
        self._look_at = self._connect_at = 0.0
        self._has_ended = False
        self._silence = Silence(time.monotonic(), PATIENCE)
        self._last_complaint = ""

    def call(self, work: Callable[[float], None]) -> None:
        """Has `work` done on the driver's thread, with the time. What comes after the end is not done."""
        self._work.append(work)
        try:
            self._wake.send(b"\0")
        except OSError:
            pass  # full, so it wakes anyway; or closed, so there is nothing left to do

    def run(self) -> None:
        """Until the core has ended. A fault of this package ends it too, with the exception as the reason."""
        try:
            self.core.start(time.monotonic())
            while not self._has_ended:
                self._turn()
            self._do_work(time.monotonic())  # an update may have been stored while the end came
            self._carry_out()
        except Exception as error:  # whoever waits for tasks has to hear of it
            if not isinstance(error, ConfigurationError):
                self.log.exception("the connection to the aggregator ended by a fault")
            self.tell(End(error, False))
        finally:
            if self._links:
                self._links.close(_LINGER)
            self._context.destroy(0)  # closes the sockets of links that could not be made, too
            self._wake.close()
            self._woken.close()

    # ---- One turn of the loop ----

    def _turn(self) -> None:
        self._search(time.monotonic())
        self._wait()
        now = time.monotonic()
        self._do_work(now)
        if self._links:
            self._links.follow()
            for payload in self._links.received():
                self._heard(self._links, now)
                self.core.receive(payload, now)
        deadline = self.core.next_deadline()
        if deadline is not None and deadline <= now:
            self.core.tick(now)
        self._report_silence(now)
        self._carry_out()

    def _do_work(self, now: float) -> None:
        while self._work:
            self._work.popleft()(now)

    def _wait(self) -> None:
        poller = zmq.Poller()
        poller.register(self._woken.fileno(), zmq.POLLIN)
        if self._links:
            poller.register(self._links.subscriber, zmq.POLLIN)
            for reach in self._links.reaches:
                poller.register(reach.monitor, zmq.POLLIN)
        due = min(self.core.next_deadline() or float("inf"), time.monotonic() + _LOOK_AGAIN)
        poller.poll(int(max(0.0, due - time.monotonic()) * 1000) + 1)
        try:
            while self._woken.recv(4096):
                pass
        except BlockingIOError:
            pass

    def _carry_out(self) -> None:
        for effect in self.core.take_effects():
            if isinstance(effect, Send):
                if self._links:
                    self._links.send(effect.message)
                continue
            if isinstance(effect, Discard):
                self._discard(effect)
                continue
            self._log(effect)
            self._has_ended = self._has_ended or isinstance(effect, End)
            self.tell(effect)

    def _discard(self, effect: Discard) -> None:
        try:
            self.outbox.discard(effect.update)
        except OutboxError as error:
            self.log.warning("%s", error)

    # ---- Finding the aggregator ----

    def _search(self, now: float) -> None:
        """Connects as soon as it is known where; while nobody is heard, looks whether it is elsewhere now."""
        if self._links and self._links.is_refused and self._found and now >= self._connect_at:
            return self._connect(self._found)  # ZeroMQ does not try again by itself
        if now < self._look_at or (self._links and now - self._silence.heard_at < PATIENCE / 5):
            return
        self._look_at = now + _LOOK_AGAIN
        try:
            found = self.rendezvous.look()
        except RunFinished:
            self.log.info("%s says that the run has finished", self.rendezvous)
            self.core.run_is_over()
            return
        if found is not None and found != self._found:
            self._found = found
            self._connect(found)

    def _connect(self, endpoints: Endpoints) -> None:
        keys = self.keys
        if keys is not None:
            keys = keys.naming(endpoints.key, str(self.rendezvous))
        elif endpoints.key is not None:
            raise ConfigurationError(f"{self.rendezvous}: the run has keys; expected keys=, found none")
        if self._links:
            self._links.close()
        self._links = Links(self._context, endpoints, keys, self.core.client)
        self._connect_at = time.monotonic() + PATIENCE
        self.log.info("connects to %s and %s", endpoints.updates, endpoints.prompts)

    # ---- Saying what happens ----

    def _heard(self, links: Links, now: float) -> None:
        # Where updates do not arrive, states that do are no sign that the aggregator is where it was.
        if links.arrives and not links.is_refused and self._silence.heard(now):
            self.log.warning("the aggregator is heard again")

    def _report_silence(self, now: float) -> None:
        seconds = self._silence.due(now)
        if seconds is None:
            return
        if self._links is None:
            self.log.warning("waits for %s for %.0f s, which an aggregator writes", self.rendezvous, seconds)
            return
        self.log.warning("nobody was heard for %.0f s (%s); keeps trying", seconds, self._links.trouble)

    def _log(self, effect: Effect) -> None:
        if isinstance(effect, Joined):
            self.log.info("joined run %016x (epoch %d) at version %d", *effect.origin, effect.version)
            if effect.kept_for_other_runs:
                self.log.warning("keeps %d updates of other runs in %s", effect.kept_for_other_runs, self.outbox.folder)
        elif isinstance(effect, Rejected):
            self.log.warning("the update for task %d does not count (%s): %s", effect.update.task, effect.code, effect.reason)
        elif isinstance(effect, Complaint):
            # The same fault comes with each message; once is enough.
            if effect.text != self._last_complaint:
                self.log.warning("%s", effect.text)
            self._last_complaint = effect.text
        elif isinstance(effect, End):
            if effect.error:
                self.log.error("%s", effect.error)
            else:
                self.log.info("the run has finished" if effect.finished else "left")
