#!/usr/bin/env python3
"""Makes mixture.json: what scikit-learn's BayesianGaussianMixture finds from given responsibilities.

  python3 -m venv /tmp/venv && /tmp/venv/bin/pip install scikit-learn && /tmp/venv/bin/python make_mixture.py"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.mixture import BayesianGaussianMixture


class FromResponsibilities(BayesianGaussianMixture):
    def _initialize_parameters(self, X, random_state, **_):
        self._initialize(X, self.start)


def case(seed, rows, width, components, iterations):
    random = np.random.default_rng(seed)
    centres = random.normal(size=(max(1, components - 1), width))
    data = centres[random.integers(len(centres), size=rows)] + 0.3 * random.normal(size=(rows, width))
    data = np.round(data, 4)
    start = np.eye(components)[random.integers(components, size=rows)]
    mixture = FromResponsibilities(
        n_components=components, covariance_type="diag", max_iter=iterations, tol=0, random_state=0)
    mixture.start = start
    mixture.fit(data)
    return {
        "width": width, "components": components, "iterations": iterations, "rows": data.ravel().tolist(),
        "start": start.argmax(1).tolist(), "means": mixture.means_.ravel().tolist(),
        "variances": mixture.covariances_.ravel().tolist(),
        "responsibilities": mixture.predict_proba(data).ravel().tolist(), "lowerBound": float(mixture.lower_bound_)}


cases = [case(1, 12, 3, 3, 1), case(2, 20, 5, 4, 7), case(3, 30, 2, 5, 40), case(4, 6, 8, 2, 10)]
path = pathlib.Path(__file__).parent / "mixture.json"
path.write_text(json.dumps({"scikit-learn": sklearn.__version__, "cases": cases}) + "\n")
