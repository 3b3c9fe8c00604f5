"""The Coq file of a step: what it states, and what is refused before anything is written."""

from __future__ import annotations

import ast
import copy
from fractions import Fraction
from pathlib import Path

import flint
import numpy as np
import pytest

import verify
from tests.certificates.conftest import IMAGES
from tests.certificates.conftest import make_problem as make_network
from tests.proofs.steps import claimed, make_certificate, make_problem, true_decrease
from verify.activations import activation
from verify.arithmetic.arb import precision
from verify.calculus.exact import error_in_arb
from verify.certificates import coq
from verify.certificates.checker.functions import rational
from verify.certificates.checker.subject import read_subject
from verify.certificates.coq import check_file_name, export_step
from verify.certificates.coq.network import FORMULAS, EvaluatedNetwork, read_neurons
from verify.outcomes import InputError


def test_nothing_of_the_prover_stands_behind_the_file():
    folder = Path(coq.__file__).parent
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in folder.glob("*.py")]
    modules = {node.module for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    own = {name for name in modules if name and name.startswith("verify")}
    assert {
        name for name in own if not name.startswith(("verify.certificates.checker", "verify.certificates.coq"))
    } == {
        "verify.certificates",
        "verify.outcomes",
    }


@pytest.mark.parametrize("settings", [{}, {"reduction": "sum"}, {"weight_decay": 0.03}])
def test_claim_is_the_certificates_and_close_to_the_truth(settings):
    problem = make_problem(**settings)
    certificate = make_certificate(problem)
    decrease = Fraction(float.fromhex(certificate["claim"]["decrease"]))
    assert claimed(export_step(certificate)) == f"{decrease.numerator} / {decrease.denominator}"
    assert true_decrease(problem) * Fraction(99, 100) < decrease <= true_decrease(problem)


def test_decrease_of_a_linear_neuron_by_hand():
    """E = (w - 1)^2 / 2 + w^2 / 16; from 1/4 to 1/2 it falls from 73/256 to 9/64."""
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    problem = verify.Problem(verify.Architecture.from_data(nodes, output="y"), [[1.0]], [[1.0]], weight_decay=0.125)
    certificate = verify.certify(problem, "step", weights=[0.25], next_weights=[0.5])
    certificate["claim"]["decrease"] = str(Fraction(73, 256) - Fraction(9, 64) - Fraction(1, 10**12))
    export_step(certificate)
    certificate["claim"]["decrease"] = str(Fraction(73, 256) - Fraction(9, 64) + Fraction(1, 10**12))
    with pytest.raises(InputError, match="does not decrease"):
        export_step(certificate)


@pytest.mark.parametrize("factor", [Fraction(101, 100), 1 + Fraction(1, 10**30)])
def test_too_much_is_refused(factor):
    problem = make_problem()
    certificate = make_certificate(problem)
    certificate["claim"]["decrease"] = str(true_decrease(problem) * factor)
    with pytest.raises(InputError, match="does not decrease the error so much"):
        export_step(certificate)


def test_an_uphill_step_is_refused():
    certificate = make_certificate(make_problem())
    certificate["weights"], certificate["claim"]["next"] = certificate["claim"]["next"], certificate["weights"]
    certificate["claim"]["decrease"] = "0"
    with pytest.raises(InputError, match="does not decrease"):
        export_step(certificate)


def test_a_step_of_length_zero_is_undecided():
    certificate = make_certificate(make_problem())
    certificate["claim"] = {"next": certificate["weights"], "decrease": "0"}
    with pytest.raises(InputError, match="not decided"):
        export_step(certificate)


@pytest.mark.parametrize("hidden", ["erf", "relu", {"expr": "x*tanh(x)"}])
def test_activations_without_a_formula_are_refused(hidden):
    certificate = make_certificate(make_problem(hidden=hidden))
    with pytest.raises(InputError, match="vertex a: activation without a Coq formula"):
        export_step(certificate)


def test_large_networks_are_refused():
    """4 neurons, so 250 samples are just small enough."""
    export_step(make_certificate(make_problem(hidden="identity", samples=250)))
    with pytest.raises(InputError, match="too large for a Coq proof: size=2008"):
        export_step(make_certificate(make_problem(hidden="identity", samples=251)))


def test_other_kinds_are_refused():
    problem = make_network({"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}})
    with pytest.raises(InputError, match="only a step"):
        export_step(verify.certify(problem, "region"))


@pytest.mark.parametrize("name", ["Step", "Step.v.txt", "a-b.v", "1.v", ".v", "Ä.v", "a b.v", "Step.v\n"])
def test_names_that_coq_cannot_compile_are_refused(name):
    with pytest.raises(InputError, match="Coq cannot compile"):
        check_file_name(name)
    check_file_name("My_step_2.v")


def test_weights_and_data_are_exact():
    problem = make_problem()
    certificate = make_certificate(problem)
    text = export_step(certificate)
    texts = [*certificate["weights"], *certificate["claim"]["next"]]
    for number in [*map(float.fromhex, texts), *problem.inputs.ravel(), *problem.targets.ravel()]:
        exact = Fraction(float(number))
        assert f" : R := ({exact.numerator}" in text
        assert f"({exact.numerator} / {exact.denominator})." in text or exact.denominator == 1


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_formula_is_the_activation(name):
    with precision(100):
        for point in (Fraction(-7, 3), Fraction(1, 8), Fraction(5, 2)):
            ball = rational(point)
            assert FORMULAS[name].arb(ball).overlaps(activation(name).arb(ball))
            assert float((FORMULAS[name].arb(ball)).rad()) < 1e-25


@pytest.mark.parametrize("bits", [30, 120])
def test_neurons_compute_the_error_of_every_edge_kind(bits):
    """The neurons come from the checker's reading of the graph, the error they are held against from the package's."""
    nodes = copy.deepcopy(IMAGES)
    nodes["side"]["activation"] = "silu"  # gelu has no formula
    problem = make_network(nodes, samples=2, weight_decay=0.25)
    w = problem.initial_weights
    certificate = verify.certify(problem, "step", weights=w, next_weights=w - 1e-3 * problem.gradient(w))
    subject = read_subject(certificate)
    neurons = read_neurons(subject, certificate["model"])
    low, high = EvaluatedNetwork("Before", subject, neurons, subject.weights, bits).error
    with precision(300):
        assert rational(low) <= error_in_arb(problem, w) <= rational(high)
    assert high - low < Fraction(1, 2 ** (bits - 10))


def test_large_numbers_get_more_bits():
    certificate = make_certificate(make_problem())
    subject = read_subject(certificate)
    neurons = read_neurons(subject, certificate["model"])
    usual = EvaluatedNetwork("Before", subject, neurons, subject.weights, 60).precision
    grown = EvaluatedNetwork("Before", subject, neurons, [2.0**40 * w for w in subject.weights], 60).precision
    assert usual + 70 < grown < usual + 90  # squares of 2^40


def test_overflow_is_an_error():
    certificate = make_certificate(make_problem(output="sin"))
    certificate["weights"] = [np.finfo(float).max.hex()] * len(certificate["weights"])
    with pytest.raises(InputError), flint.ctx.workprec(53):
        export_step(certificate)
