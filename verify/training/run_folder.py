"""A training run on disk: it can be killed at any moment and resumed to the same result bit for bit.

``run.json`` says what is trained and how, ``steps.jsonl`` holds one line for every step, ``checkpoint.npz`` the state
that later steps depend on and the length of ``steps.jsonl`` at that moment. Lines past the checkpoint are cut off on
resuming: the steps are taken again. ``result.json`` stands there once the run has ended. A run with a
`verify.training.chain.CertificateChain` holds its certificates too (`verify.certificates.run_files`).
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic.environment import certified_environment, check_environment, users_code
from verify.calculus.problem import classical
from verify.certificates.document import ARITHMETIC
from verify.certificates.run_files import array_digest, weights_digest
from verify.files.arrays import read_npz
from verify.files.kinds import RUN_DESCRIPTION
from verify.files.reading import read_text
from verify.outcomes import InputError, Verdict
from verify.training.chain import LENGTH, CertificateChain
from verify.training.held_folder import HeldFolder
from verify.training.session import Session
from verify.training.trajectory import StepRecord

if TYPE_CHECKING:
    from verify.bounds.regions import Region
    from verify.calculus.problem import Problem

CHECKPOINT_EVERY = 25


class RunFolder(HeldFolder):
    """The files of a run.

    Parameters
    ----------
    path : Path
    certify : {"steps", "horizon"}, optional
        Write a chain of certificates of this kind.
    length : int
        Steps that one certificate covers.
    announce : callable
        Told what is being certified.
    """

    def __init__(
        self,
        path: str | Path,
        certify: str | None = None,
        length: int = LENGTH,
        announce: Callable[[str], None] = lambda message: None,
    ) -> None:
        super().__init__(path)
        self.chain = None if certify is None else CertificateChain(self, certify, length, announce)

    def start(
        self, session: Session, settings: dict[str, Any], *, force: bool = False, inputs: Iterable[Path] = ()
    ) -> None:
        """Create the folder and the first checkpoint; hold the folder until `run` ends.

        Parameters
        ----------
        session : Session
        settings : dict
            Of the rule.
        force : bool
            Remove an older run and files of other origin with the names of a run's files.
        inputs : iterable of Path
            Files that the run reads, which stay.

        Raises
        ------
        InputError
            If the folder already holds a run or files of these names, cannot be made, or another process trains in it.
        """
        if self.chain is not None:
            self.chain.check(session)
        content = _json(self._content(session, settings), indent=2)
        with self.held(create=True), self.starting(content, force=force, inputs=inputs):
            self.replace(self.lines, lambda stream: None)
            self._save(session, 0)
            if self.chain is not None:
                self.chain.start(session)

    def resume(self, session: Session, settings: dict[str, Any]) -> None:
        """Bring the session to the last checkpoint and cut off later lines; hold the folder until `run` ends.

        Raises
        ------
        InputError
            If the folder holds no run, a damaged one, or a run of another problem or with other settings, or another
            process trains in it.
        """
        with self.held():
            self.check_own()
            self._compare(session, settings)
            self._restore(session)

    def _compare(self, session: Session, settings: dict[str, Any]) -> None:
        try:
            content = json.loads(read_text(self.description, RUN_DESCRIPTION))
        except (RecursionError, ValueError) as error:
            raise _damaged("the run's description", self.description, str(error)) from None
        for part, values in self._content(session, settings).items():
            for name, value in values.items():
                found = (content.get(part) or {}).get(name) if isinstance(content, dict) else None
                if found != value:
                    raise InputError(
                        "the folder holds another run",
                        where=f"{self.description}: {part}.{name}",
                        found=found,
                        expected=value,
                        remedy="name another folder",
                    )

    def _restore(self, session: Session) -> None:
        try:
            state = read_npz(self.checkpoint, _members(self.checkpoint))
            session.restore(state)
            length = int(state["lines"])
        except (InputError, KeyError, TypeError, ValueError) as error:
            raise _damaged("the checkpoint", self.checkpoint, str(error)) from None
        if not self.lines.exists() or self.lines.stat().st_size < length:
            raise _damaged("the file of steps", self.lines, f"shorter than the {length} bytes of the checkpoint")
        self.truncate(self.lines, length)
        if self.chain is not None:
            self.chain.resume(session, [line["decrease"] for line in self.read()])
        self.remove(self.result)

    def run(
        self,
        session: Session,
        steps: int,
        callback: Callable[[Session, StepRecord], None] = lambda session, record: None,
        every: int = CHECKPOINT_EVERY,
    ) -> dict[str, Any]:
        """Train until `steps` steps are taken in all or the session stops; return the result, which is also written.

        Parameters
        ----------
        session : Session
            As `start` or `resume` left it; the folder is held until this ends.
        steps : int
            Budget, steps before a resumption included.
        callback : callable
            Called after every step.
        every : int
            Steps between checkpoints.

        Raises
        ------
        InputError
            If another process trains in the folder.
        """
        with (
            self.held(to_the_end=True),
            certified_environment(),
            self.append(self.lines) as stream,
            self._weights_stream() as weights,
        ):
            while session.index < steps:
                if self.chain is not None and session.stopped is None:
                    self.chain.before(session)
                if (record := session.step()) is None:
                    break
                line = step_line(session, record)
                if self.chain is not None:
                    line.update(self.chain.after(session, record, weights))
                stream.write(_json(line))
                with users_code():
                    callback(session, record)
                if session.index % every == 0:
                    self._checkpoint(session, stream, weights)
            if self.chain is not None:
                self.chain.finish()
            self._checkpoint(session, stream, weights)
            result = self._summary(session)
            self.replace(self.result, lambda stream: stream.write(_json(result, indent=2)))
        return result

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of the steps; a line cut off by a kill ends them."""
        with self.lines.open("rb") as stream:
            for line in stream:
                if line.endswith(b"\n"):
                    yield json.loads(line)

    def _content(self, session: Session, settings: dict[str, Any]) -> dict[str, Any]:
        certificates = {"kind": None} if self.chain is None else self.chain.settings()
        identity = subject(classical(session.problem, "run folders"), session.start)
        return {"subject": identity, "settings": settings, "certificates": certificates}

    def _weights_stream(self) -> Any:
        return contextlib.nullcontext() if self.chain is None else self.append(self.weights)

    def _checkpoint(self, session: Session, stream: Any, weights: Any) -> None:
        check_environment()
        for each in (stream,) if weights is None else (weights, stream):
            each.flush()
            os.fsync(each.fileno())
        self._save(session, stream.tell())

    def _save(self, session: Session, length: int) -> None:
        state: dict[str, Any] = {**session.state(), "lines": np.array(length)}
        self.replace(self.checkpoint, lambda stream: np.savez(stream, **state))

    def _summary(self, session: Session) -> dict[str, Any]:
        verdicts = {verdict.value: 0 for verdict in Verdict}
        decreases = []
        for line in self.read():
            verdicts[line["verdict"]] += 1
            decreases.append(-np.inf if line["decrease"] is None else line["decrease"])
        counted = [Verdict(name) for name, count in verdicts.items() if count]
        return {
            "verdict": Verdict.weakest(counted or [Verdict.UNDECIDED]).value,
            "steps": session.index,
            "stopped": session.stopped or "step budget",
            "verdicts": verdicts,
            "error": _finite(session.problem.error(session.weights)),
            "error_upper": _finite(session.error_upper),
            "proved_decrease": _finite(np.nextafter(math.fsum(decreases), -np.inf) if decreases else 0.0),
            "weight_norm": float(np.linalg.norm(session.weights)),
            "weights_sha256": weights_digest(session.weights),
            "arithmetic": ARITHMETIC,
        }


