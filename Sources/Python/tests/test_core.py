"""The core of a client, without sockets: what the live tests cannot force."""

import numpy as np
import pytest

from impromptu.core import ClientCore
from impromptu.effects import Abandon, Complaint, Discard, End, Joined, Send, Train, UpdateID
from impromptu.wire import impromptu_pb2 as pb

PLAN = pb.TrainingPlan(epochs=1, batch_size=1, optimizer=pb.OPTIMIZER_SGD, personal=pb.PERSONAL_NOTHING)


class Bench:
    """A core with a clock, and what it said."""

    def __init__(self, **options):
        self.now = 0.0
        self.core = ClientCore("a", 5, 10, **options)
        self.core.start(self.now)
        self.effects = self.core.take_effects()

    def hear(self, run=1, epoch=1, **body):
        envelope = pb.AggregatorEnvelope(protocol=2, run=run, epoch=epoch, **body)
        self.core.receive(envelope.SerializeToString(), self.now)
        self.effects = self.core.take_effects()
        return self

    def wait(self, seconds):
        self.now += seconds
        self.core.tick(self.now)
        self.effects = self.core.take_effects()
        return self

    def welcome(self, run=1, epoch=1, version=0, session=5):
        welcome = pb.Welcome(
            client="a", session=session, version=version, heartbeat_milliseconds=1000, dtype=pb.DATA_TYPE_F32
        )
        return self.hear(run, epoch, welcome=welcome)

    def state(self, version=0, unchanged=(), **where):
        tensors = [pb.Tensor(name="prompts", dtype=pb.DATA_TYPE_F32, shape=[1, 2], data=np.zeros(2, "<f4").tobytes())]
        unchanged = [pb.Unchanged(name=name, since=since) for name, since in unchanged]
        prompts = pb.Prompts(version=version, tensors=tensors, prompt_ids=[3], unchanged=unchanged)
        return self.hear(prompts=prompts, **where)

    def task(self, number=1, version=0, session=5, **where):
        return self.hear(task=pb.Task(client="a", session=session, number=number, version=version, plan=PLAN), **where)

    @property
    def said(self):
        sent = [pb.ClientEnvelope.FromString(effect.message) for effect in self.effects if isinstance(effect, Send)]
        return [envelope.WhichOneof("body") for envelope in sent]

    def of(self, kind):
        return [effect for effect in self.effects if isinstance(effect, kind)]


def test_hello_until_welcome_with_growing_pauses():
    bench = Bench()
    assert bench.said == ["hello"]
    pauses = []
    for _ in range(7):
        pauses.append(bench.core.next_deadline() - bench.now)
        assert bench.wait(pauses[-1]).said == ["hello"]
    assert pauses == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 5, 5])
    assert bench.welcome(session=6).effects == [], "the welcome of another session is not ours"
    assert bench.welcome().said == ["heartbeat"]
    assert [joined.origin for joined in bench.of(Joined)] == [(1, 1)]
    assert bench.wait(1).said == ["heartbeat"]


def test_a_task_for_another_session_or_one_that_was_taken_is_left_alone():
    bench = Bench().welcome().state()
    assert bench.task(session=6).effects == []
    assert [train.task.number for train in bench.task(number=4).of(Train)] == [4]
    assert bench.task(number=4).effects == [] and bench.task(number=3).effects == []


def test_a_task_waits_for_its_state_and_asks_for_it():
    bench = Bench().welcome().state(version=1)
    assert bench.task(version=3).said == ["fetch"]
    assert bench.wait(1).said == ["heartbeat", "fetch"]
    assert bench.state(version=2).said == ["fetch"]
    assert [train.base.number for train in bench.state(version=4).of(Train)] == [4]
    assert bench.state(version=3).effects == [], "an older state is ignored"


def test_a_state_that_leaves_out_what_is_not_held_is_asked_for():
    bench = Bench().welcome()
    bench.task()
    assert bench.state(version=2, unchanged=[("head.bias", 1)]).said == ["fetch"]
    assert bench.core.held is None


def test_messages_of_an_earlier_epoch_are_ignored_until_the_newer_was_silent_for_10_s():
    bench = Bench().welcome(epoch=2).state(epoch=2)
    bench.now = 9.0
    assert bench.task(epoch=1).effects == []
    bench.now = 10.5
    assert bench.hear(epoch=1, beacon=pb.Beacon(phase=pb.PHASE_RUNNING)).said == ["hello"]
    assert bench.welcome(epoch=1).of(Joined)


