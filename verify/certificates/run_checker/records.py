"""What a run recorded -- its description, a line for every step, its result -- against what the checker computed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flint
import numpy as np

from verify.certificates import document, run_files
from verify.certificates.checker.claims import PRECISIONS
from verify.certificates.checker.functions import rational
from verify.certificates.checker.subject import euclidean_norm
from verify.certificates.document import ReadError
from verify.certificates.run_checker.evaluation import Evaluation
from verify.certificates.run_files import RunFiles
from verify.files.kinds import RUN_DESCRIPTION, RUN_LINES, RUN_RESULT, InputKind
from verify.files.reading import read_text
from verify.outcomes import InputError, Verdict

_SHOWN = 2.0**-20
"""Difference, relative to the figure and `_SHOWN` times its scale, from which on a figure recorded in plain float64, of
which nothing is claimed, is inconsistent. For E it is taken of the square root, which rounding of the residuals moves
by a small part of what it was at the start."""
_CONSTANT = ("fixed", "restart")
"""Rules whose steps have the eta of the run, and its tau or none."""


@dataclass(frozen=True)
class RunRecords:
    """``run.json``, ``steps.jsonl`` and ``result.json``; the latter is None while the run goes on."""

    files: RunFiles
    description: dict[str, Any]
    lines: list[dict[str, Any]]
    result: dict[str, Any] | None

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
                "the run has no certificates",
                where=str(files.path),
                fields=sorted(description),
                remedy="train it with --certificates steps",
            )
        if not isinstance(description.get("subject"), dict) or not isinstance(description.get("settings"), dict):
            raise ReadError("unreadable description of a run", where=str(files.description), fields=sorted(description))
        text = read_text(files.lines, RUN_LINES)
        if text and not text.endswith("\n"):
            raise ReadError("the last line is cut off", where=str(files.lines), line=text[text.rfind("\n") + 1 :])
        lines = [
            document.parse_document(line, f"{files.lines}:{number}", decimals=True)
            for number, line in enumerate(text.splitlines(), 1)
        ]
        result = _object(files.result, RUN_RESULT) if files.result.exists() else None
        _has_fields(description, {"subject", "settings", "certificates"}, files.description)
        _has_fields(description["subject"], run_files.SUBJECT_FIELDS, files.description)
        if result is not None:
            _has_fields(result, run_files.RESULT_FIELDS, files.result)
        return cls(files, description, lines, result)

    @property
    def claims_small_gradient(self) -> bool:
        """Whether the run says that it stopped because |grad E| is proved to be small."""
        return self.result is not None and self.result["stopped"] == run_files.GRADIENT_TOLERANCE

    @property
    def unit(self) -> str:
        """What the run calls that which is confirmed to have decreased the error: a step, or an epoch."""
        return "epoch" if self.description["settings"].get("rule") == "epoch" else "step"

    def compare_subject(self, content: dict[str, Any], start: np.ndarray) -> Iterator[str]:
        """Yield where ``run.json`` is about something else than ``subject.json`` and the first weights."""
        expected = {
            "architecture": run_files.model_digest(content["model"]),
            **(_of_graph if "graph" in content["model"] else _of_classical)(content),
            "data_sha256": content["data"]["sha256"],
            "initial_weights_sha256": run_files.weights_digest(start),
        }
        for name, value in expected.items():
            if not _same(self.description["subject"][name], value):
                yield f"{self.files.description.name}: the run is about another {name} than its certificates"

    def compare_link(self, link: dict[str, Any], where: str, last_of_chain: bool) -> Iterator[str]:
        """Yield where a link disagrees with the lines of its steps or with the run's settings."""
        first, last, claim = link["first"], link["last"], link["claim"]
        if last > len(self.lines) and not (last_of_chain and link["kind"] == "horizon"):
            yield f"{where}: is about steps up to {last}, the run took {len(self.lines)}"
        if link["kind"] == "steps":
            if set(claim) != {"decreases"} or not isinstance(claim["decreases"], list) or link["region"] is not None:
                raise ReadError("unreadable claim", where=where, claim=claim, region=link["region"])
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
        if unlike := set(line) ^ run_files.LINE_FIELDS:
            yield f"missing or unknown fields {sorted(unlike)}"
        decrease = line.get("decrease")
        if not isinstance(decrease, float) or line.get("verdict") != Verdict.PROVED.value or decrease < 0:
            yield f"recorded as {line.get('verdict')} with decrease {decrease}, not as a proved decrease"
        elif not evaluation.falls(index, index + 1, weights, decrease):
            yield f"the decrease {decrease:.6g} is not confirmed"
        if not _encloses(line.get("error_range"), evaluation.errors[index]):
            yield f"error_range = {line.get('error_range')} is not confirmed"
        upper = line.get("error_upper")
        if not isinstance(upper, float) or not evaluation.errors[index + 1] <= rational(upper):
            yield f"error_upper = {upper} is not confirmed"
        if line.get("weights_sha256") != run_files.weights_digest(after):
            yield "the weights are not those of the line"
        norm, root, first = _length(after), *(float(evaluation.root(row).mid()) for row in (index, 0))
        error = line.get("error")
        if not isinstance(error, float) or not error >= 0 or not _agree(math.sqrt(error), root, first):
            yield f"error = {error} disagrees with {root**2:.9g}"
        for name, value in {"weight_norm": norm, "distance": _length(after - weights[0])}.items():
            if not _agree(line.get(name), value, norm):
                yield f"{name} = {line.get(name)} disagrees with {value:.9g}"
        yield from self._compare_room(line, after, weights[0])
        yield from self._compare_setting(line, index, evaluation)

    def _compare_room(self, line: dict[str, Any], after: np.ndarray, start: np.ndarray) -> Iterator[str]:
        match self.description["subject"]["region"]:
            case None:
                if line.get("remaining_radius") is not None:
                    yield f"remaining_radius = {line.get('remaining_radius')}, though the run has no region"
            case {"kind": "ball" | "bounded", "radius": float(radius), "center": "initial weights" | "zero" as center}:
                room = radius - _length(after - start if center == "initial weights" else after)
                if not _agree(line.get("remaining_radius"), room, max(radius, _length(after))):
                    yield f"remaining_radius = {line.get('remaining_radius')} disagrees with {room:.9g}"

    def _compare_setting(self, line: dict[str, Any], index: int, evaluation: Evaluation) -> Iterator[str]:
        settings = self.description["settings"]
        if settings.get("rule") in _CONSTANT and not (
            _same(line.get("eta"), settings.get("eta")) and line.get("tau") in (settings.get("tau"), 0.0)
        ):
            yield f"eta = {line.get('eta')}, tau = {line.get('tau')} are not those of the run"
        if index in evaluation.gradients:
            norm = float(euclidean_norm(evaluation.gradients[index]).mid())
            if not _agree(line.get("gradient_norm"), norm, norm):
                yield f"gradient_norm = {line.get('gradient_norm')} disagrees with {norm:.9g}"

    def compare_result(self, evaluation: Evaluation, weights: np.ndarray) -> Iterator[str]:
        """Yield where ``result.json`` disagrees with the lines, or is not confirmed."""
        name = self.files.result.name
        if self.result is None:
            yield f"{name}: missing, the run has not ended"
            return
        verdicts = [line.get("verdict") for line in self.lines]
        counts = {verdict.value: verdicts.count(verdict.value) for verdict in Verdict}
        counted = [verdict for verdict in Verdict if counts[verdict.value]]
        expected: dict[str, Any] = {
            "verdict": Verdict.weakest(counted or [Verdict.UNDECIDED]).value,
            "steps": len(self.lines),
            "verdicts": counts,
            "weights_sha256": run_files.weights_digest(weights[-1]),
            "arithmetic": document.ARITHMETIC,
        }
        yield from (
            f"{name}: {key} disagrees with the steps"
            for key, value in expected.items()
            if not _same(self.result[key], value)
        )
        with flint.ctx.workprec(PRECISIONS[0]):
            yield from (f"{name}: {reason}" for reason in self._compare_end(self.result, evaluation, weights))

    def _compare_end(self, result: dict[str, Any], evaluation: Evaluation, weights: np.ndarray) -> Iterator[str]:
        end, upper, total = len(weights) - 1, result["error_upper"], result["proved_decrease"]
        if not isinstance(upper, float) or not evaluation.errors[end] <= rational(upper):
            yield "error_upper disagrees with the steps: it is not confirmed at the last weights"
        if not isinstance(total, float) or not evaluation.falls(0, end, weights, total):
            yield "proved_decrease exceeds what the error is confirmed to have fallen by"
        root, first = (float(evaluation.root(row).mid()) for row in (end, 0))
        error, norm = result["error"], _length(weights[-1])
        if not isinstance(error, float) or not error >= 0 or not _agree(math.sqrt(error), root, first):
            yield f"error = {error} disagrees with {root**2:.9g}"
        if not _agree(result["weight_norm"], norm, norm):
            yield f"weight_norm = {result['weight_norm']} disagrees with {norm:.9g}"
        if self.claims_small_gradient:
            tolerance = self.description["settings"].get("gradient_tolerance")
            found = evaluation.gradients.get(end)
            slope = flint.arb("nan") if found is None else euclidean_norm(found)
            if not isinstance(tolerance, float) or not slope <= rational(tolerance):
                yield f"stopped = {result['stopped']!r}: |grad E| <= {tolerance} is not confirmed"
        elif not isinstance(result["stopped"], str):
            yield "stopped is no text"

    def not_confirmed(self, gradients: int) -> list[str]:
        """Return what stands in the files and was not computed again; nothing that is confirmed follows from it.

        Parameters
        ----------
        gradients : int
            Steps at which the gradient was.
        """
        line = ["eta_until", "evidence"]
        if gradients < len(self.lines):
            line.append("gradient_norm")
        if self.description["settings"].get("rule") not in _CONSTANT:
            line += ["eta", "tau"]
        match self.description["subject"]["region"]:
            case None | {"kind": "ball" | "bounded", "center": "initial weights" | "zero"}:
                pass
            case _:
                line.append("remaining_radius")
        result = [] if self.claims_small_gradient else ["stopped"]
        found = {
            self.files.description: ["subject.name", "subject.region", "settings", "certificates"],
            self.files.lines: sorted(line),
            self.files.result: result,
            self.files.checkpoint: ["the state of the rule"],
        }
        if self.unit == "epoch":
            found[self.files.lines].append("that a step is an epoch of mini-batches")
        return [f"{file.name}: {', '.join(names)}" for file, names in found.items() if names]


