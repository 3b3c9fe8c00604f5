"""What is proved on tensors holds: random graphs decide in fractions and Arb, modules beside NumPy's own bounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402 -- only where torch is installed

import verify  # noqa: E402
import verify.torch  # noqa: E402
from tests.graph import oracles  # noqa: E402
from tests.graph.random_graphs import random_case  # noqa: E402
from tests.samples import sampled  # noqa: E402
from verify.arithmetic import arb, midrad  # noqa: E402
from verify.arithmetic.intervals import Interval  # noqa: E402
from verify.arithmetic.taylor_model import TaylorModel  # noqa: E402
from verify.graph import chunks as chunks_module  # noqa: E402
from verify.graph import sample_sums  # noqa: E402
from verify.graph.evaluation import ARB, evaluate  # noqa: E402
from verify.graph.problem import GraphProblem  # noqa: E402
from verify.graph.segment import change_along  # noqa: E402
from verify.graph.tensor import GraphBuilder  # noqa: E402
from verify.operations.contraction import Contraction  # noqa: E402
from verify.operations.elementwise import Elementwise  # noqa: E402
from verify.operations.power import Logarithm  # noqa: E402
from verify.outcomes import InputError  # noqa: E402
from verify.torch.tensors import device as guard  # noqa: E402
from verify.torch.tensors import place  # noqa: E402
from verify.torch.tensors.array import TensorArray  # noqa: E402
from verify.torch.tensors.place import TensorPlace  # noqa: E402

PLACE = TensorPlace(torch.device("cpu"))


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The device is tested elsewhere."""
    monkeypatch.setattr(guard, "check_device", lambda device: None)


@pytest.fixture
def on_tensors(trusted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracles of graphs ask the doors for tensors."""

    def changes(problem: GraphProblem, w: Any, movement: Interval, degree: int) -> list[Interval | None]:
        parts = change_along(problem, w, movement, degree, PLACE)
        return [None if part is None else sample_sums._on_host(part) for part in parts]

    monkeypatch.setattr(GraphProblem, "error_enclosure", verify.torch.error_enclosure)
    monkeypatch.setattr(GraphProblem, "gradient_enclosure", verify.torch.gradient_enclosure)
    monkeypatch.setattr(oracles, "change_along", changes)
    monkeypatch.setattr(
        oracles, "segment_bound", lambda *arguments, degree: verify.torch.segment_bound(*arguments, degree=degree)
    )


def check(seed: int) -> Counter[str]:
    case, counts = random_case(seed), Counter[str]()
    with np.errstate(all="ignore"):
        oracles.check_error(case, oracles.exact_error(case, case.problem.initial_weights), counts)
        oracles.check_segments(case, counts)
        if case.kind == "rational":
            oracles.check_exact_derivatives(case, counts)
        if case.kind != "extreme":
            oracles.check_derivatives(case, counts)
    return counts


@pytest.mark.parametrize("seed", sampled(100, always=12))
def test_what_is_said_of_a_random_graph_holds(seed, on_tensors):
    counts = check(seed)
    assert counts["enclosures of E"] == 1
    assert counts["points on segments"] == 2


def losing(kind: type, what: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Plant in `TensorPlace.moved`: arrays of a kind lose something on their way back from the host."""
    return lambda right: lambda self, x: right(self, what(x) if isinstance(x, kind) else x)


FAULTS: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "gamma is too small": (midrad, "gamma", lambda right: lambda n: right(n) * 2.0**-12),
    "intervals lose their radii on their way": (TensorPlace, "moved", losing(Interval, lambda x: Interval(x.mid))),
    "models lose their remainder on their way": (
        TensorPlace,
        "moved",
        losing(TaylorModel, lambda x: TaylorModel(x.parts)),
    ),
    "products forget their rounding": (
        Contraction,
        "rounded",
        lambda right: lambda self, *arguments: (right(self, *arguments)[0], None),
    ),
}


