"""Activations and their derivatives at float64 or float32 points, with one error bound for a whole array.

Where every derivative is a polynomial in the value (sigmoid, tanh), only the value comes from a kernel with a proven
error; the higher derivatives are g' times the quotient of the polynomials, by Horner's scheme. Other activations are
enclosed entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import sympy

from verify.activations.lowering import derivative_rule
from verify.activations.symbols import PRIMITIVES, X
from verify.arithmetic.intervals import Interval
from verify.arithmetic.kernels.in_place import Parts, sigmoid_into, tanh_into
from verify.bounds.taylor_rounding import (
    ROOM,
    Approximation,
    accumulated,
    enlarged,
    largest_slope,
    least,
    product_error,
    unit,
)
from verify.bounds.workspace import Workspace

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from verify.activations import Activation

Kernel = Callable[[np.ndarray, np.ndarray, Parts], float]
Polynomial = tuple[float, ...]

_KERNELS: dict[str, Kernel] = {"sigmoid": sigmoid_into, "tanh": tanh_into}


def evaluated(
    activation: Activation,
    z: Approximation,
    order: int,
    workspace: Workspace,
    name: Hashable,
    formats: Sequence[DTypeLike] | None = None,
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
    formats : sequence of data types, optional
        Of g, g', ...; that of z for all by default. The format of g is that of z.

    Returns
    -------
    list of Approximation
        Their errors cover the evaluation and, by sup |g^(k+1)|, the error of z; inf where z overflowed.
    """
    moved = [largest_slope(activation, k + 1, z.magnitude) * z.error for k in range(order + 1)]
    dtypes = [z.value.dtype] * (order + 1) if formats is None else formats
    results = [workspace.take((name, f"g{k}"), z.value.shape, dtype) for k, dtype in enumerate(dtypes)]
    if not np.isfinite(z.magnitude):
        for result in results:
            result[...] = 0.0
        return [Approximation(result, 0.0, np.inf) for result in results]
    if activation.expression == X:
        return _identity(z, results)
    polynomials = _polynomials(activation, order)
    if polynomials is None:
        errors = []
        enclosures = activation.enclosures(Interval.point(z.value.astype(np.float64, copy=False)), order)
        for result, enclosure in zip(results, enclosures, strict=True):
            middle = Approximation.of(enclosure.mid, float(np.max(enclosure.rad, initial=0.0)))
            errors.append(middle.rounded_into(result).error if result.dtype != np.float64 else middle.error)
            np.copyto(result, enclosure.mid, casting="same_kind")
    else:
        errors = _from_value(activation, *polynomials, z.value, results, workspace)
    totals = [enlarged(e + m) for e, m in zip(errors, moved, strict=True)]
    return [_bounded(activation, k, g, error) for k, (g, error) in enumerate(zip(results, totals, strict=True))]


def _identity(z: Approximation, results: list[np.ndarray]) -> list[Approximation]:
    """Write z, 1, 0, ..., all of them exact; z may be where the first goes already."""
    if not np.may_share_memory(results[0], z.value):
        np.copyto(results[0], z.value, casting="same_kind")
    for order, result in enumerate(results[1:], 1):
        result[...] = float(order == 1)
    constants = [Approximation(result, float(order == 1), 0.0) for order, result in enumerate(results)]
    return [Approximation.of(results[0], z.error), *constants[1:]]


def _from_value(
    activation: Activation,
    kernel: Kernel,
    derivatives: list[Polynomial],
    z: np.ndarray,
    results: list[np.ndarray],
    workspace: Workspace,
) -> list[float]:
    """Write g, g', ... at the numbers z and return bounds of their errors."""
    first, second = workspace.scratch(z.shape, 2, z.dtype)
    (cell,) = workspace.scratch(z.shape, 1, np.intp)
    error = kernel(z, results[0], (first, second, cell))
    errors, factors = [error], [Approximation(results[0], enlarged(1.0 + error), error)]
    for order, (polynomial, result) in enumerate(zip(derivatives, results[1:], strict=True), 1):
        if result.dtype != factors[0].value.dtype:
            factors = [factor.rounded_into(_twin(factor, i, result, workspace)) for i, factor in enumerate(factors)]
        error = _horner(polynomial, factors[0], result)
        if order == 1:
            factors.append(Approximation(result, enlarged(activation.supremum(1) + error), error))
        else:
            size = sum(abs(c) for c in polynomial) * ROOM
            error = product_error(factors[1], Approximation(result, size, error))
            error += 2 * unit(result.dtype) * activation.supremum(1) * size + least(result.dtype)
            np.multiply(result, factors[1].value, out=result)
        errors.append(enlarged(error))
    return errors


def _twin(factor: Approximation, index: int, like: np.ndarray, workspace: Workspace) -> np.ndarray:
    return workspace.take(("factor", index), factor.value.shape, like.dtype)


def _bounded(activation: Activation, order: int, computed: np.ndarray, error: float) -> Approximation:
    """Bound the computed entries by the supremum of the derivative where there is one."""
    supremum = activation.supremum(order)
    if np.isfinite(supremum):
        return Approximation(computed, enlarged(supremum + error), error)
    return Approximation.of(computed, error)


@lru_cache(maxsize=256)
def _polynomials(activation: Activation, order: int) -> tuple[Kernel, list[Polynomial]] | None:
    """Return the kernel and polynomials in the value, |value| <= 1: g', g''/g', g'''/g', ..., or None."""
    primitive = next((name for name in _KERNELS if activation.expression == PRIMITIVES[name]), None)
    if primitive is None:
        return None
    rule = derivative_rule(primitive)
    (value,) = rule.free_symbols
    first = sympy.Poly(rule, value)
    quotients, quotient = [first], sympy.Poly(1, value)
    while len(quotients) < order:
        quotient = quotient.diff(value) * first + quotient * first.diff(value)
        quotients.append(quotient)
    return _KERNELS[primitive], [tuple(float(c) for c in p.all_coeffs()) for p in quotients[:order]]


def _horner(coefficients: Polynomial, x: Approximation, result: np.ndarray) -> float:
    """Write the polynomial (integer coefficients, highest first) into `result` and return its error bound."""
    if len(coefficients) == 1:
        result[...] = coefficients[0]
        return 0.0
    np.multiply(x.value, coefficients[0], out=result)
    size, slope = 0.0, 0.0
    for i, coefficient in enumerate(coefficients):
        if i > 1:
            result *= x.value
        if i and coefficient:
            result += coefficient
        slope = slope * x.magnitude + size
        size = size * x.magnitude + abs(coefficient)
    underflow = least(result.dtype) * (1 + size)
    return enlarged(slope * x.error + 2 * accumulated(2 * len(coefficients), result.dtype) * size + underflow)
