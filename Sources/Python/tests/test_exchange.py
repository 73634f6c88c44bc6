"""The exchange with an aggregator of the checker, over real sockets."""

import socket
import threading
import time

import numpy as np
import pytest
import zmq
from conftest import new_ledger

import impromptu
from impromptu.effects import End
from impromptu.wire import impromptu_pb2 as pb


def tuned(task):
    """A stub of a training: all tensors that a task sends, a little smaller."""
    return {name: array * 0.9 for name, array in task.tensors.items()}


def take_part(federation, train=tuned):
    """Answers all tasks and returns them."""
    done = []
    for task in federation:
        assert task.send(train(task), {"loss": 1.0})
        done.append(task)
    return done


def eventually(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def test_a_run_is_taken_part_in_to_its_end(make_aggregator, tmp_path):
    aggregator = make_aggregator(updates_to_finish=5)
    ends, versions = [], []
    federation = impromptu.join(
        aggregator.endpoints, "clinic-3", samples=20, outbox=tmp_path, on_end=ends.append,
        on_version=lambda version: versions.append(version.number),
    )  # fmt: skip
    with federation:
        tasks = take_part(federation)
        assert federation.has_finished
    assert [task.number for task in tasks] == sorted(aggregator.ledger.accepted) == [1, 2, 3, 4, 5]
    assert versions == sorted(versions) and versions
    assert ends == [None]
    assert list((tmp_path / "clinic-3").iterdir()) == []
    eventually(lambda: aggregator.heard[-1].kind == "goodbye")
    update = aggregator.ledger.accepted[3]
    assert [tensor.name for tensor in update.tensors] == ["head.bias", "head.weight", "prompts"]
    assert update.base_version >= tasks[2].version and update.sample_count == 20


def test_the_state_is_put_together_from_what_changed(make_aggregator, tmp_path):
    aggregator = make_aggregator(updates_to_finish=4)
    states = []
    federation = impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path)
    for task in federation:
        states.append({name: np.array(array) for name, array in task.tensors.items()})
        # The head stays, so that later states leave it out.
        task.send({**task.tensors, "prompts": task.tensors["prompts"] + 1})
    expected = new_ledger().tensors
    for step, state in enumerate(states):
        assert sorted(state) == sorted(expected)
        np.testing.assert_allclose(state["prompts"], expected["prompts"] + step / 2, rtol=1e-5)
        np.testing.assert_array_equal(state["head.weight"], expected["head.weight"])


def test_half_precision_is_rounded_and_held_in_range(make_aggregator, tmp_path):
    aggregator = make_aggregator(new_ledger(dtype=pb.DATA_TYPE_F16), updates_to_finish=1)
    for task in impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path):
        task.send({**task.tensors, "head.bias": [1e9, -1e9, 1 / 3]})
    tensors = {tensor.name: tensor for tensor in aggregator.ledger.accepted[1].tensors}
    assert {tensor.dtype for tensor in tensors.values()} == {pb.DATA_TYPE_F16}
    bias = np.frombuffer(tensors["head.bias"].data, "<f2")
    np.testing.assert_array_equal(bias, np.array([65504, -65504, 1 / 3], "<f2"))


def test_lost_and_repeated_messages_change_nothing(make_aggregator, tmp_path):
    aggregator = make_aggregator(updates_to_finish=8)
    rng = np.random.default_rng(3)
    aggregator.faults.outgoing = lambda kind, message: [message] * int(rng.integers(0, 3))
    tasks = take_part(impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path))
    assert sorted(aggregator.ledger.accepted) == list(range(1, 9))
    assert len({task.number for task in tasks}) == len(tasks)


def test_an_update_is_sent_until_it_is_acknowledged(make_aggregator, tmp_path):
    aggregator = make_aggregator(updates_to_finish=1)
    aggregator.faults.deaf_to = {"update"}
    federation = impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path)
    task = federation.next_task(10)
    task.send(tuned(task))
    assert len(list((tmp_path / "a").glob("*.update"))) == 1
    eventually(lambda: sum(heard.kind == "update" for heard in aggregator.heard) >= 2)
    aggregator.faults.deaf_to = set()
    assert federation.next_task(20) is None and federation.has_finished
    assert list((tmp_path / "a").iterdir()) == []


@pytest.mark.parametrize("is_heard_first", [True, False])
def test_an_update_that_is_written_while_the_run_ends_leaves_no_file(make_aggregator, tmp_path, is_heard_first):
    aggregator = make_aggregator()
    federation = impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path)
    task = federation.next_task(10)
    driver, outbox = federation._driver, federation._outbox
    store, tell, ends = outbox.store, driver.tell, threading.Event()

    def store_while_it_ends(*update):
        store(*update)
        aggregator.finished = True
        assert ends.wait(10)
        if is_heard_first:
            eventually(lambda: federation.has_finished)

    def tell_after_the_answer(effect):
        if isinstance(effect, End):
            ends.set()
            if not is_heard_first:
                eventually(lambda: driver._work)
        tell(effect)

    outbox.store, driver.tell = store_while_it_ends, tell_after_the_answer
    assert not task.send(tuned(task))
    federation.close()
    assert list((tmp_path / "a").iterdir()) == []


