"""What a report says of a certificate: its claim in words, once the independent checker has confirmed it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verify.arithmetic.environment import certified_environment
from verify.certificates.checker import canonical, check_certificate
from verify.certificates.description import describe
from verify.certificates.document import parse_document
from verify.certificates.words import claim_words
from verify.files.kinds import CERTIFICATE
from verify.files.reading import read_bytes, text_of
from verify.outcomes import InputError, Verdict

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

_ABOUT = ("model", "objective", "data")


@dataclass(frozen=True)
class CertificateEvidence:
    """A certificate in a report.

    Parameters
    ----------
    path : Path
    kind : str
    theorem : str or None
        None where no theorem is needed.
    statement : str
        What it claims.
    verdict : Verdict
        PROVED if the checker confirmed everything.
    reasons : tuple of str
        Why it did not.
    hypotheses : tuple of str
        What the certificate leaves to the reader.
    arithmetic : str
    at_start : bool
        Whether it is about the initial weights.
    sha256 : str
        Of the file.
    """

    path: Path
    kind: str
    theorem: str | None
    statement: str
    verdict: Verdict
    reasons: tuple[str, ...]
    hypotheses: tuple[str, ...]
    arithmetic: str
    at_start: bool
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "certificate": str(self.path),
            "kind": self.kind,
            "theorem": self.theorem,
            "statement": self.statement,
            "verdict": self.verdict.value,
            "reasons": list(self.reasons),
            "at_initial_weights": self.at_start,
            "sha256": self.sha256,
        }


@certified_environment()
def read_certificate(path: str | Path, problem: Objective) -> CertificateEvidence:
    """Read a certificate and let the independent checker recompute it.

    Parameters
    ----------
    path : path
    problem : Problem or GraphProblem
        Whose network, objective and data the certificate must be about; its weights may be others.

    Raises
    ------
    InputError
        If it is malformed, or about something else.
    """
    place = Path(path)
    content = read_bytes(place, CERTIFICATE)
    document = parse_document(text_of(content, place, CERTIFICATE), str(place))
    try:
        answer = check_certificate(document)
    except InputError as error:
        raise error.at(str(place)) from None
    own = describe(problem, problem.initial_weights)
    for name in _ABOUT:
        if canonical(document[name]) != canonical(own[name]):
            raise InputError(
                f"the certificate is about another {name} than the spec file",
                where=str(place),
                remedy="give the spec file that was certified",
                field=name,
            )
    return CertificateEvidence(
        place,
        answer["kind"],
        answer["theorem"],
        claim_words(document),
        Verdict(answer["verdict"]),
        tuple(answer["reasons"]),
        tuple(document["hypotheses"]),
        document["arithmetic"],
        document["weights"] == own["weights"],
        hashlib.sha256(content).hexdigest(),
    )
