"""The derivative rule of every kind of vertex and edge, each proved for all widths at once.

Widths and sample counts are symbols, weights and data are indexed symbols, an activation is an undefined
differentiable function. A rule pairs a derivative, computed by sympy, with the formula that
backpropagation uses; it is proved when both have the same normal form.

Below, ``dz`` is the gradient with respect to z of whatever comes after z; by the chain rule the
gradient of that in a variable of z is the derivative of ``sum of dz * z`` with dz held fixed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Function, IndexedBase, KroneckerDelta, Rational, Sum, Symbol

from verify.calculus.symbolic.contraction import Ranges, contract

N, OUT, IN, P = sympy.symbols("N m n q", integer=True, positive=True)
CHANNELS_OUT, CHANNELS, ROWS, COLUMNS = sympy.symbols("C_out C R S", integer=True, positive=True)
KERNEL_ROWS, KERNEL_COLUMNS, STRIDE_ROWS, STRIDE_COLUMNS = sympy.symbols("K L sigma rho", integer=True, positive=True)
s, o, p, i, r, a, b, c, d, t = sympy.symbols("s o p i r a b c d t", integer=True)
s1, o1, p1, i1, a1, b1, c1, d1, x1, y1 = sympy.symbols("s' o' p' i' a' b' c' d' x' y'", integer=True)
z, dz, h, dh, theta, bias, target, w, C = sympy.symbols("z dz h dh theta b y w c", cls=IndexedBase)
SCALE, DECAY, OFFSET = Symbol("scale"), Symbol("lambda"), Symbol("offset", integer=True, nonnegative=True)

SAMPLES = (s, 0, N - 1)
INPUTS = (i, 0, IN - 1)
OUTPUTS = (o, 0, OUT - 1)
PARAMETERS = (p, 0, P - 1)
SPATIAL = ((r, 0, ROWS - 1), (t, 0, COLUMNS - 1))
WINDOW = ((a, 0, KERNEL_ROWS - 1), (b, 0, KERNEL_COLUMNS - 1))
KNOWN: dict[Expr, tuple[Expr, Expr]] = {
    s1: (sympy.S.Zero, N - 1),
    o1: (sympy.S.Zero, OUT - 1),
    i1: (sympy.S.Zero, IN - 1),
    p1: (sympy.S.Zero, P - 1),
    a1: (sympy.S.Zero, KERNEL_ROWS - 1),
    b1: (sympy.S.Zero, KERNEL_COLUMNS - 1),
    c1: (sympy.S.Zero, CHANNELS - 1),
    d1: (sympy.S.Zero, CHANNELS_OUT - 1),
}


@dataclass(frozen=True)
class DerivativeRule:
    """One derivative rule.

    Parameters
    ----------
    name : str
        How a proof refers to it.
    statement : str
        The rule in words.
    derivative : callable
        Returns the derivative as sympy computes it.
    formula : callable
        Returns what backpropagation uses.
    ranges : mapping
        In which range the free indices lie.
    """

    name: str
    statement: str
    derivative: Callable[[], Expr]
    formula: Callable[[], Expr]
    ranges: Ranges = field(default_factory=lambda: KNOWN)

    def proved(self) -> bool:
        """Whether derivative and formula have the same normal form."""
        return contract(self.derivative(), self.ranges) == contract(self.formula(), self.ranges)


def _paired(z_of_sample: Expr) -> Expr:
    return Sum(dz[s, o] * z_of_sample, OUTPUTS, SAMPLES)


def _bilinear() -> Expr:
    return _paired(Sum(C[o, p, i] * theta[p] * h[s, i], PARAMETERS, INPUTS))


def _linear() -> Expr:
    return _paired(Sum(C[o, i] * h[s, i], INPUTS))


def _dense() -> Expr:
    return _paired(Sum(theta[o, i] * h[s, i], INPUTS))


def _copied() -> Expr:
    return Sum(dz[s, i] * h[s, i], INPUTS, SAMPLES)


def _concatenated() -> Expr:
    return _paired(Sum(KroneckerDelta(o, i + OFFSET) * h[s, i], INPUTS))


def _convolved() -> Expr:
    patch = h[s, c, STRIDE_ROWS * r + a, STRIDE_COLUMNS * t + b]
    image = Sum(theta[d, c, a, b] * patch, *WINDOW, (c, 0, CHANNELS - 1))
    return Sum(dz[s, d, r, t] * image, *SPATIAL, (d, 0, CHANNELS_OUT - 1), SAMPLES)


def _pooled() -> Expr:
    patch = h[s, c, STRIDE_ROWS * r + a, STRIDE_COLUMNS * t + b]
    mean = Sum(patch, *WINDOW) / (KERNEL_ROWS * KERNEL_COLUMNS)
    return Sum(dz[s, c, r, t] * mean, *SPATIAL, (c, 0, CHANNELS - 1), SAMPLES)


def _covers(row: Expr, column: Expr) -> Expr:
    return KroneckerDelta(STRIDE_ROWS * r + a, row) * KroneckerDelta(STRIDE_COLUMNS * t + b, column)


def _activated(argument: Expr) -> Expr:
    return Function("g")(argument)


def _squared_error() -> Expr:
    return SCALE * Sum(Rational(1, 2) * (h[s, i] - target[s, i]) ** 2, INPUTS, SAMPLES)


def _channel_bias() -> Expr:
    return Sum(dz[s, c, r, t] * bias[c], *SPATIAL, (c, 0, CHANNELS - 1), SAMPLES)


def _decay() -> Expr:
    return DECAY / 2 * Sum(w[p] ** 2, PARAMETERS)


_RULES = (
    DerivativeRule(
        "loss",
        "an output h of E = scale * sum over samples of 1/2 |h - y|^2 contributes scale * (h - y)",
        lambda: sympy.diff(_squared_error(), h[s1, i1]),
        lambda: SCALE * (h[s1, i1] - target[s1, i1]),
    ),
    DerivativeRule(
        "activation",
        "h = g(z) componentwise gives dz = g'(z) * dh, for any differentiable g",
        lambda: sympy.diff(Sum(dh[s, i] * _activated(z[s, i]), INPUTS, SAMPLES), z[s1, i1]),
        lambda: sympy.diff(_activated(z[s1, i1]), z[s1, i1]) * dh[s1, i1],
    ),
    DerivativeRule(
        "bias unit",
        "a bias per unit gets the sum of dz over the samples",
        lambda: sympy.diff(_paired(bias[o]), bias[o1]),
        lambda: Sum(dz[s, o1], SAMPLES),
    ),
    DerivativeRule(
        "bias channel",
        "a bias per channel gets the sum of dz over the samples and the channel's positions",
        lambda: sympy.diff(_channel_bias(), bias[c1]),
        lambda: Sum(dz[s, c1, r, t], *SPATIAL, SAMPLES),
    ),
    DerivativeRule(
        "bilinear input",
        "z_o = sum c_opi theta_p h_i, c arbitrary, sends sum c_opi theta_p dz_o to h_i",
        lambda: sympy.diff(_bilinear(), h[s1, i1]),
        lambda: Sum(C[o, p, i1] * theta[p] * dz[s1, o], PARAMETERS, OUTPUTS),
    ),
    DerivativeRule(
        "bilinear parameter",
        "z_o = sum c_opi theta_p h_i, c arbitrary, gives theta_p the sum of c_opi dz_o h_i over o, i and samples",
        lambda: sympy.diff(_bilinear(), theta[p1]),
        lambda: Sum(C[o, p1, i] * dz[s, o] * h[s, i], OUTPUTS, INPUTS, SAMPLES),
    ),
    DerivativeRule(
        "linear input",
        "z_o = sum c_oi h_i, c arbitrary, sends sum c_oi dz_o to h_i",
        lambda: sympy.diff(_linear(), h[s1, i1]),
        lambda: Sum(C[o, i1] * dz[s1, o], OUTPUTS),
    ),
    DerivativeRule(
        "dense input",
        "z = W h sends W^T dz to h",
        lambda: sympy.diff(_dense(), h[s1, i1]),
        lambda: Sum(theta[o, i1] * dz[s1, o], OUTPUTS),
    ),
    DerivativeRule(
        "dense parameter",
        "z = W h gives W the sum of dz h^T over the samples",
        lambda: sympy.diff(_dense(), theta[o1, i1]),
        lambda: Sum(dz[s, o1] * h[s, i1], SAMPLES),
    ),
    DerivativeRule(
        "identity input",
        "z = h sends dz to h",
        lambda: sympy.diff(_copied(), h[s1, i1]),
        lambda: dz[s1, i1],
    ),
    DerivativeRule(
        "flatten input",
        "z = h with its entries listed in the same order sends dz to h, entry by entry",
        lambda: sympy.diff(_copied(), h[s1, i1]),
        lambda: dz[s1, i1],
    ),
    DerivativeRule(
        "concat input",
        "z holding h from a given offset on sends that part of dz to h",
        lambda: sympy.diff(_concatenated(), h[s1, i1]),
        lambda: dz[s1, i1 + OFFSET],
        {**KNOWN, i1 + OFFSET: (sympy.S.Zero, OUT - 1)},
    ),
    DerivativeRule(
        "conv2d input",
        "a convolution of the zero-padded h sends the transposed convolution of dz to h",
        lambda: sympy.diff(_convolved(), h[s1, c1, y1, x1]),
        lambda: Sum(
            dz[s1, d, r, t] * theta[d, c1, a, b] * _covers(y1, x1),
            *WINDOW,
            *SPATIAL,
            (d, 0, CHANNELS_OUT - 1),
        ),
    ),
    DerivativeRule(
        "conv2d parameter",
        "a convolution gives its kernel the correlation of dz with the zero-padded h",
        lambda: sympy.diff(_convolved(), theta[d1, c1, a1, b1]),
        lambda: Sum(dz[s, d1, r, t] * h[s, c1, STRIDE_ROWS * r + a1, STRIDE_COLUMNS * t + b1], *SPATIAL, SAMPLES),
    ),
    DerivativeRule(
        "avgpool2d input",
        "a mean over windows sends to h_i the sum of dz over the windows that hold i, by the window's size",
        lambda: sympy.diff(_pooled(), h[s1, c1, y1, x1]),
        lambda: Sum(dz[s1, c1, r, t] * _covers(y1, x1) / (KERNEL_ROWS * KERNEL_COLUMNS), *WINDOW, *SPATIAL),
    ),
    DerivativeRule(
        "weight decay",
        "lambda/2 |w|^2 adds lambda w",
        lambda: sympy.diff(_decay(), w[p1]),
        lambda: DECAY * w[p1],
    ),
)

RULES: dict[str, DerivativeRule] = {rule.name: rule for rule in _RULES}


@functools.cache
def rule_proved(name: str) -> bool:
    """Whether a rule of that name exists and is proved; the proof runs once.

    Examples
    --------
    >>> rule_proved("dense parameter"), rule_proved("no such rule")
    (True, False)
    """
    return name in RULES and RULES[name].proved()
