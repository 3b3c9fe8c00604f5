"""E(w + t D) as a Taylor polynomial in t of degree 3, every coefficient a ball of Arb at its current precision.

It is written from the definition of the network (`LinearMap.terms`) alone and shares no code with the bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flint
import numpy as np

from verify import Problem

DEGREE = 3
Series = list[Any]


def error_series(problem: Problem, weights: Sequence[Any], direction: Sequence[float]) -> Series:
    """Return c_0, ..., c_3 of E(w + t D) = c_0 + c_1 t + c_2 t^2 + c_3 t^3 + ...

    Parameters
    ----------
    problem : Problem
    weights : sequence of float or flint.arb, length P
    direction : sequence of float, length P
    """
    line = [[flint.arb(w), flint.arb(d), flint.arb(0), flint.arb(0)] for w, d in zip(weights, direction, strict=True)]
    places = problem.architecture.unflatten(np.arange(problem.architecture.size, dtype=np.float64))
    total = _zero()
    for x, y in zip(*problem.rows(slice(None)), strict=True):
        outputs = _forward(problem, line, places, x)
        targets = iter(y.tolist())
        for name in problem.architecture.outputs:
            for h in outputs[name]:
                residual = [h[0] - flint.arb(next(targets)), *h[1:]]
                total = _sum(total, _product(residual, residual))
    total = [c / (2 * problem.sample_divisor) for c in total]
    if problem.weight_decay:
        squares = [_product(w, w) for w in line]
        total = [c + flint.arb(problem.weight_decay) / 2 * sum(s[k] for s in squares) for k, c in enumerate(total)]
    return total


def _forward(problem: Problem, line: list[Series], places: dict[Any, Any], x: np.ndarray) -> dict[str, list[Series]]:
    architecture = problem.architecture
    data = iter(x.tolist())
    outputs: dict[str, list[Series]] = {
        name: [[flint.arb(next(data)), *_zero()[1:]] for _ in range(architecture.vertices[name].width)]
        for name in architecture.inputs
    }
    for name in architecture.order:
        vertex = architecture.vertices[name]
        z = [_zero() for _ in range(vertex.width)]
        for edge in architecture.in_edges(name):
            terms = edge.map.terms()
            factor = flint.arb(flint.fmpq(terms.coefficient.numerator, terms.coefficient.denominator))
            own = np.ravel(places[edge.key]).astype(int) if edge.map.parameter_shape else None
            for out, parameter, source in zip(terms.out, terms.parameter, terms.input, strict=True):
                term = [factor * c for c in outputs[edge.source][source]]
                z[out] = _sum(z[out], term if own is None or parameter < 0 else _product(line[own[parameter]], term))
        if vertex.bias is not None:
            biases = places[name].astype(int)
            for unit in range(vertex.width):
                z[unit] = _sum(z[unit], line[biases[unit * len(biases) // vertex.width]])
        outputs[name] = [_composed(vertex.activation, unit) for unit in z]
    return outputs


def _zero() -> Series:
    return [flint.arb(0) for _ in range(DEGREE + 1)]


def _sum(a: Series, b: Series) -> Series:
    return [x + y for x, y in zip(a, b, strict=True)]


def _product(a: Series, b: Series) -> Series:
    return [sum((a[i] * b[k - i] for i in range(k + 1)), flint.arb(0)) for k in range(DEGREE + 1)]


def _composed(activation: Any, z: Series) -> Series:
    """Return g(z_0 + u) = sum of g^(k)(z_0) u^k / k!, u = z_1 t + ..."""
    change, power, factorial = [flint.arb(0), *z[1:]], [flint.arb(1), *_zero()[1:]], 1
    result = [activation.arb(z[0]), *_zero()[1:]]
    for k in range(1, DEGREE + 1):
        power, factorial = _product(power, change), factorial * k
        slope = activation.arb(z[0], k) / factorial
        result = _sum(result, [slope * c for c in power])
    return result
