"""A small network in numbers that Coq can follow: its neurons one by one, and exact bounds of each of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import flint
import numpy as np

from verify.arithmetic import arb
from verify.calculus import passes
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.calculus.problem import Problem

GUARD_BITS = 20


@dataclass(frozen=True)
class Formula:
    """An activation as Coq text and as the same sequence of operations in Arb."""

    coq: str
    arb: Callable[[Any], Any]
    lemma: str = ""


FORMULAS = {
    "identity": Formula("z", lambda z: z),
    "tanh": Formula(
        "1 - 2 / (exp (2 * z) + 1)",
        lambda z: 1 - 2 / ((2 * z).exp() + 1),
        "Lemma act_tanh_is_tanh z : act_tanh z = tanh z.\n"
        "Proof.\n"
        "  unfold act_tanh, tanh, sinh, cosh. rewrite exp_Ropp. replace (2 * z) with (z + z) by ring.\n"
        "  rewrite exp_plus. pose proof (exp_pos z). field. split; nra.\n"
        "Qed.\n",
    ),
    "sigmoid": Formula("1 / (1 + exp (- z))", lambda z: 1 / (1 + (-z).exp())),
    "softplus": Formula("ln (1 + exp z)", lambda z: (1 + z.exp()).log()),
    "silu": Formula("z / (1 + exp (- z))", lambda z: z / (1 + (-z).exp())),
    "arctan": Formula("atan z", lambda z: z.atan()),
    "sin": Formula("sin z", lambda z: z.sin()),
}


@dataclass(frozen=True)
class Unit:
    """One neuron: its name, activation, summands (coefficient, weight or None, source) and bias weight or None."""

    name: str
    activation: str
    summands: tuple[tuple[Fraction, int | None, str], ...]
    bias: int | None

    def weights(self) -> list[int]:
        used = {weight for _, weight, _ in self.summands if weight is not None}
        return sorted(used if self.bias is None else used | {self.bias})

    def sources(self) -> list[str]:
        return sorted({source for _, _, source in self.summands})


Bounds = tuple[Fraction, Fraction]


class EvaluatedNetwork:
    """The bounds of every neuron, sample error and the error, for one weight vector."""

    def __init__(
        self,
        name: str,
        problem: Problem,
        units: list[Unit],
        w: np.ndarray,
        inputs: list[list[Fraction]],
        targets: list[list[Fraction]],
        bits: int,
    ) -> None:
        self.name = name
        self.weights = [Fraction(float(value)) for value in w]
        self.samples: list[dict[str, Bounds]] = []
        self.sample_errors: list[Bounds] = []
        outputs = output_names(problem)
        with arb.precision(bits + 2 * GUARD_BITS):
            ball_weights = [ball_between(value, value) for value in self.weights]
            for x, y in zip(inputs, targets, strict=True):
                balls = {f"x{i}": ball_between(value, value) for i, value in enumerate(x)}
                bounds: dict[str, Bounds] = {}
                for unit in units:
                    total = flint.arb(0) if unit.bias is None else ball_weights[unit.bias]
                    for coefficient, weight, source in unit.summands:
                        factor = flint.arb(1) if weight is None else ball_weights[weight]
                        total += ball_between(coefficient, coefficient) * factor * balls[source]
                    bounds[unit.name] = _outward(FORMULAS[unit.activation].arb(total), bits)
                    balls[unit.name] = ball_between(*bounds[unit.name])
                misses = [balls[o] - ball_between(t, t) for o, t in zip(outputs, y, strict=True)]
                squares = sum((miss**2 for miss in misses), flint.arb(0))
                self.samples.append(bounds)
                self.sample_errors.append(_outward(squares / 2, bits))
            total = sum((ball_between(*bounds) for bounds in self.sample_errors), flint.arb(0)) / problem.sample_divisor
            decay = Fraction(problem.weight_decay) * sum((value**2 for value in self.weights), Fraction(0)) / 2
            self.error = _outward(total + ball_between(decay, decay), bits)


def neurons(problem: Problem) -> list[Unit]:
    """Return every neuron in an order in which it can be computed."""
    architecture = problem.architecture
    parts = architecture.unflatten(np.arange(architecture.size, dtype=np.float64))
    names = neuron_names(problem)
    units = []
    for name in architecture.order:
        vertex = architecture.vertices[name]
        activation = vertex.activation.name if vertex.activation is not None else "identity"
        if activation not in FORMULAS:
            raise InputError(
                "activation without a Coq formula",
                vertex=name,
                activation=activation,
                remedy=f"use one of {', '.join(FORMULAS)}",
            )
        summands: list[list[tuple[Fraction, int | None, str]]] = [[] for _ in range(vertex.width)]
        for edge in architecture.in_edges(name):
            indices, terms = np.ravel(passes.edge_parameters(parts, edge)), edge.map.terms()
            for out, parameter, source in zip(terms.out, terms.parameter, terms.input, strict=True):
                weight = None if parameter < 0 else int(indices[parameter])
                summands[out].append((Fraction(terms.coefficient), weight, names[edge.source][source]))
        biases = None if vertex.bias is None else passes.spread_bias(vertex, parts[name])
        for position, own in enumerate(names[name]):
            bias = None if biases is None else int(biases[position])
            units.append(Unit(own, activation, tuple(summands[position]), bias))
    return units


def neuron_names(problem: Problem) -> dict[str, list[str]]:
    architecture = problem.architecture
    names: dict[str, list[str]] = {}
    column = 0
    for name in architecture.inputs:
        width = architecture.vertices[name].width
        names[name] = [f"x{column + i}" for i in range(width)]
        column += width
    for place, name in enumerate(architecture.order):
        names[name] = [f"h{place}_{i}" for i in range(architecture.vertices[name].width)]
    return names


def output_names(problem: Problem) -> list[str]:
    names = neuron_names(problem)
    return [neuron for output in problem.architecture.outputs for neuron in names[output]]


def exact_data(problem: Problem) -> tuple[list[list[Fraction]], list[list[Fraction]]]:
    rows = [problem.rows(chunk) for chunk in problem.chunks()]
    return (
        [[Fraction(float(v)) for v in x] for xs, _ in rows for x in xs],
        [[Fraction(float(v)) for v in y] for _, ys in rows for y in ys],
    )


def ball_between(low: Fraction, high: Fraction) -> Any:
    lower, upper = (flint.arb(flint.fmpq(b.numerator, b.denominator)) for b in (low, high))
    return lower.union(upper)


def _outward(ball: Any, bits: int) -> Bounds:
    """Bounds of a ball as multiples of 2^-bits, with one multiple to spare for Coq's own rounding."""
    if not ball.is_finite():
        raise InputError("overflow while evaluating the network", remedy="use smaller weights")
    lower, upper = (exact_fraction(end) * 2**bits for end in (ball.lower(), ball.upper()))
    return Fraction(math.floor(lower) - 1, 2**bits), Fraction(math.ceil(upper) + 1, 2**bits)


def exact_fraction(point: Any) -> Fraction:
    mantissa, exponent = point.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def round_down(amount: Fraction) -> Fraction:
    """Keep about ten bits of a positive number."""
    scale = Fraction(2) ** (10 - (amount.numerator.bit_length() - amount.denominator.bit_length()))
    return Fraction(math.floor(amount * scale)) / scale