def test_a_greater_epoch_is_greeted_once_and_gets_what_is_kept():
    kept = {UpdateID(1, 7): pb.ClientEnvelope(protocol=2, update=pb.Update(run=1, task=7)).SerializeToString()}
    bench = Bench(kept=kept).welcome()
    assert bench.said == ["heartbeat", "update"]
    assert bench.hear(epoch=2, beacon=pb.Beacon(phase=pb.PHASE_RUNNING)).said == ["hello"]
    assert bench.hear(epoch=2, beacon=pb.Beacon(phase=pb.PHASE_RUNNING)).said == []
    assert bench.welcome(epoch=2).said == ["heartbeat", "update"]


def test_a_run_that_was_set_back_takes_its_states_with_it():
    bench = Bench().welcome().state(version=5)
    assert bench.core.held.number == 5
    bench.welcome(epoch=2, version=3)
    assert bench.core.held is None


def test_updates_are_sent_again_with_growing_pauses_and_settled_by_their_run():
    bench = Bench().welcome().state().task()
    bench.core.trained(UpdateID(1, 1), b"the update", bench.now)
    bench.effects = bench.core.take_effects()
    assert bench.of(Send)[0].message == b"the update"
    times = []
    while len(times) < 5:
        bench.wait(max(0.001, bench.core.next_deadline() - bench.now))
        if Send(b"the update") in bench.effects:
            times.append(bench.now)
    assert times == pytest.approx([1, 3, 7, 15, 31])
    assert not bench.hear(reject=pb.Reject(client="a", run=2, task=1, code=pb.REJECT_CODE_INVALID)).of(Discard)
    assert not bench.hear(reject=pb.Reject(client="a", run=1, task=1, code=pb.REJECT_CODE_OTHER_RUN)).of(Discard)
    assert bench.hear(ack=pb.Ack(client="a", task=1)).of(Discard) == [Discard(UpdateID(1, 1))]
    assert bench.core.outstanding == []


def test_the_end_of_another_run_ends_nothing():
    bench = Bench().welcome()
    finished = pb.Beacon(phase=pb.PHASE_FINISHED)
    assert not bench.hear(run=2, beacon=finished).of(End)
    assert bench.hear(beacon=finished).of(End) == [End(None, True)]
    assert bench.said == ["goodbye"]


@pytest.mark.parametrize("held_out", [0, 4])
def test_an_update_that_was_written_while_the_run_ended_is_discarded(held_out):
    bench = Bench(held_out=held_out).welcome().state().task()
    bench.hear(beacon=pb.Beacon(phase=pb.PHASE_FINISHED))
    bench.core.trained(UpdateID(2, 1), b"of another run", bench.now)
    bench.core.trained(UpdateID(1, 1), b"the update", bench.now)
    assert bench.core.take_effects() == [Discard(UpdateID(1, 1))]


def test_a_refusal_of_another_session_ends_nothing():
    bench = Bench().welcome().state().task()
    assert not bench.hear(refuse=pb.Refuse(client="a", session=6, code=pb.REFUSE_CODE_FENCED)).of(End)
    (end,) = bench.hear(refuse=pb.Refuse(client="a", session=5, code=pb.REFUSE_CODE_FULL, reason="full")).of(End)
    assert end.error.code == "FULL" and bench.of(Abandon)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"\xff\xff", "expected an AggregatorEnvelope"),
        (pb.AggregatorEnvelope(protocol=3).SerializeToString(), "protocol: expected 2, found 3"),
    ],
)
def test_what_is_no_message_is_a_complaint(payload, words):
    bench = Bench()
    bench.core.receive(payload, 0)
    (complaint,) = bench.core.take_effects()
    assert isinstance(complaint, Complaint) and words in complaint.text


def test_a_state_whose_data_does_not_fit_its_shape_is_a_complaint():
    bench = Bench().welcome()
    tensor = pb.Tensor(name="prompts", dtype=pb.DATA_TYPE_F32, shape=[1 << 40, 1 << 40], data=b"1234")
    bench.hear(prompts=pb.Prompts(version=1, tensors=[tensor], prompt_ids=[1]))
    assert "prompts.tensors[0].data: expected" in bench.of(Complaint)[0].text
    assert bench.core.held is None


def test_a_reason_too_long_to_travel_is_cut_at_a_character():
    bench = Bench().welcome().state().task()
    bench.core.failed(1, "é" * 1000)
    bench.effects = bench.core.take_effects()
    failure = pb.ClientEnvelope.FromString(bench.of(Send)[0].message).failure
    assert failure.reason == "é" * 512
    assert bench.wait(1).said == ["failure", "heartbeat"], "it is said again until another task comes"
    bench.task(number=2)
    assert bench.wait(1).said == ["heartbeat"]
