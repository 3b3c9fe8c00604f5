"""The variable of every activation, and the functions that a formula may be built of."""

from __future__ import annotations

import enum

import sympy

X = sympy.Symbol("x", real=True)


class Smoothness(enum.Enum):
    """How often an activation can be differentiated on the whole line.

    ``C0`` is continuous; ``C1`` and ``C2`` have continuous derivatives up to that order, and the next one is bounded
    near the points where it jumps.
    """

    ANALYTIC = "analytic"
    C2 = "C2"
    C1 = "C1"
    C0 = "C0"


PRIMITIVES: dict[str, sympy.Expr] = {
    "exp": sympy.exp(X),
    "log": sympy.log(X),
    "sqrt": sympy.sqrt(X),
    "sin": sympy.sin(X),
    "cos": sympy.cos(X),
    "atan": sympy.atan(X),
    "erf": sympy.erf(X),
    "tanh": sympy.tanh(X),
    "sigmoid": 1 / (1 + sympy.exp(-X)),
    "softplus": sympy.log(1 + sympy.exp(X)),
    "relu": sympy.Max(X, 0),
    "step": sympy.Heaviside(X),
    "recip": 1 / X,
}
"""The primitives of a graph, by what they mean; arithmetic and whole powers come on top."""
