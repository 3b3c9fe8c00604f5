"""The rules are proved for all widths, wrong rules are not, and the normal form changes no value."""

from __future__ import annotations

import dataclasses

import pytest
import sympy
from sympy import IndexedBase, KroneckerDelta, Rational, Sum

from verify.calculus.symbolic import rules
from verify.calculus.symbolic.contraction import contract
from verify.calculus.symbolic.rules import RULES, rule_proved

i, j, k = sympy.symbols("i j k", integer=True)
n, m = sympy.symbols("n m", integer=True, positive=True)
f, g = IndexedBase("f"), IndexedBase("g")


@pytest.mark.parametrize("name", RULES)
def test_rule_is_proved(name):
    assert rule_proved(name)


def test_unknown_rule_is_not_proved():
    assert not rule_proved("dense")


WRONG = {
    "dense input": lambda: Sum(rules.theta[rules.i1, rules.o] * rules.dz[rules.s1, rules.o], rules.OUTPUTS),
    "dense parameter": lambda: Sum(rules.dz[rules.s, rules.i1] * rules.h[rules.s, rules.o1], rules.SAMPLES),
    "identity input": lambda: 2 * rules.dz[rules.s1, rules.i1],
    "concat input": lambda: rules.dz[rules.s1, rules.i1],
    "activation": lambda: rules.dh[rules.s1, rules.i1] * sympy.Function("g")(rules.z[rules.s1, rules.i1]),
    "bias unit": lambda: rules.dz[rules.s1, rules.o1],
    "bias channel": lambda: Sum(rules.dz[rules.s, rules.c1, rules.r, 0], rules.SPATIAL[0], rules.SAMPLES),
    "loss": lambda: 2 * rules.SCALE * (rules.h[rules.s1, rules.i1] - rules.target[rules.s1, rules.i1]),
    "weight decay": lambda: -rules.DECAY * rules.w[rules.p1],
    "linear input": lambda: Sum(rules.C[rules.i1, rules.o] * rules.dz[rules.s1, rules.o], rules.OUTPUTS),
    "bilinear parameter": lambda: Sum(
        rules.C[rules.o, rules.p1, rules.i] * rules.dz[rules.s, rules.o], rules.OUTPUTS, rules.INPUTS, rules.SAMPLES
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_formula_is_not_proved(name):
    assert not dataclasses.replace(RULES[name], formula=WRONG[name]).proved()


def test_delta_stays_where_the_range_is_unknown_or_another():
    total = Sum(KroneckerDelta(i, k) * f[i], (i, 0, n - 1))
    assert contract(total, {k: (0, n - 1)}) == f[k]
    assert contract(total, {}).has(KroneckerDelta)
    assert contract(total, {k: (0, m - 1)}).has(KroneckerDelta)
    assert contract(total, {k: (1, n - 1)}).has(KroneckerDelta)


def test_equal_bound_indices_are_refused():
    with pytest.raises(ValueError, match="distinct"):
        contract(Sum(f[i], (i, 0, n - 1)) * Sum(g[i], (i, 0, n - 1)), {})


@pytest.mark.parametrize("place", range(3))
def test_normal_form_keeps_the_value_for_given_lengths(place):
    inner = Sum(g[j] * KroneckerDelta(j, k) + f[j] * (f[i] + 1), (j, 0, m - 1))
    expression = Rational(1, 2) * Sum(f[i] * (inner - g[i]) ** 1 + KroneckerDelta(i, k) * g[i], (i, 0, n - 1))
    normal = contract(expression, {k: (0, m - 1)})
    lengths = {n: 4, m: 3, k: place}
    assert sympy.expand(normal.subs(lengths).doit() - expression.subs(lengths).doit()) == 0
    assert normal.atoms(KroneckerDelta) != expression.atoms(KroneckerDelta)
