"""A training run on disk: it can be killed at any moment and resumed to the same result bit for bit.

``run.json`` says what is trained and how, ``steps.jsonl`` holds one line for every step, ``checkpoint.npz`` the state
that later steps depend on, bound to the lines before it by their hash (`verify.certificates.run_files`). Lines past the
checkpoint are cut off on resuming: the steps are taken again. ``result.json`` stands there once the run has ended.

A run with a `verify.training.chain.CertificateChain` holds its certificates too (`verify.certificates.run_files`).

What a resumed run says of E is computed again from its weights. That each of the earlier steps decreased E is not: the
lines record it, `RunFolder.recorded` counts them, and `dagverify recheck` proves it where there are certificates.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from verify.arithmetic.environment import certified_environment, check_environment, users_code
from verify.certificates.run_files import bytes_digest, digest_array
from verify.files.kinds import RUN_DESCRIPTION, RUN_LINES
from verify.files.reading import open_input, read_bytes, read_text
from verify.outcomes import InputError, Verdict
from verify.training.chain import LENGTH, CertificateChain
from verify.training.checkpoint import read_checkpoint, write_checkpoint
from verify.training.held_folder import HeldFolder
from verify.training.recorded_lines import read_lines
from verify.training.run_records import count_verdicts, step_line, subject, summary
from verify.training.session import Session
from verify.training.trajectory import StepRecord

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

    Attributes
    ----------
    recorded : dict of str to int
        Steps of earlier sessions, by the verdict that their lines record.
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
        self.recorded = count_verdicts([])
        self._hashed_lines: Any = hashlib.sha256()
        self._run_sha256 = np.zeros(0, dtype=np.uint8)

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
        self.recorded, self._hashed_lines = count_verdicts([]), hashlib.sha256()
        self._run_sha256 = bytes_digest(content)
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
            state, binding = read_checkpoint(self.checkpoint, session.start.size)
            session.restore(state)
            length, lines_sha256 = binding.count("lines"), binding.digest("lines_sha256")
            run_sha256 = binding.digest("run_sha256")
        except InputError as error:
            raise _damaged("the checkpoint", self.checkpoint, str(error)) from None
        lines, self._hashed_lines = self._read_lines(length)
        if lines_sha256 != self._hashed_lines.digest():
            raise _damaged("the file of steps", self.lines, "its lines are not those that the checkpoint follows")
        undecided = bool(lines) and lines[-1]["verdict"] == Verdict.UNDECIDED.value
        if session.index != len(lines) or bool(state["undecided"]) != undecided:
            reason = f"index={session.index}, undecided={undecided} do not follow {len(lines)} lines"
            raise _damaged("the checkpoint", self.checkpoint, reason)
        self._run_sha256 = bytes_digest(read_bytes(self.description, RUN_DESCRIPTION))
        if run_sha256 != self._run_sha256.tobytes():
            raise _damaged("the run's description", self.description, "it is not that of the checkpoint")
        if self.chain is not None:
            self.chain.resume(session, lines)
        self.truncate(self.lines, length)
        self.recorded = count_verdicts(lines)
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
        with self.held(to_the_end=True):
            result = self._trained(session, steps, callback, every)
            self.replace(self.result, lambda stream: stream.write(_json(result, indent=2)))
        return result

    def _trained(
        self, session: Session, steps: int, callback: Callable[[Session, StepRecord], None], every: int
    ) -> dict[str, Any]:
        """Train and return the result; nothing of it is written before the processor passed its last test."""
        with certified_environment(), self.append(self.lines) as stream, self._weights_stream() as weights:
            while session.index < steps:
                if self.chain is not None and session.stopped is None:
                    self.chain.before(session)
                if (record := session.step()) is None:
                    break
                line = step_line(session, record)
                if self.chain is not None:
                    line.update(self.chain.after(session, record, weights))
                text = _json(line)
                stream.write(text)
                self._hashed_lines.update(text)
                with users_code():
                    callback(session, record)
                if session.index % every == 0:
                    self._checkpoint(session, stream, weights)
            if self.chain is not None:
                self.chain.finish()
            self._checkpoint(session, stream, weights)
            lines, digest = self._read_lines(self.lines.stat().st_size)
            if digest.digest() != self._hashed_lines.digest():
                raise _damaged("the file of steps", self.lines, "it was changed while the run went on")
            return summary(session, count_verdicts(lines))

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of the steps; a line cut off by a kill ends them."""
        with open_input(self.lines, RUN_LINES) as stream:
            for line in stream:
                if line.endswith(b"\n"):
                    yield json.loads(line)

    def _read_lines(self, length: int) -> tuple[list[dict[str, Any]], Any]:
        try:
            return read_lines(self.lines, length)
        except InputError as error:
            raise _damaged("the file of steps", self.lines, str(error)) from None

    def _content(self, session: Session, settings: dict[str, Any]) -> dict[str, Any]:
        certificates = {"kind": None} if self.chain is None else self.chain.settings()
        identity = subject(session.problem, session.start)
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
        binding = {"lines": np.array(length), "lines_sha256": digest_array(self._hashed_lines)}
        state = {**session.state(), **binding, "run_sha256": self._run_sha256}
        self.replace(self.checkpoint, lambda stream: write_checkpoint(stream, state))


def _damaged(what: str, path: Path, reason: str) -> InputError:
    shown = reason.removeprefix(f"{path}: ")
    return InputError(f"{what} is damaged", where=str(path), reason=shown, remedy="start again in another folder")


def _json(content: Any, indent: int | None = None) -> bytes:
    return (json.dumps(content, allow_nan=False, indent=indent) + "\n").encode("ascii")
