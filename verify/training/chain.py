"""The certificates of a run, written while it goes on: a chain that covers every step.

The links and the weights are on the disk before a checkpoint counts their steps, so that a run that was killed and
resumed has the same files as one that was not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from verify import __version__
from verify.arithmetic.rational import round_up
from verify.bounds.regions import Ball
from verify.calculus.problem import classical
from verify.certificates import run_files
from verify.certificates.curvature_claim import CurvatureClaims, exact_region
from verify.certificates.description import describe
from verify.certificates.smallest_ball import most_steps
from verify.files.kinds import RUN_WEIGHTS
from verify.files.reading import open_input
from verify.outcomes import InputError
from verify.training.held_folder import HeldFolder
from verify.training.rules import FixedRule

if TYPE_CHECKING:
    from verify.training.session import Session
    from verify.training.trajectory import StepRecord

LENGTH = 100
"""Steps of a link."""

_ROUNDING = 2.0**-20
"""Share of eta by which the momentum size that is certified exceeds the rule's, for the rounding of executed steps."""

_START_AGAIN = "start again in another folder"


class CertificateChain:
    """Writes ``weights.f64`` and the folder ``certificates`` of a run.

    Parameters
    ----------
    files : HeldFolder
    kind : {"steps", "horizon"}
        ``horizon``: before every `length` steps of rule ``fixed`` a ball is certified in which the next steps stay; as
        many as can be proved, and where none can, their decrease is certified after they are taken. ``steps``: that
        always.
    length : int
        Steps of a link.
    announce : callable
        Told what is being done.
    """

    def __init__(
        self, files: HeldFolder, kind: str, length: int = LENGTH, announce: Callable[[str], None] = lambda message: None
    ) -> None:
        if kind not in run_files.KINDS:
            raise InputError("unknown kind of certificates", kind=kind, remedy="use 'steps' or 'horizon'")
        if length < 1:
            raise InputError("a certificate covers at least one step", length=length, remedy="give 1 or more")
        self.files, self.kind, self.length, self.announce = files, kind, length, announce
        self._subject_sha256 = ""
        self._index = self._first = self._last = 0
        self._ahead = length
        self._open: dict[str, Any] | None = None
        self._decreases: list[str | None] = []

    def settings(self) -> dict[str, Any]:
        """Return what ``run.json`` says of the chain."""
        return {"kind": self.kind, "length": self.length}

    def start(self, session: Session) -> None:
        """Write the subject and the first row of the weights."""
        self.files.replace(self.files.subject, lambda stream: stream.write(_json(_subject(session))))
        self.files.replace(self.files.weights, lambda stream: stream.write(_row(session.weights)))
        self._read_subject()

    def resume(self, session: Session, lines: list[dict[str, Any]]) -> None:
        """Cut the files back to the session's steps, of which these are the lines.

        Raises
        ------
        InputError
            If the stored weights are not those of the lines, or the certificates are about something else.
        """
        self.check(session)
        self._read_subject()
        wanted = (session.index + 1) * session.weights.size * 8
        if not self.files.weights.exists() or self.files.weights.stat().st_size < wanted:
            raise InputError(
                "weights of steps are missing",
                where=str(self.files.weights),
                expected_bytes=wanted,
                remedy=_START_AGAIN,
            )
        self._compare_weights(session, lines)
        links = [(index, path, self._read_link(path)) for index, path in self.files.links()]
        self.files.truncate(self.files.weights, wanted)
        kept = True
        for index, path, content in links:
            first, last = content["first"], content["last"]
            ended = last - first == self.length and last <= session.index
            kept = kept and (ended if content["kind"] == "steps" else first < session.index)
            if kept:
                self._index, self._first, self._last = index + 1, first, last
                self._ahead = last - first if content["kind"] == "horizon" else 0
            else:
                self.files.remove(path)
        if (first := self._last) < session.index:
            self._begin_steps(run_files.read_weights(self.files.weights, session.weights.size)[first], first)
            self._decreases = [_exact(line["decrease"]) for line in lines[first:]]

    def before(self, session: Session) -> None:
        """Certify the next steps, when the ones certified so far are taken."""
        if self._open is not None or session.index < self._last:
            return
        found = self._horizon(session) if self.kind == "horizon" else None
        if found is None:
            self._begin_steps(session.weights, session.index)
            return
        region, claim, steps = found
        self._first, self._last = session.index, session.index + steps
        link = self._link("horizon", session.weights)
        self._write({**link, "region": region, "claim": claim})

    def after(self, session: Session, record: StepRecord, weights: Any) -> dict[str, str]:
        """Store the weights of the step taken last in the stream `weights`; return what its line says of them."""
        weights.write(_row(session.weights))
        if self._open is not None:
            self._decreases.append(_exact(record.decrease))
            if len(self._decreases) == self.length:
                self.finish()
        return {"weights_sha256": run_files.weights_digest(session.weights)}

    def finish(self) -> None:
        """Write the certificate of the steps taken since the last one."""
        if self._open is None or not self._decreases:
            return
        self._last = self._first + len(self._decreases)
        claim = {"decreases": self._decreases}
        self._write({**self._open, "last": self._last, "region": None, "claim": claim})
        self._open, self._decreases = None, []

    def check(self, session: Session) -> None:
        """Refuse a session that no such certificates can be made of."""
        if self.kind == "horizon" and not isinstance(session.rule, FixedRule):
            raise InputError(
                "only rule 'fixed' or 'restart' has a learning rate to certify steps ahead with",
                rule=type(session.rule).__name__,
                remedy="certify steps, or use it",
            )

    def _compare_weights(self, session: Session, lines: list[dict[str, Any]]) -> None:
        digests = [run_files.weights_digest(session.start), *(line.get("weights_sha256") for line in lines)]
        with open_input(self.files.weights, RUN_WEIGHTS) as stream:
            for step, digest in enumerate(digests):
                row = np.frombuffer(stream.read(8 * session.weights.size), dtype="<f8")
                if run_files.weights_digest(row) != digest or (step == session.index and not _same(row, session)):
                    raise InputError(
                        "the weights are not those of their step",
                        where=str(self.files.weights),
                        step=step,
                        remedy=_START_AGAIN,
                    )

    def _read_subject(self) -> None:
        with _starting_again():
            self._subject_sha256 = run_files.read_subject(self.files.subject)[1]

    def _read_link(self, path: Path) -> dict[str, Any]:
        with _starting_again():
            content = run_files.read_link(path)
        found = content["subject_sha256"]
        if found != self._subject_sha256:
            raise InputError(
                "about another model, objective or data", where=str(path), subject_sha256=found, remedy=_START_AGAIN
            )
        return content

    def _horizon(self, session: Session) -> tuple[dict[str, Any], dict[str, Any], int] | None:
        rule, w = session.rule, session.weights
        if not isinstance(rule, FixedRule):
            return None
        problem = classical(session.problem, "certificates")
        tau = round_up(Fraction(rule.tau) + Fraction(rule.eta) * Fraction(_ROUNDING))
        claims = CurvatureClaims(problem, describe(problem, w))
        guess = 2 * self._ahead or None
        found = most_steps(problem, w, rule.eta, tau, self.length, claims, guess, self.announce)
        self._ahead = 0 if found is None else found.steps
        if found is None:
            return None
        return exact_region(Ball(w, found.radius)), found.to_claim(), found.steps

    def _begin_steps(self, weights: np.ndarray, first: int) -> None:
        self._first, self._last, self._ahead, self._decreases = first, first + self.length, 0, []
        self._open = self._link("steps", weights)

    def _link(self, kind: str, weights: np.ndarray) -> dict[str, Any]:
        return run_files.link(kind, __version__, self._subject_sha256, self._first, self._last, weights)

    def _write(self, link: dict[str, Any]) -> None:
        self.files.replace(self.files.link(self._index), lambda stream: stream.write(_json(link)))
        self._index += 1


@contextmanager
def _starting_again() -> Iterator[None]:
    """Whatever is wrong with a file of the run: it cannot go on."""
    try:
        yield
    except InputError as error:
        raise error.advised(_START_AGAIN) from None


def _subject(session: Session) -> dict[str, Any]:
    described = describe(session.problem, session.start)
    del described["weights"]
    return {"format": run_files.SUBJECT_FORMAT, "version": run_files.VERSION, **described}


def _same(row: np.ndarray, session: Session) -> bool:
    return row.tobytes() == _row(session.weights)


def _exact(decrease: float | None) -> str | None:
    return None if decrease is None or not np.isfinite(decrease) else float(decrease).hex()


def _row(weights: np.ndarray) -> bytes:
    return np.ascontiguousarray(weights, dtype="<f8").tobytes()


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, allow_nan=False, indent=1) + "\n").encode("utf-8")
