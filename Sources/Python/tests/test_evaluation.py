"""Orders to evaluate versions: when they are carried out, and that the end of a run waits for the last one."""

import pytest
from conftest import PLAN, new_ledger
from test_exchange import eventually

import impromptu
from impromptu.core import ClientCore
from impromptu.effects import Discard, End, Evaluate, UpdateID
from impromptu.wire import impromptu_pb2 as pb


class Talk:
    """A core with what the aggregator says to it."""

    def __init__(self, **options):
        self.core = ClientCore("a", 1, 5, **options)
        self.core.start(0.0)
        self.now, self.ledger = 0.0, new_ledger()
        self.hear(welcome=pb.Welcome(client="a", session=1, version=0, heartbeat_milliseconds=1000, dtype=1))

    def hear(self, **body):
        message = pb.AggregatorEnvelope(protocol=2, run=7, epoch=1, **body)
        self.core.receive(message.SerializeToString(), self.now)

    def effects(self, kind):
        return [effect for effect in self.core.take_effects() if isinstance(effect, kind)]

    def publish(self, version):
        self.ledger.version = version
        self.hear(prompts=self.ledger.prompts(-1))

    def sent(self):
        envelopes = [pb.ClientEnvelope.FromString(effect.message) for effect in self.core.take_effects()
                     if hasattr(effect, "message")]  # fmt: skip
        return [envelope.evaluation for envelope in envelopes if envelope.WhichOneof("body") == "evaluation"]


def test_an_order_waits_for_its_state_and_is_carried_out_once():
    talk = Talk(held_out=4)
    talk.hear(evaluate=pb.Evaluate(version=2))
    assert talk.effects(Evaluate) == []
    talk.publish(2)
    assert [effect.version.number for effect in talk.effects(Evaluate)] == [2]
    talk.hear(evaluate=pb.Evaluate(version=2))
    assert talk.effects(Evaluate) == [] and talk.sent() == []
    talk.core.evaluated(pb.Evaluation(loss=0.5, total=[4], correct=[3]))
    (said,) = talk.sent()
    assert (said.client, said.session, said.version, said.loss) == ("a", 1, 2, 0.5)


def test_an_answer_that_was_lost_is_sent_again_and_a_beacon_names_what_is_asked_for():
    talk = Talk(held_out=4)
    talk.publish(2)
    beacon = pb.Beacon(phase=pb.PHASE_RUNNING, version=2, evaluate=pb.Evaluate(version=2))
    talk.hear(beacon=beacon)
    assert [effect.version.number for effect in talk.effects(Evaluate)] == [2]
    talk.core.evaluated(pb.Evaluation(loss=0.5, total=[4], correct=[3]))
    assert len(talk.sent()) == 1
    talk.hear(beacon=beacon)
    assert talk.sent() == []
    talk.hear(evaluate=pb.Evaluate(version=2))
    assert [said.version for said in talk.sent()] == [2]


def test_what_is_asked_for_meanwhile_comes_after_and_who_holds_nothing_out_is_not_asked():
    talk = Talk(held_out=4)
    talk.publish(1)
    talk.hear(evaluate=pb.Evaluate(version=1))
    talk.publish(3)
    talk.hear(evaluate=pb.Evaluate(version=3))
    assert [effect.version.number for effect in talk.effects(Evaluate)] == [1]
    talk.core.evaluated(None)
    assert [effect.version.number for effect in talk.effects(Evaluate)] == [3]
    other = Talk()
    other.publish(1)
    other.hear(evaluate=pb.Evaluate(version=1))
    assert other.effects(Evaluate) == []