def check_layer() -> None:
    """A dense layer with tanh, its error, gradient and a segment: decided in Arb, chunk by chunk and at once.

    Large products cancel in it, so that their rounding is far above that of all else, and tanh bends the error upward.
    """
    rng = np.random.default_rng(2)
    builder = GraphBuilder()
    x, w = builder.constant("x", (12, 30)), builder.parameter("w", (30, 1))
    hidden = (x @ w).apply(Elementwise("tanh"))
    graph = builder.build((hidden + builder.constant("y", (12, 1))).square().mean())
    inputs, start = rng.standard_normal((12, 30)), rng.standard_normal(30) * 0.3
    inputs[:, :10] *= 1e6
    inputs[:, 10:20] = -inputs[:, :10]
    start[10:20] = start[:10] * (1 + 2.0**-30)
    problem = GraphProblem(graph, {"x": inputs, "y": -2.0 * np.sign(inputs @ start)[:, None]}, start)
    weights, step = start, np.where(np.arange(30) < 20, 0.0, rng.standard_normal(30) * 0.3)
    with arb.precision(200):
        error, slope = (part.reshape(-1) for part in evaluate(problem.gradient_graph, problem.values(weights), ARB))
        moved = ARB.enter(weights) + ARB.enter(step)
        change = evaluate(graph, problem.values(moved), ARB)[0][()] - error[0]
    for chunk in (None, 5):
        low, high = verify.torch.error_enclosure(problem, chunk=chunk)
        assert not (error[0] < arb.Arb(low) or error[0] > arb.Arb(high))
        found = verify.torch.gradient_enclosure(problem, chunk=chunk)
        for exact, mid, rad in zip(slope, found.mid, found.rad, strict=True):
            assert not abs(exact - arb.Arb(float(mid))) > arb.Arb(float(rad))
        limit = verify.torch.segment_bound(problem, weights, step, 1.0, chunk=chunk, degree=2).at(1.0)
        assert not change > arb.Arb(limit.numerator) / limit.denominator


def test_what_is_said_of_a_layer_holds(trusted):
    check_layer()


@pytest.mark.parametrize("name", FAULTS)
def test_planted_faults_are_caught(name, trusted, monkeypatch):
    owner, attribute, plant = FAULTS[name]
    monkeypatch.setattr(owner, attribute, plant(getattr(owner, attribute)))
    with pytest.raises(AssertionError):
        check_layer()


OF_CHUNKS: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "a chunk is left out": (
        sample_sums,
        "rows_of_chunks",
        lambda right: lambda *arguments: right(*arguments)[:2],
    ),
    "every chunk has the shared part": (
        chunks_module,
        "graph_of_samples",
        lambda right: lambda *arguments, shared: right(*arguments, shared=True),
    ),
    "no chunk has the shared part": (
        chunks_module,
        "graph_of_samples",
        lambda right: lambda *arguments, shared: right(*arguments, shared=False),
    ),
    "chunks have the first samples": (
        chunks_module,
        "constants_of",
        lambda right: lambda problem, rows: right(problem, slice(0, rows.stop - rows.start)),
    ),
}


@pytest.mark.parametrize("name", OF_CHUNKS)
def test_planted_faults_of_chunks_are_caught(name, trusted, monkeypatch):
    owner, attribute, plant = OF_CHUNKS[name]
    monkeypatch.setattr(owner, attribute, plant(getattr(owner, attribute)))
    kept = network(activation=nn.Tanh).graphs_of_chunks
    kept.clear()
    with pytest.raises(AssertionError):
        test_a_convolutional_network_has_numpys_bounds(2, nn.Tanh, None)
    kept.clear()


@cache
def network(n: int = 6, activation: type[nn.Module] = nn.Tanh) -> GraphProblem:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 2, 3), activation(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)).double()
    x, y = torch.randn(n, 1, 6, 6, dtype=torch.double), torch.randint(0, 3, (n,))
    return verify.from_torch(net, x, y, loss="cross_entropy", weight_decay=0.01)


