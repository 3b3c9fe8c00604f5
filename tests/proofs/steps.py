"""Small problems, their steps as certificates, and the true decrease of each."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import verify
from verify.arithmetic.arb import precision
from verify.calculus.exact import error_in_arb
from verify.certificates.coq.compiler import ALLOWED_AXIOMS

AXIOMS = "Axioms:\n" + "".join(f"{name} : forall P : Prop,\n  P\n" for name in sorted(ALLOWED_AXIOMS))
"""What Coq prints for a proof that uses the axioms of the reals."""


def make_problem(hidden: Any = "tanh", output: str = "identity", samples: int = 2, **settings: Any) -> verify.Problem:
    nodes = {
        "x": {"width": 2},
        "a": {"width": 2, "activation": hidden, "inputs": ["x"]},
        "y": {"width": 2, "activation": output, "inputs": ["a", {"from": "x", "kind": "identity"}]},
    }
    rng = np.random.default_rng(1)
    architecture = verify.Architecture.from_data(nodes, output="y")
    return verify.Problem(architecture, rng.normal(size=(samples, 2)), rng.normal(size=(samples, 2)), **settings)


def make_step(problem: verify.Problem) -> tuple[np.ndarray, np.ndarray]:
    w = problem.initial_weights
    return w, w - 0.1 * problem.gradient(w)


def make_certificate(problem: verify.Problem) -> dict[str, Any]:
    w, w_next = make_step(problem)
    return verify.certify(problem, "step", weights=w, next_weights=w_next)


def true_decrease(problem: verify.Problem) -> Fraction:
    """The decrease of `make_step`, up to 2^-250."""
    w, w_next = make_step(problem)
    with precision(300):
        change = error_in_arb(problem, w) - error_in_arb(problem, w_next)
    mantissa, exponent = change.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def claimed(text: str) -> str:
    """The decrease that the theorem of a Coq file states."""
    return text.split("BeforeNetwork.error - (")[1].split(").\n")[0]


def install_coqc(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a coqc that runs a shell script first in the path."""
    program = folder / "coqc"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