def test_the_end_of_a_run_waits_for_the_last_evaluation():
    talk = Talk(held_out=4)
    talk.publish(1)
    talk.hear(evaluate=pb.Evaluate(version=1))
    talk.hear(beacon=pb.Beacon(phase=pb.PHASE_FINISHED, version=1))
    assert talk.effects(End) == []
    talk.core.evaluated(pb.Evaluation(loss=0.5, total=[4], correct=[3]))
    effects = talk.core.take_effects()
    kinds = [pb.ClientEnvelope.FromString(effect.message).WhichOneof("body") for effect in effects if hasattr(effect, "message")]
    assert kinds == ["evaluation", "goodbye"]
    assert effects[-1] == End(None, True)


def test_an_update_that_is_written_while_the_last_evaluation_is_waited_for_is_removed():
    talk = Talk(held_out=4)
    talk.publish(1)
    talk.hear(task=pb.Task(client="a", session=1, number=1, version=1, seed=1, plan=PLAN))
    talk.hear(evaluate=pb.Evaluate(version=1))
    talk.hear(beacon=pb.Beacon(phase=pb.PHASE_FINISHED, version=1))
    talk.core.take_effects()
    talk.core.trained(UpdateID(7, 1), b"update", 1.0)
    assert talk.core.take_effects() == [Discard(UpdateID(7, 1))]


def test_a_last_evaluation_that_never_ends_is_not_waited_for():
    talk = Talk(held_out=4)
    talk.publish(1)
    talk.hear(evaluate=pb.Evaluate(version=1))
    talk.hear(beacon=pb.Beacon(phase=pb.PHASE_FINISHED, version=1))
    talk.core.take_effects()
    talk.core.tick(599.0)
    assert talk.effects(End) == []
    talk.core.tick(600.0)
    assert talk.effects(End) == [End(None, True)]


def test_who_leaves_while_the_last_evaluation_lasts_gives_it_less_time_and_never_more():
    talk = Talk(held_out=4)
    talk.publish(1)
    talk.hear(evaluate=pb.Evaluate(version=1))
    talk.hear(beacon=pb.Beacon(phase=pb.PHASE_FINISHED, version=1))
    talk.core.leave(10.0, 5.0)
    talk.core.leave(14.0, 5.0)
    talk.core.take_effects()
    talk.core.tick(15.0)
    assert talk.effects(End) == [End(None, True)]


def test_the_callback_answers_and_one_that_fails_ends_nothing(make_aggregator, tmp_path, caplog):
    aggregator = make_aggregator()
    asked = []

    def on_evaluate(version):
        asked.append(version.number)
        if len(asked) == 1:
            raise ArithmeticError("no figures today")
        return impromptu.Evaluation([3, 1], [2, 0], 0.25)

    client = impromptu.join(
        aggregator.endpoints, "a", samples=5, outbox=tmp_path, held_out=4, on_evaluate=on_evaluate
    )  # fmt: skip
    aggregator.evaluates_every_version = True
    for _ in range(3):
        task = client.next_task(20)
        task.send({name: array * 0.9 for name, array in task.tensors.items()})
    eventually(lambda: any(heard.kind == "evaluation" for heard in aggregator.heard))
    client.close()
    (said, *_) = [heard.envelope.evaluation for heard in aggregator.heard if heard.kind == "evaluation"]
    assert list(said.total) == [3, 1] and list(said.correct) == [2, 0] and said.loss == 0.25 and said.version >= 1
    assert any(heard.envelope.hello.held_out_count == 4 for heard in aggregator.heard if heard.kind == "hello")
    assert "a callback failed" in caplog.text


def test_figures_that_cannot_be_are_refused():
    with pytest.raises(impromptu.ConfigurationError, match=r"expected at most \[1\] right, found \[2\]"):
        impromptu.Evaluation([1], [2], 0.5)._to_wire()
    with pytest.raises(impromptu.ConfigurationError, match="expected a finite loss"):
        impromptu.Evaluation([1], [1], float("nan"))._to_wire()
    with pytest.raises(impromptu.ConfigurationError, match="on_evaluate: expected with held_out above 0"):
        impromptu.join(("tcp://127.0.0.1:1", "tcp://127.0.0.1:2"), "a", samples=1, held_out=3)
