"""Proved upper bounds of spectral norms and of eigenvalues.

A computed eigenvalue ``g`` of the symmetric matrix ``H`` suggests a bound, a Cholesky factor proves one. For *every*
real matrix ``L`` and number ``c``

    c I - H = L L^T - D,  D = L L^T + H - c I,    so    lambda_max(H) <= c + ||D||,

since ``L L^T`` is positive semidefinite. With ``c`` slightly above ``g`` and ``L`` the floating-point Cholesky factor
of ``c I - H``, ``D`` is of the size of rounding errors. ``D`` is enclosed by interval arithmetic, so nothing is
assumed about how LAPACK found ``g`` and ``L``; if there is no factor, ``c`` is raised. Bounds that need no proof,
Frobenius and, of eigenvalues, ``sqrt(norm_1 norm_inf)``, are the fallback.

``||A||^2`` is the largest eigenvalue of the smaller Gram matrix of ``A``, enclosed too. Matrices are scaled by powers
of two first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components

from verify.arithmetic import decompositions, upward
from verify.arithmetic.intervals import Operand, interval
from verify.arithmetic.rounding import FLOOR, UNIT, ArithmeticDomainError, add_up, gamma, inflation

Array = NDArray[np.float64]
ATTEMPTS = 5
PERRON_STEPS = 20
LEAST_COMPONENT = 2.0**-400
_TAME = 2.0**-400


def elementary_norm_upper(a: ArrayLike) -> Array:
    """Return ``min(sqrt(norm_1 norm_inf), Frobenius)`` of nonnegative matrices ``(..., a, b)``, rounded up.

    It bounds the spectral norm of every matrix whose entries are not larger in absolute value.

    Examples
    --------
    >>> bool(elementary_norm_upper([[0.0, 2.0], [1.0, 0.0]]) >= 2)
    True
    """
    size = np.asarray(a, dtype=np.float64)
    if size.size == 0:
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
        The bounds; ``inf`` where nothing can be said; 0 for matrices without entries.

    Raises
    ------
    ArithmeticDomainError
        If there are fewer than two axes.

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
    whole = _frobenius(x.mid)
    if 1 in x.shape[-2:]:  # the norm of a vector is its Euclidean length
        return whole if x.is_exact else upward.add(whole, elementary_norm_upper(x.rad))
    exponent = _exponent(whole, x.shape[-2:])
    tall = x.mid if x.shape[-2] >= x.shape[-1] else np.swapaxes(x.mid, -1, -2)
    scaled, lost = _scaled(tall, exponent)
    gram = np.matmul(np.swapaxes(scaled, -1, -2), scaled)
    gram = (gram + np.swapaxes(gram, -1, -2)) * 0.5
    # the mean of both halves of the Gram matrix is off by at most gamma |A|^T |A| entrywise, in norm gamma |A|_F^2, and
    # by underflow; |A|_F <= 1 after the scaling
    size = np.minimum(np.ldexp(whole, -exponent), 1.0)
    error = upward.add(upward.mul(size, size, float(gamma(tall.shape[-2] + 2))), tall.shape[-1] ** 2 * FLOOR)
    order = gram.shape[-1]
    top = np.maximum(_largest_of_grams(gram.reshape(-1, order, order)).reshape(whole.shape), 0.0)
    root = upward.add(upward.sqrt(upward.add(top, error)), lost)
    bound = np.minimum(_unscaled(root, exponent), whole)
    return bound if x.is_exact else upward.add(bound, elementary_norm_upper(x.rad))


def _frobenius(a: Array) -> Array:
    """Upper bounds of the Frobenius norms of matrices ``(..., a, b)``; tiny and huge ones are scaled one by one.

    A sum of squares of at least `_TAME` squared loses a relative 2**-200 to underflow, far less than one rounding.
    """
    matrices = a.reshape(-1, *a.shape[-2:])
    largest = np.max(np.abs(matrices), axis=(-2, -1), initial=0.0)
    allowance = inflation(a.shape[-2] * a.shape[-1] + 1)
    if np.all((largest == 0) | ((largest >= _TAME) & (largest <= 1 / _TAME))):
        norms = upward.sqrt(np.einsum("mij,mij->m", matrices, matrices) * allowance)
    else:
        exponent = _exponent(largest, (1, 1))
        scaled, lost = _scaled(matrices, exponent)
        squares = np.einsum("mij,mij->m", scaled, scaled) * allowance
        norms = _unscaled(upward.add(upward.sqrt(squares), (largest > 0) * lost), exponent)
    return np.asarray(norms).reshape(a.shape[:-2])


def _largest_of_grams(matrices: Array) -> Array:
    """Upper bounds of the largest eigenvalues of Gram matrices (m, n, n) of norm at most about 1."""
    try:
        computed = decompositions.eigvalsh(matrices)
    except np.linalg.LinAlgError:
        return np.full(len(matrices), np.inf)
    guess = np.maximum(computed[:, -1], 0.0)
    return _proved(matrices, guess, np.where(guess > 0, guess, 1.0))


def largest_eigenvalue_upper(H: Operand, H_error: ArrayLike = 0.0) -> Array:
    """Return an upper bound of the largest (signed) eigenvalue of symmetric matrices.

    Parameters
    ----------
    H : array_like or Interval, shape (..., n, n)
        Symmetric matrices, ``n >= 1``; of intervals: all symmetric matrices inside.
    H_error : array_like, shape (...)
        Upper bounds of the spectral norm of a symmetric matrix to be added to ``H``.

    Returns
    -------
    ndarray, shape (...)
        The bounds.

    Raises
    ------
    ArithmeticDomainError
        If a matrix is not square or not symmetric.

    Examples
    --------
    >>> bool(-1.0 <= largest_eigenvalue_upper([[-1.0, 0.0], [0.0, -2.0]]) < -1 + 1e-12)
    True
    """
    matrix, error = _symmetric(H, H_error)
    return _bounds(matrix, error, (1.0,))[0]


def eigenvalue_upper(H: Operand, H_error: ArrayLike = 0.0) -> Array:
    """Return an upper bound of the largest absolute value of the eigenvalues of symmetric matrices.

    The parameters are those of `largest_eigenvalue_upper`.

    Examples
    --------
    >>> bool(2.0 <= eigenvalue_upper([[-1.0, 0.0], [0.0, -2.0]]) < 2 + 1e-12)
    True
    """
    matrix, error = _symmetric(H, H_error)
    above, below = _bounds(matrix, error, (1.0, -1.0))
    return np.maximum(np.maximum(above, below), 0.0)


def eigenvalue_bounds(H: Operand, H_error: ArrayLike = 0.0) -> tuple[Array, Array]:
    """Return a lower bound of the smallest (signed) eigenvalue of symmetric matrices, and an upper one of the largest.

    The parameters are those of `largest_eigenvalue_upper`.

    Examples
    --------
    >>> low, high = eigenvalue_bounds([[2.0, 0.0], [0.0, 3.0]])
    >>> bool(2 - 1e-12 < low <= 2.0), bool(3.0 <= high < 3 + 1e-12)
    (True, True)
    """
    matrix, error = _symmetric(H, H_error)
    above, below = _bounds(matrix, error, (1.0, -1.0))
    return -below, above


def _symmetric(H: Operand, H_error: ArrayLike) -> tuple[Array, Array]:
    x = interval(H)
    matrix = x.mid
    if x.ndim < 2 or x.shape[-1] != x.shape[-2] or x.size == 0:
        raise ArithmeticDomainError("not a square matrix", where="eigenvalue bound", shape=x.shape)
    if not np.array_equal(matrix, np.swapaxes(matrix, -1, -2)):
        remedy = "symmetrise it, and add the norm of the change to H_error"
        raise ArithmeticDomainError("matrix is not symmetric", where="eigenvalue bound", remedy=remedy)
    error = upward.add(H_error, 0.0 if x.is_exact else elementary_norm_upper(x.rad))
    return matrix, np.broadcast_to(error, matrix.shape[:-2])


def _exponent(norm: Array, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Exponents by which matrices with such bounds of the norm are divided, so that it is at most 1."""
    largest_possible = 1024 + max(shape).bit_length()
    exponent = np.where(np.isfinite(norm), np.frexp(np.where(np.isfinite(norm), norm, 1.0))[1], largest_possible)
    return np.asarray(exponent, dtype=np.int64)


