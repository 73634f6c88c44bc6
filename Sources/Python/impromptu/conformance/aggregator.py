"""A small aggregator that plays its part well but for the faults that it is told to have."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import zmq

from ..wire import PROTOCOL
from ..wire import impromptu_pb2 as pb
from .ledger import Ledger

_BEACON_SECONDS = 0.1


@dataclass(frozen=True)
class Heard:
    """A message of a client, as it came."""

    at: float
    epoch: int
    run: int
    payload: bytes
    envelope: pb.ClientEnvelope | None
    """None for bytes that are no envelope."""

    @property
    def kind(self) -> str:
        """The name of the body, empty where there is none."""
        return (self.envelope.WhichOneof("body") or "") if self.envelope else ""


@dataclass
class Faults:
    """What goes wrong. All of it can be changed while the aggregator runs."""

    outgoing: Callable[[str, pb.AggregatorEnvelope], list[pb.AggregatorEnvelope]] = lambda kind, message: [message]
    """What is sent in place of a message: nothing loses it, two repeat it, another misleads."""
    deaf_to: set[str] = field(default_factory=set)
    """Kinds of messages that are lost on their way here."""
    gives_tasks: bool = True


class Aggregator:
    """An aggregator on a thread of its own; `restart` and `stop` may be called from others."""

    def __init__(
        self, ledger: Ledger, plan: pb.TrainingPlan, *, updates_to_finish: int = 0, heartbeat: int = 100,
        secret_key: bytes | None = None, endpoints: tuple[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.ledger, self.plan, self.heartbeat = ledger, plan, heartbeat
        self.updates_to_finish = updates_to_finish
        self.secret_key = secret_key
        self.endpoints = endpoints
        self.faults = Faults()
        self.heard: list[Heard] = []
        self.sessions: dict[str, int] = {}
        self.samples: dict[tuple[str, int], int] = {}
        self.finished = False
        self.evaluates_every_version = False
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._running = threading.Event()
        self._thread = threading.Thread()

    # ---- Life ----

    def start(self) -> None:
        """Binds and serves; a further start of the same run is another epoch."""
        self.ledger.epoch += 1
        self.sessions, self.samples = {}, {}
        pull, publish = self._context.socket(zmq.PULL), self._context.socket(zmq.XPUB)
        for socket in (pull, publish):
            socket.linger = 200
            if self.secret_key:
                socket.curve_server = True
                socket.curve_secretkey = self.secret_key
        self._bind(pull, publish)
        self._running.set()
        self._thread = threading.Thread(target=self._serve, args=(pull, publish), daemon=True)
        self._thread.start()

    def _bind(self, pull: zmq.Socket[bytes], publish: zmq.Socket[bytes]) -> None:
        if self.endpoints is None:
            pull.bind("tcp://127.0.0.1:*")
            publish.bind("tcp://127.0.0.1:*")
            self.endpoints = (pull.get_string(zmq.LAST_ENDPOINT), publish.get_string(zmq.LAST_ENDPOINT))
            return
        for socket, endpoint in ((pull, self.endpoints[0]), (publish, self.endpoints[1])):
            deadline = time.monotonic() + 5
            while True:
                try:
                    socket.bind(endpoint)
                    break
                except zmq.ZMQError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.05)

    def stop(self) -> None:
        """Stops as if the process was killed: no word to anybody."""
        self._running.clear()
        self._thread.join()

    def restart(self, away: float = 0.0) -> None:
        """Stops, is away for so many seconds, and starts again."""
        self.stop()
        time.sleep(away)
        self.start()

    def close(self) -> None:
        """Ends for good."""
        self.stop()
        self._context.term()

    # ---- Service ----

    def _serve(self, pull: zmq.Socket[bytes], publish: zmq.Socket[bytes]) -> None:
        beacon_at = 0.0
        while self._running.is_set():
            if pull.poll(10):
                self._take(pull.recv(), publish)
            if publish.poll(0):
                publish.recv()
            if self.updates_to_finish and len(self.ledger.accepted) >= self.updates_to_finish:
                self.finished = True
            if time.monotonic() >= beacon_at:
                phase = pb.PHASE_FINISHED if self.finished else pb.PHASE_RUNNING
                self.say(publish, "g", beacon=pb.Beacon(phase=phase, version=self.ledger.version))
                beacon_at = time.monotonic() + _BEACON_SECONDS
        pull.close()
        publish.close()

    def say(self, publish: zmq.Socket[bytes], topic: str, **body: object) -> None:
        """Publishes a message, or what the faults make of it."""
        ((kind, _),) = body.items()
        message = pb.AggregatorEnvelope(
            protocol=PROTOCOL, run=self.ledger.run, epoch=self.ledger.epoch, **body  # type: ignore[arg-type]
        )
        for sent in self.faults.outgoing(kind, message):
            publish.send_multipart([topic.encode(), sent.SerializeToString()])

    def _take(self, payload: bytes, publish: zmq.Socket[bytes]) -> None:
        try:
            envelope = pb.ClientEnvelope.FromString(payload)
        except Exception:  # protobuf has had several classes for it
            envelope = None
        heard = Heard(time.monotonic(), self.ledger.epoch, self.ledger.run, payload, envelope)
        self.heard.append(heard)
        if envelope is None or not heard.kind or heard.kind in self.faults.deaf_to:
            return
        message = getattr(envelope, heard.kind)
        if isinstance(message, pb.Presence):
            for heartbeat in message.heartbeats:
                self._answer(heartbeat, publish)
        else:
            self._answer(message, publish)

    def _answer(self, message: object, publish: zmq.Socket[bytes]) -> None:
        client: str = message.client  # type: ignore[attr-defined]
        session: int = message.session  # type: ignore[attr-defined]
        topic = f"c/{client}/"
        if isinstance(message, pb.Hello):
            self.samples[client, session] = message.sample_count
            self.say(publish, topic, welcome=pb.Welcome(
                client=client, session=session, version=self.ledger.version,
                heartbeat_milliseconds=self.heartbeat, dtype=self.ledger.dtype))  # fmt: skip
        elif isinstance(message, pb.Update):
            self._settle(message, topic, publish)
        elif (client, session) not in self.samples:
            self.say(publish, topic, say_hello=pb.SayHello(client=client, session=session))
        elif isinstance(message, pb.Heartbeat):
            self._heartbeat(message, topic, publish)
        elif isinstance(message, pb.Fetch):
            self.say(publish, topic, prompts=self.ledger.prompts(message.holding))
        elif isinstance(message, pb.Failure):
            self._fail(message)
        elif isinstance(message, pb.Goodbye):
            del self.samples[client, session]
            if self.sessions.get(client) == session:
                del self.sessions[client]

    def _heartbeat(self, heartbeat: pb.Heartbeat, topic: str, publish: zmq.Socket[bytes]) -> None:
        client, session = heartbeat.client, heartbeat.session
        older = self.sessions.get(client)
        self.sessions[client] = session
        if older is not None and older != session:
            self.samples.pop((client, older), None)
            self.say(publish, topic, refuse=pb.Refuse(
                client=client, session=older, code=pb.REFUSE_CODE_FENCED,
                reason="a newer session of the client has taken over"))  # fmt: skip
        task = self.ledger.open_tasks.get(client)
        if task is not None and task.session == session and heartbeat.task < task.number:
            self.say(publish, topic, task=task)  # it did not arrive
        elif heartbeat.activity == pb.ACTIVITY_IDLE and heartbeat.outstanding == 0 and not self.finished:
            if self.faults.gives_tasks and self.samples[client, session] > 0:
                self.say(publish, topic, task=self.ledger.new_task(client, session, self.plan))

    def _settle(self, update: pb.Update, topic: str, publish: zmq.Socket[bytes]) -> None:
        before = self.ledger.version
        answer, code, reason = self.ledger.take(update)
        if answer == "ack":
            self.say(publish, topic, ack=pb.Ack(client=update.client, task=update.task))
        else:
            self.say(publish, topic, reject=pb.Reject(
                client=update.client, run=update.run, task=update.task, code=code, reason=reason))  # fmt: skip
        if self.ledger.version > before:
            self.say(publish, "g", prompts=self.ledger.prompts(before))
            if self.evaluates_every_version:
                self.say(publish, "g", evaluate=pb.Evaluate(version=self.ledger.version))

    def _fail(self, failure: pb.Failure) -> None:
        self.ledger.failed[failure.task] = failure.reason
        task = self.ledger.open_tasks.get(failure.client)
        if task is not None and task.number == failure.task:
            del self.ledger.open_tasks[failure.client]