def between(one: Interval, other: Interval) -> bool:
    return bool(np.all(one.lower <= other.upper) and np.all(other.lower <= one.upper))


@pytest.mark.parametrize("chunk", [None, 1, 4])
@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU])
def test_a_convolutional_network_has_numpys_bounds(chunk, activation, trusted):
    problem = network(activation=activation)
    w = problem.initial_weights
    low, high = problem.error_enclosure(w)
    found = verify.torch.error_enclosure(problem, chunk=chunk)
    assert low <= found[1]
    assert found[0] <= high
    assert found[1] - found[0] <= 3 * (high - low)
    gradient, ours = problem.gradient_enclosure(w), verify.torch.gradient_enclosure(problem, w, chunk=chunk)
    assert between(gradient, ours)
    assert np.max(ours.rad) <= 3 * np.max(gradient.rad)
    if activation is nn.ReLU:
        return
    step = -problem.gradient(w)
    bound = verify.segment_bound(problem, w, step, 1e-3)
    others = verify.torch.segment_bound(problem, w, step, 1e-3, chunk=chunk)
    assert others.polynomial == pytest.approx(bound.polynomial, rel=0.1)
    assert others.decrease > 0.9 * bound.decrease > 0


def test_the_answers_are_numpys_arrays(trusted):
    gradient = verify.torch.gradient_enclosure(network(), chunk=2)
    assert isinstance(gradient.mid, np.ndarray)
    assert isinstance(gradient.rad, np.ndarray)


def refused(*_: Any, **__: Any) -> Any:
    raise AssertionError("an array left the device by itself")


def test_products_are_computed_on_the_device_and_functions_on_the_host(trusted, monkeypatch):
    """All operations but those that rest on functions read and make tensors; nothing turns into NumPy's by itself."""
    problem, calls = network(), Counter[tuple[str, bool]]()
    right = TensorPlace.call

    def noted(self: Any, operation: Any, method: Any, *arguments: Any) -> Any:
        found = right(self, operation, method, *arguments)
        if method.__name__ == "rounded":
            assert isinstance(found[0], TensorArray)
        elif method.__name__ == "evaluate" and isinstance(found, Interval):
            assert isinstance(found.mid, TensorArray)
        calls[operation.name, isinstance(operation, place._THERE)] += 1
        return found

    monkeypatch.setattr(TensorArray, "__array__", refused)
    monkeypatch.setattr(TensorPlace, "call", noted)
    step = -problem.gradient(problem.initial_weights)
    verify.torch.error_enclosure(problem, chunk=4)
    verify.torch.gradient_enclosure(problem)
    verify.torch.segment_bound(problem, problem.initial_weights, step, 1e-3)
    there = {name for name, is_there in calls if is_there}
    assert {"contraction", "windows", "add", "sum", "reshape", "broadcast", "scale", "maximum", "fold"} <= there
    assert {name for name, is_there in calls if not is_there} == {
        "elementwise",
        "logsumexp",
        "softmax",
        "largest_indicator",
    }


def test_what_is_held_at_once_does_not_grow_with_the_samples(trusted, monkeypatch):
    largest = []
    for n in (6, 24):
        problem, sizes = network(n), [0]
        with monkeypatch.context() as patch:
            patch.setattr(TensorArray, "__init__", _counting(sizes))
            verify.torch.error_enclosure(problem, chunk=3)
        largest.append(sizes[0])
    assert largest[0] == largest[1]


def _counting(sizes: list[int], right: Any = TensorArray.__init__) -> Any:
    def noted(self: TensorArray, tensor: Any) -> None:
        sizes[0] = max(sizes[0], tensor.numel())
        right(self, tensor)

    return noted


def scalar(value: float, data: float) -> GraphProblem:
    builder = GraphBuilder()
    graph = builder.build((builder.parameter("w", (1,)) * builder.constant("x", (2, 1))).square().sum())
    return GraphProblem(graph, {"x": [[data], [1.0]]}, [value])


