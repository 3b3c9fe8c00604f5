"""Spectral bounds: decided in rational arithmetic for small matrices, attacked by LAPACK for large ones."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from verify.arithmetic import spectral
from verify.arithmetic.intervals import Interval
from verify.arithmetic.rounding import FLOOR, ArithmeticDomainError

RNG = np.random.default_rng(0)


def semidefinite(matrix: list[list[Fraction]]) -> bool:
    """Decide positive semidefiniteness exactly, by symmetric elimination."""
    a = [row.copy() for row in matrix]
    n = len(a)
    for k in range(n):
        if a[k][k] < 0:
            return False
        if a[k][k] == 0:
            if any(a[k][j] != 0 for j in range(k + 1, n)):
                return False
            continue
        for i in range(k + 1, n):
            factor = a[i][k] / a[k][k]
            for j in range(k + 1, n):
                a[i][j] -= factor * a[k][j]
    return True


def is_eigenvalue_bound(H: np.ndarray, bound: float) -> bool:
    """Whether ``H <= bound I``, exactly."""
    n = len(H)
    return semidefinite(
        [[Fraction(float(bound)) * (i == j) - Fraction(float(H[i, j])) for j in range(n)] for i in range(n)]
    )


def is_norm_bound(A: np.ndarray, bound: float) -> bool:
    """Whether ``A^T A <= bound^2 I``, exactly."""
    columns = [[Fraction(v) for v in column] for column in A.T.tolist()]
    gram = [[sum((p * q for p, q in zip(a, b, strict=True)), Fraction(0)) for b in columns] for a in columns]
    square = Fraction(float(bound)) ** 2
    return semidefinite([[square * (i == j) - gram[i][j] for j in range(len(gram))] for i in range(len(gram))])


def is_reached(A: np.ndarray, bound: float) -> bool:
    """Whether ``|A v| <= bound |v|`` for the vector that A stretches most, exactly."""
    v = [Fraction(entry) for entry in np.linalg.svd(A)[2][0].tolist()]
    stretched = [sum((Fraction(a) * b for a, b in zip(row, v, strict=True)), Fraction(0)) for row in A.tolist()]
    return sum(entry**2 for entry in stretched) <= Fraction(bound) ** 2 * sum(entry**2 for entry in v)


ENTRIES = st.one_of(st.floats(-1e3, 1e3), st.sampled_from([0.0, 1.0, -1.0, 1e-8, 1e8, 1e-300, 1e150]))


@given(st.data())
def test_norms_of_small_matrices_exactly(data):
    shape = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    A = data.draw(arrays(np.float64, shape, elements=ENTRIES))
    bound = float(spectral.norm_upper(A))
    assert is_norm_bound(A, bound)
    assert bound <= np.linalg.norm(A, 2) * (1 + 1e-12) + 4 * FLOOR


@given(st.data())
def test_eigenvalues_of_small_matrices_exactly(data):
    n = data.draw(st.integers(1, 5))
    H = data.draw(arrays(np.float64, (n, n), elements=ENTRIES))
    H = np.tril(H) + np.tril(H, -1).T
    largest, absolute = float(spectral.largest_eigenvalue_upper(H)), float(spectral.eigenvalue_upper(H))
    assert is_eigenvalue_bound(H, largest)
    assert is_eigenvalue_bound(H, absolute)
    assert is_eigenvalue_bound(-H, absolute)
    values = np.linalg.eigvalsh(H)
    scale = np.sum(np.abs(H))
    assert largest <= values[-1] + 1e-12 * scale + 4 * FLOOR
    assert absolute <= np.max(np.abs(values)) + 1e-12 * scale + 4 * FLOOR


def test_the_exact_check_rejects_a_bound_slightly_too_small():
    A = RNG.normal(size=(4, 4))
    norm = np.linalg.norm(A, 2)
    assert not is_norm_bound(A, norm * (1 - 1e-13))
    assert is_norm_bound(A, norm * (1 + 1e-13))
    H = A + A.T
    assert not is_eigenvalue_bound(H, np.linalg.eigvalsh(H)[-1] - 1e-13)
    assert is_eigenvalue_bound(H, np.linalg.eigvalsh(H)[-1] + 1e-13)


@pytest.mark.parametrize("scale", [1.0, 1e-160, 1e-300, 1e150, 1e300])
@pytest.mark.parametrize("shape", [(1, 7), (7, 1), (6, 4), (4, 6)])
def test_scales_and_shapes(shape, scale):
    A = RNG.normal(size=shape) * scale
    bound = float(spectral.norm_upper(A))
    assert is_norm_bound(A, bound)
    assert bound <= np.linalg.norm(A / scale, 2) * scale * (1 + 1e-12)


@pytest.mark.parametrize("kind", ["rank one", "orthogonal", "graded", "repeated", "clustered", "zero"])
def test_difficult_matrices(kind):
    n = 40
    q = np.linalg.qr(RNG.normal(size=(n, n)))[0]
    A = {
        "rank one": np.outer(RNG.normal(size=n), RNG.normal(size=n)),
        "orthogonal": q,
        "graded": np.diag(10.0 ** -np.arange(n)) @ q,
        "repeated": 3.0 * np.eye(n),
        "clustered": q * (1 + 1e-14 * np.arange(n)) @ q.T,
        "zero": np.zeros((n, n)),
    }[kind]
    bound, value = float(spectral.norm_upper(A)), np.linalg.norm(A, 2)
    assert is_reached(A, bound)
    assert bound <= value * (1 + 1e-12)


def test_large_matrices_stay_tight_and_stacks_agree():
    A = RNG.normal(size=(250, 200))
    bound, value = float(spectral.norm_upper(A)), np.linalg.norm(A, 2)
    assert is_reached(A, bound) and bound <= value * (1 + 1e-10)
    stack = RNG.normal(size=(3, 5, 9, 6)) * 10.0 ** RNG.integers(-200, 200, size=(3, 5, 1, 1))
    bounds = spectral.norm_upper(stack)
    assert bounds.shape == (3, 5)
    for index in np.ndindex(3, 5):
        assert is_norm_bound(stack[index], float(bounds[index]))
        assert bounds[index] <= float(spectral.norm_upper(stack[index])) * (1 + 1e-12)


def test_zeros_and_one_direction_in_a_stack_need_no_second_attempt(monkeypatch):
    stack = RNG.normal(size=(4, 5, 3))
    stack[1] = 0.0
    stack[2] = np.outer(stack[2, :, 0], [1.0, 2.0, -3.0])
    calls = []
    factor = np.linalg.cholesky
    monkeypatch.setattr(np.linalg, "cholesky", lambda matrices: calls.append(1) or factor(matrices))
    bounds = spectral.norm_upper(stack)
    assert len(calls) == 1
    assert bounds[1] == 0
    assert all(is_norm_bound(matrix, float(bound)) for matrix, bound in zip(stack, bounds, strict=True))
    assert np.all(bounds <= np.linalg.norm(stack, 2, axis=(-2, -1)) * (1 + 1e-13))


def test_interval_matrices_are_bounded_at_their_extremes():
    A, r = RNG.normal(size=(5, 4)), np.abs(RNG.normal(size=(5, 4)))
    bound = float(spectral.norm_upper(Interval.from_midrad(A, r)))
    for _ in range(30):
        assert is_norm_bound(A + RNG.choice([-1, 0, 1], A.shape) * np.floor(r * 2**20) / 2**20, bound)
    H = A[:4] + A[:4].T
    bounds = Interval.from_midrad(H, 0.125)
    assert is_eigenvalue_bound(H + 0.125, float(spectral.largest_eigenvalue_upper(bounds)))
    assert is_eigenvalue_bound(H + 0.125 * np.eye(4), float(spectral.largest_eigenvalue_upper(H, 0.125)))
    assert is_eigenvalue_bound(-(H - 0.125 * np.eye(4)), float(spectral.eigenvalue_upper(H, 0.125)))
    stacked = spectral.eigenvalue_upper(np.stack([H, 2 * H]), np.array([0.0, 1.0]))
    assert stacked.shape == (2,)
    assert is_eigenvalue_bound(2 * H + np.eye(4), float(stacked[1]))


def test_largest_eigenvalue_may_be_negative():
    H = -np.diag([1.0, 2.0, 3.0])
    assert -1.0 <= spectral.largest_eigenvalue_upper(H) <= -1 + 3e-14
    assert 3.0 <= spectral.eigenvalue_upper(H) <= 3 + 1e-13


def test_unbounded_and_overflowing_matrices():
    whole = Interval.from_bounds(np.full((2, 2), -np.inf), np.full((2, 2), np.inf))
    assert spectral.norm_upper(whole) == np.inf
    huge = np.full((3, 3), 1.7e308) * np.array([1, -1, 1])
    assert spectral.norm_upper(huge) == np.inf
    assert spectral.norm_upper(np.full((2, 2), 1e307)) <= 2.0000000001e307
    assert spectral.largest_eigenvalue_upper(np.full((3, 3), 1e308)) == np.inf
    assert spectral.norm_upper(np.zeros((0, 3))) == 0
    assert spectral.norm_upper(np.zeros((4, 0, 3))).tolist() == [0.0] * 4


def test_false_factors_prove_nothing(monkeypatch):
    """Whatever LAPACK answers, the bound holds: the residual accounts for it."""
    A = RNG.normal(size=(4, 4))
    H = A + A.T
    true_values = np.linalg.eigvalsh(H)

    def wrong_values(matrices):
        return np.broadcast_to(np.array([-9.0, -0.3, -0.2, -0.1]), matrices.shape[:-1])

    monkeypatch.setattr(np.linalg, "eigvalsh", wrong_values)
    assert is_eigenvalue_bound(H, float(spectral.largest_eigenvalue_upper(H)))
    monkeypatch.setattr(np.linalg, "cholesky", lambda matrices: 0.1 * matrices)
    assert is_eigenvalue_bound(H, float(spectral.largest_eigenvalue_upper(H)))
    assert is_norm_bound(A, float(spectral.norm_upper(A)))
    monkeypatch.setattr(np.linalg, "cholesky", lambda matrices: np.full_like(matrices, np.nan))
    assert true_values[-1] < spectral.largest_eigenvalue_upper(H) < np.inf


def test_wrong_input_is_refused():
    with pytest.raises(ArithmeticDomainError, match="not a matrix"):
        spectral.norm_upper(np.ones(3))
    with pytest.raises(ArithmeticDomainError, match="not symmetric"):
        spectral.eigenvalue_upper([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(ArithmeticDomainError, match="not a square"):
        spectral.largest_eigenvalue_upper(np.ones((2, 3)))
    with pytest.raises(ArithmeticDomainError, match="NaN"):
        spectral.norm_upper(np.array([[np.nan]]))
    with pytest.raises(ArithmeticDomainError, match="not >= 0"):
        spectral.eigenvalue_upper(np.eye(2), -1.0)
    for bad in ([[1.0, -1.0], [0.0, 1.0]], [[np.nan]]):
        with pytest.raises(ArithmeticDomainError, match="negative"):
            spectral.perron_upper(bad)
    with pytest.raises(ArithmeticDomainError, match="not a square"):
        spectral.perron_upper(np.ones((2, 3)))


@given(
    arrays(
        np.float64,
        st.integers(1, 5).map(lambda n: (n, n)),
        elements=st.one_of(st.just(0.0), st.floats(0, 1e3), st.floats(1e-3, 10)),
    )
)
def test_perron_bound_of_small_matrices(M):
    """The radius is at most ``b`` if and only if the leading minors of ``(b + e) I - M`` are positive for ``e > 0``."""
    bound = Fraction(spectral.perron_upper(M))
    shift = bound * (1 + Fraction(1, 2**60)) + Fraction(1, 2**1074)
    a = [[shift * (i == j) - Fraction(float(M[i, j])) for j in range(len(M))] for i in range(len(M))]
    for k in range(len(a)):
        assert a[k][k] > 0
        for i in range(k + 1, len(a)):
            factor = a[i][k] / a[k][k]
            for j in range(k, len(a)):
                a[i][j] -= factor * a[k][j]


def test_perron_bound_is_tight():
    for n in (2, 10, 60):
        M = RNG.uniform(size=(n, n))
        assert spectral.perron_upper(M) <= np.max(np.abs(np.linalg.eigvals(M))) * (1 + 1e-12)
    assert spectral.perron_upper(np.tril(RNG.uniform(size=(8, 8)), -1)) == 0
    assert 2 <= spectral.perron_upper([[0.0, 4.0], [1.0, 0.0]]) <= 2 + 1e-12
    assert spectral.perron_upper(np.diag([1.0, 2.0, 3.0])) == 3
    assert spectral.perron_upper([[np.inf]]) == np.inf
