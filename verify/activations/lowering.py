"""From sympy expressions to graphs, and the derivatives of the primitives as sympy gives them."""

from __future__ import annotations

import functools
from collections.abc import Callable

import sympy

from verify.activations.graph import ExpressionGraph
from verify.activations.signs import always_positive
from verify.activations.symbols import PRIMITIVES, X
from verify.outcomes import InputError

_SYMPY_NAMES: dict[type, str] = {
    type(PRIMITIVES[name]): name for name in ("exp", "log", "sin", "cos", "atan", "erf", "tanh", "step")
}
_VALUE = sympy.Symbol("value", real=True)


def lower(graph: ExpressionGraph, expression: sympy.Expr, at: int | None = None, value: int | None = None) -> int:
    """Return the node of an expression.

    Parameters
    ----------
    graph : ExpressionGraph
        Where the nodes go.
    expression : sympy.Expr
        In the variable `X`.
    at : int, optional
        The node that stands for `X`; default: the variable.
    value : int, optional
        The node that stands for the function's own value in a derivative.

    Raises
    ------
    InputError
        If the expression holds something else than the primitives.

    Notes
    -----
    ``1/(1+exp(u))`` and ``log(1+exp(u))`` become the primitives sigmoid and softplus, which do not overflow; ``u**v``
    with v neither whole nor half becomes ``exp(v*log(u))``, which is what formulas
    write for u > 0, and ``log(u**a)`` becomes ``a*log(u)``.

    Examples
    --------
    >>> graph = ExpressionGraph()
    >>> graph.nodes[lower(graph, 1 / (1 + sympy.exp(-X)))].operation
    'sigmoid'
    """
    here = graph.x if at is None else at

    def visit(part: sympy.Expr) -> int:
        if part == X:
            return here
        if part == _VALUE and value is not None:
            return value
        if not part.free_symbols:
            return graph.constant(part)
        if isinstance(part, sympy.Add):
            return functools.reduce(graph.add, map(visit, part.args))
        if isinstance(part, sympy.Mul):
            return functools.reduce(graph.multiply, map(visit, part.args))
        if isinstance(part, sympy.Pow):
            return _power(graph, visit, part)
        if isinstance(part, sympy.Max | sympy.Min):
            sign = 1 if isinstance(part, sympy.Max) else -1
            return functools.reduce(lambda a, b: _maximum(graph, a, b, sign), map(visit, part.args))
        if isinstance(part, sympy.Abs):
            inner = visit(part.args[0])
            return _maximum(graph, inner, graph.multiply(graph.constant(-1), inner), 1)
        if isinstance(part, sympy.log) and (exponent := _one_plus_exponential(part.args[0])) is not None:
            return graph.call("softplus", visit(exponent))
        if isinstance(part, sympy.log) and (power := _power_of_positive(part.args[0])) is not None:
            return graph.multiply(graph.constant(power[1]), visit(sympy.log(power[0], evaluate=False)))
        if type(part) in _SYMPY_NAMES:
            return graph.call(_SYMPY_NAMES[type(part)], visit(part.args[0]))
        raise InputError(
            "formula holds something that is not supported",
            part=str(part),
            type=type(part).__name__,
            remedy="use the functions and operators that formulas may hold",
        )

    return visit(expression)


def _power(graph: ExpressionGraph, visit: Callable[[sympy.Expr], int], part: sympy.Pow) -> int:
    base, exponent = part.args
    if exponent.is_Integer:
        inner = _one_plus_exponential(base) if exponent < 0 else None
        if inner is not None:
            return graph.power(graph.call("sigmoid", visit(-inner)), -int(exponent))
        return graph.power(visit(base), int(exponent))
    if exponent.is_Rational and exponent.q == 2:
        return graph.power(graph.call("sqrt", visit(base)), int(exponent.p))
    logarithm = visit(sympy.log(base, evaluate=False))
    return graph.call("exp", graph.multiply(visit(exponent), logarithm))


def _maximum(graph: ExpressionGraph, a: int, b: int, sign: int) -> int:
    """Node of max(a, b) (sign 1) or min(a, b) (sign -1), as ``b ± relu(±(a - b))``."""
    if graph.is_zero(a):
        a, b = b, a
    difference = graph.add(a, graph.multiply(graph.constant(-1), b))
    rest = graph.call("relu", graph.multiply(graph.constant(sign), difference))
    return graph.add(b, graph.multiply(graph.constant(sign), rest))


def _one_plus_exponential(expression: sympy.Expr) -> sympy.Expr | None:
    """Return ``u`` if the expression is ``1 + exp(u)``."""
    if isinstance(expression, sympy.Add) and len(expression.args) == 2 and sympy.S.One in expression.args:
        other = expression - 1
        if isinstance(other, sympy.exp):
            return other.args[0]
    return None


def _power_of_positive(expression: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr] | None:
    """Return u and a if the expression is ``u**a`` with u positive for all x and a constant a."""
    if isinstance(expression, sympy.Pow) and not expression.exp.free_symbols and always_positive(expression.base):
        return expression.base, expression.exp
    return None


@functools.cache
def derivative_rule(primitive: str) -> sympy.Expr:
    """Return the derivative of a primitive, in `X` and, where that is simpler, in its own value.

    The exponential is eliminated from those of sigmoid and softplus: with ``s = 1/(1 + exp(-x))``,
    ``exp(-x) = 1/s - 1`` and ``exp(x) = s/(1 - s)``.

    Examples
    --------
    >>> derivative_rule("sigmoid"), derivative_rule("tanh")
    (-value*(value - 1), -(value - 1)*(value + 1))
    """
    if primitive == "step":
        return sympy.S.Zero
    slope = sympy.diff(PRIMITIVES[primitive], X)
    if primitive == "sigmoid":
        slope = slope.subs(sympy.exp(-X), 1 / _VALUE - 1)
    if primitive == "softplus":
        slope = sympy.cancel(slope.subs(sympy.exp(X), _VALUE / (1 - _VALUE)))
        return slope.subs(_VALUE, PRIMITIVES["sigmoid"])
    slope = slope.subs(PRIMITIVES[primitive], _VALUE)
    if slope.free_symbols == {_VALUE}:
        slope = sympy.factor(sympy.cancel(slope))
    return slope


def differentiate(graph: ExpressionGraph, index: int) -> int:
    """Return the node of the derivative by x."""
    return graph.derivative(
        index, lambda g, primitive, a: lower(g, derivative_rule(primitive), at=a, value=g.call(primitive, a))
    )


def expression_of(graph: ExpressionGraph, index: int) -> sympy.Expr:
    """Return the expression that a node stands for.

    Examples
    --------
    >>> graph = ExpressionGraph()
    >>> expression_of(graph, differentiate(graph, lower(graph, sympy.sin(X))))
    cos(x)
    """
    found: dict[int, sympy.Expr] = {}
    for position in graph.needed([index]):
        operation, operands, data = graph.nodes[position]
        parts = [found[operand] for operand in operands]
        if operation == "x":
            found[position] = X
        elif operation == "constant":
            found[position] = data
        elif operation == "add":
            found[position] = parts[0] + parts[1]
        elif operation == "multiply":
            found[position] = parts[0] * parts[1]
        elif operation == "power":
            found[position] = parts[0] ** data
        else:
            found[position] = PRIMITIVES[operation].xreplace({X: parts[0]})
    return found[index]