def test_a_restarted_client_sends_what_its_earlier_session_kept(make_aggregator, tmp_path):
    aggregator = make_aggregator(updates_to_finish=2)
    aggregator.faults.deaf_to = {"update"}
    first = impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path)
    task = first.next_task(10)
    task.send(tuned(task))
    first.close(grace=0.1)
    session = first._core.session
    aggregator.faults.deaf_to = set()
    second = impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path)
    take_part(second)
    assert aggregator.ledger.accepted[1].session == session != second._core.session
    assert len(aggregator.ledger.accepted) == 2


def test_an_aggregator_that_restarts_is_greeted_and_gets_what_it_missed(make_aggregator, tmp_path):
    aggregator = make_aggregator(updates_to_finish=3)
    federation = impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path)
    task = federation.next_task(10)
    aggregator.stop()
    task.send(tuned(task))
    aggregator.start()
    take_part(federation)
    assert sorted(aggregator.ledger.accepted) == [1, 2, 3]
    assert {heard.epoch for heard in aggregator.heard if heard.kind == "hello"} == {1, 2}


def test_another_run_takes_the_place_of_the_first(make_aggregator, tmp_path):
    first = make_aggregator(new_ledger(run=7))
    federation = impromptu.join(first.endpoints, "a", samples=1, outbox=tmp_path)
    old = federation.next_task(10)
    first.stop()
    second = make_aggregator(new_ledger(run=8), updates_to_finish=2, endpoints=first.endpoints)
    eventually(lambda: old.is_abandoned)
    assert old.send(tuned(old)) is False
    assert [task.identity.run for task in take_part(federation)] == [8, 8]
    assert sorted(second.ledger.accepted) == [1, 2]


def test_updates_of_another_run_are_kept_and_not_sent(make_aggregator, tmp_path):
    first = make_aggregator(new_ledger(run=7))
    first.faults.deaf_to = {"update"}
    federation = impromptu.join(first.endpoints, "a", samples=1, outbox=tmp_path)
    task = federation.next_task(10)
    task.send(tuned(task))
    federation.close(grace=0.1)
    second = make_aggregator(new_ledger(run=8), updates_to_finish=1)
    take_part(impromptu.join(second.endpoints, "a", samples=1, outbox=tmp_path))
    assert {heard.envelope.update.run for heard in second.heard if heard.kind == "update"} == {8}
    assert [file.name for file in (tmp_path / "a").iterdir()] == ["0000000000000007-1.update"]


def test_a_newer_process_fences_the_older(make_aggregator, tmp_path):
    aggregator = make_aggregator(updates_to_finish=1)
    older = impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path)
    task = older.next_task(10)
    newer = impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path)
    eventually(lambda: task.is_abandoned)
    with pytest.raises(impromptu.Fenced, match="taken over"):
        task.send(tuned(task))
    with pytest.raises(impromptu.Fenced, match="FENCED"):
        older.next_task(1)
    take_part(newer)
    assert {update.session for update in aggregator.ledger.accepted.values()} == {newer._core.session}


def test_heartbeats_go_on_while_the_program_trains(make_aggregator, tmp_path):
    aggregator = make_aggregator(updates_to_finish=1, heartbeat=50)
    for task in impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path):
        before = len(aggregator.heard)
        eventually(
            lambda: sum(
                heard.kind == "heartbeat" and heard.envelope.heartbeat.activity == pb.ACTIVITY_TRAINING
                for heard in aggregator.heard[before:]
            )
            >= 3
        )
        task.send(tuned(task))


def test_a_failed_task_is_said_and_another_comes(make_aggregator, tmp_path):
    aggregator = make_aggregator(updates_to_finish=1)
    federation = impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path)
    federation.next_task(10).fail("the disk is full")
    unanswered = federation.next_task(10)
    task = federation.next_task(10)
    assert aggregator.ledger.failed[unanswered.number] == "the training loop continued without an answer"
    task.send(tuned(task))
    assert federation.next_task(10) is None
    assert aggregator.ledger.failed[1] == "the disk is full"


def test_an_exception_of_the_program_is_told_to_the_aggregator(make_aggregator, tmp_path):
    aggregator = make_aggregator()
    with pytest.raises(ZeroDivisionError), impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path) as federation:
        for _ in federation:
            1 / 0  # noqa: B018
    eventually(lambda: aggregator.heard[-1].kind == "goodbye")
    assert aggregator.ledger.failed == {1: "ZeroDivisionError: division by zero"}


