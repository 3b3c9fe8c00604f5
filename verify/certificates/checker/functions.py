"""Activation functions in Arb: value and derivatives over a ball, by truncated power series."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import flint
from flint import arb, arb_series

from verify.outcomes import InputError

BUILTIN_FORMULAS = {
    "tanh": "tanh(x)",
    "sigmoid": "sigmoid(x)",
    "softplus": "softplus(x)",
    "arctan": "atan(x)",
    "erf": "erf(x)",
    "gelu": "x*(1+erf(x/sqrt(2)))/2",
    "silu": "x*sigmoid(x)",
    "sin": "sin(x)",
    "identity": "x",
    "relu": "relu(x)",
    "leaky_relu": "relu(x)-relu(-x)/100",
}
_KINKED = re.compile(r"relu|abs|max|min")
_READABLE = re.compile(r"[a-zA-Z0-9_.+\-*/(), ]{1,400}")
_NUMBER = re.compile(r"([0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][+-]?[0-9]{1,2})?")
_PIECES, _HALVINGS, _TIGHT = 4, 150, arb(33) / 32


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
            raise InputError("unknown activation", where=where, activation=spec)
        self._text, self._where = formula.strip(), where
        self.is_smooth = not _KINKED.search(formula)
        try:
            self._tree = ast.parse(self._text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise InputError("formula cannot be read", where=where, formula=formula) from None
        self._series(self._tree, arb_series([arb(1), 1], 1))

    def derivatives(self, x: Any, order: int) -> list[Any]:
        """Return balls that contain g(t), g'(t), ..., g^(order)(t) for every t in the ball x; nan where undefined."""
        series = self._series(self._tree, arb_series([x, 1], order + 1))
        factor, result = 1, []
        for k in range(order + 1):
            factor *= max(k, 1)
            result.append(series[k] * factor)
        return result

    def suprema(self, lower: Any, upper: Any, order: int) -> list[Any]:
        """Upper bounds of |g|, ..., |g^(order)| on [lower, upper]: pieces are halved while they are loose."""
        attained = [arb(0)] * (order + 1)

        def piece(a: Any, b: Any) -> tuple[Any, Any, list[Any]]:
            at = self.derivatives(((a + b) / 2).mid(), order)
            attained[:] = [
                old.max(abs(d).lower()) if d.is_finite() else old for old, d in zip(attained, at, strict=True)
            ]
            bounds = [abs(d).upper() for d in self.derivatives(a.union(b), order)]
            return a, b, [bound if bound.is_finite() else arb("inf") for bound in bounds]

        ends = [lower + (upper - lower) * k / _PIECES for k in range(_PIECES)] + [upper]
        pieces = [piece(a, b) for a, b in pairwise(ends)]
        for _ in range(_HALVINGS):
            worst = [max(range(len(pieces)), key=lambda i: pieces[i][2][k].mid()) for k in range(order + 1)]
            loose = {i for k, i in enumerate(worst) if not pieces[i][2][k] <= _TIGHT * attained[k]}
            if not loose:
                break
            for index in loose:
                a, b, _ = pieces[index]
                middle = ((a + b) / 2).mid()
                pieces[index] = piece(a, middle)
                pieces.append(piece(middle, b))
        return [largest([bounds[k] for _, _, bounds in pieces]) for k in range(order + 1)]

    def _series(self, node: ast.AST, x: Any) -> Any:
        match node:
            case ast.Name(id="x"):
                return x
            case ast.Constant():
                text = ast.get_source_segment(self._text, node) or ""
                if _NUMBER.fullmatch(text):
                    return arb_series([rational(Fraction(text))], x.prec)
            case ast.UnaryOp(op=ast.USub()):
                return -self._series(node.operand, x)
            case ast.UnaryOp(op=ast.UAdd()):
                return self._series(node.operand, x)
            case ast.BinOp(op=ast.Pow(), right=ast.Constant(value=int() as power)) if 1 <= power <= 16:
                base = result = self._series(node.left, x)
                for _ in range(power - 1):
                    result = result * base
                return result
            case ast.BinOp(op=operation) if type(operation) in _BINARY:
                return _BINARY[type(operation)](self._series(node.left, x), self._series(node.right, x))
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
                return _FUNCTIONS[name](self._series(argument, x))
            case ast.Call(func=ast.Name(id="max" | "min" as name), args=[first, second], keywords=[]):
                a, b = self._series(first, x), self._series(second, x)
                return a + _relu(b - a) if name == "max" else a - _relu(a - b)
        raise InputError("formula uses something unknown", where=self._where, formula=self._text)


def largest(values: list[Any]) -> Any:
    """Largest upper end of some balls, all of which must be finite; 0 if there are none."""
    result = values[0].upper() if values else arb(0)
    for value in values:
        if not value.is_finite():
            raise InputError("a bound is not finite", value=str(value))
        result = result.max(value.upper()).upper()
    return result


def _quotient(a: Any, b: Any) -> Any:
    return arb_series([arb("nan")] * b.prec, b.prec) if b[0].contains(0) else a / b


def _by_slope(value: Callable[[Any], Any], slope: Callable[[Any], Any], u: Any) -> Any:
    """Series of y = f(u), f increasing and f' = slope(y): each round of integration adds a correct term."""
    start = arb_series([value(u[0].lower()).union(value(u[0].upper()))], u.prec)
    y = start
    for _ in range(u.prec - 1):
        y = (slope(y) * u.derivative()).integral() + start
    return y


def _sigmoid(u: Any) -> Any:
    return _by_slope(lambda t: 1 / (1 + (-t).exp()), lambda y: y * (1 - y), u)


def _relu(u: Any) -> Any:
    if u[0] > 0 or u[0] < 0:
        return u if u[0] > 0 else arb_series([0], u.prec)
    if u.prec > 1:
        raise InputError("no derivative at the kink of an activation", value=str(u[0]))
    return arb_series([u[0].lower().max(arb(0)).union(u[0].upper().max(arb(0)))], 1)


_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: _quotient,
}
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "exp": lambda u: u.exp(),
    "log": lambda u: u.log(),
    "log1p": lambda u: (1 + u).log(),
    "sqrt": lambda u: u.sqrt(),
    "sin": lambda u: u.sin(),
    "cos": lambda u: u.cos(),
    "atan": lambda u: u.atan(),
    "arctan": lambda u: u.atan(),
    "erf": lambda u: u.erf(),
    "tanh": lambda u: _by_slope(lambda t: t.tanh(), lambda y: 1 - y * y, u),
    "sigmoid": _sigmoid,
    "softplus": lambda u: _by_slope(lambda t: t.exp().log1p(), lambda _: _sigmoid(u), u),
    "relu": _relu,
    "abs": lambda u: _relu(u) + _relu(-u),
}
