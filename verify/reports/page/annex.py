"""The annex for auditors: which objectives of published guidance the evidence supports, and which it does not.

The identifiers are those of EASA's concept paper "Guidance for Level 1 & 2 machine learning applications", Issue 02,
and the clauses those of ISO/IEC 24029-2:2023; what they ask is said in other words than theirs.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from verify.outcomes import Verdict

if TYPE_CHECKING:
    from verify.reports.evidence import Evidence

EASA = "EASA concept paper, Issue 02"
ISO = "ISO/IEC 24029-2:2023"
SUPPORTS, IN_PART, NOT = "supports", "in part", "does not"


@dataclass(frozen=True)
class AnnexObjective:
    """One objective and what the evidence does for it.

    Parameters
    ----------
    source, id : str
    asks : str
        In our words.
    support : {"supports", "in part", "does not"}
    words : str
        What of this page supports it, or what is missing.
    """

    source: str
    id: str
    asks: str
    support: str
    words: str


def objectives(evidence: Evidence) -> tuple[AnnexObjective, ...]:
    """Return the objectives of both documents; what is not proved supports nothing."""
    proved = evidence.answer.verdict is Verdict.PROVED
    trained = evidence.run is not None
    stability = (
        "The part about the optimiser and its settings: within the scope of the answer no step makes the error larger. "
        "Not the part about changed, missing or wrongly labelled data, nor about other initial weights."
        if proved
        else f"The answer is {evidence.answer.verdict.value}: as it stands it supports nothing here."
    )
    result = (
        "The run's steps, settings, last weights (by hash) and the proved decrease of the training error."
        if trained
        else "No training run was given."
    )
    easa = [
        (
            "LM-01",
            "describe the architecture",
            IN_PART,
            "The graph, its edges, functions and fingerprint; not its choice.",
        ),
        (
            "LM-02",
            "fix how the model is to be trained",
            IN_PART,
            "Error, reduction, weight decay, initial weights, learning rate and momentum; no performance requirements.",
        ),
        ("LM-03", "qualify the training environment", NOT, "Versions are listed below; no credit is argued."),
        ("LM-04", "bound the generalisation", NOT, "Nothing is said of other data."),
        ("LM-05", "document the result of training", IN_PART if trained else NOT, result),
        ("LM-06", "document changes made after training", NOT, "Pruning and quantisation are not examined."),
        (
            "LM-07-SL",
            "weigh bias against variance; training can be repeated",
            IN_PART if trained else NOT,
            "Data, first and last weights of the run are identified by hash; bias and variance are not examined."
            if trained
            else "No training run was given; bias and variance are not examined.",
        ),
        ("LM-08", "bias and variance meet their requirements", NOT, "Not examined."),
        ("LM-09", "evaluate on test data", NOT, "Test data are not used."),
        ("LM-10", "verify the trained model against requirements", NOT, "The outputs are not examined."),
        ("LM-11", "analyse how stable the learning algorithm is", IN_PART if proved else NOT, stability),
        ("LM-12", "verify that the trained model is stable", NOT, "How outputs react to inputs is not examined."),
        ("LM-13", "verify robustness in adverse conditions", NOT, "Not examined."),
        ("LM-14", "check the generalisation bound on test data", NOT, "Not examined."),
        (
            "LM-15",
            "describe the resulting model",
            IN_PART if trained else NOT,
            "The graph, and the last weights by hash." if trained else "No training run was given.",
        ),
        ("LM-16", "confirm that verification is complete", NOT, "It is not: see the rows above."),
        ("ODD", "operational design domain", NOT, "Where the model is used is not described and plays no part."),
    ]
    iso = [
        (
            "5.3 to 5.6",
            "stability, sensitivity, relevance, reachability of the outputs",
            NOT,
            "They are about a trained network on a domain of inputs; this is about training.",
        ),
        (
            "6.2.1.2",
            "complete or incomplete",
            SUPPORTS,
            "Sound and incomplete: what is PROVED or REFUTED is so, and some questions stay UNDECIDED.",
        ),
        (
            "6.2.1.3",
            "deterministic or not",
            SUPPORTS,
            "No verdict PROVED rests on chance. Searches for counterexamples are random, with the seed given below.",
        ),
        (
            "6.2.1.5",
            "real or computer arithmetic",
            SUPPORTS,
            "Each statement names its arithmetic: the exact real numbers that the float64 data and weights are, with "
            "bounds rounded outward. For executed float64 steps the change's sign is decided where they are taken.",
        ),
    ]
    return tuple(AnnexObjective(source, *row) for source, rows in ((EASA, easa), (ISO, iso)) for row in rows)


@dataclass(frozen=True)
class RecheckCommand:
    """A command by which something is checked again.

    Parameters
    ----------
    line : str
        For a shell.
    words : str
        What it answers, and what is to be expected.
    """

    line: str
    words: str


def commands(evidence: Evidence) -> tuple[RecheckCommand, ...]:
    """Return what an auditor runs on another machine, with the same version and files."""
    spec = _quoted(evidence.specification.document.path)
    of_spec = f" --spec {spec}" if "spec file" in evidence.hashes else ""
    found = [RecheckCommand(f"dagverify check {spec}", f"the answer: {evidence.answer.verdict.value}")]
    if of_spec:
        found.insert(0, RecheckCommand(f"sha256sum {spec}", f"the spec file: {evidence.hashes['spec file']}"))
    if evidence.examples:
        line = f"dagverify test {spec} --examples {evidence.examples} --seed {evidence.seed}"
        verdict = "not finished here" if evidence.test is None else evidence.test.verdict.value
        found.append(RecheckCommand(line, f"the property test: {verdict}"))
    for each in evidence.certificates:
        path = _quoted(each.path)
        found.append(RecheckCommand(f"sha256sum {path}", f"the certificate: {each.sha256}"))
        about = of_spec if each.at_start else ""
        found.append(
            RecheckCommand(f"dagverify recheck {path}{about}", f"the claim, computed again: {each.verdict.value}")
        )
    if evidence.run is not None and evidence.run.recheck is not None:
        line = f"dagverify recheck {_quoted(evidence.run.path)}{of_spec}"
        found.append(RecheckCommand(line, f"every step of the run: {evidence.run.recheck['verdict']}"))
    found.append(
        RecheckCommand("bash proofs_notes/check.sh", "the theorems, in Coq; from a copy of the sources of dagverify")
    )
    return tuple(found)


def _quoted(path: object) -> str:
    """Return a path as one word of a shell that is no option."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)
