"""Matrix decompositions by LAPACK and ARPACK, which are never given what is not finite.

They answer infinities and NaN with words on the standard output, in the middle of what a program prints there, and
sometimes with numbers. Nothing here is rigorous: what is found is proved elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigsh

Array = NDArray[np.float64]


def _finite(array: Array) -> Array:
    if not np.all(np.isfinite(array)):
        raise LinAlgError("not a finite matrix")
    return array


def eigvalsh(matrices: Array) -> Array:
    """Return the eigenvalues of symmetric matrices, in ascending order.

    Raises
    ------
    LinAlgError
        If an entry is not finite, or the algorithm does not converge.

    Examples
    --------
    >>> eigvalsh(np.diag([2.0, 1.0]))
    array([1., 2.])
    >>> eigvalsh(np.diag([2.0, np.nan]))
    Traceback (most recent call last):
        ...
    numpy.linalg.LinAlgError: not a finite matrix
    """
    return np.asarray(np.linalg.eigvalsh(_finite(matrices)), dtype=np.float64)


def eigh(matrix: Array) -> tuple[Array, Array]:
    """Return eigenvalues and eigenvectors of a symmetric matrix; see `eigvalsh`."""
    values, vectors = np.linalg.eigh(_finite(matrix))
    return values, vectors


def eig(matrix: Array) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Return eigenvalues and eigenvectors of a matrix; see `eigvalsh`."""
    values, vectors = np.linalg.eig(_finite(matrix))
    return values, vectors


def cholesky(matrices: Array) -> Array:
    """Return the Cholesky factors of positive definite matrices.

    Raises
    ------
    LinAlgError
        If an entry is not finite, or a matrix not positive definite.
    """
    return np.asarray(np.linalg.cholesky(_finite(matrices)), dtype=np.float64)


def orthonormal(vectors: Array) -> Array:
    """Return an orthonormal basis of what the columns span; see `eigvalsh` for the error."""
    return np.linalg.qr(_finite(vectors))[0]


def dominant_vector(
    product: Callable[[Array], Array], start: Array, *, basis: int, rounds: int, tolerance: float
) -> Array | None:
    """Return an approximate eigenvector of the largest |eigenvalue| of a symmetric operator, by Lanczos.

    Parameters
    ----------
    product : callable
        From a vector to the operator times it.
    start : array, shape (n,)
        With n > 2.
    basis : int
        Vectors kept.
    rounds : int
        Most restarts.
    tolerance : float
        Relative, of the eigenvalue.

    Returns
    -------
    array, shape (n,), or None
        None where nothing was found or a product is not finite.

    Examples
    --------
    >>> found = dominant_vector(lambda u: u * [1.0, 2.0, -3.0], np.ones(3), basis=3, rounds=20, tolerance=1e-4)
    >>> np.abs(found).round(6)
    array([0., 0., 1.])
    """
    operator = LinearOperator(
        (start.size, start.size), matvec=lambda u: _finite(product(np.ravel(u))), dtype=np.dtype(np.float64)
    )
    found: NDArray[Any]
    try:
        found = eigsh(operator, k=1, which="LM", v0=_finite(start), ncv=basis, maxiter=rounds, tol=tolerance)[1]
    except ArpackNoConvergence as stopped:
        found = stopped.eigenvectors
    except (ArpackError, LinAlgError):
        return None
    return np.asarray(found[:, 0], dtype=np.float64) if found.size else None
