"""Faults of every kind that an operation can have, planted into any operation, and the tests that must see them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import numpy as np

from tests.graph.oracles import check_case
from tests.graph.random_graphs import random_case
from tests.operations import test_bending, test_perturbations, test_references, test_taylor_models
from tests.operations import test_operations as whole
from tests.operations.samples import KINKED, MULTILINEAR, NONLINEAR, SAMPLES
from verify.arithmetic.intervals import Interval
from verify.arithmetic.perturbation import Perturbation
from verify.arithmetic.taylor_model import TaylorModel
from verify.graph import movements
from verify.graph.tensor import Tensor
from verify.operations import Operation
from verify.operations.gather import Gather, Indices
from verify.operations.maximum import LargestIndicator
from verify.operations.operation import LinearOperation

GRAPHS = (0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 17, 21, 25)
"""Seeds of random graphs that hold every operation."""
EXCEPTIONS = (AssertionError, ArithmeticError, ValueError, TypeError, IndexError)

Change = Callable[[Any], Any]
"""What is returned in place of a right answer; the same object where the fault has no effect on it."""


def _last_axis(x: Any, function: Callable[[Any], Any]) -> Any:
    return function(x) if x.shape and x.shape[-1] > 1 else x


def _lost_entry(x: Any) -> Any:
    """The last entry is zero."""
    if isinstance(x, Interval | TaylorModel) or not x.size or not bool(x.reshape(-1)[-1]):
        return x
    lost = x.copy()
    lost.reshape(-1)[-1] = lost.reshape(-1)[-1] * 0
    return lost


def _radius(factor: float) -> Change:
    def narrow(x: Any) -> Any:
        return Interval(x.mid, factor * x.rad) if isinstance(x, Interval) and np.any(x.rad > 0) else x

    return narrow


def _moved(x: Any) -> Any:
    return Interval(x.mid * (1 + 2.0**-5) + 2.0**-5, x.rad) if isinstance(x, Interval) else x


def _without(part: int) -> Change:
    """A Taylor model without a coefficient, or without its remainder (-1)."""

    def forget(x: Any) -> Any:
        if not isinstance(x, TaylorModel):
            return x
        parts = [*x.coefficients, x.remainder]
        if part >= len(parts) or parts[part] is None or not np.any(parts[part].max_abs()):
            return x
        parts[part] = None
        return TaylorModel(parts[:-1], parts[-1])

    return forget


def _narrow_remainder(x: Any) -> Any:
    if not isinstance(x, TaylorModel) or x.remainder is None or not np.any(x.remainder.rad > 0):
        return x
    return TaylorModel(x.coefficients, Interval(x.remainder.mid, 0.1 * x.remainder.rad))


def _of_tensors(change: Callable[[Tensor], Tensor]) -> Change:
    def wrong(found: Any) -> Any:
        if isinstance(found, Tensor):
            return change(found)
        if found is None or all(part is None for part in found):
            return found
        return tuple(None if part is None else change(part) for part in found)

    return wrong


def _reversed(x: Tensor) -> Tensor:
    if not x.shape or x.shape[-1] < 2:
        return x
    return x.apply(Gather(len(x.shape) - 1, Indices(range(x.shape[-1] - 1, -1, -1))))


def _lost_argument(found: Any) -> Any:
    if isinstance(found, Tensor) or found is None or found[-1] is None:
        return found
    return (*found[:-1], None)


def _times(factor: float, order: int | None = None) -> Change:
    """Derivative bounds times a factor, those of one order or all."""

    def small(found: Any) -> Any:
        changed = [
            None if b is None else b.times(factor) if order in (None, k) and np.any(b.entries > 0) else b
            for k, b in enumerate(found, 1)
        ]
        return found if all(a is b for a, b in zip(changed, found, strict=True)) else tuple(changed)

    return small


def _lost_order(found: Any) -> Any:
    if len(found) < 2 or found[1] is None or not np.any(found[1].entries > 0):
        return found
    return (found[0], None, *found[2:])


def _error(factor: float) -> Change:
    def small(found: Any) -> Any:
        value, error = found
        return found if error is None or not np.any(np.asarray(error) > 0) else (value, factor * np.asarray(error))

    return small


def _perturbation(factor: float) -> Change:
    def small(found: Perturbation) -> Perturbation:
        return (
            found
            if found.is_zero
            else Perturbation(factor * found.ball, None if found.box is None else factor * found.box)
        )

    return small


FAULTS: dict[str, tuple[str, Change]] = {
    "value: sign": ("evaluate", lambda x: -x),
    "value: lost entry": ("evaluate", _lost_entry),
    "value: wrong axis": (
        "evaluate",
        lambda x: _last_axis(x, lambda y: y[..., ::-1] if isinstance(y, np.ndarray) else y),
    ),
    "enclosure: moved": ("evaluate", _moved),
    "enclosure: a third of the radius": ("evaluate", _radius(0.3)),
    "model: no remainder": ("evaluate", _without(-1)),
    "model: a tenth of the remainder": ("evaluate", _narrow_remainder),
    "model: no slope": ("evaluate", _without(1)),
    "pullback: sign": ("pullback", _of_tensors(lambda x: -x)),
    "pullback: doubled": ("pullback", _of_tensors(lambda x: x + x)),
    "pullback: wrong axis": ("pullback", _of_tensors(_reversed)),
    "pullback: lost argument": ("pullback", _lost_argument),
    "pushforward: sign": ("pushforward", _of_tensors(lambda x: -x)),
    "pushforward: doubled": ("pushforward", _of_tensors(lambda x: x + x)),
    "pushforward: wrong axis": ("pushforward", _of_tensors(_reversed)),
    "derivative bound: a tenth": ("derivatives", _times(0.1)),
    "derivative bound: second order lost": ("derivatives", _lost_order),
    "rounding: lost": ("rounded", _error(0.0)),
    "perturbation: a third": ("perturbed", _perturbation(0.3)),
}


@dataclass
class Outcome:
    """Whether a planted fault changed any answer, and which test saw it."""

    called: bool = False
    effective: bool = False
    seen_by: str = ""

    @property
    def word(self) -> str:
        """``caught``, ``missed``, or ``none`` where the fault changed nothing."""
        return "caught" if self.seen_by else "missed" if self.effective else "none"


def _same(found: Any, right: Any) -> bool:
    if isinstance(found, np.ndarray) and isinstance(right, np.ndarray):
        return found.shape == right.shape and bool(np.all(found == right))
    return found is right


@contextmanager
def planted(kind: type[Operation], fault: str, outcome: Outcome) -> Iterator[None]:
    """Plant a fault into the operations of a class."""
    method, change = FAULTS[fault]

    def seen(right: Any) -> Any:
        found = change(right)
        outcome.called = True
        outcome.effective |= not _same(found, right)
        return found

    if method == "derivatives" and issubclass(kind, LinearOperation):
        honest_node = movements.derivatives_of_node

        def of_node(node: Any, *arguments: Any) -> Any:
            right = honest_node(node, *arguments)
            return seen(right) if isinstance(node.operation, kind) else right

        with patch.object(movements, "derivatives_of_node", of_node):
            yield
        return

    honest = getattr(kind, method)
    with patch.object(kind, method, lambda self, *arguments: seen(honest(self, *arguments))):
        yield


def checks(sample: Any) -> dict[str, Callable[[], None]]:
    """Return the tests of one sample, the cheap ones first."""
    if isinstance(sample[0], LargestIndicator):
        return {
            "definition": test_references.test_the_first_largest_entry_is_indicated,
            "enclosures": whole.test_undecided_maximum_is_shared_out,
        }
    found: dict[str, Callable[[], None]] = {
        "definition": lambda: test_references.test_the_operation_is_its_definition(sample, 0)
    }
    if sample in MULTILINEAR:
        found["derivatives"] = lambda: whole.test_tangent_and_gradient_agree_exactly(sample, 0)
        found["enclosures"] = lambda: whole.test_enclosures_hold_the_exact_result(sample, 0)
    if sample in NONLINEAR:
        found["derivatives"] = lambda: whole.test_derivatives_are_limits_of_differences(sample, 0)
    if sample in [*NONLINEAR, *KINKED[:2]]:
        found["enclosures"] = lambda: whole.test_enclosures_hold_the_balls(sample, 0)
    if sample in [*MULTILINEAR, *NONLINEAR, KINKED[1]]:
        found["Taylor models"] = lambda: test_taylor_models.test_the_model_holds_the_operation(sample, 3)
    found["roundings"] = lambda: _roundings_hold(sample)
    found["perturbations"] = lambda: test_perturbations.check_perturbed(sample, 0, 2.0**-8, with_box=False)
    if sample in [*MULTILINEAR, *NONLINEAR]:
        found["derivative bounds"] = lambda: _no_bound_is_broken(sample)
    return found


def _no_bound_is_broken(sample: Any) -> None:
    problem = test_bending.problem_of(sample)
    problem.constants = {
        label: np.ones_like(value) if label.startswith("speeds") else value
        for label, value in problem.constants.items()
    }
    assert test_bending.faults(problem, points=4, along_every_axis=True) == []


def hunted(kind: type[Operation], fault: str) -> Outcome:
    """Plant a fault and run the tests of the operation until one sees it."""
    outcome = Outcome()
    with planted(kind, fault, outcome):
        for sample in SAMPLES:
            if isinstance(sample[0], kind):
                for name, check in checks(sample).items():
                    try:
                        check()
                    except EXCEPTIONS:
                        outcome.seen_by = name
                        return outcome
        if outcome.effective or not outcome.called:
            outcome.seen_by = _seen_by_graphs()
    return outcome


def _seen_by_graphs() -> str:
    """What is wrong twice may be right on the sample, which is weighted by a product: random graphs go on."""
    for seed in GRAPHS:
        try:
            check_case(random_case(seed))
        except EXCEPTIONS:
            return "random graphs"
    return ""


def _roundings_hold(sample: Any) -> None:
    for seed in range(3):
        test_perturbations.check_rounded(sample, seed)
