"""What a run recorded -- its description, a line for every step, its result -- against what the checker computed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import flint
import numpy as np

from verify.certificates import document, run_files
from verify.certificates.checker.claims import PRECISIONS
from verify.certificates.checker.functions import rational
from verify.certificates.run_checker.evaluation import Evaluation
from verify.certificates.run_files import RunFiles
from verify.files.arrays import read_npz
from verify.files.kinds import RUN_DESCRIPTION, RUN_LINES, RUN_RESULT, InputKind
from verify.files.reading import read_text
from verify.outcomes import InputError, Verdict

_SHOWN = 2.0**-20
"""Difference, relative to the figure and `_SHOWN` times its scale, from which on a figure recorded in plain float64, of
which nothing is claimed, is inconsistent. For E it is taken of the square root, which rounding of the residuals moves
by a small part of what it was at the start."""


@dataclass(frozen=True)
class RunRecords:
    """``run.json``, ``steps.jsonl`` and ``result.json``; the latter is None while the run goes on."""

    files: RunFiles
    description: dict[str, Any]
    lines: list[dict[str, Any]]
    result: dict[str, Any] | None
    checkpoint: dict[str, Any]

    @classmethod
    def read(cls, files: RunFiles) -> RunRecords:
        """Read the files.

        Raises
        ------
        InputError
            If one is malformed, or there is no run with certificates.
        """
        description = _object(files.description, RUN_DESCRIPTION)
        certificates = description.get("certificates")
        if not isinstance(certificates, dict) or certificates.get("kind") not in run_files.KINDS:
            raise InputError(
                "the run has no certificates", where=str(files.path), remedy="train it with --certificates steps"
            )
        if not isinstance(description.get("subject"), dict) or not isinstance(description.get("settings"), dict):
            raise InputError("unreadable description of a run", where=str(files.description))
        text = read_text(files.lines, RUN_LINES)
        if text and not text.endswith("\n"):
            raise InputError("the last line is cut off", where=str(files.lines))
        lines = [
            document.parse_document(line, f"{files.lines}:{number}", decimals=True)
            for number, line in enumerate(text.splitlines(), 1)
        ]
        result = _object(files.result, RUN_RESULT) if files.result.exists() else None
        return cls(files, description, lines, result, _checkpoint(files))

    def compare_subject(self, content: dict[str, Any], start: np.ndarray) -> Iterator[str]:
        """Yield where ``run.json`` is about something else than ``subject.json`` and the first weights."""
        objective = content["objective"]
        expected = {
            "architecture": run_files.model_digest(content["model"]),
            "reduction": objective["reduction"],
            "weight_decay": document.float64(objective["weight_decay"], "objective.weight_decay"),
            "samples": len(content["data"]["inputs"]),
            "data_sha256": content["data"]["sha256"],
            "initial_weights_sha256": run_files.weights_digest(start),
        }
        for name, value in expected.items():
            if self.description["subject"].get(name) != value:
                yield f"{self.files.description.name}: the run is about another {name} than its certificates"

    def compare_link(self, link: dict[str, Any], where: str, last_of_chain: bool) -> Iterator[str]:
        """Yield where a link disagrees with the lines of its steps or with the run's settings."""
        first, last, claim = link["first"], link["last"], link["claim"]
        if last > len(self.lines) and not (last_of_chain and link["kind"] == "horizon"):
            yield f"{where}: is about steps up to {last}, the run took {len(self.lines)}"
        if link["kind"] == "steps":
            if set(claim) != {"decreases"} or not isinstance(claim["decreases"], list) or link["region"] is not None:
                raise InputError("unreadable claim", where=where)
            recorded = [_hex(line.get("decrease")) for line in self.lines[first:last]]
            if len(claim["decreases"]) != last - first or claim["decreases"][: len(recorded)] != recorded:
                yield f"{where}: claims other decreases than {self.files.lines.name} records"
            return
        eta, tau = (self.description["settings"].get(name) for name in ("eta", "tau"))
        if not (isinstance(eta, float) and isinstance(tau, float)):
            yield f"{where}: the run has no constant eta and tau"
        elif document.number(claim["eta"], where) != eta or document.number(claim["tau"], where) < tau:
            yield f"{where}: is about another eta or a smaller tau than the run's"

    def compare_steps(self, evaluation: Evaluation, weights: np.ndarray) -> Iterator[str]:
        """Yield which lines are not confirmed."""
        for index in range(len(weights) - 1):
            with flint.ctx.workprec(PRECISIONS[0]):
                for reason in self._compare_step(index, evaluation, weights):
                    yield f"step {index + 1}: {reason}"

    def _compare_step(self, index: int, evaluation: Evaluation, weights: np.ndarray) -> Iterator[str]:
        line, after = self.lines[index], weights[index + 1]
        if type(line.get("step")) is not int or line["step"] != index + 1:
            yield f"line {index + 1} is about step {line.get('step')}"
        decrease = line.get("decrease")
        if not isinstance(decrease, float) or line.get("verdict") != Verdict.PROVED.value or decrease < 0:
            yield f"recorded as {line.get('verdict')} with decrease {decrease}, not as a proved decrease"
        elif not evaluation.falls(index, weights, decrease):
            yield f"the decrease {decrease:.6g} is not confirmed"
        if not _encloses(line.get("error_range"), evaluation.errors[index]):
            yield f"error_range = {line.get('error_range')} is not confirmed"
        upper = line.get("error_upper")
        if not isinstance(upper, float) or not evaluation.errors[index + 1] <= rational(upper):
            yield f"error_upper = {upper} is not confirmed"
        if line.get("weights_sha256") != run_files.weights_digest(after):
            yield "the weights are not those of the line"
        norm, root, first = (
            float(each) for each in (np.linalg.norm(after), evaluation.root(index).mid(), evaluation.root(0).mid())
        )
        error = line.get("error")
        if not isinstance(error, float) or not error >= 0 or not _agree(math.sqrt(error), root, first):
            yield f"error = {error} disagrees with {root**2:.9g}"
        for name, value in {"weight_norm": norm, "distance": float(np.linalg.norm(after - weights[0]))}.items():
            if not _agree(line.get(name), value, norm):
                yield f"{name} = {line.get(name)} disagrees with {value:.9g}"

    def compare_result(self, last: np.ndarray) -> Iterator[str]:
        """Yield where ``result.json`` and the checkpoint disagree with the lines and the last weights."""
        yield from self._compare_checkpoint(last)
        name = self.files.result.name
        if self.result is None:
            yield f"{name}: missing, the run has not ended"
            return
        verdicts = [line.get("verdict") for line in self.lines]
        expected: dict[str, Any] = {
            "steps": len(self.lines),
            "verdicts": {verdict.value: verdicts.count(verdict.value) for verdict in Verdict},
            "weights_sha256": run_files.weights_digest(last),
        }
        if self.lines:
            expected["error_upper"] = self.lines[-1].get("error_upper")
        for key, value in expected.items():
            if self.result.get(key) != value:
                yield f"{name}: {key} disagrees with the steps"
        decreases = [line.get("decrease") for line in self.lines]
        total = self.result.get("proved_decrease")
        if all(isinstance(each, float) for each in decreases):
            exact = sum((Fraction(each) for each in decreases if each is not None), Fraction(0))
            if not isinstance(total, float) or not Fraction(total) <= exact:
                yield f"{name}: proved_decrease exceeds the sum of the steps' decreases"

    def _compare_checkpoint(self, last: np.ndarray) -> Iterator[str]:
        name = self.files.checkpoint.name
        if not self.checkpoint:
            yield f"{name}: missing or unreadable"
        elif int(self.checkpoint["index"]) == len(self.lines) and not np.array_equal(self.checkpoint["w"], last):
            yield f"{name}: holds other weights than the last step"
        elif int(self.checkpoint["index"]) != len(self.lines):
            yield f"{name}: was made after step {int(self.checkpoint['index'])}"


def _agree(found: Any, value: float, scale: float) -> bool:
    return isinstance(found, float) and abs(found - value) <= _SHOWN * (value + _SHOWN * scale)


def _encloses(bounds: Any, error: Any) -> bool:
    """Whether [lower, upper], upper None for infinity, contains the error, which is not negative."""
    if not (isinstance(bounds, list) and len(bounds) == 2 and isinstance(bounds[0], float)):
        return False
    lower, upper = bounds
    above = lower <= 0 or bool(rational(lower) <= error)
    return above and (upper is None or (isinstance(upper, float) and bool(error <= rational(upper))))


def _hex(value: Any) -> str | None:
    return value.hex() if isinstance(value, float) else None


def _object(path: Path, kind: InputKind) -> dict[str, Any]:
    return document.parse_document(read_text(path, kind), str(path), decimals=True)


def _checkpoint(files: RunFiles) -> dict[str, Any]:
    try:
        return dict(read_npz(files.checkpoint, ("w", "index")))
    except InputError:
        return {}
