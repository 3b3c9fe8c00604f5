"""A1: the activations are smooth enough for the error to have bounded curvature."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import sympy

from verify.activations import Activation, Smoothness, X
from verify.activations.arb_numbers import constant_ball
from verify.activations.pieces import split
from verify.arithmetic import arb
from verify.outcomes import Finding, InputError, Verdict

if TYPE_CHECKING:
    from verify.architecture import Architecture

NEEDED_FOR = "monotone decrease: without a Lipschitz gradient there is no bound L"
_JUMP_BITS = 200


def activation_regularity(architecture: Architecture) -> Finding:
    """Decide A1 for every vertex of a network.

    Form A1: g, g' and g'' exist and are bounded on R. Form A1': g' is locally Lipschitz (g twice continuously
    differentiable, or g'' bounded near the points where it jumps), which is enough where the weights are bounded.

    Parameters
    ----------
    architecture : Architecture

    Returns
    -------
    Finding
        ``"A1"``, with one hypothesis a vertex. PROVED in the form ``numbers["form"]``, the weaker one of the vertices';
        REFUTED where g' is proved to jump; UNDECIDED where a jump is possible.

    Examples
    --------
    >>> from verify.architecture import Architecture
    >>> nodes = {"x": {"width": 1}, "h": {"width": 2, "activation": "tanh", "inputs": ["x"]},
    ...          "y": {"width": 1, "activation": "softplus", "inputs": ["h"]}}
    >>> finding = activation_regularity(Architecture.from_data(nodes, "y"))
    >>> finding.verdict.value, finding.numbers["form"], finding.numbers["forms"]
    ('PROVED', "A1'", {'h': 'A1', 'y': "A1'"})
    """
    answers: dict[str, Finding] = {}
    for name in architecture.order:
        activation = architecture.vertices[name].activation
        if activation is None:
            raise InputError("a vertex that computes needs an activation", where=f"nodes.{name}")
        answers[name] = _vertex(name, activation)
    verdict = Verdict.weakest([answer.verdict for answer in answers.values()])
    forms = {name: answer.numbers["form"] for name, answer in answers.items()}
    numbers: dict[str, Any] = {"form": _weakest_form(list(forms.values())), "forms": forms}
    if verdict is Verdict.PROVED:
        return Finding("A1", verdict, _statement(forms), None, tuple(answers.values()), numbers, needed_for=NEEDED_FOR)
    failing = next(answer for answer in answers.values() if answer.verdict is verdict)
    return Finding(
        id="A1",
        verdict=verdict,
        statement=failing.statement,
        hypotheses=tuple(answers.values()),
        numbers=numbers,
        needed_for=NEEDED_FOR,
        counterexample=failing.counterexample,
        remedy=failing.remedy,
    )


def _vertex(name: str, activation: Activation) -> Finding:
    smoothness = activation.smoothness
    numbers: dict[str, Any] = {"vertex": name, "activation": activation.name, "smoothness": smoothness.value}
    if smoothness is Smoothness.C0:
        return _with_kinks(name, activation, numbers)
    suprema = [activation.supremum(order) for order in range(3)]
    twice = smoothness in (Smoothness.ANALYTIC, Smoothness.C2)
    form = "A1" if twice and all(math.isfinite(bound) for bound in suprema) else "A1'"
    numbers |= {"form": form, **{f"sup_g{order}": bound for order, bound in enumerate(suprema)}}
    if form == "A1":
        bounded = ", ".join(f"|g{chr(39) * order}| <= {bound!r}" for order, bound in enumerate(suprema))
    else:
        bounded = "g' is locally Lipschitz, but g, g', g'' are not all proved bounded"
    statement = f"vertex {name}: {bounded} on R ({activation.name})"
    return Finding("A1", Verdict.PROVED, statement, numbers=numbers, needed_for=NEEDED_FOR)


def _with_kinks(name: str, activation: Activation, numbers: dict[str, Any]) -> Finding:
    jump = _proved_jump(activation)
    remedy = f"replace {activation.name} at vertex {name} by a smooth activation such as softplus, silu or gelu"
    if jump is None:
        statement = f"vertex {name}: g' may jump ({activation.name})"
        return Finding(
            "A1", Verdict.UNDECIDED, statement, numbers=numbers | {"form": None}, needed_for=NEEDED_FOR, remedy=remedy
        )
    point, low, high = jump
    return Finding(
        id="A1",
        verdict=Verdict.REFUTED,
        statement=f"vertex {name}: g' jumps at z = {point} ({activation.name}), so it is not Lipschitz there",
        numbers=numbers | {"form": None},
        arithmetic="Arb, on the exact formula",
        needed_for=NEEDED_FOR,
        counterexample={
            "vertex": name,
            "activation": activation.spec,
            "z": str(point),
            "jump_of_derivative": [low, high],
        },
        remedy=remedy,
    )


def _proved_jump(activation: Activation) -> tuple[Fraction, float, float] | None:
    """Return a kink and bounds, without 0, of g'(kink+) - g'(kink-)."""
    pieces = split(activation.expression)
    for index, point in enumerate(pieces.breaks):
        difference = sympy.diff(pieces.formulas[index + 1] - pieces.formulas[index], X)
        with arb.precision(_JUMP_BITS):
            jump = constant_ball(difference.subs(X, sympy.Rational(point.numerator, point.denominator)))
            if not jump.contains(0):
                low, high = arb.bounds(jump)
                return point, float(low), float(high)
    return None


def _weakest_form(forms: list[str | None]) -> str | None:
    if None in forms:
        return None
    return "A1'" if "A1'" in forms else "A1"


def _statement(forms: dict[str, str | None]) -> str:
    relaxed = [name for name, form in forms.items() if form == "A1'"]
    if not relaxed:
        return "A1: every activation and its first two derivatives are bounded on R"
    shown = ", ".join(relaxed[:5]) + (", ..." if len(relaxed) > 5 else "")
    return f"A1': every g' is locally Lipschitz, enough on bounded weights (A2); not the form A1 at {shown}"