def _scaled(matrix: Array, exponent: NDArray[np.int64]) -> tuple[Array, float]:
    """Return ``2**-exponent matrix``, and a bound of the norm that entries lost by underflow can have."""
    with np.errstate(all="ignore"):
        scaled = np.ldexp(matrix, -exponent[..., None, None])
    return scaled, FLOOR if np.any(exponent > 0) else 0.0


def _unscaled(bound: Array, exponent: NDArray[np.int64]) -> Array:
    """Return an upper bound of ``2**exponent bound``, for either sign."""
    with np.errstate(all="ignore"):
        result = np.ldexp(bound, exponent)
    return add_up(result, np.where((np.abs(result) < FLOOR) & (bound != 0), FLOOR, 0.0))


def _bounds(H: Array, H_error: Array, signs: tuple[float, ...]) -> list[Array]:
    """Bound the largest eigenvalues of ``sign (H + E)``, ``||E|| <= H_error``, for each sign and matrix."""
    matrices = H.reshape(-1, *H.shape[-2:])
    trivial = elementary_norm_upper(np.abs(matrices))
    exponent = _exponent(trivial, H.shape[-1:])
    scaled, lost = _scaled(matrices, exponent)
    try:
        computed = decompositions.eigvalsh(scaled)
    except np.linalg.LinAlgError:
        return [add_up(trivial.reshape(H.shape[:-2]), H_error) for _ in signs]
    results = []
    for sign in signs:
        guess = np.asarray(computed[:, -1] if sign > 0 else -computed[:, 0], dtype=np.float64)
        proved = add_up(_proved(sign * scaled, guess), np.full(len(scaled), lost))
        bounds = np.minimum(_unscaled(proved, exponent), trivial)
        results.append(add_up(bounds.reshape(H.shape[:-2]), H_error))
    return results


