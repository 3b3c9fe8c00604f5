"""Activation functions in Arb: value and derivatives over a ball, by truncated power series."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from math import factorial
from operator import add, methodcaller, mul, sub
from typing import Any

import flint
from flint import arb, arb_series

from verify.certificates.document import ReadError
from verify.outcomes import InputError

BUILTIN_FORMULAS = {
    **{name: f"{name}(x)" for name in ("tanh", "sigmoid", "softplus", "arctan", "erf", "sin", "relu")},
    **{"identity": "x", "gelu": "x*(1+erf(x/sqrt(2)))/2", "silu": "x*sigmoid(x)", "leaky_relu": "relu(x)-relu(-x)/100"},
}
_KINKED = re.compile(r"relu|abs|max|min")
_READABLE = re.compile(r"[a-zA-Z0-9_.+\-*/(), ]{1,400}")
_NUMBER = re.compile(r"([0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][+-]?[0-9]{1,2})?")
_HALVINGS = 50


def rational(value: Fraction | float) -> Any:
    """Return an Arb number that contains the exact value."""
    fraction = Fraction(value)
    return arb(flint.fmpq(fraction.numerator, fraction.denominator))


class Function:
    """An activation function given by name or by a formula in x."""

    def __init__(self, spec: Any, where: str) -> None:
        formula = spec.get("expr") if isinstance(spec, dict) and set(spec) == {"expr"} else None
        formula = BUILTIN_FORMULAS.get(spec) if isinstance(spec, str) else formula
        if not isinstance(formula, str) or not _READABLE.fullmatch(formula):
            raise ReadError("unknown activation", where=where, activation=spec)
        self.text, self._where = formula.strip(), where
        self.is_smooth = not _KINKED.search(formula)
        try:
            self._tree = ast.parse(self.text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise ReadError("formula cannot be read", where=where, formula=formula) from None
        self._series(self._tree, arb_series([arb(1), 1], 1))

    def derivatives(self, x: Any, order: int) -> list[Any]:
        """Return balls that contain g(t), g'(t), ..., g^(order)(t) for every t in the ball x.

        They are nan where undefined, and where flint.ctx.cap cut the series.
        """
        series = self._series(self._tree, arb_series([x, 1], order + 1))
        return [series[k] * factorial(k) if k < series.prec else arb("nan") for k in range(order + 1)]

    def suprema(self, lower: Any, upper: Any, order: int) -> list[Any]:
        """Upper bounds of |g|, ..., |g^(order)| on [lower, upper]: the worst piece for each is halved, repeatedly."""

        def piece(a: Any, b: Any) -> tuple[Any, Any, list[Any]]:
            bounds = [abs(d).upper() for d in self.derivatives(a.union(b), order)]
            return a, b, [bound if bound.is_finite() else arb("inf") for bound in bounds]

        pieces = [piece(lower, upper)]
        for k in list(range(order + 1)) * _HALVINGS:
            a, b, _ = pieces.pop(max(range(len(pieces)), key=lambda i: pieces[i][2][k].mid()))
            middle = ((a + b) / 2).mid()
            pieces += [piece(a, middle), piece(middle, b)]
        return [largest([bounds[k] for _, _, bounds in pieces]) for k in range(order + 1)]

    def _series(self, node: ast.AST, x: Any) -> Any:
        match node:
            case ast.Name(id="x"):
                return x
            case ast.Constant():
                text = ast.get_source_segment(self.text, node) or ""
                if _NUMBER.fullmatch(text):
                    return arb_series([rational(Fraction(text))], x.prec)
            case ast.UnaryOp(op=ast.USub()):
                return -self._series(node.operand, x)
            case ast.BinOp(op=ast.Pow(), right=ast.Constant(value=int() as power)) if 1 <= power <= 16:
                return reduce(mul, [self._series(node.left, x)] * power)
            case ast.BinOp(op=operation) if type(operation) in _BINARY:
                return _BINARY[type(operation)](self._series(node.left, x), self._series(node.right, x))
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
                return _FUNCTIONS[name](self._series(argument, x))
            case ast.Call(func=ast.Name(id="max" | "min" as name), args=[first, second], keywords=[]):
                a, b = self._series(first, x), self._series(second, x)
                return a + _relu(b - a) if name == "max" else a - _relu(a - b)
        raise ReadError("formula uses something unknown", where=self._where, formula=self.text)


def largest(values: list[Any]) -> Any:
    """Largest upper end of some balls, all of which must be finite; 0 if there are none."""
    result = values[0].upper() if values else arb(0)
    for value in values:
        if not value.is_finite():
            raise InputError("a bound is not finite", value=str(value), remedy="use smaller weights or regions")
        result = result.max(value.upper()).upper()
    return result


def _quotient(a: Any, b: Any) -> Any:
    return arb_series([arb("nan")] * b.prec, b.prec) if b[0].contains(0) else a / b


def _by_slope(value: Callable[[Any], Any], slope: Callable[[Any], Any], u: Any) -> Any:
    """Series of y = f(u), f increasing and f' = slope(y): each round of integration adds a correct term."""
    y = start = arb_series([value(u[0].lower()).union(value(u[0].upper()))], u.prec)
    for _ in range(u.prec - 1):
        y = (slope(y) * u.derivative()).integral() + start
    return y


def _sigmoid(u: Any) -> Any:
    return _by_slope(lambda t: 1 / (1 + (-t).exp()), lambda y: y * (1 - y), u)


def _relu(u: Any) -> Any:
    if u[0] > 0 or u[0] < 0:
        return u if u[0] > 0 else arb_series([0], u.prec)
    if u.prec > 1:
        raise ReadError("no derivative at the kink of an activation", value=str(u[0]))
    return arb_series([u[0].lower().max(arb(0)).union(u[0].upper().max(arb(0)))], 1)


_BINARY: dict[type, Callable[[Any, Any], Any]] = {ast.Add: add, ast.Sub: sub, ast.Mult: mul, ast.Div: _quotient}
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    **{name: methodcaller(name) for name in ("exp", "log", "sqrt", "sin", "cos", "atan", "erf")},
    "arctan": lambda u: u.atan(),
    "log1p": lambda u: (1 + u).log(),
    "tanh": lambda u: _by_slope(lambda t: t.tanh(), lambda y: 1 - y * y, u),
    "sigmoid": _sigmoid,
    "softplus": lambda u: _by_slope(lambda t: t.exp().log1p(), lambda _: _sigmoid(u), u),
    "relu": _relu,
    "abs": lambda u: _relu(u) + _relu(-u),
}
