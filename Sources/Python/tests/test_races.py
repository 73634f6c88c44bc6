"""What may come between two steps of a client, forced to come there."""

import errno
import os
import threading
import time

import pytest
from test_exchange import eventually, take_part, tuned

import impromptu
from impromptu.effects import End


@pytest.fixture
def joined(make_aggregator, tmp_path):
    """An aggregator, a client of it, and the client's first task."""
    aggregator = make_aggregator()
    with impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path) as federation:
        yield aggregator, federation, federation.next_task(10)


def before(owner, name, action):
    """Has something done before a method's first call."""
    method, done = getattr(owner, name), []

    def replaced(*arguments):
        if not done:
            done.append(True)
            action()
        return method(*arguments)

    setattr(owner, name, replaced)


def test_another_thread_leaves_while_an_update_is_written(joined, tmp_path):
    aggregator, federation, task = joined
    leaver = threading.Thread(target=federation.close)

    def leave():
        leaver.start()
        eventually(lambda: federation._core.leaving)

    before(federation._outbox, "store", leave)
    assert task.send(tuned(task))
    leaver.join(20)
    assert not leaver.is_alive() and 1 in aggregator.ledger.accepted and aggregator.ledger.failed == {}
    assert list((tmp_path / "a").iterdir()) == []


def test_an_answer_after_another_thread_left_does_not_count(joined, tmp_path):
    aggregator, federation, task = joined
    federation.close()
    assert task.is_abandoned and not task.send(tuned(task))
    task.fail("too late")
    eventually(lambda: aggregator.ledger.failed == {1: "the client left without an answer"})
    assert list((tmp_path / "a").iterdir()) == []


def test_an_update_is_acknowledged_and_the_run_ends_before_send_returns(make_aggregator, tmp_path):
    aggregator = make_aggregator(updates_to_finish=1)
    federation = impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path)
    task = federation.next_task(10)
    call = federation._driver.call

    def call_and_wait(work):
        call(work)
        eventually(lambda: federation.has_finished)

    federation._driver.call = call_and_wait
    assert task.send(tuned(task)) and not task.is_abandoned
    assert 1 in aggregator.ledger.accepted


def test_an_answer_between_the_task_being_abandoned_and_the_end_raises_the_ends_reason(make_aggregator, tmp_path):
    aggregator = make_aggregator()
    older = impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path)
    task, answers = older.next_task(10), threading.Event()
    tell = older._driver.tell

    def tell_late(effect):
        if isinstance(effect, End):
            answers.wait(10)
            time.sleep(0.3)
        tell(effect)

    older._driver.tell = tell_late
    with impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path):
        eventually(lambda: task.is_abandoned)
        answers.set()
        with pytest.raises(impromptu.Fenced, match="taken over"):
            task.send(tuned(task))


def test_a_second_thread_cannot_answer_a_task_that_is_being_answered(joined):
    aggregator, federation, task = joined
    refused = []

    def answer_too():
        with pytest.raises(impromptu.UpdateError, match="expected one answer, found a second"):
            task.send(tuned(task))
        refused.append(True)

    def in_another_thread():
        thread = threading.Thread(target=answer_too)
        thread.start()
        thread.join(10)

    before(federation._outbox, "store", in_another_thread)
    assert task.send(tuned(task)) and refused
    eventually(lambda: 1 in aggregator.ledger.accepted)


@pytest.mark.parametrize("fault, expected, words", [
    (KeyboardInterrupt(), KeyboardInterrupt, None),
    (OSError(errno.ENOSPC, "No space left on device"), impromptu.OutboxError, "cannot keep the update: No space left"),
])  # fmt: skip
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_task_stays_open_where_its_update_could_not_be_written(joined, tmp_path, monkeypatch, fault, expected, words, step):
    aggregator, federation, task = joined

    def fail(*arguments):
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(f"impromptu.outbox.os.{step}", fail)
        with pytest.raises(expected, match=words):
            task.send(tuned(task))
    assert list((tmp_path / "a").iterdir()) == [] and not task.is_answered
    assert task.send(tuned(task))
    eventually(lambda: 1 in aggregator.ledger.accepted)


def test_an_update_that_another_process_finishes_meanwhile_keeps_nobody_from_joining(tmp_path):
    (tmp_path / "1-1.update.7.new").symlink_to(tmp_path / "gone")
    assert impromptu.outbox.Outbox(tmp_path, "a").left == {}


def test_a_process_that_was_forked_off_takes_no_part(joined):
    aggregator, federation, task = joined
    child = os.fork()
    if child == 0:
        found = 0
        for use in (lambda: task.send(tuned(task)), lambda: task.fail("no"), lambda: federation.next_task(1)):
            try:
                use()
            except impromptu.ConfigurationError as error:
                found += "forked off" in str(error)
        federation.close()
        os._exit(found)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    assert task.send(tuned(task))
    eventually(lambda: 1 in aggregator.ledger.accepted)


def test_an_address_that_cannot_be_ends_the_session_with_its_name(tmp_path):
    federation = impromptu.join(("tcp://127.0.0.1:1", "tcp://*:1"), "a", samples=1, outbox=tmp_path)
    with pytest.raises(impromptu.ConfigurationError, match=r"tcp://\*:1: expected an address to connect to"):
        federation.next_task(10)
    federation._driver.join(10)
    assert not federation._driver.is_alive()
    federation.close()


@pytest.mark.parametrize("fault", [ValueError("a fault"), SystemExit(3)])
def test_a_callback_that_fails_keeps_no_other_from_being_called(make_aggregator, tmp_path, caplog, fault):
    aggregator = make_aggregator(updates_to_finish=3)
    ends = []

    def on_version(version):
        raise fault

    with impromptu.join(
        aggregator.endpoints, "a", samples=1, outbox=tmp_path, on_version=on_version, on_end=ends.append
    ) as federation:
        take_part(federation)
    assert ends == [None] and "a callback failed" in caplog.text


def test_a_callback_may_leave(make_aggregator, tmp_path):
    aggregator = make_aggregator()
    federation = impromptu.join(
        aggregator.endpoints, "a", samples=1, outbox=tmp_path, on_version=lambda version: federation.close(grace=1)
    )
    federation._driver.join(20)
    federation._callbacks.join(20)
    assert not federation._driver.is_alive() and not federation._callbacks.is_alive()
    eventually(lambda: aggregator.heard[-1].kind == "goodbye")


def test_leaving_at_once_keeps_the_update_for_the_next_start(make_aggregator, tmp_path):
    aggregator = make_aggregator()
    aggregator.faults.deaf_to = {"update"}
    federation = impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path)
    task = federation.next_task(10)
    assert task.send(tuned(task))
    federation.close(grace=0)
    assert not federation._driver.is_alive() and len(list((tmp_path / "a").glob("*.update"))) == 1
    aggregator.faults.deaf_to = set()
    with impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path):
        eventually(lambda: 1 in aggregator.ledger.accepted)


def test_two_clients_of_one_process(make_aggregator, tmp_path):
    aggregator = make_aggregator(updates_to_finish=8)
    clients = [impromptu.join(aggregator.endpoints, name, samples=1, outbox=tmp_path) for name in ("a", "b")]
    threads = [threading.Thread(target=take_part, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert all(client.has_finished for client in clients)
    assert len(aggregator.ledger.accepted) >= 8
