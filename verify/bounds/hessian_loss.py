"""The error of one output unit as a function of its pre-activation: phi(z) = 1/2 (g(z) - y)^2.

Bounding phi'', phi''' at once is sharper by about two than bounding g'^2, (g - y) g'' and so on one by one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from verify.activations import activation
from verify.arithmetic import upward
from verify.outcomes import DagverifyError

if TYPE_CHECKING:
    from verify.activations import Activation

ORDERS = 5
_GRID = 64


def loss_suprema(output: Activation, targets: np.ndarray) -> tuple[float, ...]:
    """Upper bounds over all pre-activations and all targets of |phi|, |phi'|, ..., |phi''''|; inf where unknown.

    A derivative of phi at a point is affine in y, so its absolute value is largest at the ends of a range of y.
    """
    ends = {np.floor(targets.min() * _GRID), np.ceil(targets.max() * _GRID)}
    if not all(abs(end) < 2**40 for end in ends):
        return (float("inf"),) * ORDERS
    found = [_suprema(str(output.expression), int(end)) for end in sorted(ends)]
    return tuple(max(values) for values in zip(*found, strict=True))


@lru_cache(maxsize=1024)
def _suprema(expression: str, numerator: int) -> tuple[float, ...]:
    formula = f"(({expression}) - ({numerator})/{_GRID})**2/2"
    try:
        loss = activation({"expr": formula})
        return tuple(float(loss.supremum(order)) for order in range(ORDERS))
    except DagverifyError:
        return (float("inf"),) * ORDERS


def loss_products(sizes: list[np.ndarray], residual: np.ndarray) -> list[np.ndarray]:
    """Upper bounds of |phi|, ..., |phi''''| from those of |g'|, ..., |g''''| and |g - y|, elementwise.

    Parameters
    ----------
    sizes : list of array, shape (n, width)
        Of |g|, |g'|, ... up to the highest order that is wanted.
    residual : array, shape (n, width)
    """
    products = [upward.mul(0.5, residual, residual), upward.mul(sizes[1], residual)]
    products.append(upward.add(upward.mul(sizes[1], sizes[1]), upward.mul(residual, sizes[2])))
    if len(sizes) > 3:
        products.append(upward.add(upward.mul(3.0, sizes[1], sizes[2]), upward.mul(residual, sizes[3])))
    if len(sizes) > 4:
        squares = upward.add(upward.mul(3.0, sizes[2], sizes[2]), upward.mul(4.0, sizes[1], sizes[3]))
        products.append(upward.add(squares, upward.mul(residual, sizes[4])))
    return products
