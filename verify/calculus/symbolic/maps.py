"""Do the numerical methods of an edge's map compute the bilinear form that defines it?"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from verify.architecture import LinearMap
    from verify.architecture.linear_map import Terms

SAMPLES = 3


def map_flaw(linear: LinearMap, seed: int = 0) -> str | None:
    """Compare ``apply``, ``transpose`` and ``parameter_gradient`` with ``terms`` on random whole numbers.

    The numbers are so small that float64 makes no rounding error, hence the comparison is exact; only where the
    coefficient is no binary fraction (a mean over 3 x 3 windows) the rounding error of the sum is allowed,
    bounded a priori. A bilinear method that differs from the form passes with a probability below
    2**-8 for each of the samples, and in practice never.

    Returns
    -------
    str or None
        What disagrees, or None.

    Examples
    --------
    >>> from verify.architecture.dense import Dense
    >>> map_flaw(Dense(3, 2)) is None
    True
    """
    terms = linear.terms()
    flaw = _malformed(terms, linear)
    if flaw:
        return flaw
    longest = SAMPLES * max(int(np.bincount(part).max(initial=1)) for part in _grouped(terms, linear))
    largest = int(np.sqrt(2.0**52 / (longest * abs(terms.coefficient.numerator))))
    if largest < 2**8:
        return f"too many products in one sum to compare exactly: {longest}"
    rng = np.random.default_rng(seed)
    theta = rng.integers(-largest, largest, max(linear.parameter_count, 1), endpoint=True)
    h = rng.integers(-largest, largest, (SAMPLES, linear.in_width), endpoint=True)
    delta = rng.integers(-largest, largest, (SAMPLES, linear.out_width), endpoint=True)
    factor = theta[terms.parameter] if linear.parameter_shape else np.ones(len(terms.out), dtype=np.int64)
    parameters = theta.reshape(linear.parameter_shape).astype(np.float64) if linear.parameter_shape else None
    floats = h.astype(np.float64), delta.astype(np.float64)
    comparisons = [
        (
            "apply",
            linear.apply(parameters, floats[0]),
            factor * h[:, terms.input],
            terms.out,
            linear.out_width,
        ),
        (
            "transpose",
            linear.transpose(parameters, floats[1]),
            factor * delta[:, terms.out],
            terms.input,
            linear.in_width,
        ),
    ]
    if linear.parameter_shape:
        gradient = linear.parameter_gradient(*floats)
        if gradient.shape != linear.parameter_shape:
            return f"parameter_gradient has shape {gradient.shape}, not {linear.parameter_shape}"
        products = (h[:, terms.input] * delta[:, terms.out]).sum(axis=0)[None, :]
        comparisons.append(
            ("parameter_gradient", gradient.reshape(1, -1), products, terms.parameter, linear.parameter_count)
        )
    for method, computed, products, places, width in comparisons:
        flaw = _difference(computed, products, places, width, terms.coefficient, longest)
        if flaw:
            return f"{method} {flaw}"
    return None


def _grouped(terms: Terms, linear: LinearMap) -> list[np.ndarray]:
    return [terms.out, terms.input, *([terms.parameter] if linear.parameter_shape else [])]


def _malformed(terms: Terms, linear: LinearMap) -> str | None:
    last = linear.parameter_count - 1 if linear.parameter_shape else -1
    first = 0 if linear.parameter_shape else -1
    limits = (
        (terms.out, 0, linear.out_width - 1),
        (terms.input, 0, linear.in_width - 1),
        (terms.parameter, first, last),
    )
    for places, low, high in limits:
        if len(places) != len(terms.out) or np.any(places < low) or np.any(places > high):
            return "terms point outside the map"
    if len(np.unique(terms.out * linear.in_width + terms.input)) != len(terms.out):
        return "terms hold a pair of output and input twice"
    return None


def _difference(
    computed: np.ndarray,
    products: np.ndarray,
    places: np.ndarray,
    width: int,
    coefficient: Fraction,
    longest: int,
) -> str | None:
    rows = len(products)
    computed = np.asarray(computed)
    if computed.shape != (rows, width):
        return f"has shape {computed.shape}, not {(rows, width)}"
    exact = np.zeros((rows, width), dtype=np.int64)
    size = np.zeros((rows, width), dtype=np.int64)
    for row in range(rows):
        np.add.at(exact[row], places, products[row])
        np.add.at(size[row], places, np.abs(products[row]))
    if not np.all(np.isfinite(computed)):
        return "gives a value that is not finite"
    scaled = exact * coefficient.numerator
    denominator = coefficient.denominator
    if denominator & (denominator - 1) == 0:
        wrong = computed * float(denominator) != scaled.astype(np.float64)
    else:
        slack = Fraction(2 * (longest + 2), 2**53) * abs(coefficient.numerator)
        wrong = np.array(
            [
                [
                    abs(Fraction(float(value)) * denominator - int(s)) > slack * int(a)
                    for value, s, a in zip(*row, strict=True)
                ]
                for row in zip(computed, scaled, size, strict=True)
            ]
        )
    if wrong.any():
        row, place = np.argwhere(wrong)[0]
        expected = coefficient * int(exact[row, place])
        return f"gives {float(computed[row, place])} at {place} where the terms give {expected}"
    return None
