"""The answer in sentences: what it is, in plain words, and what it does not say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from verify.analysis.check import GRADIENTS
from verify.assumptions.gradients import GIVEN
from verify.assumptions.question import ERROR, region_words
from verify.outcomes import Verdict
from verify.reports.page.sketch import samples_of

if TYPE_CHECKING:
    from verify.analysis.check import CheckReport
    from verify.reports.evidence import Evidence

_QUESTION = re.compile(r"(?P<ahead>(?:[a-z ]+, )*)does (?P<steps>.+) decrease (?P<what>.+)\?", re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """The answer at the head of the page.

    Parameters
    ----------
    verdict : Verdict
    sentence : str
    plain : tuple of str
        The same without mathematics.
    limits : tuple of str
        What it does not say.
    """

    verdict: Verdict
    sentence: str
    plain: tuple[str, ...]
    limits: tuple[str, ...]


def answer_of(evidence: Evidence) -> Answer:
    """Return the answer in words."""
    report = evidence.answer
    return Answer(report.verdict, sentence_of(report), _plain(evidence), _limits(evidence))


def sentence_of(report: CheckReport) -> str:
    """Return the answer as one sentence that claims what was decided and no more.

    A refuted assumption refutes that the theorems apply; only a refuted A4 comes with a step that increases the error.
    """
    found = _QUESTION.fullmatch(report.question)
    if found is None:
        return f"{report.question} {report.verdict.value}."
    steps, what = found["steps"], found["what"]
    claim = f"{found['ahead']}{steps} decreases {what}"
    if report.verdict is Verdict.PROVED:
        return f"{claim[0].upper()}{claim[1:]}."
    if report.verdict is Verdict.UNDECIDED:
        return f"It is not decided whether {claim}. Open: {', '.join(_open(report))}."
    refuted = _refuted(report)
    if "A4" in refuted:
        return f"Not every step decreases {what}: one with this setting, inside the region, is proved to increase it."
    is_refuted = "is refuted, and the proof needs it" if len(refuted) == 1 else "are refuted, and the proof needs them"
    return f"It is not shown that {claim}: {' and '.join(refuted)} {is_refuted}."


def _refuted(report: CheckReport) -> list[str]:
    names = [each.id for each in report.assumptions if each.counted and each.verdict is Verdict.REFUTED]
    gradients = [GRADIENTS] if report.gradients.verdict is Verdict.REFUTED else []
    return names + [f"that {name}" for name in gradients]


def _open(report: CheckReport) -> list[str]:
    names = [each.id for each in report.assumptions if each.counted and each.verdict is Verdict.UNDECIDED]
    return names + ([f"whether {GRADIENTS}"] if report.gradients.verdict is Verdict.UNDECIDED else [])


def _plain(evidence: Evidence) -> tuple[str, ...]:
    problem, asked_of = evidence.specification.problem, evidence.specification.asked
    samples = samples_of(problem)
    given = "data" if samples is None else "1 sample" if samples == 1 else f"{samples:,} samples"
    opening = (
        f"Training changes the {problem.size:,} weights of this network in many small steps, so that its "
        f"error on the {given} given becomes smaller. A step that is too long, or that momentum "
        "carries too far, makes the error larger instead."
    )
    if asked_of is None:
        asked = "The question is which learning rates and momentum sizes rule that out."
    else:
        asked = f"The question is whether that can happen with {asked_of.words}."
    return opening, f"{asked} {_plain_answer(evidence)}"


def _plain_answer(evidence: Evidence) -> str:
    report = evidence.answer
    region = evidence.specification.problem.region
    where = "in the region" if region is None else region_words(region)
    setting = evidence.specification.momentum
    if report.verdict is Verdict.PROVED:
        if setting is None:
            return (
                f"For those listed below it is ruled out for every step that stays {where}. This is proved, not tried."
            )
        if f"decrease {ERROR}?" not in report.question:
            return (
                "What is proved to decrease is the error plus a term for the speed of the weights, which together run "
                f"down like a ball in a bowl, for the steps that stay {where}. The error alone may rise in between."
            )
        lasting = " Which steps are proved to stay there is said above." if "first" in report.question else ""
        lasting = lasting or (" No step leaves it." if "for ever" in report.question else "")
        return f"It cannot, for steps that stay {where}. This is proved, not tried.{lasting}"
    if report.verdict is Verdict.UNDECIDED:
        return "This page does not settle it. It is neither a yes nor a no; what would settle it stands below."
    if "A4" in _refuted(report):
        return "It can: a step that does so was found, and stands below so that it can be repeated."
    return "This cannot be answered for the network as it is; what to change stands below."


def stays_for_ever(report: CheckReport) -> bool:
    """Whether every step, however late, is proved to stay in the region."""
    lasting = {row.theorem: row for row in report.ranges if row.verdict is Verdict.PROVED}
    steps = lasting["horizon"].numbers.get("steps", 0) if "horizon" in lasting else 0
    bounded = next(each for each in report.assumptions if each.id == "A2")
    return bounded.verdict is Verdict.PROVED and ("weight_decay" in lasting or steps is None)


def _limits(evidence: Evidence) -> tuple[str, ...]:
    report, samples = evidence.answer, samples_of(evidence.specification.problem)
    found: list[str] = []
    if GIVEN in report.question:
        found.append(
            "All of it holds if the gradient is exact: the rule of an operation of this network is too large to be "
            "proved; it was compared at some points."
        )
    if not stays_for_ever(report):
        found.append(
            "Nothing is said of steps that leave the region. That the weights stay in it is an assumption (A2), "
            "but for the steps that the answer names."
        )
    if evidence.specification.momentum is not None and evidence.specification.momentum.mu is not None:
        found.append("The error itself may rise from one step to the next: what decreases is the energy V.")
    found += [
        f"It is about all {'data' if samples is None else f'{samples:,} samples'} at once. Training on parts of them "
        "(mini-batches) is another matter.",
        "It is about these data. How well the network does on others (generalisation) is not examined.",
        "A smaller error is not the smallest: that training reaches the best weights is not claimed.",
        "Steps are those of exact arithmetic. For the rounded steps that a computer takes, the decrease is decided "
        "where they are taken: in a run or in the property test.",
    ]
    if evidence.test is not None:
        found.append("The property test samples: its verdict is about the steps it took.")
    return tuple(found)
