"""What the tests share."""

import os

import numpy as np
import pytest
from live import LiveFederation

from impromptu.conformance.aggregator import Aggregator
from impromptu.conformance.ledger import Ledger
from impromptu.wire import impromptu_pb2 as pb

PLAN = pb.TrainingPlan(
    epochs=1, batch_size=4, optimizer=pb.OPTIMIZER_SGD, prompt_learning_rate=0.1, head_learning_rate=0.1,
    personal=pb.PERSONAL_NOTHING,
)  # fmt: skip


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that is skipped has not passed where all are required."""
    report = yield
    if report.skipped and os.environ.get("IMPROMPTU_REQUIRE_ALL") == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped, with IMPROMPTU_REQUIRE_ALL=1: {report.longrepr}"
    return report


def new_ledger(run=7, dtype=pb.DATA_TYPE_F32):
    rng = np.random.default_rng(run)
    tensors = {
        "prompts": rng.normal(size=(5, 8)).astype(np.float32),
        "head.weight": rng.normal(size=(3, 8)).astype(np.float32),
        "head.bias": np.zeros(3, np.float32),
        "fixed.key": rng.normal(size=(8, 8)).astype(np.float32),
    }
    return Ledger(run, tensors, [11, 12, 13, 14, 15], dtype)


@pytest.fixture
def make_federation(tmp_path):
    """Makes federations of the real program, whose processes end with the test."""
    made = []

    def make(**options):
        made.append(LiveFederation(tmp_path, **options))
        return made[-1]

    yield make
    for federation in made:
        federation.close()


@pytest.fixture
def make_aggregator():
    """Makes aggregators of the checker, which end with the test."""
    made = []

    def make(ledger=None, plan=PLAN, **options):
        aggregator = Aggregator(ledger or new_ledger(), plan, **options)
        made.append(aggregator)
        aggregator.start()
        return aggregator

    yield make
    for aggregator in made:
        aggregator.close()
