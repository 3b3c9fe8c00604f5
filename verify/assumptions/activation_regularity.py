"""A1: the activations are smooth enough for the error to have bounded curvature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from verify.activations import Activation, Regularity, classify
from verify.activations.regularity import Kink
from verify.arithmetic.environment import certified_environment
from verify.budget import OverBudgetError, time_limit
from verify.outcomes import Finding, InputError, Verdict

if TYPE_CHECKING:
    from verify.architecture import Architecture

NEEDED_FOR = "monotone decrease: without a Lipschitz gradient there is no bound L"


@certified_environment(products=False)
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
            raise InputError(
                "a vertex that computes needs an activation",
                where=f"nodes.{name}",
                activation=None,
                remedy='use "identity" for a linear vertex',
            )
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
    try:
        with time_limit(None, f"the analysis of {activation.name}"):
            regularity = classify(activation)
    except OverBudgetError as error:
        return Finding(
            "A1", Verdict.UNDECIDED, f"vertex {name}: {error.reason}", numbers={"form": None}, remedy=error.remedy
        )
    numbers: dict[str, Any] = {
        "vertex": name,
        "activation": activation.name,
        "smoothness": activation.smoothness.value,
        "form": regularity.form,
        **{f"sup_g{order}": bound for order, bound in enumerate(regularity.bounds)},
    }
    if regularity.form is None:
        return _with_kink(name, activation, regularity, numbers)
    if regularity.form == "A1":
        bounded = ", ".join(f"|g{chr(39) * order}| <= {bound!r}" for order, bound in enumerate(regularity.bounds))
    else:
        bounded = "g' is locally Lipschitz, but g, g', g'' are not all proved bounded"
    statement = f"vertex {name}: {bounded} on R ({activation.name})"
    return Finding("A1", regularity.verdict, statement, numbers=numbers, needed_for=NEEDED_FOR)


def _with_kink(name: str, activation: Activation, regularity: Regularity, numbers: dict[str, Any]) -> Finding:
    kink = regularity.witness
    refuted = kink is not None and regularity.verdict is Verdict.REFUTED
    where = "" if kink is None else f" at z = {kink.point}"
    return Finding(
        id="A1",
        verdict=Verdict.REFUTED if refuted else Verdict.UNDECIDED,
        statement=f"vertex {name}: g' {'jumps' if refuted else 'may jump'}{where} ({activation.name})",
        numbers=numbers,
        arithmetic="Arb, on the exact formula",
        needed_for=NEEDED_FOR,
        counterexample=_replay(name, activation, kink) if kink is not None and refuted else None,
        remedy=f"at vertex {name}: {regularity.remedy}",
    )


def _replay(name: str, activation: Activation, kink: Kink) -> dict[str, Any]:
    slopes = [kink.left, kink.right]
    return {"vertex": name, "activation": activation.spec, "z": str(kink.point), "slopes": slopes}


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
