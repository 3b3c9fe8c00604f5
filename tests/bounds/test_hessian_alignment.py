"""Sums over samples whose data differ: exact where the network is linear, above every attack elsewhere."""

from __future__ import annotations

from fractions import Fraction

import flint
import numpy as np
import pytest

from tests.samples import sampled
from tests.taylor_series import error_series
from verify.architecture import Architecture
from verify.arithmetic import arb, rational
from verify.bounds import hessian_alignment
from verify.bounds.attack import attack_hessian, curvature_lower
from verify.bounds.hessian import hessian_bound
from verify.bounds.hessian_alignment import AlignedData, Alignment, aligned_data
from verify.bounds.hessian_center import centers, edge_id
from verify.bounds.hessian_geometry import geometry
from verify.bounds.majorant.bound import whole_region
from verify.bounds.majorant.center import center_facts
from verify.bounds.majorant.data import LayerData
from verify.bounds.majorant.tensors import largest_form, third_derivative, third_slices
from verify.bounds.majorant.trajectory import trace
from verify.bounds.regions import Ball
from verify.calculus.problem import Problem


def known(rows: np.ndarray, error: float = 0.0) -> AlignedData:
    samples = len(rows)
    layer = LayerData(rows, np.full(samples, error / 2), np.linalg.norm(rows, axis=1) + error)
    return AlignedData(layer, np.full(samples, error / 2))


def quadratic(sizes: np.ndarray, rows: np.ndarray, lengths: np.ndarray, u: np.ndarray) -> Fraction:
    """Return the exact value of sum tau_i (u . x_i)^2 / l_i^2 over |u|^2."""
    terms = zip(sizes, rows, lengths, strict=True)
    total = sum(
        Fraction(size) * rational.dot(row, u) ** 2 / Fraction(length) ** 2 for size, row, length in terms if size
    )
    return total / rational.dot(u, u)


