"""Normal form of finite sums over index ranges of symbolic length, with Kronecker deltas contracted."""

from __future__ import annotations

from collections.abc import Mapping

import sympy
from sympy import Add, Expr, KroneckerDelta, Mul, Sum, Symbol

Ranges = Mapping[Expr, tuple[Expr, Expr]]
Limits = tuple[tuple[Symbol, Expr, Expr], ...]


def contract(expression: Expr, ranges: Ranges) -> Expr:
    """Return a normal form: one flat sum per product, without the deltas that fix a summed index.

    ``sum over j = lower..upper of delta(j, e) f(j)`` becomes ``f(e)`` only where `ranges` says that e
    lies in lower..upper, the very range that j runs through; any other delta stays. Finite sums may be
    split and exchanged, so the normal form equals the expression for all lengths.

    Parameters
    ----------
    expression : Expr
        Sums of products of indexed symbols; every bound index has its own name.
    ranges : mapping
        What is known of free indices (or of expressions in them): ``{e: (lower, upper)}``.

    Examples
    --------
    >>> i, k = sympy.symbols("i k", integer=True)
    >>> n = sympy.Symbol("n", integer=True, positive=True)
    >>> h = sympy.IndexedBase("h")
    >>> total = Sum(h[i] ** 2, (i, 0, n - 1))
    >>> contract(sympy.diff(total, h[k]), {k: (0, n - 1)})
    2*h[k]
    >>> contract(sympy.diff(total, h[k]), {}) == 2 * h[k]
    False
    """
    return Add(*(_contract_product(limits, factor, ranges) for limits, factor in _flat_products(expression)))


def _flat_products(expression: Expr) -> list[tuple[Limits, Expr]]:
    if isinstance(expression, Sum):
        outer = tuple((limit[0], limit[1], limit[2]) for limit in expression.limits)
        return [(outer + inner, factor) for inner, factor in _flat_products(expression.function)]
    if isinstance(expression, Add):
        return [product for term in expression.args for product in _flat_products(term)]
    if isinstance(expression, Mul):
        products: list[tuple[Limits, Expr]] = [((), sympy.S.One)]
        for argument in expression.args:
            products = [
                (left_limits + limits, left * factor)
                for left_limits, left in products
                for limits, factor in _flat_products(argument)
            ]
        return products
    expanded = expression.expand()
    if expanded != expression:
        return _flat_products(expanded)
    return [((), expression)]


def _contract_product(limits: Limits, factor: Expr, ranges: Ranges) -> Expr:
    indices = [limit[0] for limit in limits]
    if len(set(indices)) != len(indices):
        raise ValueError(f"bound indices must have distinct names: {indices}")
    for delta in factor.atoms(KroneckerDelta) & set(Mul.make_args(factor)):
        for position, (index, lower, upper) in enumerate(limits):
            value = _solved_for(index, delta)
            if value is not None and ranges.get(value) == (lower, upper):
                rest = Mul(*(part for part in Mul.make_args(factor) if part != delta))
                remaining = limits[:position] + limits[position + 1 :]
                return _contract_product(remaining, rest.subs(index, value), ranges)
    return Sum(factor, *sorted(limits, key=lambda limit: limit[0].name)) if limits else factor


def _solved_for(index: Symbol, delta: KroneckerDelta) -> Expr | None:
    left, right = delta.args
    for one, other in ((left, right), (right, left)):
        difference = sympy.expand(other - (one - index))
        if index in one.free_symbols and index not in difference.free_symbols:
            return difference
    return None
