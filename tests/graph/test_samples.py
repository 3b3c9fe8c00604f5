"""Graphs of some samples: their errors add up to the whole one, exactly, or the whole is not cut."""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pytest

from verify.graph import samples as samples_module
from verify.graph.chunks import chunks
from verify.graph.evaluation import ARB, RATIONAL, evaluate
from verify.graph.problem import GraphProblem
from verify.graph.samples import SHARED, Samples, graph_of_samples, samples_of
from verify.graph.tensor import GraphBuilder, Tensor
from verify.operations import OPERATIONS
from verify.operations.broadcast import SumOver
from verify.operations.contraction import Contraction
from verify.operations.cumulative_sum import CumulativeSum
from verify.operations.elementwise import Elementwise
from verify.operations.gather import Gather, Indices, ScatterAdd
from verify.operations.linear_recurrence import LinearRecurrence
from verify.operations.log_sum_exp import LogSumExp
from verify.operations.maximum import LargestIndicator, Maximum
from verify.operations.operation import Operation
from verify.operations.power import Logarithm, Power
from verify.operations.slices import Concatenate, Pad
from verify.operations.softmax import Softmax
from verify.operations.windows import Fold, Windows
from verify.outcomes import InputError

N = 5
SAMPLES = Samples(N, {"x": 0, "y": 0})
RNG = np.random.default_rng(3)
MASK = Indices(np.array([[1, 0, 1, 1]]))
PICKED = Indices(np.array([[2, 0], [-1, 1]]))
OF_SAMPLES = Indices(np.arange(20).reshape(N, 4) % 3 > 0)


class Net:
    """Samples x (5, 3, 4), weights w (4,) and v (3, 4), both of small eighths, and what is written with them."""

    def __init__(self) -> None:
        self.builder = GraphBuilder()
        self.x = self.builder.constant("x", (N, 3, 4))
        self.y = self.builder.constant("y", (N, 4))
        self.shared = self.builder.constant("shared", (3, 4))
        self.w, self.v = self.builder.parameter("w", (4,)), self.builder.parameter("v", (3, 4))

    def problem(self, error: Tensor) -> GraphProblem:
        graph = self.builder.build(error)
        shapes = {"x": (N, 3, 4), "y": (N, 4), "shared": (3, 4)}
        data = {label: RNG.integers(1, 9, shape) / 8.0 for label, shape in shapes.items()}
        used = {node.operation.label for node in graph.nodes if hasattr(node.operation, "label")}
        size = 4 * ("w" in used) + 12 * ("v" in used)
        return GraphProblem(graph, {k: d for k, d in data.items() if k in used}, RNG.integers(1, 9, size) / 8.0)


def total(x: Tensor) -> Tensor:
    return x.square().sum()


def times(n: Net) -> Tensor:
    """Return rows of three times, each with all samples, as recurrent networks and attention have them."""
    return (n.x * n.w).permute(1, 0, 2).reshape((3 * N, 4)) + n.w