def steepest(sizes: np.ndarray, rows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    weighted = rows * (np.sqrt(sizes) / lengths)[:, None]
    return np.linalg.svd(weighted)[2][0]


@pytest.mark.parametrize("seed", range(5))
def test_the_top_is_above_every_direction_and_close_to_the_steepest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples, columns = int(rng.integers(1, 30)), int(rng.integers(1, 12))
    base, scale = rng.standard_normal((samples, columns)), 2.0 ** [-540, -510, -330, 0, 300][seed]
    rows = base * scale
    sizes = rng.random((samples, 3)) * (rng.random((samples, 3)) < 0.8)
    lengths = np.linalg.norm(base, axis=1) * (1 + rng.random(samples)) * scale
    tops = known(rows).top(sizes, lengths)
    for size, top in zip(sizes.T, tops, strict=True):
        u = steepest(size, rows, lengths)
        assert quadratic(size, rows, lengths, u) <= Fraction(top)
        if seed > 1:  # the squares of the others are too small
            assert top <= float(quadratic(size, rows, lengths, u)) * (1 + 1e-9)
        assert top <= size.sum() * (1 + 1e-12)


@pytest.mark.parametrize("seed", range(2))
def test_the_top_covers_data_that_move(seed: int) -> None:
    rng = np.random.default_rng([seed, 1])
    rows, far = rng.standard_normal((9, 4)), 0.3
    sizes = rng.random(9)
    shift = rng.standard_normal((9, 4))
    # Moving every sample along the steepest direction is the worst case.
    u = steepest(sizes, rows, np.full(9, 9.0))
    for step in (shift / np.linalg.norm(shift, axis=1)[:, None], np.sign(rows @ u)[:, None] * u):
        moved = rows + far * (1 - 1e-12) * step
        top = known(rows, far).top(sizes[:, None], np.full(9, 9.0))[0]
        assert quadratic(sizes, moved, np.full(9, 9.0), steepest(sizes, moved, np.full(9, 9.0))) <= Fraction(top)


def test_orthogonal_data_count_one_by_one() -> None:
    assert known(np.eye(5)).top(np.arange(5.0)[:, None], np.ones(5))[0] <= 4.0 * (1 + 1e-9)


@pytest.mark.parametrize(
    ("sizes", "lengths", "least"),
    [([1.0, np.inf], [1.0, 1.0], np.inf), ([1.0, 2.0], [1.0, 0.0], 3.0), ([0.0, 0.0], [0.0, 1.0], 0.0)],
)
def test_what_cannot_be_divided_counts_whole(sizes: list[float], lengths: list[float], least: float) -> None:
    assert known(np.eye(2)).top(np.array(sizes)[:, None], np.array(lengths))[0] >= least


def linear_problem(rows: np.ndarray) -> Problem:
    nodes = {
        "x": {"width": rows.shape[1]},
        "y": {"width": 2, "activation": "identity", "inputs": ["x"], "bias": False},
    }
    return Problem(Architecture.from_data(nodes, "y"), rows, np.zeros((len(rows), 2)))


@pytest.mark.parametrize("method", ["norms", "majorant"])
def test_the_bound_of_a_linear_layer_is_exact(method: str) -> None:
    rng = np.random.default_rng(3)
    problem = linear_problem(rng.standard_normal((40, 6)))
    bound = hessian_bound(problem, Ball(np.zeros(12), 2.0), method=method).value
    _, vectors = np.linalg.eigh(problem.inputs.T @ problem.inputs)
    direction = np.concatenate([vectors[:, -1], np.zeros(6)])
    lower = curvature_lower(problem, np.zeros(12), direction)
    assert lower <= bound <= lower * (1 + 1e-9)


def deep_problem(seed: int, samples: int = 6) -> Problem:
    """Return a tanh network with a residual layer, on data that point in many directions."""
    rng = np.random.default_rng([seed, 2])
    nodes = {
        "x": {"width": 6},
        "h1": {"width": 3, "activation": "tanh", "inputs": ["x"]},
        "h2": {"width": 3, "activation": "tanh", "inputs": ["h1", {"from": "h1", "kind": "identity"}]},
        "y": {"width": 1, "activation": "tanh", "inputs": ["h2", "x"]},
    }
    architecture = Architecture.from_data(nodes, "y")
    inputs = np.linalg.qr(rng.standard_normal((6, 6)))[0][:samples] * rng.uniform(1, 3, (samples, 1))
    weights = rng.standard_normal(architecture.size) * rng.choice([0.3, 1.0])
    return Problem(architecture, inputs, rng.standard_normal((samples, 1)), initial_weights=weights)


def without_alignment(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("majorant.center", "majorant.trajectory", "hessian_norms"):
        monkeypatch.setattr(f"verify.bounds.{module}.aligned_data", lambda *_: {})


@pytest.mark.parametrize(("method", "seed"), [("norms", 0), ("majorant", 1)])
def test_bounds_are_above_attacks_and_lower_than_sums(seed: int, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = deep_problem(seed)
    radii = (0.01, 0.5)
    regions = [Ball(problem.initial_weights, radius) for radius in radii]
    aligned = [hessian_bound(problem, region, method=method, cells=1) for region in regions]
    for region, bound in zip(regions, aligned, strict=True):
        assert bound.value >= attack_hessian(problem, region, points=1, seed=seed, ascents=8).value
    without_alignment(monkeypatch)
    fresh = Problem(problem.architecture, problem.inputs, problem.targets, initial_weights=problem.initial_weights)
    plain = [hessian_bound(fresh, region, method=method, cells=1) for region in regions]
    assert all(a.value <= b.value * (1 + 1e-9) for a, b in zip(aligned, plain, strict=True))
    assert aligned[-1].terms["norms"] < 0.9 * plain[-1].terms["norms"]


@pytest.mark.parametrize("seed", sampled(4, 1))
def test_changes_of_the_third_derivative_are_covered(seed: int) -> None:
    """E'''[U, U, U] at random weights on the sphere, minus its value at the centre, in Arb."""
    problem, radius = deep_problem(seed), 0.05
    weights = problem.initial_weights
    facts = center_facts(problem, weights)
    ((center, state),) = facts.chunks
    sums = trace(center, state, whole_region(geometry(problem, Ball(weights, radius)), facts), facts.graph)
    change = largest_form(sums.change[-1, 1] / problem.sample_divisor * (1 + 1e-12))
    assert np.isfinite(change)
    rng = np.random.default_rng(seed)
    for _ in range(3):
        along = rng.standard_normal(len(weights))
        moved = weights + radius * (1 - 1e-9) * along / np.linalg.norm(along)
        direction = along if rng.random() < 0.5 else rng.standard_normal(len(weights))
        with arb.precision(200):
            size = sum(flint.arb(d) ** 2 for d in direction.tolist()).sqrt()
            thirds = [6 * error_series(problem, w.tolist(), direction.tolist())[3] for w in (moved, weights)]
            assert abs(thirds[0] - thirds[1]) <= flint.arb(change) * size**3


def test_slices_are_those_of_the_tensor() -> None:
    facts = center_facts(deep_problem(0), deep_problem(0).initial_weights)
    ((_, state),) = facts.chunks
    tensor = third_derivative(state, facts.graph)
    (part,) = third_slices(state, facts.graph, [0]).values()
    assert part.shape == (6, 3, 3)
    assert np.allclose(part.sum(axis=0), tensor[0], rtol=1e-10)


def test_only_inputs_are_taken_to_stand_still() -> None:
    problem = deep_problem(0)
    (center,) = centers(problem, problem.initial_weights)
    names = problem.architecture.order
    still = aligned_data(center, names)
    assert [names[index] for index in still] == ["h1"]
    moving = aligned_data(center, names, dict.fromkeys(names, np.full(center.samples, 0.5)))
    assert sorted(moving) == [0, 1, 2]
    assert np.all(moving[0].error < 1e-9)
    assert np.all(moving[1].error >= 0.5)
    assert np.all(moving[2].error >= 0.5)


def test_data_too_many_for_their_products_count_by_their_norms(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = deep_problem(1)
    (center,) = centers(problem, problem.initial_weights)
    monkeypatch.setattr(hessian_alignment, "LARGEST_OUTER", 6 * 7**2 - 1)
    assert aligned_data(center, problem.architecture.order) == {}


@pytest.mark.parametrize("seed", sampled(4, 1))
def test_a_form_of_two_blocks_is_below_its_norm(seed: int) -> None:
    """Sums of |P x_i| |Q y_i| and of |R| |Q y_i|, with steepest P and Q, exactly."""
    rng = np.random.default_rng([seed, 4])
    x, y = rng.standard_normal((7, 3)), rng.standard_normal((7, 5))
    lengths = np.stack([np.linalg.norm(x, axis=1), np.linalg.norm(y, axis=1)], axis=1) * (1 + 1e-12)
    sizes, single = rng.random((2, 7))
    pairs, cross = np.zeros((7, 2, 2)), np.zeros((7, 2, 2))
    pairs[:, 0, 1] = pairs[:, 1, 0] = sizes
    cross[:, 0, 1] = single
    norms = Alignment({0: known(x), 1: known(y)}, lengths).matrix(pairs, cross)
    assert np.all(norms == norms.T)
    for _ in range(20):
        p, q = rng.standard_normal(3), rng.standard_normal(5)
        value = np.sum(sizes * abs(x @ p) / lengths[:, 0] * abs(y @ q) / lengths[:, 1])
        value += np.sum(single * abs(y @ q) / lengths[:, 1]) * np.linalg.norm(p)
        assert value <= norms[0, 1] * np.linalg.norm(p) * np.linalg.norm(q)


def test_parallel_edges_are_taken_together() -> None:
    problem = deep_problem(0)
    parts = problem.architecture.unflatten(problem.initial_weights.copy())
    parts[("h1", "h2")] = -np.eye(3)
    weights = problem.architecture.flatten(parts)
    (center,) = centers(problem, weights)
    gains = [center.gains[edge_id(edge)].spectral for edge in problem.architecture.in_edges("h2")]
    assert 0 <= sum(gains) < 1e-12
    for radius in (0.01, 0.5):
        region = Ball(weights, radius)
        attack = attack_hessian(problem, region, points=2).value
        assert hessian_bound(problem, region, method="norms", cells=1).value >= attack


def test_parallel_edges_have_at_least_the_norm_of_their_sum() -> None:
    problem = deep_problem(2)
    (center,) = centers(problem, problem.initial_weights)
    matrix = problem.architecture.unflatten(problem.initial_weights)[("h1", "h2")] + np.eye(3)
    gains = [center.gains[edge_id(edge)] for edge in problem.architecture.in_edges("h2")]
    direction = np.linalg.svd(matrix)[2][0]
    image = sum(rational.dot(row, direction) ** 2 for row in matrix)
    total = sum(Fraction(gain.spectral) for gain in gains)
    assert image <= total**2 * rational.dot(direction, direction)
    assert max(rational.dot(column, column) for column in matrix.T) <= sum(Fraction(g.column) for g in gains) ** 2
    assert max(rational.dot(row, row) for row in matrix) <= sum(Fraction(g.row) for g in gains) ** 2


def test_a_top_that_is_too_small_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exact test above sees a planted fault of one part in a million."""
    whole = AlignedData.top
    monkeypatch.setattr(AlignedData, "top", lambda self, *args: whole(self, *args) * (1 - 1e-6))
    with pytest.raises(AssertionError):
        test_the_bound_of_a_linear_layer_is_exact("norms")
