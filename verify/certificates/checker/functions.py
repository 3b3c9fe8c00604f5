"""Activation functions in Arb: value and derivatives over a ball, by truncated power series."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from fractions import Fraction
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
_KINKED = {"relu", "abs", "max", "min"}
_READABLE = re.compile(r"[a-zA-Z0-9_.+\-*/(), ]{1,400}")
_NUMBER = re.compile(r"([0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][+-]?[0-9]{1,2})?")


def rational(value: Fraction | float) -> Any:
    """Return an Arb number that contains the exact value."""
    fraction = Fraction(value)
    return arb(flint.fmpq(fraction.numerator, fraction.denominator))


class Function:
    """An activation function given by name or by a formula in x."""

    def __init__(self, spec: Any, where: str) -> None:
        formula = spec.get("expr") if isinstance(spec, dict) and set(spec) == {"expr"} else None
        if isinstance(spec, str):
            formula = BUILTIN_FORMULAS.get(spec)
        if not isinstance(formula, str) or not _READABLE.fullmatch(formula):
            raise InputError("unknown activation", where=where, activation=spec)
        self._text, self._where = formula.strip(), where
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

    def is_smooth(self) -> bool:
        """Whether every function of the formula is analytic where it is defined."""
        return not any(isinstance(node, ast.Name) and node.id in _KINKED for node in ast.walk(self._tree))

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


def _quotient(a: Any, b: Any) -> Any:
    return arb_series([arb("nan")] * b.prec, b.prec) if b[0].contains(0) else a / b


def _by_slope(value: Any, slope: Callable[[Any], Any], u: Any) -> Any:
    """Series of y = f(u) from f(u_0) and f' = slope(y): each round of integration adds a correct term."""
    y = arb_series([value], u.prec)
    for _ in range(u.prec - 1):
        y = (slope(y) * u.derivative()).integral() + arb_series([value], u.prec)
    return y


def _increasing(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Tight image of a ball under an increasing function."""
    return lambda ball: function(ball.lower()).union(function(ball.upper()))


def _tanh(u: Any) -> Any:
    return _by_slope(_increasing(lambda t: t.tanh())(u[0]), lambda y: 1 - y * y, u)


def _sigmoid(u: Any) -> Any:
    return _by_slope(_increasing(lambda t: 1 / (1 + (-t).exp()))(u[0]), lambda y: y * (1 - y), u)


def _softplus(u: Any) -> Any:
    start = arb_series([_increasing(lambda t: t.exp().log1p())(u[0])], u.prec)
    return start if u.prec == 1 else (_sigmoid(u) * u.derivative()).integral() + start


def _relu(u: Any) -> Any:
    if u[0] > 0:
        return u
    if u[0] < 0:
        return arb_series([0], u.prec)
    if u.prec > 1:
        raise InputError("no derivative at the kink of an activation", value=str(u[0]))
    return arb_series([_increasing(lambda t: t.max(arb(0)))(u[0])], 1)


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
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "relu": _relu,
    "abs": lambda u: _relu(u) + _relu(-u),
}

_TIGHT = arb(257) / 256
_SAMPLES = 32
_SMALLEST_PIECE = arb(2) ** -60


def derivative_suprema(function: Function, lower: Any, upper: Any, order: int, pieces: int = 4000) -> list[Any]:
    """Return upper bounds of |g^(k)| on [lower, upper], k = 0..order, by bisection.

    Raises
    ------
    InputError
        If no finite bound is found within the number of pieces.
    """
    bounds, attained = [arb(0)] * (order + 1), [arb(0)] * (order + 1)

    def sample(point: Any) -> None:
        here = [abs(d).lower() for d in function.derivatives(point, order)]
        attained[:] = [old.max(new) if new.is_finite() else old for old, new in zip(attained, here, strict=True)]

    for step in range(_SAMPLES + 1):
        sample((lower + (upper - lower) * step / _SAMPLES).mid())
    waiting = [(lower, upper)]
    for _ in range(pieces):
        a, b = waiting.pop()
        over = [abs(d).upper() for d in function.derivatives(a.union(b), order)]
        tight = all(o <= s * _TIGHT or o <= c for o, s, c in zip(over, attained, bounds, strict=True))
        if all(o.is_finite() for o in over) and (tight or b - a < _SMALLEST_PIECE):
            bounds = [c.max(o) for c, o in zip(bounds, over, strict=True)]
            if not waiting:
                return bounds
        else:
            middle = ((a + b) / 2).mid()
            sample(middle)
            waiting += [(a, middle), (middle, b)]
    raise InputError("no bound of the derivatives found", interval=f"[{lower}, {upper}]", order=order)
