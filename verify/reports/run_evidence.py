"""What a report says of a training run: what its folder records, and what of that is proved again here.

The lines of the steps are the run's own words. They are read as far as the last checkpoint binds them, and belong to
the network of the report or to none. Proved again are the decrease of E from the first to the last weights and, where
the run kept certificates, the decrease of every step.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verify.arithmetic.environment import certified_environment
from verify.certificates.description import describe
from verify.certificates.run_checker import check_run
from verify.certificates.run_files import RunFiles, weights_digest
from verify.files.kinds import RUN_DESCRIPTION, RUN_LINES, RUN_RESULT
from verify.files.reading import input_size, read_text
from verify.outcomes import InputError, Verdict
from verify.training.checkpoint import read_checkpoint
from verify.training.recorded_lines import read_lines
from verify.training.run_records import count_verdicts, proved_change, subject
from verify.training.state import SavedState

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

_NUMBERS = (
    "error",
    "error_upper",
    "gradient_norm",
    "eta",
    "tau",
    "decrease",
    "weight_norm",
    "distance",
    "remaining_radius",
)
_REMEDY = "give the folder that dagverify train wrote"


@dataclass(frozen=True)
class RunEvidence:
    """A training run in a report.

    Parameters
    ----------
    path : Path
        Folder of the run.
    settings : dict
        Of the rule, as recorded.
    lines : list of dict
        One for each step, as recorded.
    verdicts : dict of str to int
        How many steps have which, as recorded.
    stopped : str or None
        Why the run ended, as recorded; None while it has not.
    error_upper, decrease : float
        Proved here, from the weights: E at the last ones is at most this, and lower than at the first by this much.
    weights_sha256 : str
        Of the last weights.
    recheck : dict or None
        What the independent checker answered, where the run kept certificates.
    """

    path: Path
    settings: dict[str, Any]
    lines: list[dict[str, Any]] = field(repr=False)
    verdicts: dict[str, int]
    stopped: str | None
    error_upper: float
    decrease: float
    weights_sha256: str
    recheck: dict[str, Any] | None = None

    @property
    def verdict(self) -> Verdict:
        """PROVED if every step is confirmed by the checker, REFUTED by a recorded increase, else UNDECIDED."""
        if self.verdicts[Verdict.REFUTED.value]:
            return Verdict.REFUTED
        return Verdict.UNDECIDED if self.recheck is None else Verdict(self.recheck["verdict"])

    @property
    def statement(self) -> str:
        """What is known of the steps, in a phrase."""
        count = f"{len(self.lines)} steps"
        if self.verdicts[Verdict.REFUTED.value]:
            return f"{count}, of which {self.verdicts[Verdict.REFUTED.value]} are recorded to increase the error"
        if self.recheck is None:
            return f"{count}, recorded and not proved again"
        if self.verdict is Verdict.PROVED:
            return f"{count}, each proved again to decrease the error"
        return f"{count}, not all confirmed: {'; '.join(self.recheck['reasons'][:1])}"

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, without the lines."""
        return {
            "run": str(self.path),
            "verdict": self.verdict.value,
            "recorded": self.verdicts,
            "steps": len(self.lines),
            "stopped": self.stopped,
            "error_upper": self.error_upper,
            "proved_decrease": self.decrease,
            "recheck": self.recheck,
        }


@certified_environment()
def read_run(
    path: str | Path, problem: Objective, *, announce: Callable[[str], None] = lambda message: None
) -> RunEvidence:
    """Read a run of a problem and prove again what can be.

    Parameters
    ----------
    path : path
        Folder of the run.
    problem : Problem or GraphProblem
        Which the run must be about.
    announce : callable
        Told what is being done.

    Raises
    ------
    InputError
        If the folder holds no run, a damaged one, or one of another problem.
    """
    files = RunFiles(path)
    description = _object(files.description, RUN_DESCRIPTION)
    start = problem.initial_weights
    _check_subject(description.get("subject"), subject(problem, start), files.description)
    settings = description.get("settings")
    if not isinstance(settings, dict):
        raise InputError(
            "no settings of a run", where=str(files.description), remedy=_REMEDY, type=type(settings).__name__
        )
    try:
        state, binding = read_checkpoint(files.checkpoint, start.size)
        weights = SavedState(state, start.size).vector("w")
        length, expected = binding.count("lines"), binding.digest("lines_sha256")
    except (InputError, KeyError) as error:
        raise InputError(
            "the checkpoint is damaged", where=str(files.checkpoint), reason=str(error), remedy=_REMEDY
        ) from None
    input_size(files.lines, RUN_LINES)
    lines, digest = read_lines(files.lines, length)
    if digest.digest() != expected:
        raise InputError(
            "the file of steps is damaged: its lines are not those that the checkpoint follows",
            where=str(files.lines),
            bytes=length,
            remedy=_REMEDY,
        )
    announce("proving the decrease of the run")
    upper, decrease = proved_change(problem, start, weights)
    recheck = None
    if files.subject.exists():
        announce("checking the run's certificates")
        recheck = check_run(files.path, describe(problem, start), announce=announce)
    return RunEvidence(
        files.path,
        settings,
        [_numbers(line, files.lines) for line in lines],
        count_verdicts(lines),
        _stopped(files),
        upper,
        decrease,
        weights_digest(weights),
        recheck,
    )


def _check_subject(found: Any, expected: dict[str, Any], where: Path) -> None:
    for name, value in expected.items():
        if not isinstance(found, dict) or (name != "name" and found.get(name) != value):
            recorded = found.get(name) if isinstance(found, dict) else None
            raise InputError(
                "the run is not about the network of the spec file",
                where=f"{where}: subject.{name}",
                found=recorded,
                expected=value,
                remedy="give the spec file that was trained",
            )


def _numbers(line: dict[str, Any], where: Path) -> dict[str, Any]:
    """Return a line whose numbers are finite or None."""
    for name in _NUMBERS:
        value = line.get(name)
        if value is not None and (type(value) not in (int, float) or not math.isfinite(value)):
            raise InputError("not a number", where=f"{where}:{line['step']}: {name}", value=value, remedy=_REMEDY)
    return line


def _object(path: Path, kind: Any) -> dict[str, Any]:
    try:
        content = json.loads(read_text(path, kind))
    except (RecursionError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"not {kind.name}", where=str(path), reason=str(error), remedy=_REMEDY) from None
    if not isinstance(content, dict):
        raise InputError(f"not {kind.name}", where=str(path), type=type(content).__name__, remedy=_REMEDY)
    return content


def _stopped(files: RunFiles) -> str | None:
    if not files.result.exists():
        return None
    stopped = _object(files.result, RUN_RESULT).get("stopped")
    return stopped if isinstance(stopped, str) else None