def test_a_rejected_update_is_reported_and_dropped(make_aggregator, tmp_path):
    aggregator = make_aggregator(updates_to_finish=1)
    rejected = []
    federation = impromptu.join(
        aggregator.endpoints, "a", samples=1, outbox=tmp_path, on_rejected=lambda *what: rejected.append(what)
    )
    task = federation.next_task(10)
    aggregator.ledger.given.clear()
    aggregator.ledger.open_tasks.clear()
    task.send(tuned(task))
    take_part(federation)
    federation.close()
    assert rejected == [(1, "UNKNOWN_TASK", "task 1 was not given to a")]


def test_a_client_without_samples_watches(make_aggregator, tmp_path):
    aggregator = make_aggregator(updates_to_finish=3)
    seen = []
    watcher = impromptu.join(
        aggregator.endpoints, "watcher", samples=0, outbox=tmp_path, on_version=lambda it: seen.append(it.number)
    )
    eventually(lambda: seen == [0])
    take_part(impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path))
    assert watcher.next_task(10) is None
    watcher.close()
    assert seen[-1] >= 1 and seen == sorted(seen)


def test_keys(make_aggregator, tmp_path):
    public, secret = zmq.curve_keypair()
    mine = zmq.curve_keypair()
    aggregator = make_aggregator(updates_to_finish=2, secret_key=secret)
    keys = impromptu.Keys(mine[1].decode(), public.decode())
    take_part(impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path, keys=keys))
    assert len(aggregator.ledger.accepted) == 2


def test_silence_is_said_and_what_is_wrong_with_it(make_aggregator, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("impromptu.driver.PATIENCE", 0.3)
    _, secret = zmq.curve_keypair()
    aggregator = make_aggregator(secret_key=secret)
    federation = impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path)
    eventually(lambda: "only one side has keys" in caplog.text or "has only one side keys" in caplog.text, 60)
    aggregator.stop()
    eventually(lambda: "nobody answers" in caplog.text, 60)
    aggregator.secret_key = None
    aggregator.start()
    assert federation.next_task(60) is not None
    assert "heard again" in caplog.text
    federation.close()


def test_a_run_folder_says_where_the_aggregator_is(make_aggregator, tmp_path):
    aggregator = make_aggregator(updates_to_finish=1)
    federation = impromptu.join(tmp_path, "a", samples=1)
    file = tmp_path / "endpoints.yaml"
    updates, prompts = aggregator.endpoints
    file.write_text(f"# Where\nendpoints:\n  updates: '{updates}'\n  prompts: '{prompts}'\n")
    take_part(federation)
    assert (tmp_path / "python-outbox" / "a").is_dir()
    file.write_text("# The run has finished; nobody listens any more.\n")
    late = impromptu.join(tmp_path, "b", samples=1)
    assert late.next_task(10) is None and late.has_finished


def test_an_aggregator_that_comes_back_with_one_port_of_two_is_found(make_aggregator, tmp_path):
    aggregator = make_aggregator(updates_to_finish=2)
    file = tmp_path / "endpoints.yaml"

    def write_endpoints():
        file.write_text("endpoints:\n  updates: '{}'\n  prompts: '{}'\n".format(*aggregator.endpoints))

    write_endpoints()
    federation = impromptu.join(tmp_path, "a", samples=1)
    task = federation.next_task(10)
    assert task.send(tuned(task))
    eventually(lambda: len(aggregator.ledger.accepted) == 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    aggregator.stop()
    aggregator.endpoints = (f"tcp://127.0.0.1:{free}", aggregator.endpoints[1])
    write_endpoints()
    aggregator.start()
    take_part(federation)
    assert len(aggregator.ledger.accepted) == 2


def test_a_run_folder_that_asks_for_keys(tmp_path):
    (tmp_path / "endpoints.yaml").write_text(
        f"endpoints:\n  updates: 'tcp://h:1'\n  prompts: 'tcp://h:2'\nsecurity:\n  aggregator_key: '{'a' * 40}'\n"
    )
    federation = impromptu.join(tmp_path, "a", samples=1)
    with pytest.raises(impromptu.ConfigurationError, match="expected keys="):
        federation.next_task(10)


def test_the_program_may_be_interrupted_while_it_waits(make_aggregator, tmp_path):
    aggregator = make_aggregator()
    aggregator.faults.gives_tasks = False
    federation = impromptu.join(aggregator.endpoints, "a", samples=1, outbox=tmp_path)
    threading.Timer(0.3, federation.close).start()
    assert federation.next_task(10) is None and not federation.has_finished
