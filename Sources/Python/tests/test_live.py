"""Clients of Python in a federation of the real aggregator and real workers, with keys and kills."""

import signal

import pytest
from live import crash, needs_binary, wait_for

import impromptu

pytestmark = [pytest.mark.live, needs_binary]


def test_python_alone_takes_a_run_to_its_end(make_federation):
    federation = make_federation(updates=4, settings=["prompts.feature_whitening=validation"])
    aggregator = federation.aggregator()
    clients = [federation.client("clinic-1", 0), federation.client("clinic-2", 0)]
    assert federation.exit_codes(aggregator, *clients) == [0, 0, 0], federation.log("clinic-1")
    used = {name: entry["updatesUsed"] for name, entry in federation.inspected().items()}
    assert set(used) <= {"clinic-1", "clinic-2"} and sum(used.values()) >= 4


def test_two_workers_and_two_clients_of_python_with_keys_through_three_kills(make_federation):
    federation = make_federation(updates=0, keys=True)
    federation.make_keys(["clinic-1", "clinic-2"])
    aggregator = federation.aggregator()
    workers = [federation.worker(0), federation.worker(1)]
    clients = {name: federation.client(name) for name in ("clinic-1", "clinic-2")}
    wait_for(lambda: len(federation.sent_by("clinic-1")) >= 2, "two updates of clinic-1")
    crash(clients["clinic-1"])
    clients["clinic-1"] = federation.client("clinic-1")
    wait_for(lambda: len(federation.sent_by("clinic-2")) >= 3, "three updates of clinic-2")
    crash(aggregator)
    aggregator = federation.aggregator()
    crash(workers[0])
    workers[0] = federation.worker(0)
    before = len(federation.sent_by("clinic-1"))
    wait_for(lambda: len(federation.sent_by("clinic-1")) > before, "clinic-1 being back")
    federation.finish_soon(clients=6)
    assert federation.exit_codes(aggregator, *workers, *clients.values()) == [0] * 5, federation.log("clinic-1")
    entries = federation.inspected()
    assert len(entries) == 6
    for name in clients:
        entry, sent = entries[name], federation.sent_by(name)
        # What was on the disk counts, once: but for one that the end of the run came before, and one that a kill kept
        # from being printed.
        assert len(sent) == len(set(sent))
        assert len(sent) - 1 <= entry["updatesUsed"] <= len(sent) + 1, (entry, sent)
        assert federation.rejections(name) <= {"finished: the run has ended"}
    assert list((federation.folder / "python-outbox").glob("*/*.update")) == []


def test_a_key_that_is_not_on_the_list_is_said_and_let_in_later(make_federation, caplog, monkeypatch):
    monkeypatch.setattr("impromptu.driver.PATIENCE", 1.0)
    federation = make_federation(updates=2, keys=True)
    federation.make_keys(["clinic-1"])
    federation.program(["keys", "make", "--keys", str(federation.keys), "--name", "late", "--client", "late"])
    allowed = federation.keys / "allowed"
    everybody = allowed.read_text()
    allowed.write_text("".join(line for line in everybody.splitlines(True) if not line.startswith("late ")))
    aggregator = federation.aggregator()
    with impromptu.join(federation.run, "late", samples=5, keys=federation.keys) as late:
        wait_for(lambda: "the aggregator does not know this client's key" in caplog.text, "the refusal")
        allowed.write_text(everybody)
        aggregator.send_signal(signal.SIGHUP)
        while (task := late.next_task(30)) is not None:
            task.send(task.tensors)
    assert federation.exit_codes(aggregator) == [0]


def test_the_aggregator_fences_the_older_of_two_processes(make_federation, tmp_path):
    federation = make_federation(updates=2)
    aggregator = federation.aggregator()
    older = impromptu.join(federation.run, "clinic-1", samples=5)
    task = older.next_task(30)
    newer = impromptu.join(federation.run, "clinic-1", samples=5)
    wait_for(lambda: task.is_abandoned, "the fencing")
    with pytest.raises(impromptu.Fenced):
        task.send(task.tensors)
    for task in newer:
        task.send(task.tensors)
    assert federation.exit_codes(aggregator) == [0]


def test_an_update_that_the_aggregator_refuses_is_reported(make_federation):
    federation = make_federation(updates=1, settings=["federation.maximum_update_norm=0.001"])
    federation.aggregator()
    rejected = []
    with impromptu.join(federation.run, "a", samples=5, on_rejected=lambda *what: rejected.append(what)) as client:
        task = client.next_task(30)
        task.send({name: array + 1 for name, array in task.tensors.items()})
        wait_for(lambda: rejected, "the rejection")
    assert rejected[0][:2] == (task.number, "INVALID") and "Euclidean norm" in rejected[0][2]
