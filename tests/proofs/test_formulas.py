"""The formulas in the notes, in the package and in the Coq files agree, in exact rational arithmetic."""

from __future__ import annotations

import ast
import itertools
import math
import operator
from fractions import Fraction
from typing import Any

import pytest

from tests.proofs.coq_formulas import Formula, read_definitions
from verify.outcomes import Verdict
from verify.theorems.convergence import gradient_bound
from verify.theorems.direction_aware import decreases
from verify.theorems.horizon import horizon
from verify.theorems.ranges import RANGES
from verify.theorems.weight_decay import weight_decay

_BINARY = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_COMPARE = {ast.LtE: operator.le, ast.Lt: operator.lt}


def exact_sqrt(number: Fraction) -> Fraction:
    """Return the square root of the square of a rational number; there is no other."""
    root = Fraction(math.isqrt(number.numerator), math.isqrt(number.denominator))
    if root**2 != number:
        raise ValueError(f"the grid must keep square roots rational: number={number}")
    return root


_CALLS: dict[str, Any] = {"min": min, "abs": abs, "sqrt": exact_sqrt}


def evaluate(formula: str, **numbers: Fraction) -> Any:
    """Evaluate a note's formula: a whitelist of operations on fractions."""

    def value(node: ast.AST) -> Any:
        match node:
            case ast.Constant(value=int(number)):
                return Fraction(number)
            case ast.Name(id=name):
                return numbers[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -value(operand)
            case ast.BinOp(op=op, left=left, right=right):
                exponent = int(value(right)) if isinstance(op, ast.Pow) else value(right)
                return _BINARY[type(op)](value(left), exponent)
            case ast.Call(func=ast.Name(id=name), args=args):
                return _CALLS[name](*map(value, args))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return _COMPARE[type(op)](value(left), value(right))
        raise ValueError(f"not allowed in a formula: {ast.dump(node)}")

    return value(ast.parse(formula, mode="eval").body)


_COQ_CALLS = {"Rmin": min, "Rabs": abs, "sqrt": exact_sqrt, "INR": lambda number: number}


@pytest.fixture(scope="module")
def coq_value(proofs_folder):
    """Return a function that evaluates a term with the definitions of the Coq files."""
    definitions = read_definitions(*sorted((proofs_folder / "coq").glob("*.v")))
    return lambda term, **numbers: Formula(term, _COQ_CALLS | numbers, definitions).value


CURVATURES = [Fraction(1, 3), Fraction(1), Fraction(7, 2), Fraction(100)]
# L*eta of the form (s^2 - 1)/4, s rational, so that sqrt(1 + 4 L eta) is rational; all in (0, 2).
RATES = [(Fraction(s, 20) ** 2 - 1) / 4 for s in range(21, 60)]
SHARES = [Fraction(k, 24) for k in range(49)]
GRID = [(L, rate / L, share) for L, rate, share in itertools.product(CURVATURES, RATES, SHARES)]
# Rates at which the other theorems' square roots are rational: Pythagorean triples, and squares for 1 + L eta.
CIRCLE = [Fraction(p**2, p**2 + q**2) for p, q in itertools.product(range(1, 9), repeat=2) if math.gcd(p, q) == 1]
GRIDS = {
    "from_rest": CIRCLE,
    "restart": [2 * rate for rate in CIRCLE],
    "nesterov": [Fraction(s, 100) ** 2 - 1 for s in range(101, 142)],
}


def grid(name: str) -> list[tuple[Fraction, Fraction, Fraction]]:
    """Settings (L, eta, share of the momentum) at which the range of a theorem is rational."""
    if name not in GRIDS:
        return GRID
    return [(L, rate / L, share) for L, rate, share in itertools.product(CURVATURES, GRIDS[name], SHARES)]


def test_evaluation_refuses_what_is_not_listed():
    with pytest.raises((ValueError, KeyError)):
        evaluate("__import__('os')")
    with pytest.raises(ValueError, match="rational"):
        evaluate("sqrt(L)", L=Fraction(2))


def test_coq_terms_are_read_as_coq_reads_them(coq_value):
    a, b, c = Fraction(2), Fraction(3), Fraction(5)
    assert coq_value("- a - b - c", a=a, b=b, c=c) == -10
    assert coq_value("a / b / c * a", a=a, b=b, c=c) == Fraction(4, 15)
    assert coq_value("/ a * b ^ 2 - Rmin (- a) b", a=a, b=b) == Fraction(9, 2) + 2
    assert coq_value("sharp_gain 1 a 0 <= Rabs (1 - b)", a=a, b=b) is True
    for text in ("a b", "a +", "(a", "a ? b", "unknown a"):
        with pytest.raises((ValueError, KeyError, IndexError)):
            coq_value(text, a=a, b=b)


@pytest.mark.parametrize("name", sorted(RANGES))
@pytest.mark.parametrize("what", ["range", "gain"])
def test_coq_defines_what_the_note_says(name, what, notes, coq_value):
    momentum_name, formula = RANGES[name].momentum_name, notes[name].header[what]
    seen = set()
    for L, eta, share in grid(name)[::11]:
        momentum = share / 2 * (1 if momentum_name == "mu" else 1 / L)
        numbers = {"L": L, "eta": eta, momentum_name: momentum}
        found = coq_value(f"{name}_{what} L eta {momentum_name}", **numbers)
        assert found == evaluate(formula, **numbers)
        seen.add(found)
    assert len(seen) > 100 or seen == {True, False}


def test_coq_defines_the_other_formulas_of_the_notes(notes, coq_value):
    header = {name: notes[name].header.get("range", "") for name in ("direction_aware", "horizon", "weight_decay")}
    for L, eta, tau, gain in settings():
        for r in (Fraction(-1), Fraction(-1, 3), Fraction(0), Fraction(1)):
            numbers = {"L": L, "eta": eta, "tau": tau, "r": r}
            inside = coq_value("direction_aware_change L eta tau r <= 0", **numbers)
            assert inside == evaluate(header["direction_aware"], **numbers)
        start, K = Fraction(9, 4) * gain * 3 + 1, Fraction(3)
        edge = (eta + tau) * 3 * Fraction(3, 2)
        for rho in (edge, edge * (1 - Fraction(1, 10**12))):
            numbers = {"eta": eta, "tau": tau, "rho": rho, "start": start, "lowest": Fraction(1), "K": K}
            inside = coq_value("horizon_range L eta tau rho start lowest K", L=L, **numbers)
            assert inside == evaluate(header["horizon"], gain=gain, **numbers) == (rho == edge)
        for rho in (Fraction(3), Fraction(4)):
            numbers = {"start": Fraction(9, 16), "lam": Fraction(1, 8), "rho": rho}
            inside = coq_value("decay_radius lam start < rho", **numbers)
            assert inside == evaluate(header["weight_decay"], **numbers) == (rho == 4)


@pytest.mark.parametrize("name", sorted(RANGES))
def test_range(name, notes):
    """Also exactly on the edge, and just beyond it."""
    admissible, formula = RANGES[name], notes[name].header["range"]
    limit_formula = formula.removeprefix(f"{admissible.momentum_name} <= ")
    assert limit_formula != formula
    seen = set()
    for L, eta, share in grid(name):
        edge = evaluate(limit_formula, L=L, eta=eta)
        scale = 1 if admissible.momentum_name == "mu" else 1 / L
        for momentum in (share / 2 * scale, edge, edge + scale / 10**9):
            if momentum < 0 or (admissible.momentum_name == "mu" and momentum >= 1):
                continue
            inside = evaluate(formula, L=L, eta=eta, **{admissible.momentum_name: momentum})
            assert admissible.admits(L, eta, momentum) == inside
            seen.add(inside)
    assert seen == {True, False}


@pytest.mark.parametrize("name", sorted(RANGES))
def test_gain(name, notes):
    admissible, formula = RANGES[name], notes[name].header["gain"]
    for L, eta, share in grid(name):
        momentum = share / 2 if admissible.momentum_name == "mu" else share / 2 / L
        expected = evaluate(formula, L=L, eta=eta, **{admissible.momentum_name: momentum})
        assert admissible.exact_gain(L, eta, momentum) == expected


# Theorem `from_rest` gains outside its range too, where its induction fails; the gain of `nesterov` is without mu.
@pytest.mark.parametrize("name", sorted(set(RANGES) - {"from_rest", "nesterov"}))
def test_gain_is_not_negative_exactly_in_the_range(name, notes):
    header = notes[name].header
    momentum_name = RANGES[name].momentum_name
    for L, eta, share in grid(name):
        numbers = {"L": L, "eta": eta, momentum_name: share / 2 if momentum_name == "mu" else share / 2 / L}
        assert (evaluate(header["gain"], **numbers) >= 0) == evaluate(header["range"], **numbers)


def test_direction_aware(notes):
    formula = notes["direction_aware"].header["range"]
    seen = set()
    for L, eta, share in GRID[::7]:
        for r in (Fraction(-1), Fraction(-1, 3), Fraction(0), Fraction(2, 5), Fraction(1)):
            tau = share / L
            inside = evaluate(formula, L=L, eta=eta, r=r, tau=tau)
            assert (decreases(L, eta, tau, (r, r)) is Verdict.PROVED) == inside
            seen.add(inside)
    assert seen == {True, False}


def settings():
    """Settings (L, eta, tau, c) with a positive gain."""
    for L, eta, share in GRID[::13]:
        tau = share / 2 / L
        if RANGES["sharp"].admits(L, eta, tau):
            gain = RANGES["sharp"].exact_gain(L, eta, tau)
            if gain > 0:
                yield L, eta, tau, gain


@pytest.mark.parametrize("steps", [1, 3, 50])
def test_horizon(notes, steps):
    formula = notes["horizon"].header["range"]
    for L, eta, tau, gain in settings():
        start = Fraction(3, 2) ** 2 * gain * steps + 1  # keeps the square root rational
        edge = (eta + tau) * steps * Fraction(3, 2)
        for rho in (edge, edge * (1 - Fraction(1, 10**12)), edge * 2):
            inside = evaluate(
                formula, eta=eta, tau=tau, K=Fraction(steps), start=start, lowest=Fraction(1), gain=gain, rho=rho
            )
            said = horizon(L, start, Fraction(1), eta=eta, momentum=tau, radius=rho, steps=steps).verdict
            assert (said is Verdict.PROVED) == inside == (rho >= edge)


def test_weight_decay(notes):
    formula = notes["weight_decay"].header["range"]
    for (L, eta, tau, _), root in itertools.product(settings(), (Fraction(1, 3), Fraction(5))):
        lam = Fraction(1, 8)
        start = lam / 2 * root**2
        for rho in (root, root * (1 + Fraction(1, 10**12)), root / 2):
            inside = evaluate(formula, start=start, lam=lam, rho=rho)
            said = weight_decay(L, start, lam, eta=eta, momentum=tau, radius=rho).verdict
            assert (said is Verdict.PROVED) == inside == (rho > root)


def test_convergence(notes):
    """The printed float is the square root of the note's bound, rounded up to a neighbour."""
    formula = notes["convergence"].header["bound"]
    for L, eta, tau, gain in settings():
        bound = evaluate(formula, start=Fraction(5), lowest=Fraction(1), gain=gain, K=Fraction(7))
        printed = gradient_bound(L, Fraction(5), Fraction(1), eta=eta, momentum=tau, steps=7)
        assert Fraction(printed) ** 2 >= bound
        below = printed
        for _ in range(2):
            below = math.nextafter(below, 0.0)
        assert Fraction(below) ** 2 < bound
