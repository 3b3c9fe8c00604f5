"""The checker's own Hessian bound: never below a proved curvature, and independent of the prover."""

from __future__ import annotations

import ast
from fractions import Fraction
from pathlib import Path
from typing import Any

import flint
import numpy as np
import pytest

import verify
from tests.certificates.conftest import IMAGES, make_problem
from verify.bounds.attack import attack_hessian
from verify.campaign.networks import random_problem
from verify.certificates import checker
from verify.certificates.checker.curvature import norm_upper
from verify.certificates.checker.functions import BUILTIN_FORMULAS, Function
from verify.certificates.checker.network import Network
from verify.certificates.curvature_claim import CurvatureClaims
from verify.certificates.description import describe

HIGHER_FLOORS = {"certificates", "outcomes"}

FACTOR = ("hessian.py", "numpy")


def recomputed(problem: verify.Problem, region: verify.bounds.regions.Region | None = None) -> float:
    claims = CurvatureClaims(problem, describe(problem, problem.initial_weights))
    return claims.recomputed(problem.region if region is None else region)


@pytest.mark.parametrize("seed", range(40))
def test_bound_is_not_below_the_attack(seed: int) -> None:
    problem = random_problem(seed)
    try:
        bound = recomputed(problem)
    except verify.InputError:
        specs = [problem.architecture.vertices[name].activation_spec for name in problem.architecture.order]
        if all(isinstance(spec, str) for spec in specs):
            raise
        pytest.skip("the checker bounds no derivative of this formula")
    attack = attack_hessian(problem, points=2, seed=seed, ascents=4)
    assert attack.value > 0
    assert bound >= attack.value


def test_bound_grows_with_the_region() -> None:
    problem = make_problem(IMAGES, samples=2)
    bounds = [recomputed(problem, verify.Ball(problem.initial_weights, radius)) for radius in (1e-6, 1e-3, 0.1)]
    assert bounds == sorted(bounds) and bounds[0] < bounds[-1]


def test_imports_are_arb_the_document_and_the_outcomes_only() -> None:
    """And NumPy, for one factor of a matrix that is multiplied out again in whole numbers."""
    imported = set()
    for file in Path(checker.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                imported.add(node.module)
            elif isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names if (file.name, alias.name) != FACTOR}
    own = {name for name in imported if name.startswith("verify")}
    assert {name for name in own if not name.startswith("verify.certificates.checker")} == {
        "verify.arithmetic.environment",  # the test of the processor's state, no arithmetic
        "verify.certificates",
        "verify.certificates.document",
        "verify.outcomes",
    }
    assert not {name.split(".")[0] for name in imported} & {"numpy", "scipy", "sympy", "networkx"}


def test_shared_reader_of_documents_imports_nothing_else() -> None:
    from verify.certificates import document

    tree = ast.parse(Path(document.__file__).read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    files = {f"verify.files.{name}" for name in ("kinds", "reading", "writing")}
    assert {name for name in modules if name and name.startswith("verify")} == {
        "verify.outcomes",
        "verify.whole_numbers",
        *files,
    }


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (6, 2), (4, 4)])
def test_norm_bound_is_above_the_norm_and_close(shape: tuple[int, int]) -> None:
    matrix = np.random.default_rng(0).standard_normal(shape)
    bound = float(norm_upper(flint.arb_mat(matrix.tolist())))
    assert np.linalg.norm(matrix, 2) <= bound <= 1.1 * np.linalg.norm(matrix, 2)


def test_norm_of_nothing_and_of_something_undefined() -> None:
    assert norm_upper(flint.arb_mat(2, 3)) == 0
    with pytest.raises(verify.InputError, match="not finite"):
        norm_upper(flint.arb_mat([[flint.arb("nan")]]))


def test_norm_bound_with_more_squarings_is_above_the_eigenvalue_and_close() -> None:
    matrix = np.abs(np.random.default_rng(1).standard_normal((4, 4)))
    matrix = matrix + matrix.T
    bound = norm_upper(flint.arb_mat(matrix.tolist()), squarings=12)
    vector = [Fraction(v) for v in np.linalg.eigh(matrix)[1][:, -1].tolist()]
    image = [sum(Fraction(m) * v for m, v in zip(row, vector, strict=True)) for row in matrix.tolist()]
    quotient = sum(a * b for a, b in zip(image, vector, strict=True)) / sum(v * v for v in vector)
    below = flint.arb(flint.fmpq(quotient.numerator, quotient.denominator))
    assert below <= bound
    assert bound <= below * flint.arb(1.000001)


@pytest.mark.parametrize("name", sorted(set(BUILTIN_FORMULAS) - {"relu", "leaky_relu"}))
def test_functions_agree_with_the_provers_activations(name: str) -> None:
    """Two independent definitions of each activation enclose a common value, derivative by derivative."""
    function, activation = Function(name, "test"), verify.activation(name)
    for z in (-30.0, -2.5, -0.3, 0.0, 0.7, 4.0, 45.0):
        derivatives = function.derivatives(flint.arb(z), 3)
        for order, value in enumerate(derivatives):
            assert value.overlaps(activation.arb(flint.arb(z), order))
            assert value.rad() < 1e-10 * (1 + abs(value.mid()))


@pytest.mark.parametrize("name", sorted(set(BUILTIN_FORMULAS) - {"relu", "leaky_relu"}))
def test_suprema_are_above_every_sampled_derivative(name: str) -> None:
    function = Function(name, "test")
    suprema = function.suprema(flint.arb(-3), flint.arb(5), 3)
    for z in np.linspace(-3, 5, 101):
        for bound, value in zip(suprema, function.derivatives(flint.arb(float(z)), 3), strict=True):
            assert not abs(value) > bound


@pytest.mark.parametrize("formula", ["1/x", "log(x)", "sqrt(x)", "sqrt(x*x)", "relu(x)", "1/(x-1)"])
def test_formulas_that_are_undefined_somewhere_have_no_suprema(formula: str) -> None:
    with pytest.raises(verify.InputError):
        Function({"expr": formula}, "test").suprema(flint.arb(-2), flint.arb(2), 2)


@pytest.mark.parametrize(
    "formula",
    ["y", "x.real", "__import__('os')", "x**x", "x**99", "x**-1", "1e999*x", "f(x)", "x if x else x", "[x]", "",
     "x" * 500, "max(x)", "lambda: x", "x@x", "0x10*x", "1_0*x", "True*x", "x**0"],
)  # fmt: skip
def test_unreadable_formulas_are_refused(formula: str) -> None:
    with pytest.raises(verify.InputError):
        Function({"expr": formula}, "test").derivatives(flint.arb(1), 1)


@pytest.mark.parametrize(
    "change",
    [{"channels": True}, {"channels": 1.0}, {"kernel": [10**6] * 2, "stride": [10**6] * 2, "padding": [500000] * 2}],
)
def test_convolutions_with_odd_channels_or_a_huge_kernel_are_refused(change: dict[str, Any]) -> None:
    """The million million places of the kernel are never written down."""
    edge = {"from": "x", "kind": "conv2d", "channels": 1, "kernel": [1, 1]}
    nodes = {"x": {"shape": [1, 1, 1]}, "y": {"shape": [1, 1, 1], "inputs": [edge]}}
    assert Network({"nodes": nodes, "outputs": ["y"]}).size == 2
    edge |= change
    with pytest.raises(verify.InputError, match=r"does not fit|expected integers"):
        Network({"nodes": nodes, "outputs": ["y"]})