def step_line(session: Session, record: StepRecord) -> dict[str, Any]:
    """Return the line of the step that the session took last.

    ``error`` and ``gradient_norm`` are float64 values before the step, ``error_range`` proved bounds of E there (null
    for infinity); with tau/eta as it is, E is proved not to rise for learning rates up to ``eta_until``, where that is
    known. ``error_upper``, a proved bound of E, ``weight_norm``, ``distance`` from the initial weights and
    ``remaining_radius`` to the region's boundary belong to the weights after the step.
    """
    return {
        "step": session.index,
        "error": _finite(session.error),
        "error_range": [_finite(bound) for bound in session.error_range],
        "error_upper": _finite(session.error_upper),
        "gradient_norm": _finite(session.gradient_norm),
        "eta": record.eta,
        "tau": record.tau,
        "eta_until": record.eta_until,
        "verdict": record.verdict.value,
        "decrease": _finite(record.decrease),
        "evidence": record.evidence,
        "weight_norm": float(np.linalg.norm(session.weights)),
        "distance": float(np.linalg.norm(session.weights - session.start)),
        "remaining_radius": _room(session.problem.region, session.weights),
    }


def _room(region: Region | None, w: np.ndarray) -> float | None:
    """Distance to the region's boundary in float64, negative outside: `Region.room` is exact and slower."""
    if region is None:
        return None
    return min(float(radius - np.linalg.norm(w[block] - center)) for block, center, radius in region.balls(w.size))


def subject(problem: Problem, start: np.ndarray) -> dict[str, Any]:
    """Return what identifies a training problem: network, objective, data and initial weights."""
    return {
        "name": problem.name,
        "architecture": problem.architecture.fingerprint(),
        "reduction": problem.reduction,
        "weight_decay": problem.weight_decay,
        "samples": problem.samples,
        "data_sha256": array_digest([problem.inputs, problem.targets]),
        "initial_weights_sha256": weights_digest(start),
    }


def _damaged(what: str, path: Path, reason: str) -> InputError:
    return InputError(f"{what} is damaged", where=str(path), reason=reason, remedy="start again in another folder")


def _members(path: Path) -> list[str]:
    import zipfile

    with contextlib.suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]
    return ["w"]


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _json(content: Any, indent: int | None = None) -> bytes:
    return (json.dumps(content, allow_nan=False, indent=indent) + "\n").encode("ascii")
