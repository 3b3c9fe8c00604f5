"""LAPACK and ARPACK are never given what is not finite, so that they never write to the standard output."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import verify
from verify.arithmetic import decompositions
from verify.arithmetic.decompositions import dominant_vector
from verify.bounds.attack import attack_hessian

ALLOWED = {"norm", "LinAlgError"}
"""Of ``numpy.linalg``: a vector's norm is no decomposition."""
CALLS: dict[str, Callable[[np.ndarray], Any]] = {
    "eigvalsh": decompositions.eigvalsh,
    "eigh": decompositions.eigh,
    "eig": decompositions.eig,
    "cholesky": decompositions.cholesky,
    "orthonormal": decompositions.orthonormal,
}


def uses(source: str) -> set[str]:
    """Names of decompositions that a module calls itself."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("np.linalg", "numpy.linalg", "linalg"):
            found.add(node.attr)
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found |= {module for module in modules if "linalg" in module}
    return found - ALLOWED


def test_uses_are_found() -> None:
    assert uses("np.linalg.norm(x)") == set()
    assert uses("np.linalg.svd(x)") == {"svd"}
    assert uses("from scipy.sparse.linalg import eigsh") == {"scipy.sparse.linalg"}
    assert uses("import scipy.linalg") == {"scipy.linalg"}


def test_one_module_decomposes() -> None:
    """The checker, which imports none of the prover's arithmetic, factors a matrix whose factor it does not believe."""
    folder = Path(verify.__file__).parent
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.py") if uses(path.read_text("utf-8"))}
    assert found == {"arithmetic/decompositions.py", "certificates/checker/hessian.py"}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("entry", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("size", [1, 2, 3, 30])
def test_what_is_not_finite_is_refused_without_a_word(name: str, entry: float, size: int, capfd: Any) -> None:
    matrix = np.eye(size)
    CALLS[name](matrix)
    matrix[-1, -1] = entry
    with pytest.raises(np.linalg.LinAlgError):
        CALLS[name](matrix)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("entry", [np.nan, np.inf])
@pytest.mark.parametrize("at", [0, 3, 7])
def test_a_product_that_overflows_ends_the_search_without_a_word(entry: float, at: int, capfd: Any) -> None:
    calls = 0

    def product(u: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        return np.arange(30.0) * u if calls <= at else np.full(30, entry)

    assert dominant_vector(product, np.ones(30), basis=12, rounds=20, tolerance=1e-9) is None
    assert calls == at + 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("inputs", [1, 2])
@pytest.mark.parametrize(
    ("activation", "size"),
    [
        ({"expr": "x**3"}, 1e60),
        ({"expr": "x**2"}, 1e160),
        ("softplus", 1e200),
        ("tanh", 1e160),
        ("identity", 1.4e154),
        ("identity", 1e307),
    ],
)
def test_an_attack_where_everything_overflows_proves_nothing_and_says_nothing(
    activation: Any, size: float, inputs: int, capfd: Any
) -> None:
    nodes = {
        "x": {"width": inputs},
        "h": {"width": 1, "activation": activation, "inputs": ["x"], "bias": False},
        "y": {"width": 1, "activation": "identity", "inputs": ["h"], "bias": inputs == 2},
    }
    architecture = verify.Architecture.from_data(nodes, "y")
    w = np.full(architecture.size, size)
    region = verify.Ball(w, 0.1)
    problem = verify.Problem(architecture, np.ones((2, inputs)), [[1.0], [0.0]], initial_weights=w, region=region)
    for level in (None, 1.0):
        assert attack_hessian(problem, level=level).value >= 0.0
    with pytest.raises(verify.DagverifyError, match="no finite bound"):
        verify.hessian_bound(problem)
    assert capfd.readouterr() == ("", "")
