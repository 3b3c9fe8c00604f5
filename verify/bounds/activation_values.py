"""Activations and their derivatives at float64 points, with one error bound for a whole array.

Where every derivative is a polynomial in the value (sigmoid, tanh), only the value comes from a kernel with a proven
error and the derivatives from Horner's scheme; other activations are enclosed entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import sympy

from verify.activations.lowering import derivative_rule
from verify.activations.symbols import PRIMITIVES
from verify.arithmetic.intervals import Interval
from verify.arithmetic.kernels.in_place import sigmoid_into, tanh_into
from verify.arithmetic.rounding import gamma
from verify.bounds.taylor_rounding import Approximation, enlarged, largest_slope
from verify.bounds.workspace import Workspace

if TYPE_CHECKING:
    from verify.activations import Activation

Kernel = Callable[[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]], float]
Polynomial = tuple[float, ...]

_KERNELS: dict[str, Kernel] = {"sigmoid": sigmoid_into, "tanh": tanh_into}


def evaluated(
    activation: Activation, z: Approximation, order: int, workspace: Workspace, name: Hashable
) -> list[Approximation]:
    """Return g, g', ... up to `order` at the exact numbers that `z` approximates.

    Parameters
    ----------
    activation : Activation
    z : Approximation
    order : int
    workspace : Workspace
        Where the results are stored, under `name`.
    name : hashable

    Returns
    -------
    list of Approximation
        Their errors cover the evaluation and, by sup |g^(k+1)|, the error of z; inf where z overflowed.
    """
    moved = [largest_slope(activation, k + 1, z.magnitude) * z.error for k in range(order + 1)]
    results = [workspace.take((name, f"g{k}"), z.value.shape) for k in range(order + 1)]
    if not np.isfinite(z.magnitude):
        for result in results:
            result[...] = 0.0
        return [Approximation(result, 0.0, np.inf) for result in results]
    polynomials = _polynomials(activation, order)
    if polynomials is None:
        errors = []
        for result, enclosure in zip(results, activation.enclosures(Interval.point(z.value), order), strict=True):
            np.copyto(result, enclosure.mid)
            errors.append(float(np.max(enclosure.rad, initial=0.0)))
    else:
        kernel, derivatives = polynomials
        first, second = workspace.scratch(z.value.shape, 2)
        errors = [kernel(z.value, results[0], (first, second))]
        value = Approximation.of(results[0], errors[0])
        errors += [_horner(p, value, result) for p, result in zip(derivatives, results[1:], strict=True)]
    totals = [enlarged(e + m) for e, m in zip(errors, moved, strict=True)]
    return [_bounded(activation, k, g, error) for k, (g, error) in enumerate(zip(results, totals, strict=True))]


def _bounded(activation: Activation, order: int, computed: np.ndarray, error: float) -> Approximation:
    """Bound the computed entries by the supremum of the derivative where there is one."""
    supremum = activation.supremum(order)
    if np.isfinite(supremum):
        return Approximation(computed, enlarged(supremum + error), error)
    return Approximation.of(computed, error)


@lru_cache(maxsize=256)
def _polynomials(activation: Activation, order: int) -> tuple[Kernel, list[Polynomial]] | None:
    """Return the kernel and the derivatives of orders 1 to `order` as polynomials in the value, or None."""
    primitive = next((name for name in _KERNELS if activation.expression == PRIMITIVES[name]), None)
    if primitive is None:
        return None
    rule = derivative_rule(primitive)
    (value,) = rule.free_symbols
    first = sympy.Poly(rule, value)
    derivatives = [first]
    while len(derivatives) < order:
        derivatives.append(derivatives[-1].diff(value) * first)
    return _KERNELS[primitive], [tuple(float(c) for c in p.all_coeffs()) for p in derivatives[:order]]


def _horner(coefficients: Polynomial, x: Approximation, result: np.ndarray) -> float:
    """Write the polynomial (integer coefficients, highest first) into `result` and return its error bound."""
    result[...] = coefficients[0]
    size, slope = 0.0, 0.0
    for i, coefficient in enumerate(coefficients):
        if i:
            result *= x.value
            if coefficient:
                result += coefficient
        slope = slope * x.magnitude + size
        size = size * x.magnitude + abs(coefficient)
    return enlarged(slope * x.error + 2 * float(gamma(2 * len(coefficients))) * size)
