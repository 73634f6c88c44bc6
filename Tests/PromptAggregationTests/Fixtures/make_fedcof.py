#!/usr/bin/env python3
"""Makes fedcof.json: FedCOF's classifier (Goswami et al., arXiv 2412.14326) in numpy, from the formulas with explicit
outer products and a pseudoinverse.

  python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy && /tmp/venv/bin/python make_fedcof.py"""

import json
import pathlib

import numpy as np


def classifier(clients, classes, width, shrinkage):
    """[classes, width]: the rows of the ridge solution, each of length 1 or 0."""
    gram, sums = np.zeros((width, width)), np.zeros((classes, width))
    total, total_sum = 0.0, np.zeros(width)
    for label in range(classes):
        held = [(c["counts"][label], np.array(c["means"]).reshape(classes, width)[label]) for c in clients]
        held = [(count, mean) for count, mean in held if count > 0]
        if not held:
            continue
        count = sum(n for n, _ in held)
        sums[label] = sum(n * mean for n, mean in held)
        mean = sums[label] / count
        scatter = sum(n * np.outer(m - mean, m - mean) for n, m in held)
        covariance = scatter / max(len(held) - 1, 1) + shrinkage * np.eye(width)
        gram += (count - 1) * covariance
        total += count
        total_sum += sums[label]
    gram += np.outer(total_sum, total_sum) / total
    weight = sums @ np.linalg.pinv(gram)
    length = np.linalg.norm(weight, axis=1, keepdims=True)
    return weight / np.where(length > 0, length, 1)


def case(seed, clients, classes, width, shrinkage, largest):
    random = np.random.default_rng(seed)
    centres = random.normal(size=(classes, width))
    held = []
    for _ in range(clients):
        counts = random.integers(0, largest + 1, size=classes) * (random.random(classes) < 0.6)
        counts[classes - 1] = 0 if seed % 2 else counts[classes - 1]
        spread = random.normal(size=(classes, width)) / np.sqrt(np.maximum(counts, 1))[:, None]
        means = np.round(np.where(counts[:, None] > 0, centres + spread, 0), 4)
        held.append({"counts": counts.tolist(), "means": means.ravel().tolist()})
    return {
        "classes": classes, "width": width, "shrinkage": shrinkage, "clients": held,
        "weight": classifier(held, classes, width, shrinkage).ravel().tolist()}


if __name__ == "__main__":
    cases = [case(1, 5, 3, 4, 1.0, 9), case(2, 12, 4, 6, 0.1, 30), case(3, 2, 5, 8, 1.0, 5), case(4, 20, 3, 10, 0.0, 40)]
    path = pathlib.Path(__file__).parent / "fedcof.json"
    path.write_text(json.dumps({"cases": cases}) + "\n")
