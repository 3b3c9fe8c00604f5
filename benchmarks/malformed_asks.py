"""What a malformed input is: a command line, what the answer must name, and which answers are right."""

from __future__ import annotations

import io
import json
import shutil
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malformed_inputs import PLAIN

import verify
from verify.analysis.check import check
from verify.campaign.run import run_campaign
from verify.cli.app import main as dagverify
from verify.cli.output import plain
from verify.spec import load_specification

REFUSED = frozenset({2})
VERDICTS = frozenset({0, 1, 3})


@dataclass(frozen=True)
class Ask:
    """One input.

    Parameters
    ----------
    arguments : tuple of str
        Of the command line; of pytest where `command` says so.
    names : str
        What the line on stderr must hold.
    codes : frozenset of int
        The right exit codes; after 2, nothing may have been written.
    may_be_valid : bool
        Whether the damage can leave the input valid: then it is not counted.
    whole : bool
        Whether the command computes its real answer, instead of being cut short once its input is read.
    pytest : bool
        Whether pytest is asked, in the folder of the input.
    """

    arguments: tuple[str, ...]
    names: str
    codes: frozenset[int] = REFUSED
    may_be_valid: bool = False
    whole: bool = False
    pytest: bool = False


@dataclass(frozen=True)
class Stock:
    """What is right, to be damaged."""

    report: Any
    baseline: str
    certificates: tuple[str, ...]
    run: Path
    campaign: bytes
    campaign_arguments: tuple[str, ...]

    @classmethod
    def of(cls, folder: Path) -> Stock:
        """Make a report, a baseline, certificates, a run folder and a campaign file of the small network."""
        folder.mkdir()
        spec = folder / "spec.toml"
        spec.write_text(PLAIN)
        specification = load_specification(spec)
        report = check(specification.problem, specification.momentum)
        kinds = ("region", "step")
        certificates = tuple(json.dumps(verify.certify(specification.problem, kind)) for kind in kinds)
        run = folder / "run"
        with redirect_stdout(io.StringIO()):
            quiet(["train", str(spec), "--out", str(run), "--steps", "3", "--certificates", "steps"])
        counts = {"networks": 1, "steps": 1, "heavy-ball": 0, "attacks": 2, "segments": 0, "workers": 1}
        arguments = tuple(word for name, count in counts.items() for word in (f"--{name}", str(count)))
        lines = folder / "campaign.jsonl"
        run_campaign(lines, networks=1, steps=1, heavy_ball_steps=0, attacks=2, workers=1)
        return cls(report, json.dumps(plain(report.to_json())), certificates, run, lines.read_bytes(), arguments)

    def copy_run(self, folder: Path) -> Path:
        """Return a copy of the run folder, with the spec file beside it."""
        (folder / "spec.toml").write_text(PLAIN)
        return Path(shutil.copytree(self.run, folder / "run"))


def quiet(arguments: list[str]) -> None:
    """Run a command line that must succeed."""
    try:
        dagverify(arguments)
    except SystemExit as left:
        if left.code:
            raise RuntimeError(f"dagverify {' '.join(arguments)}: exit code {left.code}") from None
