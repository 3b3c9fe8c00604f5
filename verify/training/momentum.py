"""The step rules: adaptive momentum (bounded by the gradient) and the classical heavy ball."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from verify.arithmetic.lengths import length
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.architecture import Architecture

Norm = Literal["global", "vertex"]


def adaptive_momentum(
    gradient: np.ndarray,
    previous: np.ndarray,
    tau: float,
    norm: Norm = "global",
    architecture: Architecture | None = None,
) -> np.ndarray:
    """Return the momentum term m = tau |g| D / |D|, 0 where D = 0.

    Parameters
    ----------
    gradient : array, shape (P,)
        g = grad E(w_k).
    previous : array, shape (P,)
        D = w_k - w_{k-1}.
    tau : float
        Momentum size, in the units of the learning rate.
    norm : {"global", "vertex"}
        Over which weights the norms are taken: all, or each vertex's own (Wu et al. 2008).
    architecture : Architecture, optional
        Needed for ``norm="vertex"``.

    Returns
    -------
    array, shape (P,)

    Raises
    ------
    InputError
        If ``norm="vertex"`` and no architecture is given, or the norm is unknown.

    Examples
    --------
    >>> adaptive_momentum(np.array([3.0, 4.0]), np.array([0.0, 2.0]), tau=0.1)
    array([0. , 0.5])
    """
    if norm == "global":
        return _bounded_momentum(gradient, previous, tau)
    if norm != "vertex":
        raise InputError("unknown norm", remedy="use 'global' or 'vertex'", norm=norm)
    if architecture is None:
        raise InputError(
            "norms per vertex need the architecture", norm=norm, remedy='give the problem, or use norm="global"'
        )
    momentum = np.zeros_like(gradient)
    for block in architecture.blocks.values():
        momentum[block] = _bounded_momentum(gradient[block], previous[block], tau)
    return momentum


def _bounded_momentum(gradient: np.ndarray, previous: np.ndarray, tau: float) -> np.ndarray:
    scale = float(np.max(np.abs(previous), initial=0.0))
    if scale == 0.0:
        return np.zeros_like(gradient)
    direction = previous / scale
    return direction * (tau * length(gradient) / length(direction))


def adaptive_step(
    gradient: np.ndarray,
    previous: np.ndarray,
    eta: float,
    tau: float,
    norm: Norm = "global",
    architecture: Architecture | None = None,
) -> np.ndarray:
    """Return D_{k+1} = -eta g + m with the adaptive momentum m of size tau |g|."""
    return adaptive_momentum(gradient, previous, tau, norm, architecture) - eta * gradient


def restarted(gradient: np.ndarray, previous: np.ndarray) -> np.ndarray:
    """Return the step D_k that gives the momentum of theorem `restart`: 0 where g.D_k > 0, since it points uphill.

    Examples
    --------
    >>> g = np.array([3.0, 4.0])
    >>> restarted(g, np.array([0.0, -2.0])), restarted(g, np.array([0.0, 2.0]))
    (array([ 0., -2.]), array([0., 0.]))
    """
    return np.zeros_like(previous) if float(np.dot(gradient, previous)) > 0 else previous


def heavy_ball_step(gradient: np.ndarray, previous: np.ndarray, eta: float, mu: float) -> np.ndarray:
    """Return D_{k+1} = -eta g + mu D_k, as common implementations of SGD with momentum do."""
    return mu * previous - eta * gradient
