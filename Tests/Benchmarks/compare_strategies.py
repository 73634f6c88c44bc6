#!/usr/bin/env python3
"""Compares strategies on the same clients, data, delays and number of updates, in virtual time.

    Tests/Benchmarks/compare_strategies.py [--folder runs/comparison] [--jobs 2] [--binary .build/release/impromptu]

Every strategy runs with each head learning rate on the first seed; the rate with the best validation accuracy at the
end is taken to the other seeds, which alone make the table: mean and standard deviation of the accuracy on the test
split after the last update, and of the virtual seconds until the validation accuracy first reaches the targets.
A run that is there already is not run again, so that an interrupted comparison goes on.
"""

import argparse
import concurrent.futures
import json
import pathlib
import statistics
import subprocess

UPDATES, COHORT = 240, 5
TARGETS = (0.55, 0.65)
RATES = (0.3, 1.0)
TUNING_SEED, SEEDS = 1, (2, 3, 4)

SYNCHRONOUS = {"federation.mode": "synchronous", "federation.cohort": COHORT, "evaluation.interval_seconds": 12}
BUFFERED = {"federation.mode": "buffered", "federation.buffer_size": COHORT, "evaluation.interval_seconds": 2}
CONTINUOUS = {"federation.mode": "continuous", "evaluation.interval_seconds": 2}
METHODS = {
    "FedAvg, synchronous": ("fedavg", SYNCHRONOUS),
    "GMM, synchronous": ("gmm", SYNCHRONOUS),
    "PFPT, synchronous": ("pfpt", SYNCHRONOUS),
    "FedAsync": ("fedasync", CONTINUOUS),
    "FedBuff": ("fedbuff", BUFFERED),
    "CA2FL": ("ca2fl", BUFFERED),
    "GMM, buffered": ("gmm", BUFFERED),
    "PFPT, asynchronous": ("pfpt-async", BUFFERED),
}


def settings(method, rate, seed):
    strategy, mode = METHODS[method]
    versions = UPDATES if mode is CONTINUOUS else UPDATES // COHORT
    return {
        "strategy.name": strategy, **mode, "run.seed": seed, "data.seed": seed, "run.updates": UPDATES,
        "training.head_learning_rate": rate, "training.schedule_versions": versions,
        # The images are 28 px wide; at 32 px a run takes a quarter of the time that it takes at the encoder's own 64 px.
        "encoder.image_size": 32, "data.validation_samples": 500, "data.test_samples": 2000,
    }


def simulate(arguments, method, rate, seed):
    """The run's evaluations on the validation split, the run made if it is not there."""
    name = f"{method.replace(', ', '-').replace(' ', '-').lower()}-rate{rate}-seed{seed}"
    run, figures = arguments.folder / name, arguments.folder / f"{name}.json"
    if not figures.exists():
        command = [arguments.binary, "simulate", "--run", run, "--threads", "1", "--json"]
        for key, value in settings(method, rate, seed).items():
            command += ["--set", f"{key}={value}"]
        subprocess.run(["rm", "-rf", run], check=True)
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{name}: {done.stderr.strip().splitlines()[-1:]}")
        figures.write_text(done.stdout)
        print(name, f"{json.loads(done.stdout)[-1]['accuracy']:.3f}", flush=True)
    return run, json.loads(figures.read_text())


def test_accuracy(arguments, run):
    figures = arguments.folder / f"{run.name}.test.json"
    if not figures.exists():
        done = subprocess.run([arguments.binary, "evaluate", run, "--json"], capture_output=True, text=True, check=True)
        figures.write_text(done.stdout)
    return json.loads(figures.read_text())["accuracy"]


def seconds_to(evaluations, target):
    return next((e["seconds"] for e in evaluations if e["accuracy"] >= target), None)


def spread(values, digits, scale=1):
    if None in values:
        reached = [v for v in values if v is not None]
        return f"reached by {len(reached)} of {len(values)}"
    return f"{scale * statistics.mean(values):.{digits}f} ± {scale * statistics.stdev(values):.{digits}f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("runs/comparison"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--binary", default=".build/release/impromptu")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        tried = {
            method: {rate: pool.submit(simulate, arguments, method, rate, TUNING_SEED) for rate in RATES}
            for method in METHODS
        }
        best = {}
        for method, futures in tried.items():
            best[method] = max(RATES, key=lambda rate: futures[rate].result()[1][-1]["accuracy"])
        rows = {
            method: [pool.submit(simulate, arguments, method, best[method], seed) for seed in SEEDS]
            for method in METHODS
        }
        print("| method | head rate | test accuracy, % | virtual seconds for the run |"
              + "".join(f" seconds to {100 * t:.0f} % |" for t in TARGETS))
        print("|---|---|---|---|" + "---|" * len(TARGETS))
        for method, futures in rows.items():
            runs = [future.result() for future in futures]
            cells = [
                method, f"{best[method]}", spread([test_accuracy(arguments, run) for run, _ in runs], 1, 100),
                spread([evaluations[-1]["seconds"] for _, evaluations in runs], 0),
            ]
            cells += [spread([seconds_to(evaluations, target) for _, evaluations in runs], 1) for target in TARGETS]
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
