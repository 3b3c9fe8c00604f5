"""A small network in numbers that Coq can follow: its neurons one by one, and exact bounds of each of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint

from verify.certificates.checker.functions import rational
from verify.certificates.checker.network import ONE
from verify.certificates.checker.subject import Subject
from verify.outcomes import InputError

GUARD_BITS = 20


@dataclass(frozen=True)
class CoqFormula:
    """An activation as Coq text and as the same sequence of operations in Arb."""

    coq: str
    arb: Callable[[Any], Any]
    lemma: str = ""


FORMULAS = {
    "identity": CoqFormula("z", lambda z: z),
    "tanh": CoqFormula(
        "1 - 2 / (exp (2 * z) + 1)",
        lambda z: 1 - 2 / ((2 * z).exp() + 1),
        "Lemma act_tanh_is_tanh z : act_tanh z = tanh z.\n"
        "Proof.\n"
        "  unfold act_tanh, tanh, sinh, cosh. rewrite exp_Ropp. replace (2 * z) with (z + z) by ring.\n"
        "  rewrite exp_plus. pose proof (exp_pos z). field. split; nra.\n"
        "Qed.\n",
    ),
    "sigmoid": CoqFormula("1 / (1 + exp (- z))", lambda z: 1 / (1 + (-z).exp())),
    "softplus": CoqFormula("ln (1 + exp z)", lambda z: (1 + z.exp()).log()),
    "silu": CoqFormula("z / (1 + exp (- z))", lambda z: z / (1 + (-z).exp())),
    "arctan": CoqFormula("atan z", lambda z: z.atan()),
    "sin": CoqFormula("sin z", lambda z: z.sin()),
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


@dataclass(frozen=True)
class Neurons:
    """Every neuron in an order in which it can be computed, and the names of the outputs."""

    units: list[Unit]
    outputs: list[str]


def read_neurons(subject: Subject, model: dict[str, Any]) -> Neurons:
    """Return the neurons of a certificate's network.

    Raises
    ------
    InputError
        If an activation has no Coq formula.
    """
    network = subject.network
    columns = iter(range(sum(network.inputs.values())))
    names = {name: [f"x{next(columns)}" for _ in range(width)] for name, width in network.inputs.items()}
    names |= {v.name: [f"h{place}_{i}" for i in range(v.width)] for place, v in enumerate(network.order)}
    units = []
    for vertex in network.order:
        activation = model["nodes"][vertex.name].get("activation", "identity")
        if not isinstance(activation, str) or activation not in FORMULAS:
            raise InputError(
                "activation without a Coq formula",
                where=f"vertex {vertex.name}",
                activation=activation,
                remedy=f"use one of {', '.join(FORMULAS)}",
            )
        summands: list[list[tuple[Fraction, int | None, str]]] = [[] for _ in range(vertex.width)]
        biases: list[int | None] = [None] * vertex.width
        for edge in vertex.edges:
            for out, parameter, source, coefficient in edge.terms:
                weight = None if parameter < 0 else edge.start + parameter
                if edge.source == ONE:
                    biases[out] = weight
                else:
                    summands[out].append((coefficient, weight, names[edge.source][source]))
        units += [Unit(name, activation, tuple(summands[i]), biases[i]) for i, name in enumerate(names[vertex.name])]
    return Neurons(units, [name for output in network.outputs for name in names[output]])


Bounds = tuple[Fraction, Fraction]


class EvaluatedNetwork:
    """The bounds of every neuron, sample error and the error, for one weight vector.

    Bounds are multiples of 2^-bits. `precision` is that of Coq's interval arithmetic which finds them again.
    """

    def __init__(self, name: str, subject: Subject, neurons: Neurons, weights: list[float], bits: int) -> None:
        self.name = name
        self.weights = [Fraction(value) for value in weights]
        self.samples: list[dict[str, Bounds]] = []
        self.sample_errors: list[Bounds] = []
        self._bits, self._largest = bits, flint.arb(1)
        with flint.ctx.workprec(2 * (bits + GUARD_BITS)):
            w = [rational(value) for value in self.weights]
            for x, y in zip(subject.inputs, subject.targets, strict=True):
                balls = {f"x{i}": rational(value) for i, value in enumerate(x)}
                self.samples.append(dict(self._evaluate(neurons, w, balls)))
                misses = [balls[name] - rational(value) for name, value in zip(neurons.outputs, y, strict=True)]
                self.sample_errors.append(self._outward(self._sum([miss**2 for miss in misses]) / 2))
            total = self._sum([_between(*bounds) for bounds in self.sample_errors]) / subject.divisor
            decay = rational(subject.weight_decay) * self._sum([value**2 for value in w]) / 2
            self.error = self._outward(total + decay)
            magnitude = max(0, math.ceil(float(self._largest.log().upper()) / math.log(2)))
        self.precision = bits + GUARD_BITS + magnitude

    def _evaluate(self, neurons: Neurons, w: list[Any], balls: dict[str, Any]) -> Iterator[tuple[str, Bounds]]:
        for unit in neurons.units:
            terms = [] if unit.bias is None else [w[unit.bias]]
            for coefficient, weight, source in unit.summands:
                factor = rational(1) if weight is None else w[weight]
                terms.append(rational(coefficient) * factor * balls[source])
            bounds = self._outward(FORMULAS[unit.activation].arb(self._sum(terms)))
            balls[unit.name] = _between(*bounds)
            yield unit.name, bounds

    def _sum(self, terms: list[Any]) -> Any:
        """Sum; the sizes of the terms decide how many bits a sum needs for a given absolute error."""
        self._largest = self._largest.max(sum((abs(term).upper() for term in terms), flint.arb(0)).upper())
        return sum(terms, flint.arb(0))

    def _outward(self, ball: Any) -> Bounds:
        """Bounds of a ball as multiples of 2^-bits, with one multiple to spare for Coq's own rounding."""
        if not ball.is_finite():
            raise InputError("overflow while evaluating the network", remedy="use smaller weights", bound=str(ball))
        scale = 2**self._bits
        lower, upper = (_exact(end) * scale for end in (ball.lower(), ball.upper()))
        return Fraction(math.floor(lower) - 1, scale), Fraction(math.ceil(upper) + 1, scale)


def _between(low: Fraction, high: Fraction) -> Any:
    return rational(low).union(rational(high))


def _exact(point: Any) -> Fraction:
    mantissa, exponent = point.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
