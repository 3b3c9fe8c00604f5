"""What the template shows of the evidence, as plain data; pictures are markup of our own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from verify.analysis.explain import shares_of
from verify.arithmetic.decimals import at_least, at_most
from verify.assumptions.question import region_words
from verify.outcomes import Finding, Verdict
from verify.reports.page.annex import commands, objectives
from verify.reports.page.charts import interval, plane
from verify.reports.page.charts import shares as picture_of_shares
from verify.reports.page.duties import duties_of
from verify.reports.page.glossary import TERMS
from verify.reports.page.network import Card, card_id, draw_network, has_skips
from verify.reports.page.run_charts import run_charts
from verify.reports.page.sketch import Sketch, samples_of, sketch_of
from verify.reports.page.words import answer_of
from verify.theorems.numbers import LEAST_CURVATURE
from verify.theorems.ranges import RANGES

if TYPE_CHECKING:
    from verify.calculus.objective import Objective
    from verify.reports.evidence import Evidence

_SHOWN_SHARES = 12
_SHOWN_MEMBERS = 200
_TITLES = {
    "A1": "The functions of the units are smooth enough",
    "A2": "How far the weights are known to stay in the region",
    "A3": "The error has finitely many places without slope",
    "A4": "Learning rate and momentum are small enough",
    "gradients": "Backpropagation computes the slope of the error",
    "gradient_check": "The program computes what the proof is about",
    "L": "The curvature of the error is bounded",
    "stays": "The step stays in the region",
}


@dataclass(frozen=True)
class Basis:
    """One thing that the answer rests on.

    Parameters
    ----------
    title : str
        Without symbols; empty where only the statement is known.
    status : str
        A verdict or AGREES.
    finding : Finding
    hypotheses : tuple of Basis
    """

    title: str
    status: str
    finding: Finding
    hypotheses: tuple[Basis, ...] = ()

    @property
    def counterexample(self) -> str | None:
        """What replays a refutation, as JSON."""
        return None if self.finding.counterexample is None else json.dumps(self.finding.counterexample, default=str)


def view_of(evidence: Evidence) -> dict[str, Any]:
    """Return the data of the template."""
    report, problem = evidence.answer, evidence.specification.problem
    sketch = sketch_of(evidence.specification)
    shares = _by_vertex(shares_of(report.curvature), sketch)
    picture, cards, folded = draw_network(sketch, shares)
    return {
        "name": report.name,
        "spec": str(evidence.specification.document.path),
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "answer": answer_of(evidence),
        "parts": _parts(evidence),
        "figures": _figures(evidence),
        "remedies": _remedies(evidence),
        "basis": _basis(evidence),
        "duties": duties_of(evidence),
        "network": {
            "picture": Markup(picture),
            "cards": [_card(index, card) for index, card in enumerate(cards)],
            "folded": folded.folded,
            "skips": has_skips(sketch, folded),
            "weights": problem.size,
            "vertices": len(sketch.vertices),
            "edges": len(sketch.edges),
        },
        "planes": _planes(evidence),
        "ranges": report.ranges,
        "any_direction": report.any_direction,
        "setting": evidence.specification.momentum,
        "curvature": report.curvature,
        "interval": _interval(evidence),
        "shares": _share_picture(shares),
        "run": evidence.run,
        "charts": run_charts(evidence.run, problem.region) if evidence.run and evidence.run.lines else (),
        "run_words": _run_words(evidence),
        "test": None if evidence.test is None else evidence.test.to_json(),
        "test_reason": evidence.test_reason,
        "test_shown": evidence.examples > 0 or evidence.test_reason is not None,
        "test_asked": evidence.examples > 0,
        "seed": evidence.seed,
        "certificates": evidence.certificates,
        "objectives": objectives(evidence),
        "commands": commands(evidence),
        "hashes": _hashes(evidence),
        "terms": TERMS,
        "region": "" if problem.region is None else region_words(problem.region),
        "error_rise": report.error_rise,
    }


def _parts(evidence: Evidence) -> list[tuple[str, str, str]]:
    """Return what the page holds: identifier of the section, name, status."""
    found = [("basis", "Answer", evidence.answer.verdict.value)]
    if evidence.examples:
        found.append(("test", "Test", "UNDECIDED" if evidence.test is None else evidence.test.verdict.value))
    found += [("certificates", f"Certificate ({each.kind})", each.verdict.value) for each in evidence.certificates]
    if evidence.run is not None:
        recorded = evidence.run.recheck is None and evidence.run.verdict is not Verdict.REFUTED
        found.append(("run", "Training run", "RECORDED" if recorded else evidence.run.verdict.value))
    return found


def _figures(evidence: Evidence) -> list[tuple[str, str, str]]:
    """Return the few numbers at the head of the page: name, value, what it means."""
    report, setting = evidence.answer, evidence.specification.momentum
    theorem = "sharp" if setting is None else setting.theorem
    row = next((each for each in report.ranges if each.theorem == theorem), None)
    found: list[tuple[str, str, str]] = []
    if row is not None and row.eta is not None and row.eta_max is not None:
        asked = "recommended" if setting is None else "asked"
        eta = at_most(row.eta) if setting is None else f"{row.eta:.4g}"
        found.append(("Learning rate", eta, f"{asked}; eta is proved up to {at_most(row.eta_max)}"))
        symbol = RANGES[theorem].momentum_name
        limit = row.mu_max if symbol == "mu" else row.tau_max
        value = f"0 to {at_most(limit)}" if setting is None and limit is not None else None
        if setting is not None:
            value = f"{setting.momentum:.4g}"
        if value is not None and limit is not None:
            words = f"{symbol}; proved up to {at_most(limit)} with this learning rate (theorem {theorem})"
            found.append(("Momentum", value, words if setting is not None else f"{symbol}, with this learning rate"))
    if report.curvature.value is not None:
        below = (
            "no attack" if report.curvature.attack is None else f"an attack reached {at_most(report.curvature.attack)}"
        )
        found.append(("Curvature", f"at most {at_least(report.curvature.value)}", f"L, proved; {below}"))
    problem = evidence.specification.problem
    found.append(("Network", f"{problem.size:,} weights", _samples(problem)))
    return found


def _samples(problem: Objective) -> str:
    count = samples_of(problem)
    return "its data are part of it" if count is None else f"{count:,} samples of data"


def _remedies(evidence: Evidence) -> list[tuple[str, str]]:
    """Return what to change where the answer is not PROVED."""
    report = evidence.answer
    if report.verdict is Verdict.PROVED:
        return []
    findings = [each for each in (*report.assumptions, report.gradients.proof) if each.counted]
    if report.gradients.comparison.verdict is Verdict.REFUTED:
        findings.append(report.gradients.comparison)
    counted = [each for each in findings if each.verdict is not Verdict.PROVED and each.remedy]
    return list(dict.fromkeys((each.id, str(each.remedy)) for each in counted))


def _basis(evidence: Evidence) -> list[Basis]:
    report = evidence.answer
    comparison = report.gradients.comparison
    agrees = comparison.numbers.get("outcome") == "AGREES"
    found = [_basis_of(finding) for finding in (*report.assumptions, report.gradients.proof)]
    return [*found, Basis(_TITLES["gradient_check"], "AGREES" if agrees else comparison.verdict.value, comparison)]


def _basis_of(finding: Finding) -> Basis:
    below = tuple(_basis_of(each) for each in finding.hypotheses)
    return Basis(_TITLES.get(finding.id, ""), finding.verdict.value, finding, below)


def _card(index: int, card: Card) -> dict[str, Any]:
    more = len(card.members) - _SHOWN_MEMBERS
    shown = ", ".join(card.members[:_SHOWN_MEMBERS]) + (f" and {more} more" if more > 0 else "")
    return {
        "id": card_id(index),
        "title": card.title,
        "rows": card.rows,
        "members": shown,
        "many": len(card.members) > 1,
    }


def _planes(evidence: Evidence) -> list[dict[str, Any]]:
    report, setting = evidence.answer, evidence.specification.momentum
    if report.curvature.value is None:
        return []
    L = max(report.curvature.value, LEAST_CURVATURE)
    order = ("mu", "tau") if setting is not None and setting.mu is not None else ("tau", "mu")
    found = []
    for momentum in order:
        picture, legend = plane(report.ranges, L, setting, momentum)
        found.append({"picture": Markup(picture), "legend": legend, "momentum": momentum})
    return found


def _interval(evidence: Evidence) -> Markup | None:
    curvature = evidence.answer.curvature
    return Markup(interval(curvature.attack, curvature.value)) if curvature.value else None


def _share_picture(shares: dict[str, float]) -> Markup | None:
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    shown = ranked[:_SHOWN_SHARES]
    if len(ranked) > len(shown):
        shown.append((f"{len(ranked) - len(shown)} others", sum(share for _, share in ranked[_SHOWN_SHARES:])))
    return Markup(picture_of_shares(shown)) if shown else None


def _by_vertex(shares: Iterable[dict[str, Any]], sketch: Sketch) -> dict[str, float]:
    """Return the shares of vertices; those of parameters, as ``h.weight``, are added up."""
    found: dict[str, float] = {}
    for each in shares:
        label = each["vertex"]
        owner = label if label in sketch.vertices else sketch.owners.get(label, label.rpartition(".")[0])
        found[owner] = found.get(owner, 0.0) + each["share"]
    return found


def _run_words(evidence: Evidence) -> list[tuple[str, str]]:
    run = evidence.run
    if run is None:
        return []
    counts = ", ".join(f"{count} {name}" for name, count in run.verdicts.items() if count) or "none"
    settings = ", ".join(f"{name} = {value}" for name, value in run.settings.items() if value is not None)
    decrease = "not proved" if not run.decrease > 0 else f"at least {at_most(run.decrease)}"
    return [
        ("steps", f"{len(run.lines)}; verdicts recorded: {counts}"),
        ("settings", settings),
        ("ended", run.stopped or "not yet: these are the steps up to its last checkpoint"),
        ("E at the last weights", f"at most {at_least(run.error_upper)}, proved here"),
        ("decrease from the first to the last weights", f"{decrease}, decided here"),
    ]


def _hashes(evidence: Evidence) -> list[tuple[str, str]]:
    found = list(evidence.hashes.items())
    if evidence.run is not None:
        found.append(("last weights of the run", evidence.run.weights_sha256))
    return found