SUMS: dict[str, Any] = {
    "a mean": lambda n: (n.x * n.w).square().mean(),
    "two constants": lambda n: ((n.x * n.v).sum(1) - n.y).square().mean(),
    "decay": lambda n: (n.x * n.w).square().mean() + n.w.square().sum() + n.v.square().sum(),
    "decay before the sum is scaled": lambda n: ((n.x * n.w).sum() + n.v.sum()) * n.v.sum(),
    "sums by a contraction": lambda n: n.x.apply(Contraction("abc", "abc", ""), n.x, n.x * n.w) + n.w.sum(),
    "a bias": lambda n: total(n.x + n.w),
    "ones for every sample": lambda n: total(n.x * n.w - n.builder.filled(1, (N, 3, 4))),
    "a sum with ones": lambda n: n.x.apply(
        Contraction("abc", "abc", "bc"), n.x, n.builder.filled(2, (N, 3, 4)),
    ).sum() + n.v.sum(),
    "samples last": lambda n: total((n.x * n.w).permute(1, 2, 0)),
    "samples merged": lambda n: total((n.x * n.w).reshape((N * 3, 4)) + n.w),
    "samples merged and split": lambda n: total(((n.x * n.w).reshape((N * 12,)).reshape((N, 6, 2)) * 3).sum(2)),
    "samples between": lambda n: total((n.x * n.w).permute(1, 0, 2).reshape((3, N * 2, 2)).sum((0, 2))),
    "samples merged behind others": lambda n: total(times(n).reshape((3, N, 4)).sum(0) - n.y),
    "samples merged behind others, their product": lambda n: times(n).apply(
        Contraction("ab", "ab", ""), times(n), n.x.permute(1, 0, 2).reshape((3 * N, 4)) + n.w,
    ),
    "samples merged behind others, and more behind": lambda n: total(
        (n.x * n.w).permute(1, 0, 2).reshape((12 * N,)).reshape((3, N * 2, 2)).sum((0, 2)),
    ),
    "repeated in front": lambda n: total((n.x * n.w).broadcast_to((2, N, 3, 4))),
    "powers": lambda n: total((n.x * n.w).apply(Power(Fraction(-2)))),
    "slices": lambda n: total((n.x * n.w).slice(1, 0, 2) + (n.x * n.w).slice(1, 1, 3)),
    "pads": lambda n: total((n.x * n.w).apply(Pad(2, 1, 7)) + 1),
    "gathered before": lambda n: total((n.x.permute(1, 0, 2) * n.w).apply(Gather(0, PICKED))),
    "gathered behind": lambda n: total((n.x * n.w).apply(Gather(2, Indices(np.array([3, 3, 0]))))),
    "joined": lambda n: total(n.x.apply(Concatenate(1), n.x * n.w, n.x, n.v.broadcast_to((N, 3, 4)))),
    "windows": lambda n: total((n.x * n.w).apply(Windows((2, 2), (1, 1), (1, 1)))),
    "folds": lambda n: total(
        (n.x * n.w).apply(Windows((2,), (1,), (1,))).apply(Fold((2,), (1,), (1,), (4,))),
    ),
    "running sums": lambda n: total((n.x * n.w).apply(CumulativeSum())),
}  # fmt: skip
SMOOTH: dict[str, Any] = {
    "tanh": lambda n: total((n.x * n.w).apply(Elementwise("tanh"))),
    "softmax": lambda n: total((n.x * n.w).apply(Softmax())),
    "masked softmax": lambda n: total((n.x * n.w).apply(Softmax(MASK))),
    "logsumexp": lambda n: (n.x * n.w).apply(LogSumExp()).mean(),
    "largest": lambda n: (n.x * n.w).apply(Maximum()).square().mean(),
    "functions of what is repeated": lambda n: total(
        n.x * n.w + n.w.broadcast_to((N, 3, 4)).apply(Elementwise("tanh"))
    ),
    "logarithm": lambda n: (n.x * n.w).apply(Logarithm()).sum(),
}
MIXED: dict[str, Any] = {
    "a product of means": lambda n: (n.x * n.w).mean() * (n.x * n.w).mean(),
    "a function of the mean": lambda n: (n.x * n.w).mean().apply(Elementwise("tanh")),
    "the mean of a batch is taken off": lambda n: total(n.x * n.w - (n.x * n.w).mean(0)),
    "softmax over samples": lambda n: total((n.x * n.w).permute(1, 2, 0).apply(Softmax())),
    "a mask of its own for every sample": lambda n: total((n.y * n.w).apply(Softmax(OF_SAMPLES))),
    "largest sample": lambda n: (n.x * n.w).permute(1, 2, 0).apply(Maximum()).sum(),
    "samples side by side": lambda n: total(n.y.apply(Contraction("ab", "cb", "ac"), n.y * n.w, n.y)),
    "samples in two orders": lambda n: total(times(n) + (n.x * n.w).reshape((3 * N, 4))),
    "samples in two orders, their product": lambda n: times(n).apply(
        Contraction("ab", "ab", ""), times(n), (n.x * n.w).reshape((3 * N, 4)),
    ),
    "samples behind others torn apart": lambda n: total(times(n).reshape((N, 12)).apply(Softmax())),
    "a slice of the samples": lambda n: total((n.x * n.w).slice(0, 0, 3)),
    "every other sample": lambda n: total((n.x * n.w).apply(Gather(0, Indices(np.array([0, 2]))))),
    "padded samples": lambda n: total((n.x * n.w).apply(Pad(0, 1, 7))),
    "windows over samples": lambda n: total((n.y * n.w).apply(Windows((2, 2), (1, 1), (1, 1)))),
    "running sums over samples": lambda n: total((n.y * n.w).permute(1, 0).apply(CumulativeSum())),
    "samples torn apart": lambda n: total((n.x * n.w).reshape((3, N * 4)).apply(Softmax())),
    "joined along samples": lambda n: total(n.x.apply(Concatenate(0), n.x * n.w, n.x)),
    "an output by samples": lambda n: (n.x.slice(0, 0, 1).sum() * n.w).sum(),
    "without samples": lambda n: n.v.square().sum(),
    "a shared constant of this length": lambda n: total(
        n.x * n.w + n.builder.parameter("p", (N,)).reshape((N, 1, 1)).broadcast_to((N, 3, 4)),
    ),
}  # fmt: skip
WITHOUT_RULE = (ScatterAdd, LinearRecurrence, LargestIndicator)


