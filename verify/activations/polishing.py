"""Short forms of derivatives: a node as sums of factored polynomials in the primitives below it.

The chain rule leaves sums of products such as ``-2 t (1 - t)(1 + t) + ...``; where the polynomial in the primitives
and ``x`` is small, sympy factors it and it is stored in Horner's form: the same function, with fewer roundings.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import sympy
from sympy.polys.rings import ring

from verify.activations.graph import ExpressionGraph

_MOST_TERMS = 40
_MOST_ATOMS = 6


class _TooLarge(Exception):  # noqa: N818 -- leads to "leave it as it is", not to an error
    pass


def polished(graph: ExpressionGraph, index: int) -> int:
    """Return a node of the same value in a shorter form; the node itself if the polynomial is large.

    Examples
    --------
    >>> graph = ExpressionGraph()
    >>> t = graph.call("tanh", graph.x)
    >>> square = graph.multiply(graph.add(t, graph.constant(1)), graph.add(t, graph.constant(1)))
    >>> graph.nodes[polished(graph, square)].operation
    'power'
    """
    inner = _inner_nodes(graph, index)
    atoms = sorted({a for i in inner for a in graph.nodes[i].operands if a not in inner} | ({index} - inner))
    if not inner or not 0 < len(atoms) <= _MOST_ATOMS:
        return index
    try:
        classes = _expanded(graph, index, inner, atoms)
    except _TooLarge:
        return index
    parts = [graph.multiply(graph.constant(base), _product(graph, polynomial, atoms)) for base, polynomial in classes]
    result = functools.reduce(graph.add, parts) if parts else graph.constant(0)
    return result if len(graph.needed([result])) <= len(graph.needed([index])) else index


def _inner_nodes(graph: ExpressionGraph, index: int) -> set[int]:
    """Sums, products, powers and constants that the node is made of, down to `x` and the primitives."""
    inner: set[int] = set()
    waiting = [index]
    while waiting:
        position = waiting.pop()
        node = graph.nodes[position]
        if position not in inner and node.operation in ("add", "multiply", "power", "constant"):
            inner.add(position)
            waiting.extend(node.operands)
    return inner


def _expanded(graph: ExpressionGraph, index: int, inner: set[int], atoms: list[int]) -> list[tuple[sympy.Expr, Any]]:
    """Return the node as a sum of ``base * polynomial`` with rational polynomials in the atoms."""
    irrational = [i for i in sorted(inner) if (c := graph.constant_of(i)) is not None and not c.is_Rational]
    if len(irrational) > _MOST_ATOMS:
        raise _TooLarge
    polynomials, *generators = ring([f"a{i}" for i in range(len(atoms) + len(irrational))], sympy.QQ)
    values = dict(zip([*atoms, *irrational], generators, strict=True))
    for position in sorted(inner - set(irrational)):
        operation, operands, data = graph.nodes[position]
        parts = [values[operand] for operand in operands]
        if operation == "constant":
            values[position] = polynomials(sympy.QQ.from_sympy(data))
        elif operation == "power":
            values[position] = functools.reduce(_limited_product, [parts[0]] * int(data))  # type: ignore[arg-type]
        else:
            values[position] = parts[0] + parts[1] if operation == "add" else _limited_product(*parts)
    constants = [graph.constant_of(i) for i in irrational]
    classes: list[tuple[sympy.Expr, Any]] = []
    for exponents, coefficient in values[index].terms():
        scale = sympy.Mul(*(c**e for c, e in zip(constants, exponents[len(atoms) :], strict=True)))
        term = polynomials({(*exponents[: len(atoms)], *[0] * len(irrational)): coefficient})
        for position, (base, polynomial) in enumerate(classes):
            ratio = sympy.simplify(scale / base)
            if ratio.is_Rational:
                classes[position] = (base, polynomial + term * sympy.QQ.from_sympy(ratio))
                break
        else:
            classes.append((scale, term))
    return [(base, polynomial) for base, polynomial in classes if polynomial]


def _limited_product(a: Any, b: Any) -> Any:
    if len(a) * len(b) > _MOST_TERMS**2:
        raise _TooLarge
    product = a * b
    if len(product) > _MOST_TERMS:
        raise _TooLarge
    return product


def _product(graph: ExpressionGraph, polynomial: Any, atoms: list[int]) -> int:
    coefficient, factors = polynomial.factor_list()
    ordered = sorted(factors, key=lambda factor: (len(factor[0]), factor[0].degree(), str(factor[0])))
    nodes = [graph.power(_horner(graph, dict(factor.terms()), atoms), power) for factor, power in ordered]
    product = functools.reduce(graph.multiply, nodes) if nodes else graph.constant(1)
    return graph.multiply(graph.constant(sympy.QQ.to_sympy(coefficient)), product)


def _horner(graph: ExpressionGraph, terms: dict[tuple[int, ...], Any], atoms: list[int]) -> int:
    """Return the node of a polynomial, nested in the atom of the highest degree."""
    highest = [max(exponents[i] for exponents in terms) for i in range(len(atoms))]
    main = highest.index(max(highest)) if highest else 0
    if not highest or highest[main] == 0:
        return graph.constant(sympy.QQ.to_sympy(sum(terms.values())))
    by_power: dict[int, dict[tuple[int, ...], Any]] = {}
    for exponents, coefficient in terms.items():
        rest = tuple(0 if i == main else e for i, e in enumerate(exponents))
        by_power.setdefault(exponents[main], {})[rest] = coefficient
    step = math.gcd(*by_power)
    variable = graph.power(atoms[main], step)
    result = _horner(graph, by_power[highest[main]], atoms)
    for power in range(highest[main] - step, -1, -step):
        result = graph.multiply(result, variable)
        if power in by_power:
            result = graph.add(result, _horner(graph, by_power[power], atoms))
    return result
