"""A client of protocol 2 as a value: no clock, no socket, no disk, no thread.

Events come in as method calls that carry the time; what is to be done comes out as effects. docs/wire-and-log.md,
"The exchange", is what it follows, rule by rule.
"""

from __future__ import annotations

from collections.abc import Mapping

from .assessment import PATIENCE as EVALUATION_PATIENCE
from .assessment import Assessment
from .effects import Abandon, Complaint, Discard, Effect, End, Evaluate, Joined, Origin, Published, Rejected, Send, Train
from .effects import UpdateID
from .errors import REFUSALS, Refused
from .pace import HELLO_DELAYS, PATIENCE, RESEND_DELAYS, Pace
from .state import Version, completed
from .wire import FAILURE_BYTES, PROTOCOL
from .wire import impromptu_pb2 as pb
from .wire.tensors import WireError


class ClientCore:
    """All that a client knows and decides.

    Whoever drives it calls `take_effects` after each event and `tick` at `next_deadline`.
    """

    def __init__(
        self,
        client: str,
        session: int,
        sample_count: int,
        model: pb.ModelSpecification | None = None,
        kept: Mapping[UpdateID, bytes] | None = None,
        follows: bool = False,
        held_out: int = 0,
    ) -> None:
        """`kept` are the updates that earlier sessions left, as whole messages, in the order of their making;
        `follows` asks for states that no task needs, for those who watch versions; `held_out` is the number of samples
        that the client evaluates versions on."""
        self.client, self.session, self.sample_count, self.model = client, session, sample_count, model
        self.follows = follows
        self.kept: dict[UpdateID, bytes] = dict(kept or {})
        self.origin: Origin | None = None
        self.welcomed = self.finished = self.leaving = False
        self.dtype: int = pb.DATA_TYPE_F32
        self.held: Version | None = None
        self.pending: pb.Task | None = None
        self.training: int | None = None
        self.last_task = 0
        self.failure: tuple[int, str] | None = None
        self.assessment = Assessment(held_out)
        self.run_has_ended = False
        self.pace = Pace()
        self._effects: list[Effect] = []

    def take_effects(self) -> list[Effect]:
        """What is to be done since the last call."""
        effects, self._effects = self._effects, []
        return effects

    def next_deadline(self) -> float | None:
        """When `tick` has to be called; None for never."""
        return None if self.finished else self.pace.next_deadline()

    @property
    def outstanding(self) -> list[UpdateID]:
        """The updates of the run that are not settled."""
        return [update for update in self.kept if self.origin and update.run == self.origin.run]

    # ---- Events of the driver ----

    def start(self, now: float) -> None:
        """The sockets are there."""
        self.pace.heard_at = now
        self._say_hello(now)

    def tick(self, now: float) -> None:
        """A deadline came."""
        if self.finished:
            return
        pace = self.pace
        if pace.leave_at is not None and pace.leave_at <= now:
            return self._end(None, finished=self.run_has_ended)
        if pace.hello_at is not None and pace.hello_at <= now:
            self._say_hello(now)
        if pace.heartbeat_at is not None and pace.heartbeat_at <= now:
            self._send_heartbeat(now)
        if pace.resend_at is not None and pace.resend_at <= now:
            self._resend(now)

    def trained(self, update: UpdateID, message: bytes, now: float) -> bool:
        """The task came to this update, which is on the disk now. Returns whether it is sent in this session."""
        if self.run_has_ended and self.origin is not None and self.origin.run == update.run:
            self._effects.append(Discard(update))  # the end came while it was written
            return False
        if self.finished or self.training != update.task or self.origin is None or self.origin.run != update.run:
            return False
        self.training = None
        self.kept[update] = message
        if self.welcomed:
            self._effects.append(Send(message))
        if self.pace.resend_at is None:
            self.pace.resend_at = now + self.pace.resend_delay
        self._train_if_possible()
        return True

    def failed(self, task: int, reason: str) -> None:
        """The task came to nothing."""
        if self.finished or self.training != task:
            return
        self.training = None
        self.failure = (task, reason.encode()[:FAILURE_BYTES].decode(errors="ignore").replace("\0", " "))
        self._send_failure()
        self._train_if_possible()

    def evaluated(self, evaluation: pb.Evaluation | None) -> None:
        """What came of the evaluation under way; None where it came to nothing."""
        if self.finished or self.assessment.running is None:
            return
        if evaluation is not None:
            evaluation.client, evaluation.session, evaluation.version = self.client, self.session, self.assessment.running
            self.assessment.answered(self._send(evaluation=evaluation))
        self.assessment.running = None
        self._evaluate_if_possible()
        self._leave_if_settled()

    def leave(self, now: float, grace: float) -> None:
        """Begin nothing new, and end once all is settled or the grace is over. Asking again gives no further time."""
        self.leaving, self.pending = True, None
        self.pace.leave_at = min(now + grace, self.pace.leave_at or float("inf"))
        self._leave_if_settled()

    def run_is_over(self) -> None:
        """The run folder says that the run has finished, and nobody listens any more."""
        if self.origin is not None:
            self._settle_all(self.origin)
            self._end(None, finished=True)
        elif not self.finished:
            self._end(None, finished=True)

    # ---- What the aggregator says ----

    def receive(self, payload: bytes, now: float) -> None:
        """A message came, on the topic of all or of this client. One that is not as it has to be is a `Complaint`."""
        if self.finished:
            return
        try:
            message = pb.AggregatorEnvelope.FromString(payload)
        except Exception:  # protobuf has had several classes for it
            return self._complain(f"expected an AggregatorEnvelope, found {len(payload)} bytes that are none")
        if message.protocol != PROTOCOL:
            return self._complain(f"protocol: expected {PROTOCOL}, found {message.protocol}")
        body = message.WhichOneof("body")
        if body is None:
            return
        try:
            self._take(body, getattr(message, body), Origin(message.run, message.epoch), now)
        except WireError as error:
            self._complain(str(error))

    def _take(self, body: str, message: object, origin: Origin, now: float) -> None:
        if self._is_old(origin, now):
            return
        is_mine = getattr(message, "client", self.client) == self.client
        is_mine = is_mine and getattr(message, "session", self.session) == self.session
        if isinstance(message, pb.Beacon) and message.HasField("evaluate") and origin == self.origin:
            self._want_evaluation(message.evaluate.version)
        if isinstance(message, pb.Beacon) and message.phase == pb.PHASE_FINISHED:
            return self._finish_run(origin, now)
        if isinstance(message, pb.Refuse):
            return self._refused(message) if is_mine else None
        if isinstance(message, pb.Welcome):
            return self._welcomed(message, origin, now) if is_mine else None
        if origin != self.origin:
            # Another run's message may be old, so its welcome changes the run, and this is the reason to say hello.
            return self._greet(now)
        self.pace.heard_at = now
        if isinstance(message, pb.Prompts):
            self._take_state(message)
        elif not is_mine:
            return
        elif isinstance(message, pb.Task):
            self._take_task(message)
        elif isinstance(message, pb.Evaluate):
            self._take_evaluation(message.version)
        elif isinstance(message, pb.Ack):
            self._settle(UpdateID(origin.run, message.task), now)
        elif isinstance(message, pb.Reject):
            self._rejected(message, now)
        elif isinstance(message, pb.SayHello):
            self._greet(now)
        elif isinstance(message, pb.Malformed):
            self._complain(f"the aggregator did not understand a message: {message.reason}")

    def _is_old(self, origin: Origin, now: float) -> bool:
        """Whether an earlier start of the run's aggregator sent it. A run that was set back counts its starts from
        there, so an old one is listened to once the newest was silent for long."""
        known = self.origin
        if known is None or known.run != origin.run or origin.epoch >= known.epoch:
            return False
        return now - self.pace.heard_at < PATIENCE

    def _greet(self, now: float) -> None:
        """Says hello because of what was heard, once: until the welcome comes, the clock repeats it."""
        if self.welcomed:
            self.pace.hello_delay = HELLO_DELAYS[0]
            self._say_hello(now)

    def _welcomed(self, welcome: pb.Welcome, origin: Origin, now: float) -> None:
        if welcome.heartbeat_milliseconds < 1 or welcome.dtype == pb.DATA_TYPE_UNSPECIFIED:
            raise WireError("welcome: expected heartbeat_milliseconds of at least 1 and a dtype, found one without")
        is_news = self.origin != origin or not self.welcomed
        if self.origin is None or self.origin.run != origin.run:
            self._forget_run()
        self.origin, self.welcomed, self.dtype = origin, True, welcome.dtype
        if self.held is not None and self.held.number > welcome.version:
            # A run that was set back to an earlier state has other versions of the same numbers.
            self.held = None
        self.pace.welcomed(now, welcome.heartbeat_milliseconds / 1000)
        outstanding = self.outstanding
        if is_news:
            self._effects.append(Joined(origin, welcome.version, len(self.kept) - len(outstanding)))
        self._send_heartbeat(now)
        self._effects += [Send(self.kept[update]) for update in outstanding]
        self.pace.resend_at = now + self.pace.resend_delay if outstanding else None
        if (self.follows or self.assessment.lacks_state(self.held)) and (self.held is None or self.held.number < welcome.version):
            self._fetch()
        self._leave_if_settled()

    def _forget_run(self) -> None:
        self.held = self.pending = self.failure = None
        self.assessment.forget_run()
        self.last_task = 0
        self._abandon("another run has begun")

    def _abandon(self, reason: str) -> None:
        if self.training is not None:
            self.training = None
            self._effects.append(Abandon(reason))

    def _take_task(self, task: pb.Task) -> None:
        if not self.welcomed or self.leaving or task.number <= self.last_task:
            return
        self.last_task, self.failure, self.pending = task.number, None, task
        self._train_if_possible()

    def _take_evaluation(self, version: int) -> None:
        if (answer := self.assessment.answer(version)) is not None and self.welcomed:
            self._effects.append(Send(answer))  # it was lost
        self._want_evaluation(version)

    def _want_evaluation(self, version: int) -> None:
        if self.welcomed and not self.leaving and self.assessment.take_order(version):
            if self.assessment.lacks_state(self.held):
                self._fetch()
            self._evaluate_if_possible()

    def _evaluate_if_possible(self) -> None:
        if (state := self.assessment.begin(self.held)) is not None:
            self._effects.append(Evaluate(state))

    def _take_state(self, message: pb.Prompts) -> None:
        if self.held is not None and self.held.number >= message.version:
            return
        whole = completed(message, self.held)
        if whole is None:
            if self.follows or self.assessment.lacks_state(self.held) or (self.pending is not None and self.training is None):
                self._fetch()
            return
        self.held = whole
        self._effects.append(Published(whole))
        self._evaluate_if_possible()
        self._train_if_possible()

    def _train_if_possible(self) -> None:
        task = self.pending
        if self.training is not None or self.leaving or task is None or self.origin is None:
            return self._leave_if_settled()
        if self.held is None or self.held.number < task.version:
            return self._fetch()
        self.pending, self.training = None, task.number
        self._effects.append(Train(self.origin.run, task, self.held, self.dtype))

    def _rejected(self, reject: pb.Reject, now: float) -> None:
        if reject.code == pb.REJECT_CODE_OTHER_RUN:
            return
        update = UpdateID(reject.run, reject.task)
        if self._settle(update, now):
            code = pb.RejectCode.Name(reject.code).removeprefix("REJECT_CODE_")
            self._effects.append(Rejected(update, code, reject.reason))

    def _settle(self, update: UpdateID, now: float) -> bool:
        if self.kept.pop(update, None) is None:
            return False
        self._effects.append(Discard(update))
        self.pace.resend_delay = RESEND_DELAYS[0]
        if not self.outstanding:
            self.pace.resend_at = None
        self._leave_if_settled()
        return True

    def _refused(self, refuse: pb.Refuse) -> None:
        code = pb.RefuseCode.Name(refuse.code).removeprefix("REFUSE_CODE_")
        self._end(REFUSALS.get(code, Refused)(code, refuse.reason))

    def _finish_run(self, origin: Origin, now: float) -> None:
        """The run has ended: what may be left to say is how its last version does."""
        if self.run_has_ended or (self.origin is not None and self.origin.run != origin.run):
            return
        self._settle_all(origin)
        if self.assessment.is_settled:
            return self._end(None, finished=True)
        self.run_has_ended = self.leaving = True
        self.pending = None
        self._abandon("the run has finished")
        self.pace.leave_at = now + EVALUATION_PATIENCE

    def _settle_all(self, origin: Origin) -> None:
        for update in [update for update in self.kept if update.run == origin.run]:
            del self.kept[update]
            self._effects.append(Discard(update))

    def _complain(self, text: str) -> None:
        self._effects.append(Complaint(text))

    # ---- Leaving ----

    def _leave_if_settled(self) -> None:
        # Before the first welcome it is not known whose the updates are, so all of them are waited for.
        waits = self.outstanding if self.origin else self.kept
        if self.assessment.running is not None or (self.run_has_ended and not self.assessment.is_settled):
            return
        if self.leaving and not self.finished and self.training is None and not waits:
            self._end(None, finished=self.run_has_ended)

    def _end(self, error: Exception | None, finished: bool = False) -> None:
        self.finished, self.pending = True, None
        self.run_has_ended = self.run_has_ended or finished
        self._abandon(str(error) if error else "the run has finished" if finished else "the client left")
        self._send(goodbye=pb.Goodbye(client=self.client, session=self.session))
        self._effects.append(End(error, finished))

    # ---- Sending ----

    def _send(self, **body: object) -> bytes:
        message = pb.ClientEnvelope(protocol=PROTOCOL, **body).SerializeToString()  # type: ignore[arg-type]
        self._effects.append(Send(message))
        return message

    def _say_hello(self, now: float) -> None:
        self.welcomed = False
        self._send(
            hello=pb.Hello(
                client=self.client, session=self.session, sample_count=self.sample_count, model=self.model,
                held_out_count=self.assessment.held_out,
            )  # fmt: skip
        )
        self.pace.said_hello(now)

    def _send_heartbeat(self, now: float) -> None:
        """A sign of life, with what may have been lost: that a task failed, and what state is missing."""
        if not self.welcomed:
            self.pace.heartbeat_at = None
            return
        self._send_failure()
        activity = pb.ACTIVITY_IDLE
        if self.training is not None:
            activity = pb.ACTIVITY_TRAINING
        elif self.pending is not None:
            activity = pb.ACTIVITY_WAITING
        self._send(
            heartbeat=pb.Heartbeat(
                client=self.client, session=self.session, activity=activity, task=self.last_task,
                outstanding=len(self.outstanding),
            )  # fmt: skip
        )
        if activity == pb.ACTIVITY_WAITING:
            self._fetch()
        self.pace.heartbeat_at = now + self.pace.heartbeat

    def _send_failure(self) -> None:
        if self.welcomed and self.failure is not None:
            task, reason = self.failure
            self._send(failure=pb.Failure(client=self.client, session=self.session, task=task, reason=reason))

    def _fetch(self) -> None:
        if self.welcomed:
            holding = self.held.number if self.held else -1
            self._send(fetch=pb.Fetch(client=self.client, session=self.session, holding=holding))

    def _resend(self, now: float) -> None:
        outstanding = self.outstanding
        if not outstanding:
            self.pace.resend_at = None
            return
        if self.welcomed:
            self._effects += [Send(self.kept[update]) for update in outstanding]
        self.pace.resent(now)