def _of_classical(content: dict[str, Any]) -> dict[str, Any]:
    objective = content["objective"]
    return {
        "reduction": objective["reduction"],
        "weight_decay": document.float64(objective["weight_decay"], "objective.weight_decay"),
        "samples": len(content["data"]["inputs"]),
    }


def _of_graph(content: dict[str, Any]) -> dict[str, Any]:
    decay = content["objective"]["weight_decay"]
    factors = {label: document.float64(text, "objective.weight_decay") for label, text in decay.items()}
    return {"reduction": None, "weight_decay": factors, "samples": None}


def _same(found: Any, expected: Any) -> bool:
    """Whether two values of JSON are the same, types included."""
    return json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True)


def _has_fields(content: dict[str, Any], names: set[str], where: Any) -> None:
    if set(content) != names:
        missing, unknown = sorted(names - set(content)), sorted(set(content) - names)
        raise ReadError("missing or unknown fields", where=str(where), missing=missing, unknown=unknown)


def _agree(found: Any, value: float, scale: float) -> bool:
    return isinstance(found, float) and abs(found - value) <= _SHOWN * (abs(value) + _SHOWN * scale)


def _length(vector: np.ndarray) -> float:
    """Euclidean norm, within an ulp at every magnitude: neither squares that overflow nor squares that vanish."""
    return math.hypot(*vector.tolist())


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
