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

EXAMPLE_FORMULAS = (
    "x*tanh(log(1+exp(x)))", "tanh(x)+0.1*sin(3*x)", "exp(-x**2)", "x/sqrt(1+x**2)", "log(1+x**2)", "1/(1+x**2)",
    "x**2", "x**3/3-x", "sqrt(1+x**2)-1", "x*exp(-x**2/2)", "softplus(2*x)-softplus(x)", "exp(0.3*x)", "max(x,0)**3",
)  # fmt: skip
"""What users may write: random networks draw from these and from the built-in functions."""
