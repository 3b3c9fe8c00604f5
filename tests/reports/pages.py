"""The pages that several tests read: each is made once."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path

import verify
from tests.specifications import SMALL
from verify.certificates.document import write_document
from verify.reports.evidence import Evidence
from verify.training.run_folder import RunFolder
from verify.training.session import Session
from verify.training.train import make_rule

SETTING = "\n[momentum]\neta = 0.1\ntau = 0.05\n"
HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}\\u202e&lt;"
"""As it stands in a TOML or JSON string; markup, an attribute's end, a template, a change of direction."""

KINDS = ("proved", "undecided", "refuted", "increasing", "heavy ball", "graph", "hostile")


@cache
def folder() -> Path:
    """Return the folder in which the specs, runs and certificates of the pages are."""
    return Path(tempfile.mkdtemp())


@cache
def evidence(kind: str) -> Evidence:
    """Return the evidence of a page."""
    spec = folder() / f"{kind}.toml"
    match kind:
        case "proved":
            spec.write_text(SMALL + SETTING, encoding="utf-8")
            run, certificate = trained(spec, certify="steps"), certified(spec)
            return verify.report(spec, run=run, certificates=[certificate], examples=3)
        case "undecided":
            spec.write_text(SMALL + SETTING.replace("0.1", "8.0").replace("0.05", "0.0"), encoding="utf-8")
            return verify.report(spec, run=trained(spec), examples=0)
        case "refuted":
            spec.write_text(SMALL.replace("tanh", "relu"), encoding="utf-8")
            return verify.report(spec, examples=2)
        case "increasing":
            text = SMALL.replace("radius = 0.1", "radius = 100.0").replace("sigmoid", "identity")
            spec.write_text(text + SETTING.replace("0.1", "20.0"), encoding="utf-8")
            return verify.report(spec, examples=2)
        case "graph":
            spec.write_text('loss = "mse"\n' + SMALL + SETTING, encoding="utf-8")
            return verify.report(spec, run=trained(spec, rule="guarded"), examples=2)
        case "heavy ball":
            spec.write_text(SMALL + "\n[momentum]\neta = 0.1\nmu = 0.5\n", encoding="utf-8")
            return verify.report(spec, examples=2)
        case _:
            return _hostile()


@cache
def page(kind: str) -> str:
    """Return a page."""
    return evidence(kind).html()


def trained(spec: Path, *, certify: str | None = None, steps: int = 5, rule: str = "certified") -> Path:
    """Train a little beside the spec file; return the folder of the run."""
    path = spec.with_suffix(".run")
    problem = verify.load_problem(spec)
    session = Session(problem, make_rule(rule, problem=problem))
    run = RunFolder(path, certify, length=3)
    run.start(session, {"rule": rule, "eta": None, "tau": None})
    run.run(session, steps)
    return path


def certified(spec: Path) -> Path:
    """Certify a step beside the spec file; return the file."""
    path = spec.with_suffix(".json")
    write_document(verify.certify(verify.load_problem(spec), "step"), path)
    return path


def _hostile() -> Evidence:
    """Let every text that a user can choose attack the page: names of the problem and of files, what a run recorded."""
    place = folder() / "<b onclick=alert(1)>\"'&{{ 7*7 }}"
    place.mkdir()
    spec = place / "<script>alert(1)&lt;.toml"
    spec.write_text(SMALL.replace('"small"', f'"{HOSTILE.replace(chr(34), chr(92) + chr(34))}"', 1), encoding="utf-8")
    run = trained(spec)
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    (run / "result.json").write_text(json.dumps({**result, "stopped": HOSTILE}), encoding="utf-8")
    return verify.report(spec, run=run, certificates=[certified(spec)], examples=0)
