#!/usr/bin/env python3
"""Writes elementary.json: values of elementary functions by mpmath (pip install mpmath), for ElementaryTests.

A case is [arguments, nearest, rest]: the numbers as the hexadecimal of their bits, and what the true value lies above the
nearest float64, in units of its last place. Results beyond float64's normal numbers are cases of `edges` in the test."""

import json
import math
import pathlib
import random
import struct

from mpmath import mp, mpf

mp.prec = 250
random.seed(20261128)
uniform = random.uniform


def hexadecimal(x):
    return struct.pack(">d", x).hex()


def case(function, arguments):
    exact = function(*[mpf(x) for x in arguments])
    nearest = float(exact)
    rest = float((exact - mpf(nearest)) / mpf(math.ulp(nearest)))
    return [[hexadecimal(x) for x in arguments], hexadecimal(nearest), round(rest, 6)]


def near(x, least, most):
    return x + random.choice((-1, 1)) * 10 ** uniform(least, most)


functions = {
    "exp": (mp.exp, [lambda: [uniform(-708, 709)], lambda: [uniform(-1, 1)], lambda: [near(0, -18, -1)]]),
    "expm1": (mp.expm1, [lambda: [uniform(-39, 700)], lambda: [uniform(-2, 2)], lambda: [near(0, -30, -1)]]),
    "log": (mp.log, [lambda: [math.exp(uniform(-744, 709))], lambda: [uniform(0.5, 2)], lambda: [near(1, -15, -1)]]),
    "log1p": (mp.log1p, [lambda: [math.exp(uniform(-700, 709))], lambda: [uniform(-1, 2)],
                         lambda: [near(0, -16, -1)], lambda: [-1 + 10 ** uniform(-15, 0)]]),
    "power": (mp.power, [lambda: [math.exp(uniform(-700, 700)), uniform(-1, 1)],
                         lambda: [uniform(0.5, 2), uniform(-1000, 1000)], lambda: [0.9, 10 ** uniform(-18, 3)],
                         lambda: [near(1, -15, -2), uniform(-1, 1) * 10 ** uniform(0, 3)]]),
    "cosOfTurns": (lambda x: mp.cos(2 * mp.pi * x), [lambda: [uniform(0, 1)], lambda: [near(0.25, -16, -1)],
                                                     lambda: [uniform(-1e6, 1e6)]]),
    "logGamma": (mp.loggamma, [lambda: [uniform(0, 12)], lambda: [10 ** uniform(-300, 3)], lambda: [10 ** uniform(0, 9)]]),
    "digamma": (mp.digamma, [lambda: [uniform(0, 12)], lambda: [10 ** uniform(-6, 6)]]),
}
cases = {
    name: [case(function, draw()) for draw in draws for _ in range(60)] for name, (function, draws) in functions.items()
}
path = pathlib.Path(__file__).with_name("elementary.json")
path.write_text(json.dumps(cases, separators=(",", ":")).replace("]],", "]],\n") + "\n")