def _proved(H: Array, guess: Array, scale: Array | None = None) -> Array:
    """Bound the largest eigenvalues of matrices of norm about `scale`, at most 1; ``inf`` where nothing was proved."""
    n = H.shape[-1]
    bounds = np.full(len(H), np.inf)
    diagonal = np.arange(n)
    step = 4.0 * (n + 2) * UNIT * (np.ones(len(H)) if scale is None else scale)
    pending = np.arange(len(H))
    for _ in range(ATTEMPTS):
        shift = guess[pending] + step[pending]
        shifted = -H[pending] if len(pending) < len(H) else -H
        shifted[:, diagonal, diagonal] += shift[:, None]
        factor, found = _factor(shifted)
        done = pending[found]
        if done.size:
            matrices = H[done] if len(done) < len(H) else H
            bounds[done] = add_up(shift[found], _residual_norm(factor, matrices, shift[found]))
        pending = pending[~found]
        if not pending.size:
            break
        step = step * 8.0
    return bounds


def _residual_norm(L: Array, H: Array, shift: Array) -> Array:
    """Bound the norm of ``D = L L^T + H - c I`` from its computed value ``D'``.

    The sum with ``H`` is rounded by ``u`` times itself, which off the diagonal is ``u |D'|``; on the diagonal come
    ``u |D'|`` for subtracting ``c``, and the sum before it, in norm its largest entry. The product is off by at most
    ``gamma(n) |L| |L|^T`` entrywise, in norm ``gamma(n) |L|_F^2``, and by underflow, which the floor covers.
    """
    n = L.shape[-1]
    residual = np.matmul(L, np.swapaxes(L, -1, -2)) + H
    diagonal = np.arange(n)
    before = np.max(np.abs(residual[:, diagonal, diagonal]), axis=-1)
    residual[:, diagonal, diagonal] -= shift[:, None]
    size = np.einsum("...ij,...ij->...", L, L) * inflation(n * n)
    return upward.add(
        upward.mul(_frobenius(residual), 1 + 4 * UNIT),
        upward.mul(before, UNIT),
        upward.mul(size, gamma(n)),
        n * n * FLOOR,
    )


