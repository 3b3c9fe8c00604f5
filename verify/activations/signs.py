"""Signs that an expression shows by its form alone, also where its infimum is zero: exp(x) is positive."""

from __future__ import annotations

import sympy


def always_positive(expression: sympy.Expr) -> bool:
    """Return whether the form proves that the expression is positive for all real x; False says nothing.

    Exponentials are positive, even powers and absolute values are at least zero, and sums and products of such are.

    Examples
    --------
    >>> from verify.activations.symbols import X
    >>> always_positive(1 + X**2 * sympy.exp(X)), always_positive(X**2), always_positive(1 + X)
    (True, False, False)
    """
    return _sign(expression) == _POSITIVE


_UNKNOWN, _AT_LEAST_ZERO, _POSITIVE = range(3)


def _sign(expression: sympy.Expr) -> int:
    if expression.is_Rational:
        return _POSITIVE if expression.p > 0 else _AT_LEAST_ZERO if expression.p == 0 else _UNKNOWN
    if isinstance(expression, sympy.exp) or expression in (sympy.pi, sympy.E):
        return _POSITIVE
    if isinstance(expression, sympy.Abs):
        return _AT_LEAST_ZERO
    if isinstance(expression, sympy.Add):
        signs = [_sign(part) for part in expression.args]
        return max(signs) if min(signs) > _UNKNOWN else _UNKNOWN
    if isinstance(expression, sympy.Mul):
        return min(_sign(part) for part in expression.args)
    if isinstance(expression, sympy.Max):
        return max(_sign(part) for part in expression.args)
    if isinstance(expression, sympy.Min):
        return min(_sign(part) for part in expression.args)
    if isinstance(expression, sympy.Pow) and expression.exp.is_Rational:
        base = _sign(expression.base)
        if base == _POSITIVE:
            return _POSITIVE
        is_even = expression.exp.is_Integer and expression.exp.p % 2 == 0 and expression.exp.p > 0
        return _AT_LEAST_ZERO if is_even else _UNKNOWN
    if isinstance(expression, sympy.log) and (inner := expression.args[0]).is_Add and sympy.S.One in inner.args:
        return _sign(inner - 1)  # log(1 + u) has the sign of u where u > -1
    return _UNKNOWN
