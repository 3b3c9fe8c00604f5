"""Is the network with skips better than another one: paired by setting, code and seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import permutation_test

from examples.autoencoder_study.networks import SKIPS

LEAST_IS_BEST = {
    "train_error": True,
    "error": True,
    "psnr_hvs_m": False,
    "ssim": False,
    "accuracy": False,
    "steps_to": True,
}
"""The metrics that are compared, and which way they are better."""
SIGNIFICANT = 0.05
Record = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """Paired differences of one metric, positive where the network with skips is better.

    Parameters
    ----------
    differences : array
    p : float
        Of an exact paired permutation test, two-sided: the differences' signs are as likely as not.
    """

    differences: np.ndarray
    p: float

    @property
    def wins(self) -> int:
        """Pairs in which the network with skips is better."""
        return int(np.sum(self.differences > 0))

    @property
    def median(self) -> float:
        """Median of the differences."""
        return float(np.median(self.differences))


def compared(records: Sequence[Record], setting: str, rule: str, metric: str, other: str) -> Comparison | None:
    """Compare the network with skips with another one; None where there is no pair."""
    values = {
        (record["kind"], record["code"], record["seed"]): value_of(record["runs"][rule], metric)
        for record in records
        if record["setting"] == setting and rule in record["runs"]
    }
    pairs = [
        (ours, values[other, code, seed])
        for (kind, code, seed), ours in sorted(values.items())
        if kind == SKIPS and (other, code, seed) in values
    ]
    if not pairs:
        return None
    differences = np.array([(theirs - ours) if LEAST_IS_BEST[metric] else (ours - theirs) for ours, theirs in pairs])
    return Comparison(differences, p_value(differences))


def value_of(run: Record, metric: str) -> float:
    """Return a metric of a run; an error that was not reached counts as reached one step after the last."""
    value = run[metric]
    return float(run["steps"] + 1 if value is None else value)


def p_value(differences: np.ndarray) -> float:
    """Return the p-value of all changes of signs, 1 for a single pair or where nothing differs.

    Examples
    --------
    >>> p_value(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    0.0625
    """
    if len(differences) < 2 or not np.any(differences):
        return 1.0
    found = permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=np.inf)
    return float(found.pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values corrected for how many they are, by Holm's method.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.02])
    [0.03, 0.04, 0.04]
    """
    order = np.argsort(p_values, kind="stable")
    corrected, largest = [1.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected
