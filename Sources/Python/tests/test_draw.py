"""The seeded draws, which the Swift program's own tests have too (SeededRandomTests)."""

import struct

import numpy as np
import pytest

from impromptu.draw import SeededRandom, batches, dropout, order
from impromptu.plan import TrainingPlan


def test_numbers_are_those_of_swift():
    random = SeededRandom(1, 2)
    assert [random.next() for _ in range(3)] == [6144454253271056774, 2748275668371798451, 6758506790529015382]
    assert [random.below(1000) for _ in range(8)] == [119, 55, 910, 992, 597, 489, 75, 920]
    places = list(range(10))
    for place in range(9):
        other = place + random.below(10 - place)
        places[place], places[other] = places[other], places[place]
    assert places == [0, 3, 5, 9, 4, 1, 7, 6, 2, 8]
    bits = [4603971451909440965, 4605468712872319216, 4606374376013398617]
    expected = [struct.unpack("<d", struct.pack("<Q", word))[0] for word in bits]
    assert [random.normal() for _ in range(3)] == pytest.approx(expected, rel=1e-12)


def test_every_epoch_has_each_sample_once_in_an_order_of_its_own():
    orders = [order(50, 7, epoch) for epoch in range(3)]
    assert all(sorted(places) == list(range(50)) for places in orders)
    assert orders[0] != orders[1] != orders[2] and orders == [order(50, 7, epoch) for epoch in range(3)]
    assert order(1, 7, 0) == [0] and order(0, 7, 0) == []


def test_batches_follow_the_plan():
    plan = TrainingPlan(epochs=2, batch_size=4, maximum_steps=5)
    found = list(batches(10, plan, 3))
    assert [(epoch, len(places)) for epoch, places in found] == [(0, 4), (0, 4), (0, 2), (1, 4), (1, 4)]
    assert [place for epoch, places in found if epoch == 0 for place in places] == order(10, 3, 0)


def test_dropout_keeps_the_mean_and_differs_from_step_to_step():
    factors = dropout(100, 40, 0.25, 9, 0)
    assert set(np.unique(factors)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs(factors.mean() - 1) < 0.05
    assert not np.array_equal(factors, dropout(100, 40, 0.25, 9, 1))
