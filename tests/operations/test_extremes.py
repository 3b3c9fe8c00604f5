"""Arguments outside a domain, that overflow or are empty: an infinite bound or no decision, never a wrong one."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.operations.references import REFERENCES
from tests.operations.samples import MULTILINEAR
from verify import decide_decrease, segment_bound
from verify.arithmetic import arb
from verify.arithmetic.intervals import Interval
from verify.arithmetic.taylor_model import TaylorModel
from verify.graph.evaluation import ARB, FLOAT64, INTERVAL, RATIONAL, evaluate, taylor_models
from verify.graph.problem import GraphProblem
from verify.graph.reverse import gradient_graph
from verify.graph.tensor import GraphBuilder
from verify.operations.contraction import Contraction
from verify.operations.elementwise import Elementwise
from verify.operations.gather import Gather, Indices, ScatterAdd
from verify.operations.leaves import Constant, Parameter
from verify.operations.log_sum_exp import LogSumExp
from verify.operations.maximum import Maximum
from verify.operations.operation import OutsideDomainError
from verify.operations.power import Logarithm, Power
from verify.operations.softmax import Softmax
from verify.operations.windows import Windows

HALF, INVERSE_ROOT, INVERSE = (Power(Fraction(n, 2)) for n in (1, -1, -2))


def problem_of(operation, inside=lambda w: w, shape=(1,)) -> GraphProblem:
    builder = GraphBuilder()
    w = builder.parameter("w", shape)
    graph = builder.build(inside(w).apply(operation).sum())
    return GraphProblem(graph, {}, np.ones(int(np.prod(shape))))


@pytest.mark.parametrize("operation", [HALF, INVERSE_ROOT, Logarithm()], ids=repr)
@pytest.mark.parametrize("outside", [-1.0, -5e-324, -1e308])
def test_a_step_out_of_the_domain_is_not_decided(operation, outside):
    problem = problem_of(operation)
    decision = decide_decrease(problem, [1.0], [outside])
    assert (decision.sign, decision.lower, decision.upper) == (None, -np.inf, np.inf)
    assert problem.error_enclosure([outside]) == (-np.inf, np.inf)
    assert np.isinf(problem.gradient_enclosure([outside]).rad).all()
    assert not segment_bound(problem, [1.0], [outside - 1.0], 1.0).is_finite
    assert not segment_bound(problem, [outside], [-1.0], 1.0).is_finite


@pytest.mark.parametrize("operation", [HALF, INVERSE_ROOT, Logarithm()], ids=repr)
def test_an_argument_that_may_be_negative_has_no_bound(operation):
    with pytest.raises(OutsideDomainError, match=r"lower=-0\.25, upper=4\.0"):
        operation.evaluate(Interval.from_bounds([0.25, -0.25], [4.0, 4.0]))


@pytest.mark.parametrize("operation", [HALF, INVERSE_ROOT, Logarithm(), INVERSE], ids=repr)
@pytest.mark.parametrize("bounded", [Elementwise("tanh"), Elementwise("sin"), Softmax()], ids=repr)
def test_a_bounded_function_of_what_is_not_defined_is_not_bounded(operation, bounded):
    problem = problem_of(bounded, lambda w: w.apply(operation))
    outside = 0.0 if operation == INVERSE else -1.0
    decision = decide_decrease(problem, [1.0], [outside])
    assert (decision.sign, decision.lower, decision.upper) == (None, -np.inf, np.inf)
    assert problem.error_enclosure([outside]) == (-np.inf, np.inf)
    assert not segment_bound(problem, [1.0], [-2.0], 1.0).is_finite


def test_powers_of_zero():
    assert problem_of(INVERSE).error_enclosure([0.0]) == (-np.inf, np.inf)
    assert problem_of(Power(Fraction(0))).gradient([0.0]) == 0
    assert decide_decrease(problem_of(Power(Fraction(0))), [0.0], [1.0]).sign == 0


@pytest.mark.parametrize("operation", [Softmax(), LogSumExp(), LogSumExp(Indices([1, 0, 1]))], ids=repr)
@pytest.mark.parametrize(
    ("w", "following"),
    [([1e200, -1.0, 0.0], [1.0, 2.0, 3.0]), ([0.0, 0.0, 0.0], [1e308, -1e308, 1e308]), ([0.0] * 3, [750.0, -750.0, 1])],
)
def test_logits_of_any_size(operation, w, following):
    for inside in (lambda z: z, lambda z: z * z, lambda z: z.apply(INVERSE)):
        problem = problem_of(operation, inside, (3,))
        decision = decide_decrease(problem, w, following)
        with arb.precision(3000):
            change = problem.error_in_arb(following) - problem.error_in_arb(w)
        if change.is_nan():
            assert (decision.lower, decision.upper) == (-np.inf, np.inf)
        else:
            assert not change < arb.Arb(decision.lower)
            assert not change > arb.Arb(decision.upper)


@pytest.mark.parametrize("sample", MULTILINEAR, ids=repr)
def test_arrays_without_entries(sample):
    """The axes that the options do not fix get the length 0, one after the other."""
    operation, shapes = sample
    for axis in range(max(map(len, shapes))):
        empty = [tuple(0 if k == axis else n for k, n in enumerate(shape)) for shape in shapes]
        try:
            shape = operation.shape(*empty)
        except ValueError:
            continue
        builder = GraphBuilder()
        leaves = [builder.parameter(str(k), s) for k, s in enumerate(empty)]
        graph = gradient_graph(builder.build(builder.add(operation, *leaves).square().sum()))
        values = {Parameter(str(k), s): np.zeros(s) for k, s in enumerate(empty)}
        for arithmetic in (FLOAT64, INTERVAL, RATIONAL, ARB, taylor_models(3)):
            assert [tuple(g.shape) for g in evaluate(graph, values, arithmetic)[1:]] == empty
        expected = REFERENCES[operation.name](operation, Fraction(0), *(RATIONAL.enter(np.zeros(s)) for s in empty))
        assert expected.shape == shape


def test_a_sum_over_nothing_is_zero_in_every_arithmetic():
    builder = GraphBuilder()
    x, y = builder.constant("x", (2, 0)), builder.parameter("y", (0, 3))
    graph = builder.build(x.apply(Contraction("ab", "bc", "ac"), x, y).sum())
    values = {Constant("x", (2, 0)): np.zeros((2, 0)), Parameter("y", (0, 3)): np.zeros((0, 3))}
    for arithmetic, kind in ((FLOAT64, float), (RATIONAL, Fraction), (ARB, arb.Arb)):
        found = evaluate(graph, values, arithmetic)[0][()]
        assert found == 0
        assert isinstance(found, kind)
    assert evaluate(graph, values, INTERVAL)[0].contains(0.0)


def test_a_model_of_an_undecided_maximum_starts_at_the_maximum():
    model = TaylorModel([Interval.point([[1.0, 0.5]]), Interval.point([[-1.0, 0.0]])])
    assert Maximum().evaluate(model).start.contains([1.0])
    assert not Maximum().evaluate(model).start.contains([1.5])


@pytest.mark.parametrize(
    ("operation", "shape"),
    [
        (ScatterAdd(0, Indices([0, 3]), 3), (2,)),
        (ScatterAdd(0, Indices([0, -2]), 3), (2,)),
        (ScatterAdd(-1, Indices([0, 1]), 3), (2,)),
        (ScatterAdd(2, Indices(0), 3), (2,)),
        (Gather(0, Indices([3])), (3,)),
        (Gather(0, Indices([-2])), (3,)),
        (Gather(-1, Indices([0])), (3,)),
        (Windows((2,), (1,), (3,)), (3,)),
        (Windows((2,), (5,), (1,)), (1,)),
    ],
    ids=repr,
)
def test_places_out_of_range_are_refused(operation, shape):
    with pytest.raises(ValueError, match=f"operation {operation.name}"):
        operation.shape(shape)