def pieces(problem: GraphProblem, size: int, arithmetic: Any = RATIONAL) -> list[Any]:
    w = problem.values(problem.initial_weights)
    return [evaluate(part.graph, w | constants, arithmetic)[0][()] for part, constants in chunks(problem, size)]


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("name", SUMS)
def test_the_errors_of_chunks_add_up_to_the_whole_exactly(name, size):
    net = Net()
    problem = net.problem(SUMS[name](net))
    found = pieces(problem, size)
    whole = evaluate(problem.graph, problem.values(problem.initial_weights), RATIONAL)[0][()]
    assert len(found) == -(-N // size)
    assert reduce(add, found) == whole != 0


@pytest.mark.parametrize("name", SMOOTH)
def test_the_errors_of_chunks_add_up_to_the_whole(name):
    net = Net()
    problem = net.problem(SMOOTH[name](net))
    whole = problem.error_in_arb(problem.initial_weights)
    assert reduce(add, pieces(problem, 2, ARB)).overlaps(whole)
    assert float(whole.rad()) < 1e-12


@pytest.mark.parametrize("name", MIXED)
def test_what_mixes_samples_is_not_cut(name):
    net = Net()
    error = MIXED[name](net)
    graph = net.builder.build(error)
    with pytest.raises(InputError, match=r"sum over the samples.*leave out the size of chunks"):
        graph_of_samples(graph, SAMPLES, 2, shared=True)


def test_what_is_not_cut_is_one_chunk_unless_a_size_is_asked_for(monkeypatch):
    monkeypatch.setattr("verify.graph.chunks.LARGEST_ARRAY", 1)
    for table, count in ((SUMS, N), (MIXED, 1)):
        net = Net()
        name = next(iter(table))
        assert len(list(chunks(net.problem(table[name](net))))) == count
    net = Net()
    with pytest.raises(InputError, match="sum over the samples"):
        list(chunks(net.problem(MIXED["a product of means"](net)), 2))


def test_the_place_at_fault_is_named():
    net = Net()
    net.builder.place = "norm"
    mixed = total(net.x * net.w - (net.x * net.w).mean(0))
    with pytest.raises(InputError, match=r"norm: .*operation='broadcast'|norm: .*operation='add'"):
        graph_of_samples(net.builder.build(mixed), SAMPLES, 2, shared=True)


@pytest.mark.parametrize("size", [0, -1, 2.5, "2"])
def test_a_size_is_a_positive_whole_number(size):
    net = Net()
    with pytest.raises(InputError, match="positive whole number"):
        list(chunks(net.problem(SUMS["a mean"](net)), size))


def test_every_operation_has_a_rule_or_none_on_purpose():
    leaves = {"parameter", "constant", "tangent", "filled"}
    without = {kind.name for kind in WITHOUT_RULE}
    assert {kind.name for kind in samples_module._RULES} == set(OPERATIONS) - leaves - without


RULES = sorted(samples_module._RULES, key=lambda kind: kind.name)


@pytest.mark.parametrize("kind", RULES, ids=lambda kind: kind.name)
def test_a_rule_that_takes_samples_for_shared_is_caught(kind, monkeypatch):
    """Plant: what an operation makes of samples is believed to depend on none of them."""

    def wrong(cutter: Any, node: Any, operation: Operation) -> Any:
        tensor, _ = right(cutter, node, operation)
        return tensor, SHARED

    right = samples_module._RULES[kind]
    monkeypatch.setitem(samples_module._RULES, kind, wrong)
    caught = 0
    for name in (*SUMS, *SMOOTH):
        net = Net()
        problem = net.problem((SUMS | SMOOTH)[name](net))
        if not any(isinstance(node.operation, kind) for node in problem.graph.nodes):
            continue
        try:
            arithmetic = RATIONAL if name in SUMS else ARB
            difference = (
                reduce(add, pieces(problem, 2, arithmetic))
                - evaluate(problem.graph, problem.values(problem.initial_weights), arithmetic)[0][()]
            )
            caught += bool(difference != 0)
        except InputError:
            caught += 1
    assert caught


def test_samples_are_those_of_the_first_axis_that_the_error_is_a_sum_over():
    builder = GraphBuilder()
    w, scale = builder.parameter("w", (7, 2)), builder.constant("scale", ())
    assert samples_of(builder.build((w * scale).sum())) == Samples(0, {})
    x = builder.constant("x", (7, 2))
    assert samples_of(builder.build((w * scale * x).apply(SumOver((0, 1))))) == Samples(7, {"x": 0})
    with pytest.raises(InputError):
        graph_of_samples(builder.build((w * scale).sum()), Samples(1, {}), 1, shared=True)


@pytest.mark.parametrize("times", [2, 3])
def test_samples_of_transposed_data_are_found(times):
    """A recurrence over times, which come first in one constant; there may be as many as samples."""
    builder, n = GraphBuilder(), 3
    x, start = builder.constant("x", (times, n, 2)), builder.constant("start", (1, n, 2))
    w, y = builder.parameter("w", (2,)), builder.constant("y", (n, 2))
    state = start.reshape((n, 2))
    for k in range(times):
        state = (state + x.slice(0, k, k + 1).reshape((n, 2))) * w
    graph = builder.build((state - y).square().mean())
    assert samples_of(graph) == Samples(n, {"x": 1, "start": 1, "y": 0})
    data = {"x": RNG.integers(1, 9, (times, n, 2)), "start": np.ones((1, n, 2)), "y": np.zeros((n, 2))}
    problem = GraphProblem(graph, data, [0.5, 0.25])
    found = pieces(problem, 1)
    whole = evaluate(graph, problem.values(problem.initial_weights), RATIONAL)[0][()]
    assert len(found) == n
    assert reduce(add, found) == whole != 0


def test_a_shared_constant_with_an_axis_of_the_samples_length_stays_whole():
    builder = GraphBuilder()
    x, table, w = builder.constant("x", (3, 2)), builder.constant("table", (2, 3)), builder.parameter("w", (3,))
    graph = builder.build((x @ (table * w)).square().mean())
    assert samples_of(graph) == Samples(3, {"x": 0})