def test_overflow_is_infinite(trusted):
    for chunk in (None, 1):
        low, high = verify.torch.error_enclosure(scalar(1e200, 1e200), chunk=chunk)
        assert low <= 0 or low > 1e300
        assert high == np.inf
        assert np.isinf(verify.torch.gradient_enclosure(scalar(1e200, 1e200), chunk=chunk).rad).all()
        bound = verify.torch.segment_bound(scalar(1e200, 1e200), [1e200], [-1.0], 1.0, chunk=chunk)
        assert not np.all(np.isfinite(bound.polynomial))
        assert bound.decrease <= 0


def test_subnormal_numbers_are_held(trusted):
    low, high = verify.torch.error_enclosure(scalar(1e-170, 2.0**-1074), chunk=1)
    assert low <= 0.0 < high < 1e-290


def test_what_is_outside_its_domain_has_no_bound(trusted):
    builder = GraphBuilder()
    w, x = builder.parameter("w", ()), builder.constant("x", (2,))
    graph = builder.build((w * x).apply(Logarithm()).sum())
    problem = GraphProblem(graph, {"x": [1.0, -1.0]}, [1.0])
    assert verify.torch.error_enclosure(problem, chunk=1) == (-np.inf, np.inf)


@pytest.mark.parametrize("w", [[np.nan], [np.inf], [1.0, 2.0], ["x"]])
def test_weights_that_are_no_numbers_are_refused(w):
    with pytest.raises(InputError):
        verify.torch.error_enclosure(scalar(1.0, 1.0), w)
    with pytest.raises(InputError):
        verify.torch.gradient_enclosure(scalar(1.0, 1.0), w)
    with pytest.raises(InputError):
        verify.torch.segment_bound(scalar(1.0, 1.0), w, [1.0], 1.0)


@pytest.mark.parametrize("options", [{"T": 0.0}, {"T": np.inf}, {"degree": 1}, {"chunk": 0}])
def test_settings_out_of_range_are_refused(options):
    with pytest.raises(InputError):
        verify.torch.segment_bound(scalar(1.0, 1.0), [1.0], [1.0], **({"T": 1.0} | options))


def test_another_problem_is_refused():
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    classical = verify.Problem(verify.Architecture.from_data(nodes, output="y"), [[1.0]], [[0.5]])
    for door in (verify.torch.error_enclosure, verify.torch.gradient_enclosure):
        with pytest.raises(InputError, match=r"not a problem on a graph.*from_torch"):
            door(classical)


def test_a_size_of_chunks_for_what_mixes_samples_is_refused(trusted):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1)).double()
    problem = verify.from_torch(net, torch.randn(5, 2).double(), torch.randn(5, 1).double())
    with pytest.raises(InputError, match=r"BatchNorm1d: the error is not known to be a sum over the samples"):
        verify.torch.error_enclosure(problem, chunk=2)
    whole = verify.torch.error_enclosure(problem), problem.error_enclosure(problem.initial_weights)
    assert between(*(Interval.from_bounds(*bounds) for bounds in whole))


def test_parameters_that_meet_no_sample_are_counted_once(trusted):
    builder = GraphBuilder()
    w, x = builder.parameter("w", (2,)), builder.constant("x", (4, 2))
    problem = GraphProblem(builder.build(w.square().sum() + x.sum()), {"x": np.ones((4, 2))}, [1.0, 3.0])
    assert verify.torch.gradient_enclosure(problem, chunk=1).contains([2.0, 6.0])
    low, high = verify.torch.error_enclosure(problem, chunk=1)
    assert low <= 18.0 <= high < 18.0 + 1e-12
    bound = verify.torch.segment_bound(problem, [1.0, 3.0], [-1.0, 0.0], 1.0, chunk=1)
    assert bound.polynomial == pytest.approx([-2.0, 1.0, 0.0])
