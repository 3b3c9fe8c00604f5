"""Proved upper bounds of spectral norms and eigenvalues.

An approximate eigenvalue suggests a bound; a Cholesky factorisation proves it. If floating-point Cholesky of
a symmetric matrix ``A`` of order ``n`` with positive diagonal runs to completion, then ``A + D`` is positive
semidefinite for every diagonal ``D`` with ``D_ii >= gamma(n+1)/(1 - gamma(n+1)) * A_ii`` plus an underflow
term, whatever the order of its sums (Demmel 1989; Rump 2006). So

    lambda I - G - c I  factorises   =>   G <= lambda I,    c >= that D.

The rounding of forming ``lambda I - G`` and of the Gram matrix ``G`` itself is part of ``c``. A bound that
cannot be proved is inflated, and at last replaced by ``sqrt(norm1 * norminf)`` or the Frobenius norm, which
need no proof.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from verify.arithmetic import upward
from verify.arithmetic.intervals import Interval, Operand, interval, matmul
from verify.arithmetic.rounding import FLOOR, ArithmeticDomainError, gamma, inflation

Array = NDArray[np.float64]
ATTEMPTS = 4


def elementary_norm_upper(a: ArrayLike) -> Array:
    """Return ``min(sqrt(norm1 * norminf), Frobenius)`` of nonnegative matrices ``(..., a, b)``, rounded up.

    Examples
    --------
    >>> bool(elementary_norm_upper([[0.0, 2.0], [1.0, 0.0]]) >= 2)
    True
    """
    size = np.asarray(a, dtype=np.float64)
    if 0 in size.shape[-2:]:
        return np.zeros(size.shape[:-2])
    columns = np.max(upward.sum(size, axis=-2), axis=-1)
    rows = np.max(upward.sum(size, axis=-1), axis=-1)
    return np.minimum(upward.sqrt(upward.mul(columns, rows)), upward.norm(size, axis=(-2, -1)))


def norm_upper(A: Operand) -> Array:
    """Return an upper bound of the spectral norm of a matrix, or of each matrix of a stack.

    Parameters
    ----------
    A : array_like or Interval, shape (..., a, b)
        Exact matrices, or matrices of intervals: then the bound holds for every matrix inside.

    Returns
    -------
    ndarray, shape (...)
        The bounds; ``inf`` where nothing can be said.

    Examples
    --------
    >>> bool(1.0 <= norm_upper(np.eye(3)) < 1 + 1e-12)
    True
    """
    x = interval(A)
    if x.ndim < 2:
        raise ArithmeticDomainError("not a matrix", where="norm_upper", shape=x.shape)
    if x.size == 0:
        return np.zeros(x.shape[:-2])
    with np.errstate(all="ignore"):
        fallback = elementary_norm_upper(np.abs(x.mid))
        scale = np.ldexp(
            1.0,
            -np.frexp(np.where((fallback > 0) & np.isfinite(fallback), fallback, 1.0))[1].astype(np.int64),
        )
        scale = np.clip(scale, 2.0**-1000, 2.0**1000)
        tall = x.mid if x.shape[-2] >= x.shape[-1] else np.swapaxes(x.mid, -1, -2)
        scaled = Interval.point(tall) * scale[..., None, None]
        gram = matmul(scaled.swapaxes(-1, -2), scaled)
        square = _largest_upper(gram.mid, elementary_norm_upper(gram.rad))
        bound = np.minimum(upward.div(upward.sqrt(np.maximum(square, 0.0)), scale), fallback)
        return bound if x.is_exact else upward.add(bound, elementary_norm_upper(x.rad))


def largest_eigenvalue_upper(H: ArrayLike, H_error: ArrayLike = 0.0) -> Array:
    """Return an upper bound of the largest (signed) eigenvalue of symmetric matrices ``(..., n, n)``.

    Parameters
    ----------
    H : array_like
        Exact symmetric matrices.
    H_error : array_like, shape (...)
        Upper bounds of the spectral norm of what is to be added to ``H``.

    Examples
    --------
    >>> bool(-1.0 <= largest_eigenvalue_upper([[-1.0, 0.0], [0.0, -2.0]]) < -1 + 1e-12)
    True
    """
    matrix = interval(H).mid
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2] or matrix.size == 0:
        raise ArithmeticDomainError("not a square matrix", where="largest_eigenvalue_upper", shape=matrix.shape)
    if not np.array_equal(matrix, np.swapaxes(matrix, -1, -2)):
        raise ArithmeticDomainError(
            "not symmetric",
            where="largest_eigenvalue_upper",
            remedy="symmetrise, and add the change to H_error",
        )
    with np.errstate(all="ignore"):
        return _largest_upper(matrix, np.broadcast_to(upward.add(H_error), matrix.shape[:-2]))


def eigenvalue_upper(H: ArrayLike, H_error: ArrayLike = 0.0) -> Array:
    """Return an upper bound of the largest absolute value of the eigenvalues of symmetric matrices ``(..., n,
    n)``.

    See `largest_eigenvalue_upper` for the parameters.

    Examples
    --------
    >>> bool(2.0 <= eigenvalue_upper([[-1.0, 0.0], [0.0, -2.0]]) < 2 + 1e-12)
    True
    """
    matrix = np.asarray(H, dtype=np.float64)
    return np.maximum(
        np.maximum(largest_eigenvalue_upper(matrix, H_error), largest_eigenvalue_upper(-matrix, H_error)), 0.0
    )


def _largest_upper(H: Array, H_error: Array) -> Array:
    """Largest eigenvalue of ``H + E``, ``||E|| <= H_error``, for a stack; never fails, may be ``inf``."""
    stack = H.reshape(-1, *H.shape[-2:])
    errors = np.broadcast_to(H_error, H.shape[:-2]).reshape(-1)
    bounds = _stack_upper(stack, errors)
    for index in np.flatnonzero(np.isnan(bounds)):
        bounds[index] = _one_upper(stack[index], float(errors[index]))
    return bounds.reshape(H.shape[:-2])


def _stack_upper(stack: Array, errors: Array) -> Array:
    """First attempt for all matrices of a stack at once; NaN where it proves nothing."""
    bounds = np.full(len(stack), np.nan)
    if len(stack) < 2 or not np.all(np.isfinite(stack)):
        return bounds
    trivial = elementary_norm_upper(np.abs(stack))
    tried = np.flatnonzero(trivial <= 2.0**1000)
    try:
        guess = np.linalg.eigvalsh(stack[tried])[:, -1]
        candidate = guess + _first_step(trivial[tried], stack.shape[-1])
        shifted, possible = _shifted(stack[tried], candidate)
        np.linalg.cholesky(shifted[possible])
    except np.linalg.LinAlgError:
        return bounds
    proved = np.nextafter(candidate[possible] + errors[tried][possible], np.inf)
    bounds[tried[possible]] = np.minimum(proved, upward.add(trivial[tried][possible], errors[tried][possible]))
    return bounds


def _one_upper(H: Array, error: float) -> float:
    trivial = float(upward.add(elementary_norm_upper(np.abs(H)), error)) if np.all(np.isfinite(H)) else np.inf
    if not np.isfinite(trivial) or trivial > 2.0**1000:
        return trivial
    try:
        guess = float(np.linalg.eigvalsh(H)[-1])
    except np.linalg.LinAlgError:
        return trivial
    n = len(H)
    step = float(_first_step(np.float64(trivial), n))
    for _ in range(ATTEMPTS):
        candidate = guess + step
        if _proves(H, candidate):
            return min(_sum_up(candidate, error), trivial)
        step *= 8.0
    return trivial


def _sum_up(a: float, b: float) -> float:
    return float(np.nextafter(a + b, np.inf))


def _first_step(size: Any, n: int) -> Any:
    """How far above the computed eigenvalue the first attempt lies."""
    return (4.0 * n * float(gamma(n + 2))) * size + FLOOR


def _proves(H: Array, candidate: float) -> bool:
    """Whether Cholesky proves ``H <= candidate I``."""
    shifted, possible = _shifted(H[None], np.array([candidate]))
    if not possible[0]:
        return False
    try:
        np.linalg.cholesky(shifted)
    except np.linalg.LinAlgError:
        return False
    return True


def _shifted(stack: Array, candidate: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Matrices whose factorisation proves ``H <= candidate I``, and where their diagonal is positive."""
    n = stack.shape[-1]
    shifted = -stack
    diagonal = np.diagonal(shifted, axis1=-2, axis2=-1) + candidate[:, None]
    possible = np.all(np.isfinite(diagonal), axis=-1) & (np.min(diagonal, axis=-1) > 0)
    diagonal = np.where(possible[:, None], diagonal, 1.0)
    growth = gamma(n + 1)
    # rounding of the diagonal, then Demmel's diagonal: gamma/(1 - gamma) times the entry, and underflow
    allowance = upward.add(
        upward.mul(diagonal, gamma(2)),
        upward.mul(diagonal, upward.mul(growth, inflation(2 * n + 4))),
        n * FLOOR,
    )
    reduced = diagonal - 4.0 * np.max(allowance, axis=-1, keepdims=True)
    possible &= np.min(reduced, axis=-1) > 0
    shifted[:, np.arange(n), np.arange(n)] = reduced
    return shifted, possible


