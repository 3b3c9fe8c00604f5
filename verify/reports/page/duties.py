"""The three duties of whoever trains with these theorems, and how far this evidence fulfils each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from verify.arithmetic.decimals import at_most
from verify.outcomes import Verdict
from verify.reports.page.words import stays_for_ever

if TYPE_CHECKING:
    from verify.reports.evidence import Evidence
    from verify.reports.run_evidence import RunEvidence


@dataclass(frozen=True)
class Duty:
    """A duty with its status.

    Parameters
    ----------
    title : str
    status : str
        A verdict, or RECORDED.
    words : str
        What is known.
    todo : str or None
        What is left to do.
    """

    title: str
    status: str
    words: str
    todo: str | None = None


def duties_of(evidence: Evidence) -> tuple[Duty, Duty, Duty]:
    """Return the three duties."""
    return _architecture(evidence), _momentum(evidence), _weights(evidence)


def _architecture(evidence: Evidence) -> Duty:
    report = evidence.answer
    regularity = next(each for each in report.assumptions if each.id == "A1")
    verdict = Verdict.weakest([regularity.verdict, report.gradients.verdict])
    words = f"A1 is {regularity.verdict.value}; that backpropagation computes the gradient of this graph is "
    return Duty(
        "The architecture meets the assumptions",
        verdict.value,
        words + f"{report.gradients.verdict.value}.",
        regularity.remedy if verdict is not Verdict.PROVED else None,
    )


def _momentum(evidence: Evidence) -> Duty:
    setting = evidence.specification.asked
    small = next(each for each in evidence.answer.assumptions if each.id == "A4")
    title = "Learning rate and momentum are within the range"
    if setting is None:
        words = f"No setting was asked. {_sentence(small.statement)}"
        return Duty(title, small.verdict.value, words, "add [momentum] to the spec file to have a setting judged")
    return Duty(title, small.verdict.value, _sentence(small.statement), small.remedy)


def _weights(evidence: Evidence) -> Duty:
    title = "The weights are watched: they stay in the region"
    bounded = next(each for each in evidence.answer.assumptions if each.id == "A2")
    if stays_for_ever(evidence.answer):
        return Duty(title, Verdict.PROVED.value, _sentence(bounded.statement))
    if bounded.verdict is Verdict.REFUTED:
        return Duty(title, Verdict.REFUTED.value, _sentence(bounded.statement), bounded.remedy)
    if evidence.run is not None and evidence.run.lines:
        return _watched(title, evidence.run)
    known = f"Proved: {bounded.statement}. Of later ones" if bounded.verdict is Verdict.PROVED else "Of the steps"
    watch = "train with dagverify train SPEC --out RUN/ and give this report --run RUN/, or use verify.torch's Monitor"
    words = f"{known} it is assumed; no training run was given."
    return Duty(title, Verdict.UNDECIDED.value, words, watch)


def _watched(title: str, run: RunEvidence) -> Duty:
    rooms = [line.get("remaining_radius") for line in run.lines]
    known = [room for room in rooms if room is not None]
    if not known or len(known) < len(rooms):
        return Duty(title, Verdict.UNDECIDED.value, "The run recorded no distance to the region's boundary.")
    outside = [line["step"] for line, room in zip(run.lines, rooms, strict=True) if room is not None and room < 0]
    if outside:
        words = (
            f"The run recorded weights outside the region after {len(outside)} of its {len(rooms)} steps, first "
            f"after step {outside[0]}."
        )
        todo = "the answer says nothing of steps from there; what the run proved of each of its steps stands by itself"
        return Duty(title, Verdict.UNDECIDED.value, words, todo)
    words = (
        f"Recorded: after each of {len(rooms)} steps the weights were inside, {at_most(min(known))} or more from the"
    )
    return Duty(title, "RECORDED", f"{words} boundary (computed in float64, not proved).")


def _sentence(statement: str) -> str:
    """Return a statement as a sentence; one that begins with a symbol keeps it."""
    first = statement.split("=")[0].split(" ")[0]
    return f"{statement if first in ('eta', 'mu', 'tau') else statement[:1].upper() + statement[1:]}."
