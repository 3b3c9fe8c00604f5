"""Faults of every kind that a loss can have, planted into any loss, and the tests that must see them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any
from unittest.mock import patch

import numpy as np

from tests.losses import test_losses
from tests.operations.faults import EXCEPTIONS, Change, Outcome
from verify.graph.tensor import Tensor
from verify.losses import Loss
from verify.operations.gather import Gather, Indices


def _lost_entry(x: Tensor) -> Tensor:
    """The last term is zero."""
    places = [*range(x.shape[0] - 1), -1]
    return x.apply(Gather(0, Indices(places)))


def _lost_targets(targets: np.ndarray) -> np.ndarray:
    return np.concatenate([targets[:-1], np.zeros_like(targets[-1:])])


FAULTS: dict[str, tuple[str, Change]] = {
    "terms: sign": ("terms", lambda x: -x),
    "terms: lost": ("terms", _lost_entry),
    "terms: doubled": ("terms", lambda x: x + x),
    "targets: wrong axis": ("read_targets", lambda y: y[..., ::-1]),
    "targets: lost": ("read_targets", _lost_targets),
    "reduction: doubled": ("error", lambda x: x + x),
    "curvature: a quarter": ("curvature", lambda c: c * Fraction(1, 4)),
}


def hunted(kind: type[Loss], fault: str) -> Outcome:
    """Plant a fault and run the tests of the loss until one sees it."""
    method, change = FAULTS[fault]
    outcome = Outcome()
    honest = getattr(kind, method)

    def wrong(self: Loss, *arguments: Any, **options: Any) -> Any:
        outcome.effective = True
        return change(honest(self, *arguments, **options))

    with patch.object(kind, method, wrong):
        for name, check in {
            "value": lambda: test_losses.test_the_value_is_the_definition(kind.name, "sum"),
            "mean": lambda: test_losses.test_the_value_is_the_definition(kind.name, "mean"),
            "targets": lambda: test_losses.test_targets_are_read_as_they_are(kind.name),
            "curvature": lambda: test_losses.test_no_attack_exceeds_the_curvature(kind.name),
        }.items():
            try:
                check()
            except EXCEPTIONS:
                outcome.seen_by = name
                return outcome
    return outcome