def perron_upper(M: ArrayLike) -> Any:
    """Return an upper bound of the spectral radius of a nonnegative matrix (Collatz-Wielandt): ``max_i (M
    v)_i / v_i`` for a ``v > 0``.

    Examples
    --------
    >>> bool(3.0 <= perron_upper([[1.0, 2.0], [2.0, 1.0]]) < 3 + 1e-12)
    True
    """
    matrix = np.asarray(M, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
        raise ArithmeticDomainError("not a square matrix", where="perron_upper", shape=matrix.shape)
    if np.any(matrix < 0) or np.any(np.isnan(matrix)):
        raise ArithmeticDomainError("negative entry or NaN", where="perron_upper")
    if not np.all(np.isfinite(matrix)):
        return np.inf
    v = np.ones(len(matrix))
    best = np.inf
    for _ in range(60):
        with np.errstate(all="ignore"):
            image = upward.matmul(matrix, v)
            ratio = float(np.max(upward.div(image, v)))
        if not ratio < best * (1 - 1e-15):
            best = min(best, ratio)
            break
        best = ratio
        # averaging with v keeps the iteration positive and makes it converge for periodic matrices
        v = image / np.max(image) + v * 1e-3 if np.max(image) > 0 else v
        v = v / np.max(v)
        v = np.maximum(v, 2.0**-300)
    return best
