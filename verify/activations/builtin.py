"""The built-in activations, each as one sympy expression."""

from __future__ import annotations

import sympy

from verify.activations.symbols import PRIMITIVES, X

BUILTINS: dict[str, sympy.Expr] = {
    "tanh": sympy.tanh(X),
    "sigmoid": PRIMITIVES["sigmoid"],
    "softplus": PRIMITIVES["softplus"],
    "arctan": sympy.atan(X),
    "erf": sympy.erf(X),
    "gelu": X * (1 + sympy.erf(X / sympy.sqrt(2))) / 2,
    "silu": X * PRIMITIVES["sigmoid"],
    "sin": sympy.sin(X),
    "identity": X,
    "relu": sympy.Max(X, 0),
    "leaky_relu": sympy.Max(X, X / 100),
}
"""``leaky_relu`` has the exact slope 1/100 on the left."""

BUILTIN_NAMES = tuple(BUILTINS)