def _factor(matrices: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Return the Cholesky factors that exist and are finite, and which matrices they belong to."""
    found = np.ones(len(matrices), dtype=bool)
    try:
        factors = decompositions.cholesky(matrices)
    except np.linalg.LinAlgError:
        if len(matrices) == 1:
            return matrices[:0], np.zeros(1, dtype=bool)
        single = [_factor(matrix[None]) for matrix in matrices]
        return np.concatenate([factor for factor, _ in single]), np.concatenate([flag for _, flag in single])
    found &= np.all(np.isfinite(factors), axis=(-2, -1))
    return np.asarray(factors[found], dtype=np.float64), found


def perron_upper(M: ArrayLike) -> float:
    """Return an upper bound of the spectral radius of a nonnegative matrix.

    It is the largest one of the irreducible diagonal blocks, which belong to the strongly connected components of the
    graph of the entries. In each block it is at most ``max_i (M v)_i / v_i`` for every positive vector ``v``
    (Collatz, Wielandt); candidates are the computed Perron vector and its images under ``M`` plus a multiple of the
    identity.

    Parameters
    ----------
    M : array_like, shape (n, n)
        Entries at least 0; ``inf`` gives ``inf``.

    Returns
    -------
    float
        The bound.

    Raises
    ------
    ArithmeticDomainError
        If the matrix is not square or has a negative entry or NaN.

    Examples
    --------
    >>> 3.0 <= perron_upper([[1.0, 2.0], [2.0, 1.0]]) < 3 + 1e-12
    True
    """
    matrix = np.asarray(M, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
        raise ArithmeticDomainError("not a square matrix", where="perron_upper", shape=matrix.shape)
    if not np.all(matrix >= 0):
        raise ArithmeticDomainError("negative entry or NaN", where="perron_upper")
    if not np.all(np.isfinite(matrix)):
        return np.inf
    _, component = connected_components(matrix > 0, directed=True, connection="strong")
    blocks = (matrix[np.ix_(component == label, component == label)] for label in np.unique(component))
    return max(_irreducible_perron_upper(block) for block in blocks)


def _irreducible_perron_upper(matrix: Array) -> float:
    if len(matrix) == 1:
        return float(matrix[0, 0])
    best = float(elementary_norm_upper(matrix))
    for start in _perron_vectors(matrix):
        v = start
        for _ in range(PERRON_STEPS):
            image = upward.matmul(matrix, v)
            best = min(best, float(np.max(upward.div(image, v))))
            v = image + best * v
            largest = float(np.max(v))
            if not 0 < largest < np.inf:
                break
            v = np.maximum(v / largest, LEAST_COMPONENT)
    return best


def _perron_vectors(matrix: Array) -> list[Array]:
    """Return a positive vector near the Perron vector, and the vector of ones; neither has to be accurate."""
    ones = np.ones(len(matrix))
    try:
        values, vectors = decompositions.eig(matrix)
    except np.linalg.LinAlgError:
        return [ones]
    vector = np.abs(vectors[:, np.argmax(values.real)])
    return [np.maximum(vector / np.max(vector), LEAST_COMPONENT), ones]
