"""Formulas of users: a whitelist over Python's syntax tree, nothing is ever evaluated.

A formula is made of ``x``, decimal numbers (read as exact rationals), ``+ - * /``, whole powers up to
`LARGEST_EXPONENT` and calls of the functions in `FUNCTIONS`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

import sympy

from verify.activations.pieces import affine
from verify.activations.symbols import PRIMITIVES, X
from verify.outcomes import InputError

LONGEST_FORMULA = 400
DEEPEST_FORMULA = 24
LARGEST_EXPONENT = 16
LONGEST_NUMBER = 24
_MOST_BITS = 2_000
_HIGHEST_POWER = 64
_ALLOWED_TEXT = re.compile(r"[a-zA-Z0-9_.+\-*/(), ]*")
_NUMBER = re.compile(r"\d{1,20}(\.\d{0,20})?|\.\d{1,20}")
_SCALED_NUMBER = re.compile(rf"({_NUMBER.pattern})([eE][+-]?\d{{1,2}})?")


def _primitive(name: str) -> Callable[..., sympy.Expr]:
    return lambda argument: PRIMITIVES[name].xreplace({X: argument})


FUNCTIONS: dict[str, tuple[int, Callable[..., sympy.Expr]]] = {
    **{name: (1, _primitive(name)) for name in ("exp", "log", "sqrt", "tanh", "sin", "cos", "atan", "erf")},
    **{name: (1, _primitive(name)) for name in ("sigmoid", "softplus", "relu")},
    "arctan": (1, sympy.atan),
    "log1p": (1, lambda argument: sympy.log(1 + argument)),
    "abs": (1, sympy.Abs),
    "max": (2, sympy.Max),
    "min": (2, sympy.Min),
}
"""Name, number of arguments and meaning of every function that a formula may call."""


@dataclass
class Formula:
    """A parsed formula and what must hold on the whole line for it to be defined.

    Parameters
    ----------
    expression : sympy.Expr
    nonzero, positive : list of (sympy.Expr, str)
        Divisors, and arguments of logarithms and square roots, each with its text.
    """

    expression: sympy.Expr
    nonzero: list[tuple[sympy.Expr, str]] = field(default_factory=list)
    positive: list[tuple[sympy.Expr, str]] = field(default_factory=list)


def parse_formula(text: str) -> Formula:
    """Read a formula.

    Parameters
    ----------
    text : str
        For example ``"x*tanh(log(1+exp(x)))"``.

    Returns
    -------
    Formula

    Raises
    ------
    InputError
        If the text is too long, too deep, or holds anything that is not on the list; names the position.

    Examples
    --------
    >>> parse_formula("0.1*x + x**3/3").expression
    x**3/3 + x/10
    >>> parse_formula("x.real")
    Traceback (most recent call last):
        ...
    verify.outcomes.InputError: position 2: attribute access is not allowed in a formula: text='x.real';
      a formula holds x, numbers, + - * / **, and calls of known functions
    """
    if not isinstance(text, str):
        raise InputError("a formula is a text", type=type(text).__name__, remedy='write for example expr = "x*tanh(x)"')
    if len(text) > LONGEST_FORMULA:
        raise InputError(
            "formula too long", length=len(text), longest=LONGEST_FORMULA, remedy="write a shorter formula"
        )
    readable = _ALLOWED_TEXT.match(text)
    end = readable.end() if readable else 0
    if end < len(text):
        raise InputError(
            "character not allowed in a formula", where=_position(end), character=text[end], remedy="leave it out"
        )
    body = text.strip()
    if not body:
        raise InputError("empty formula", remedy='write for example expr = "x*tanh(x)"', text=text)
    _check_nesting(text)
    offset = len(text) - len(text.lstrip())
    try:
        tree = ast.parse(body, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        column = getattr(error, "offset", None) or 1
        raise InputError(
            "formula cannot be read",
            where=_position(offset + column - 1),
            text=text,
            remedy='write for example expr = "x*tanh(x)"',
        ) from None
    reader = _Reader(body, offset)
    expression = reader.read(tree, 1)
    if expression.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.I):
        raise InputError(
            "formula is not defined for real x", text=text, remedy="use a formula that has a value at every x"
        )
    return Formula(expression, reader.nonzero, reader.positive)


def _position(index: int) -> str:
    return f"position {index + 1}"


def _check_nesting(text: str) -> None:
    depth = 0
    for index, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth > DEEPEST_FORMULA:
            raise InputError(
                "formula too deep", where=_position(index), deepest=DEEPEST_FORMULA, remedy="nest fewer functions"
            )


_PLAIN = "a formula holds x, numbers, + - * / **, and calls of known functions"


class _Reader:
    def __init__(self, text: str, offset: int) -> None:
        self.text = text
        self.offset = offset
        self.nonzero: list[tuple[sympy.Expr, str]] = []
        self.positive: list[tuple[sympy.Expr, str]] = []

    def read(self, node: ast.expr, depth: int) -> sympy.Expr:
        if depth > DEEPEST_FORMULA * 4:
            raise self.error("formula too deep", node, "nest fewer functions", deepest=DEEPEST_FORMULA)
        match node:
            case ast.Name(id="x"):
                return X
            case ast.Name(id=name):
                raise self.error("unknown name", node, "the variable is x", name=name)
            case ast.Constant():
                return self.number(node)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=inner):
                value = self.read(inner, depth + 1)
                return -value if isinstance(sign, ast.USub) else value
            case ast.BinOp(op=ast.Pow()):
                return self.power(self.read(node.left, depth + 1), self.exponent(node.right), node)
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() as operator):
                left, right = self.read(node.left, depth + 1), self.read(node.right, depth + 1)
                return self.combine(operator, left, right, node)
            case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
                return self.call(name, node, depth)
            case ast.Call():
                raise self.error("unknown function", node, "use one of those known", known=" ".join(FUNCTIONS))
            case ast.Attribute():
                raise self.error("attribute access is not allowed in a formula", node, _PLAIN, text=self.text)
        raise self.error("not allowed in a formula", node, _PLAIN, type=type(node).__name__)

    def power(self, base: sympy.Expr, exponent: int, node: ast.BinOp) -> sympy.Expr:
        sizes = [max(abs(int(number.p)), int(number.q)).bit_length() for number in base.atoms(sympy.Rational)]
        if max(sizes, default=0) * exponent > _MOST_BITS:
            raise self.error("number too large", node, "use a smaller power", text=self.source(node))
        result = base**exponent
        if any(inner.exp.is_Integer and abs(inner.exp) > _HIGHEST_POWER for inner in result.atoms(sympy.Pow)):
            raise self.error(
                "nested powers too high", node, "use smaller powers", text=self.source(node), largest=_HIGHEST_POWER
            )
        return result

    def combine(self, operator: ast.operator, left: sympy.Expr, right: sympy.Expr, node: ast.BinOp) -> sympy.Expr:
        if isinstance(operator, ast.Add):
            return left + right
        if isinstance(operator, ast.Sub):
            return left - right
        if isinstance(operator, ast.Mult):
            return left * right
        if right.is_zero:
            raise self.error("division by zero", node.right, "divide by something else", text=self.source(node))
        if not right.is_Number:
            self.nonzero.append((right, self.source(node.right)))
        return left / right

    def call(self, name: str, node: ast.Call, depth: int) -> sympy.Expr:
        count, function = FUNCTIONS[name]
        if node.keywords or len(node.args) != count:
            raise self.error(
                f"{name} takes {count} argument{'s' * (count > 1)}", node, f"give {count}", given=len(node.args)
            )
        arguments = [self.read(argument, depth + 1) for argument in node.args]
        needs_positive = {"log": arguments[0], "sqrt": arguments[0], "log1p": 1 + arguments[0]}
        if name in needs_positive:
            self.positive.append((needs_positive[name], self.source(node)))
        if name in ("relu", "abs", "max", "min"):
            difference = arguments[0] - arguments[1] if count == 2 else arguments[0]
            if affine(difference) is None:
                raise self.error(
                    "the sign of the argument, or of the difference, is only decided for linear functions of x",
                    node,
                    "use a smooth function such as tanh or softplus",
                    text=self.source(node),
                )
        return function(*arguments)

    def number(self, node: ast.Constant) -> sympy.Rational:
        text = self.source(node)
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.error("not a number", node, "write a decimal number", text=text)
        if len(text) > LONGEST_NUMBER or not _SCALED_NUMBER.fullmatch(text):
            raise self.error("number not readable", node, "write a decimal number of at most 20 digits", text=text)
        value = Fraction(text)
        return sympy.Rational(value.numerator, value.denominator)

    def exponent(self, node: ast.expr) -> int:
        if isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
            if node.value <= LARGEST_EXPONENT:
                return node.value
            raise self.error("exponent too large", node, "use a smaller one", largest=LARGEST_EXPONENT)
        raise self.error(
            "an exponent must be a whole number",
            node,
            "for u > 0 write exp(a*log(u)) or sqrt(u)",
            text=self.source(node),
        )

    def source(self, node: ast.expr) -> str:
        return self.text[node.col_offset : node.end_col_offset]

    def error(self, what: str, node: ast.expr, remedy: str, **values: object) -> InputError:
        start = node.col_offset
        if isinstance(node, ast.Attribute):
            start = (node.end_col_offset or 0) - len(node.attr) - 1
        return InputError(what, where=_position(self.offset + start), remedy=remedy, **values)
