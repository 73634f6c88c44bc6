#!/usr/bin/env python3
"""Runs the aggregation benchmark and PyTorch eager in turns on the same shapes and prints how many times faster we are.

  python3 -m venv .venv-torch && .venv-torch/bin/pip install torch numpy scipy
  .venv-torch/bin/python Tests/Benchmarks/aggregation_vs_pytorch.py [--threads 2] [--rounds 3] [--processor-time]

Two loops of 50 sweeps, written with autograd, torch.optim.Adam and SciPy's linear assignment as one would write them:
`pfpt` as docs/algorithm.md describes it, in float32, and `pfpt-reference`, the loop of PFPT's authors, in float64. The
ratio is the median over the rounds, so that a busy machine harms both alike. Ours runs on one thread.

--processor-time counts the time on the processor in place of that on the wall, for machines that others keep busy; PyTorch
then has one thread too. Of ours the time of a fedavg flush is taken off, which is start and making of the data."""

import argparse
import json
import math
import pathlib
import resource
import statistics
import subprocess
import sys
import time

import torch
from scipy.optimize import linear_sum_assignment
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SHAPES = ["10 x 10 x 768", "10 x 20 x 768"]
HIDDEN, SWEEPS = 128, 50


def two_layers(width, outputs, dtype):
    return nn.Sequential(nn.Linear(width, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, outputs)).to(dtype)


def local_prompts(clients, prompts, width, dtype):
    """Copies of one pool: uniform within 0.04, deviations of 0.01."""
    torch.manual_seed(1)
    pool = (torch.rand(prompts, width) * 2 - 1) * 0.04
    return (pool + 0.01 * torch.randn(clients, prompts, width)).to(dtype)


def log_sigmoid(x):
    return nn.functional.logsigmoid(x.clamp(-20, 20))


def log_normal(rows, means, log_variance):
    """[rows, means]: log N of each row under each mean and its diagonal covariance."""
    squares = ((rows[:, None] - means) ** 2 * torch.exp(-log_variance)).sum(-1)
    return -0.5 * (squares + log_variance.sum(-1) + means.shape[1] * math.log(2 * math.pi))


def assign(gains):
    return torch.as_tensor(linear_sum_assignment(gains.detach().numpy(), maximize=True)[1])


def pfpt(clients, prompts, width):
    """One step of Adam on each term, all matchings, then prompts to their means; those without a match leave. Returns
    the number of prompts."""
    rows = local_prompts(clients, prompts, width, torch.float32)
    pool = rows.reshape(-1, width).clone()
    covariance, usage = two_layers(width, width, rows.dtype), two_layers(width, 1, rows.dtype)
    by_covariance, by_usage = (torch.optim.Adam(n.parameters(), lr=1e-3) for n in (covariance, usage))
    matches = [torch.randperm(len(pool))[:prompts] for _ in range(clients)]
    for _ in range(SWEEPS):
        for client, matched in zip(rows, matches):
            means = pool[matched]
            log_variance = log_sigmoid(covariance(means))
            loss = 0.5 * ((client - means) ** 2 * torch.exp(-log_variance) + log_variance).sum()
            by_covariance.zero_grad()
            loss.backward()
            by_covariance.step()
        log_odds = usage(pool)[:, 0]
        used = torch.bincount(torch.cat(matches), minlength=len(pool)).to(rows.dtype)
        by_usage.zero_grad()
        (clients * nn.functional.softplus(log_odds) - used * log_odds).sum().backward()
        by_usage.step()
        with torch.no_grad():
            log_variance, log_odds = log_sigmoid(covariance(pool)), usage(pool)[:, 0]
            matches = [assign(log_normal(client, pool, log_variance) + log_odds) for client in rows]
            place = torch.cat(matches)
            count = torch.bincount(place, minlength=len(pool))
            sums = torch.zeros_like(pool).index_add_(0, place, rows.reshape(-1, width))
            supported = count > 0
            pool = sums[supported] / count[supported, None]
            matches = [(supported.cumsum(0) - 1)[matched] for matched in matches]
    return len(pool)


def reference(clients, prompts, width):
    """The authors' loop: client by client a step of Adam on everything, then a matching by the gains from before it."""
    rows = local_prompts(clients, prompts, width, torch.float64)
    pool = nn.Parameter(rows.reshape(-1, width).clone())
    covariance, usage = two_layers(width, width, rows.dtype), two_layers(width, 1, rows.dtype)
    adam = torch.optim.Adam([pool, *covariance.parameters(), *usage.parameters()], lr=1e-3)
    matches = [torch.randperm(len(pool))[:prompts] for _ in range(clients)]
    for _ in range(SWEEPS):
        for place, client in enumerate(rows):
            log_variance = 2 * nn.functional.logsigmoid(covariance(pool))
            log_odds = usage(pool)[:, 0]
            used = torch.zeros(len(pool), dtype=torch.bool)
            used[matches[place]] = True
            bernoulli = nn.functional.logsigmoid(torch.where(used, log_odds, -log_odds))
            gains = log_normal(client, pool, log_variance) + prompts * bernoulli
            loss = -gains[torch.arange(prompts), matches[place]].sum()
            adam.zero_grad()
            loss.backward()
            adam.step()
            matches[place] = assign(gains)
    return len(torch.cat(matches).unique())


LOOPS = {"pfpt": pfpt, "pfpt-reference": reference}


def timed(loop, shape, clock):
    """Milliseconds."""
    start = clock()
    loop(*(int(extent) for extent in shape.split(" x ")))
    return 1e3 * (clock() - start)


def our_flush(command, method, shape):
    """Milliseconds of one flush on the wall, from the benchmark's JSON."""
    arguments = [*command, "--output", "json", "--runs", "1", "--method", method, "--shape", shape]
    rows = json.loads(subprocess.run(arguments, check=True, capture_output=True, text=True).stdout)
    if len(rows) != 1:
        sys.exit(f"expected one row from {' '.join(arguments)}, found {len(rows)}")
    return rows[0]["medianFlushMilliseconds"]


def our_processor_time(command, method, shape):
    """Milliseconds on the processor of one flush."""
    def used(name):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        our_flush(command, name, shape)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return 1e3 * (used(method) - used("fedavg"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2, help="PyTorch's threads")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shape", choices=SHAPES, action="append", help="only this shape; may be repeated")
    parser.add_argument("--method", choices=LOOPS, action="append", help="only this loop; may be repeated")
    parser.add_argument("--command", default=f"{ROOT}/.build/release/impromptu bench aggregation")
    parser.add_argument("--processor-time", action="store_true", help="for busy machines; one thread")
    options = parser.parse_args()
    threads, clock, measure = options.threads, time.perf_counter, our_flush
    if options.processor_time:
        threads, clock, measure = 1, time.process_time, our_processor_time
    torch.set_num_threads(threads)
    print(f"PyTorch {torch.__version__}, {threads} threads, {options.rounds} rounds")
    for shape in options.shape or SHAPES:
        for method in options.method or LOOPS:
            ours, theirs = [], []
            for _ in range(options.rounds):
                theirs.append(timed(LOOPS[method], shape, clock))
                ours.append(measure(options.command.split(), method, shape))
            ratio = statistics.median(t / o for t, o in zip(theirs, ours))
            print(f"{shape:14} {method:15} ours {statistics.median(ours):9.1f} ms  "
                  f"PyTorch {statistics.median(theirs):9.1f} ms  ratio {ratio:.2f}", flush=True)


if __name__ == "__main__":
    main()
