"""A concrete step's Coq file: true statements compile, false ones do not."""

from __future__ import annotations

import re
import shutil
import subprocess
from fractions import Fraction

import numpy as np
import pytest

import verify
from verify.activations import activation
from verify.arithmetic.arb import precision
from verify.calculus.exact import error_in_arb
from verify.certificates.coq_export import export_step
from verify.certificates.coq_network import FORMULAS, ball_between, exact_fraction
from verify.outcomes import InputError

needs_coq = pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")


def make_problem(hidden: str = "tanh", output: str = "identity", samples: int = 2, **settings) -> verify.Problem:
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


def true_decrease(problem: verify.Problem, w: np.ndarray, w_next: np.ndarray) -> Fraction:
    with precision(300):
        return exact_fraction((error_in_arb(problem, w) - error_in_arb(problem, w_next)).mid())


def claimed(text: str) -> Fraction:
    found = re.search(r"BeforeNetwork\.error - \((\d+) / (\d+)\)", text)
    assert found is not None
    return Fraction(int(found[1]), int(found[2]))


def compiles(text: str, folder) -> tuple[bool, str]:
    (folder / "Step.v").write_text(text)
    done = subprocess.run(["coqc", "Step.v"], cwd=folder, check=False, capture_output=True, text=True, timeout=300)
    return done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("settings", [{}, {"reduction": "sum"}, {"weight_decay": 0.03}])
def test_default_claim_is_close_below_the_true_decrease(settings):
    problem = make_problem(**settings)
    w, w_next = make_step(problem)
    actual = true_decrease(problem, w, w_next)
    assert actual * Fraction(99, 100) < claimed(export_step(problem, w, w_next)) <= actual


def test_false_claims_are_refused():
    problem = make_problem()
    w, w_next = make_step(problem)
    with pytest.raises(InputError, match="does not decrease"):
        export_step(problem, w_next, w)
    with pytest.raises(InputError, match="does not decrease"):
        export_step(problem, w, w_next, decrease=true_decrease(problem, w, w_next) * Fraction(101, 100))
    with pytest.raises(InputError, match="not decided"):
        export_step(problem, w, w)


def test_unsupported_networks_are_refused():
    problem = make_problem(hidden="erf")
    with pytest.raises(InputError, match="activation='erf'"):
        export_step(problem, *make_step(problem))
    large = make_problem(samples=300)
    with pytest.raises(InputError, match="too large"):
        export_step(large, *make_step(large))


def test_weights_and_data_are_exact():
    problem = make_problem()
    w, w_next = make_step(problem)
    text = export_step(problem, w, w_next)
    for number in [*w, *w_next, *problem.inputs.ravel(), *problem.targets.ravel()]:
        exact = Fraction(float(number))
        assert (
            f"({exact.numerator} / {exact.denominator})" if exact.denominator > 1 else f"({exact.numerator})"
        ) in text


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_formula_is_the_activation(name):
    with precision(100):
        for point in (Fraction(-7, 3), Fraction(1, 8), Fraction(5, 2)):
            ball = ball_between(point, point)
            assert FORMULAS[name].arb(ball).overlaps(activation(name).arb(ball))
            assert float((FORMULAS[name].arb(ball)).rad()) < 1e-25


@needs_coq
@pytest.mark.proofs
@pytest.mark.slow
@pytest.mark.parametrize("hidden", sorted(FORMULAS))
def test_true_claim_compiles(hidden, tmp_path):
    problem = make_problem(hidden=hidden, samples=1, weight_decay=0.01)
    accepted, output = compiles(export_step(problem, *make_step(problem)), tmp_path)
    assert accepted, output
    axioms = set(re.findall(r"^([\w.]+) :?", output.split("Axioms:")[1], re.MULTILINE))
    assert axioms <= {
        "ClassicalDedekindReals.sig_forall_dec",
        "ClassicalDedekindReals.sig_not_dec",
        "FunctionalExtensionality.functional_extensionality_dep",
        "Classical_Prop.classic",
    }


@needs_coq
@pytest.mark.proofs
@pytest.mark.slow
def test_one_percent_too_much_does_not_compile(tmp_path):
    problem = make_problem()
    w, w_next = make_step(problem)
    text = export_step(problem, w, w_next)
    wrong = true_decrease(problem, w, w_next) * Fraction(101, 100)
    old = claimed(text)
    forged = text.replace(
        f"error - ({old.numerator} / {old.denominator})", f"error - ({wrong.numerator} / {wrong.denominator})"
    )
    assert forged != text
    accepted, output = compiles(forged, tmp_path)
    assert not accepted
    assert "Cannot find witness" in output or "No applicable tactic" in output


@needs_coq
@pytest.mark.proofs
@pytest.mark.slow
def test_a_forged_bound_does_not_compile(tmp_path):
    """The bounds written into the file are claims too: Coq proves each of them anew."""
    problem = make_problem(samples=1)
    text = export_step(problem, *make_step(problem))
    start = text.index("Lemma After_error : (") + len("Lemma After_error : ")
    end = text.index(" <= AfterNetwork.error <= ", start)
    upper_end = text.index(".\nProof", end)
    forged = text[:end] + " <= AfterNetwork.error <= " + text[start:end] + text[upper_end:]
    accepted, output = compiles(forged, tmp_path)
    assert not accepted
    assert "interval" in output or "Numerical evaluation" in output
