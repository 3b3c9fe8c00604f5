"""Faults planted into operations and passes, one at a time: every one is caught by the tests or by random graphs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import verify.arithmetic.midrad as midrad
import verify.arithmetic.taylor_model as taylor_model
import verify.graph.decision as decision
import verify.graph.reverse as reverse
import verify.graph.segment as segment
import verify.operations.log_sum_exp as log_sum_exp
import verify.operations.masked_rows as masked_rows
import verify.operations.power as power
import verify.operations.softmax as softmax
from tests.graph.oracles import check_case
from tests.graph.random_graphs import random_case
from tests.losses import faults as of_losses
from tests.operations import faults as of_operations
from tests.operations.faults import GRAPHS
from tests.operations.samples import KINKED, MULTILINEAR, NONLINEAR, SAMPLES
from tests.operations.test_operations import (
    test_derivatives_are_limits_of_differences as limits,
)
from tests.operations.test_operations import (
    test_enclosures_hold_the_balls as enclosures_hold_balls,
)
from tests.operations.test_operations import (
    test_enclosures_hold_the_exact_result as enclosures_hold_fractions,
)
from tests.operations.test_operations import (
    test_tangent_and_gradient_agree_exactly as exact_agreement,
)
from tests.operations.test_operations import (
    test_undecided_maximum_is_shared_out as shared_out,
)
from tests.operations.test_references import test_the_first_largest_entry_is_indicated as first_largest
from tests.operations.test_references import test_the_operation_is_its_definition as definition
from tests.operations.test_taylor_models import test_the_model_holds_the_operation as model_holds
from verify.arithmetic.intervals import Interval
from verify.arithmetic.taylor_model import TaylorModel
from verify.graph.tensor import Tensor
from verify.losses import LOSSES
from verify.operations import OPERATIONS
from verify.operations.add import Add
from verify.operations.broadcast import Broadcast, SumOver
from verify.operations.contraction import Contraction
from verify.operations.elementwise import Elementwise
from verify.operations.gather import Gather, ScatterAdd
from verify.operations.log_sum_exp import LogSumExp
from verify.operations.maximum import LargestIndicator, Maximum
from verify.operations.permute import Permute
from verify.operations.power import Logarithm, Power
from verify.operations.reshape import Reshape
from verify.operations.scale import Scale
from verify.operations.slices import Concatenate, Pad, Slice
from verify.operations.softmax import Softmax
from verify.operations.windows import Fold, Windows


def check_operation(kind) -> None:
    """Run the tests of one operation on its samples."""
    for sample in SAMPLES:
        if isinstance(sample[0], kind):
            if kind is not LargestIndicator:
                definition(sample, 0)
            if sample in MULTILINEAR:
                exact_agreement(sample, 0)
            if sample in NONLINEAR:
                limits(sample, 0)
            if sample in [*MULTILINEAR, *NONLINEAR, KINKED[1]]:
                model_holds(sample, 3)
            if sample in MULTILINEAR:
                enclosures_hold_fractions(sample, 0)
            if sample in [*NONLINEAR, *KINKED[:2]]:
                enclosures_hold_balls(sample, 0)
    if kind is LargestIndicator:
        first_largest()
        shared_out()


def check_graphs() -> None:
    for seed in GRAPHS:
        check_case(random_case(seed))


def after(change):
    """A method that changes what the right one returns."""
    return lambda right: lambda self, *arguments: change(self, right(self, *arguments), *arguments)


def negated(self, results, *rest):
    return tuple(None if r is None else -r for r in results)


def without_last(self, results, *rest):
    return (*results[:-1], None)


def with_fields(**fields):
    """The method of an operation with other options."""

    def plant(right):
        def wrong(self, *arguments):
            changed = object.__new__(type(self))
            changed.__dict__.update(self.__dict__)
            for name, value in fields.items():
                changed.__dict__[name] = value(self)
            return right(changed, *arguments)

        return wrong

    return plant


def overwritten_scatter(right):
    def wrong(self, a):
        order, starts, present = self._sorted
        flat = a.reshape(
            *a.shape[: self.axis], self.indices.values.size, *a.shape[self.axis + self.indices.values.ndim :]
        )
        result = right(self, a) * 0
        result[(*(slice(None),) * self.axis, present)] = np.take(
            np.take(flat, order, axis=self.axis), starts, axis=self.axis
        )
        return result

    return wrong


def overwritten_fold(right):
    def wrong(self, a):
        dimensions = len(self.kernel)
        result = right(self, a) * 0
        for place, where in self._places(a.shape[-2 * dimensions : -dimensions]):
            result[(..., *where)] = a[(..., *(slice(None),) * dimensions, *place)]
        return result

    return wrong


PULLBACKS = {
    f"{kind.__name__}.pullback has the wrong sign": (kind, "pullback", after(negated))
    for kind in OPERATIONS.values()
    if kind.__name__ not in ("Parameter", "Constant", "Tangent", "Filled", "LargestIndicator", "Maximum")
}
PUSHFORWARDS = {
    f"{kind.__name__}.pushforward has the wrong sign": (
        kind,
        "pushforward",
        after(lambda self, result, *rest: None if result is None else -result),
    )
    for kind in (Add, Contraction, Elementwise, Power, Logarithm, Softmax, LogSumExp)
}
FAULTS = {
    **PULLBACKS,
    **PUSHFORWARDS,
    "Reshape goes by columns": (Reshape, "evaluate", lambda right: lambda self, x: right(self, x.transpose())),
    "Permute turns the other way": (
        Permute,
        "evaluate",
        with_fields(axes=lambda self: tuple(sorted(range(len(self.axes)), key=lambda k: self.axes[k]))),
    ),
    "Permute pulls back by itself": (
        Permute,
        "pullback",
        lambda right: lambda self, arguments, result, adjoint: (adjoint.permute(*self.axes),),
    ),
    "Broadcast loses repetitions": (
        Broadcast,
        "pullback",
        after(lambda self, parts, arguments, *rest: (parts[0].scale(Fraction(1, 2)),)),
    ),
    "Sum leaves one out": (
        SumOver,
        "evaluate",
        lambda right: lambda self, x: right(self, x[1:] if 0 in self.axes else x),
    ),
    "Add loses the last term": (Add, "evaluate", lambda right: lambda self, *xs: right(self, *xs[:-1])),
    "Add loses the last adjoint": (Add, "pullback", after(without_last)),
    "Add loses a tangent": (
        Add,
        "pushforward",
        lambda right: lambda self, arguments, result, tangents: next((t for t in tangents if t is not None), None),
    ),
    "Scale pulls back by the inverse": (
        Scale,
        "pullback",
        lambda right: lambda self, arguments, result, adjoint: (adjoint.scale(1 / self.factor),),
    ),
    "Scale has the wrong sign": (Scale, "evaluate", with_fields(factor=lambda self: -self.factor)),
    "Contraction loses the right adjoint": (Contraction, "pullback", after(without_last)),
    "Contraction loses a tangent": (
        Contraction,
        "pushforward",
        lambda right: lambda self, arguments, result, tangents: right(self, arguments, result, (tangents[0], None)),
    ),
    "Contraction forgets to turn": (
        Contraction,
        "evaluate",
        lambda right: lambda self, a, b: right(self, a, b)[::-1] if self.out else right(self, a, b),
    ),
    "Gather takes -1 for the last": (
        Gather,
        "_pick",
        lambda right: lambda self, a: np.take(a, self.indices.values, axis=self.axis, mode="wrap"),
    ),
    "ScatterAdd overwrites": (ScatterAdd, "_add", overwritten_scatter),
    "Slice starts late": (
        Slice,
        "evaluate",
        with_fields(start=lambda self: self.start + 1, stop=lambda self: self.stop + 1),
    ),
    "Pad starts early": (Pad, "_place", with_fields(start=lambda self: 0)),
    "Pad pulls back without its step": (
        Pad,
        "pullback",
        lambda right: (
            lambda self, arguments, result, adjoint: (
                adjoint.slice(self.axis, self.start, self.start + arguments[0].shape[self.axis]),
            )
        ),
    ),
    "Concatenate turns round": (Concatenate, "evaluate", lambda right: lambda self, *xs: right(self, *xs[::-1])),
    "Concatenate loses the last adjoint": (Concatenate, "pullback", after(without_last)),
    "Windows exchanges stride and dilation": (
        Windows,
        "_views",
        lambda right: lambda self, a: right(self, a)[..., ::-1],
    ),
    "Fold overwrites": (Fold, "_add", overwritten_fold),
    "Elementwise takes its value for its derivative": (Elementwise, "derivative", lambda right: lambda self: self),
    "Elementwise is off by one order in models": (
        Elementwise,
        "_derivatives",
        lambda right: lambda self, x, orders: right(self, x, tuple(max(k - 1, 0) for k in orders)),
    ),
    "Power loses its exponent": (
        Power,
        "_derivative",
        lambda right: lambda self, x: x.apply(Power(self.exponent - 1), x),
    ),
    "Power loses a factor in models": (
        Power,
        "_enclosed_derivative",
        lambda right: lambda self, x, order: right(self, x, order) / (2.0 if order > 1 else 1.0),
    ),
    "Maximum is the least": (Maximum, "evaluate", lambda right: lambda self, z: -right(self, -z)),
}
SAMPLED = sorted(
    {operation.name for operation, _ in SAMPLES}, key=lambda name: (name not in ("softmax", "scale", "add"), name)
)
FUNCTIONS = {
    "Logarithm has another slope": (power, "_reciprocal", lambda right: lambda x: right(x).square(), Logarithm),
    "Logarithm loses a sign in models": (
        power, "_logarithm_derivative", lambda right: lambda x, k: right(x, k) * (-1 if k > 1 else 1), Logarithm,
    ),
    "softmax loses the coupled term": (softmax, "_jacobian", lambda right: lambda p, vector: p * vector, Softmax),
    "softmax forgets its mask": (masked_rows, "_kept", lambda right: lambda x, mask: x, Softmax),
    "logsumexp forgets its mask": (masked_rows, "_kept", lambda right: lambda x, mask: x, LogSumExp),
    "logsumexp loses its shift": (
        log_sum_exp,
        "exponentials_of_rows",
        lambda right: lambda z, mask: (right(z, mask)[0], right(z, mask)[1] * 0),
        LogSumExp,
    ),
    "logsumexp loses the mean in models": (
        log_sum_exp, "recentred", lambda right: lambda z, mask: (right(z, mask)[0], right(z, mask)[1] * 0.5), LogSumExp,
    ),
    "models lose the highest derivative": (
        taylor_model, "tails_of", lambda right: lambda parts, remainder: right(parts, None), Elementwise,
    ),
    "sums forget their radius": (
        midrad, "total", lambda right: lambda x, r, axis: (right(x, r, axis)[0], right(x, r, axis)[1] * 0), LogSumExp,
    ),
}  # fmt: skip
ON_GRAPHS = {
    "a shared node loses a use": (reverse, "_total", lambda right: lambda parts: parts[0]),
    "a decision has the wrong sign": (
        decision, "_decided", lambda right: lambda bounds, precision: right((-bounds[1], -bounds[0]), precision),
    ),
    "a segment loses its curvature": (
        segment, "change_along", lambda right: lambda *arguments: [right(*arguments)[0], *(None,) * (arguments[3] - 1)],
    ),
    "a step is taken twice": (segment, "_in_t", lambda right: lambda c, T, power: right(c, 2.0 * T, power)),
    "accumulated sums forget their radius": (
        Interval, "accumulated", lambda right: lambda self, add, terms: Interval(right(self, add, terms).mid),
    ),
    "rearranged models forget their remainder": (
        TaylorModel, "rearranged", lambda right: lambda self, *moves: TaylorModel(right(self, *moves).coefficients),
    ),
    "broadcasting products forget an axis": (
        Tensor, "sum_to", lambda right: lambda self, to: right(self, to).scale(Fraction(1 + (self.shape != to))),
    ),
}  # fmt: skip


def test_without_a_fault_nothing_is_caught():
    for kind in OPERATIONS.values():
        check_operation(kind)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_an_operation_is_caught(name, monkeypatch):
    kind, method, plant = FAULTS[name]
    monkeypatch.setattr(kind, method, plant(getattr(kind, method)))
    with pytest.raises((AssertionError, ArithmeticError, ValueError, TypeError, IndexError)):
        check_operation(kind)
        check_graphs()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_fault_of_a_formula_is_caught(name, monkeypatch):
    module, function, plant, kind = FUNCTIONS[name]
    monkeypatch.setattr(module, function, plant(getattr(module, function)))
    with pytest.raises(AssertionError):
        check_operation(kind)


@pytest.mark.parametrize("name", ON_GRAPHS)
def test_a_fault_of_a_pass_is_caught_by_random_graphs(name, monkeypatch):
    owner, function, plant = ON_GRAPHS[name]
    monkeypatch.setattr(owner, function, plant(getattr(owner, function)))
    if owner is segment and function == "change_along":
        monkeypatch.setattr(decision, function, getattr(segment, function))
    with pytest.raises(AssertionError):
        check_graphs()


@pytest.mark.parametrize(
    "name", [n if k < 4 else pytest.param(n, marks=pytest.mark.slow) for k, n in enumerate(SAMPLED)]
)
def test_faults_of_every_kind_are_caught_in_every_operation(name):
    outcomes = {fault: of_operations.hunted(OPERATIONS[name], fault).word for fault in of_operations.FAULTS}
    assert "missed" not in outcomes.values(), outcomes
    assert list(outcomes.values()).count("caught") >= 3


@pytest.mark.parametrize("name", LOSSES)
def test_faults_of_every_kind_are_caught_in_every_loss(name):
    outcomes = {fault: of_losses.hunted(LOSSES[name], fault).word for fault in of_losses.FAULTS}
    assert set(outcomes.values()) == {"caught"}, outcomes
