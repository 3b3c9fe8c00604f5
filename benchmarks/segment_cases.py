"""The networks, states and segments of the segment benchmark, and what autobound needs to know of them."""

from __future__ import annotations

import json
import subprocess
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import verify
from verify.training.rules import CertifiedRule
from verify.training.session import Session

PEER = ["autobound==0.1.4", "jax==0.4.13", "jaxlib==0.4.13", "numpy<2", "scipy<1.12", "typing_extensions"]
HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "examples"


@dataclass(frozen=True)
class Case:
    """A segment w + t D, 0 <= t <= T."""

    label: str
    w: np.ndarray
    D: np.ndarray
    T: float


@dataclass(frozen=True)
class Network:
    """A problem and segments in it."""

    name: str
    problem: verify.Problem
    cases: list[Case]


def digits_segments(problem: verify.Problem) -> list[Case]:
    """Segments at the start and after 30 and 300 gradient steps with eta 1, along -g and -g + 0.9 D."""
    w, step = problem.initial_weights.copy(), np.zeros(problem.architecture.size)
    result = []
    for index in range(301):
        gradient = problem.gradient(w)
        if index == 0:
            result += [Case(f"start, -g, {T:g}", w, -gradient, T) for T in (1.0, 1.75, 3.0)]
        if index in (30, 300):
            direction = 0.9 * step - gradient
            result += [Case(f"after {index}, -g + 0.9 D, {T:g}", w, direction, T) for T in (2.0, 10.0, 30.0)]
        step = -gradient
        w = w + step
    return result


def newton_segments(problem: verify.Problem, steps: int) -> list[Case]:
    """Segments of the Newton length: at the start, and after certified steps along -g and -g + 0.9 |g| D/|D|."""
    session = Session(problem, CertifiedRule(), problem.initial_weights)
    w = session.weights
    gradient = problem.gradient(w)
    result = []
    for name, factor in (("t_N", 1.0), ("2 t_N", 2.0)):
        result.append(Case(f"start, -g, {name}", w, -gradient, factor * newton_length(problem, w, -gradient)))
    for _ in range(steps):
        before = session.weights
        session.step()
    w, gradient = session.weights, problem.gradient(session.weights)
    step = w - before
    momentum = 0.9 * float(np.linalg.norm(gradient) / np.linalg.norm(step)) * step
    for name, D in (("-g", -gradient), ("-g + momentum", momentum - gradient)):
        result.append(Case(f"after {steps} certified, {name}, t_N", w, D, newton_length(problem, w, D)))
    return result


def newton_length(problem: verify.Problem, w: np.ndarray, D: np.ndarray) -> float:
    curvature = float(D @ problem.hessian_vector(w, D))
    return abs(float(problem.gradient(w) @ D) / curvature)


def networks() -> list[Network]:
    """Networks of the tightness table."""
    digits = verify.load_problem(EXAMPLES / "digits_autoencoder.toml")
    result = [Network("digits autoencoder", digits, digits_segments(digits) + newton_segments(digits, 30))]
    for name, problem, steps in (
        ("breast cancer, residual tanh", verify.load_problem(EXAMPLES / "breast_cancer_residual.toml"), 60),
        ("wine, softplus with skips", wine_problem(), 15),
        ("digits, residual convolution", verify.load_problem(EXAMPLES / "digits_convolution.toml"), 20),
    ):
        result.append(Network(name, problem, newton_segments(problem, steps)))
    return result


def wine_problem() -> verify.Problem:
    from sklearn.datasets import load_wine

    data = load_wine()
    x = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
    nodes: dict[str, Any] = {
        "x": {"width": 13},
        "h1": {"width": 16, "activation": "softplus", "inputs": ["x"]},
        "h2": {"width": 16, "activation": "softplus", "inputs": ["h1", "x"]},
        "y": {"width": 3, "activation": "sigmoid", "inputs": ["h2", "h1"]},
    }
    return verify.Problem(verify.Architecture.from_data(nodes, output="y"), x, np.eye(3)[data.target])


def autoencoder(width: int, depth: int, samples: int) -> verify.Problem:
    """An autoencoder of 64 columns with `depth` hidden sigmoid layers, each reading the two before it."""
    nodes: dict[str, Any] = {"x": {"width": 64}}
    names = ["x", *(f"h{k}" for k in range(1, depth + 1)), "y"]
    for k, name in enumerate(names[1:], 1):
        sources = [names[k - 1]] if k == 1 else [names[k - 1], names[k - 2]]
        nodes[name] = {"width": 64 if name == "y" else width, "activation": "sigmoid", "inputs": sources}
    x = np.random.default_rng(0).random((samples, 64))
    return verify.Problem(verify.Architecture.from_data(nodes, output="y"), x, x)


def peer_python(option: str, folder: Path) -> str:
    if option != "make":
        return option
    venv.create(folder / "peer", with_pip=True)
    python = folder / "peer" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PEER], check=True)
    return str(python)


def peer_answers(python: str | None, tested: list[Network], repetitions: int) -> list[list[dict[str, float]]]:
    """What autobound says of every case of every network; empty dictionaries without it."""
    if python is None:
        return [[{} for _ in network.cases] for network in tested]
    arrays: dict[str, np.ndarray] = {}
    described = []
    for n, network in enumerate(tested):
        arrays[f"{n}.x"], arrays[f"{n}.y"] = network.problem.inputs, network.problem.targets
        count = 0
        for c, case in enumerate(network.cases):
            for kind, weights in (("w", case.w), ("D", case.D)):
                parts = _dense_parts(network.problem.architecture, weights, kind == "D")
                count = len(parts)
                arrays |= {f"{n}.{c}.{i}.{kind}": part for i, part in enumerate(parts)}
        lengths = [case.T for case in network.cases]
        described.append({"vertices": _vertices(network.problem), "parts": count, "lengths": lengths})
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "cases.npz"
        np.savez(path, networks=json.dumps(described), **arrays)
        command = [python, HERE / "segment_peer.py", path, str(repetitions)]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _vertices(problem: verify.Problem) -> list[dict[str, Any]]:
    architecture = problem.architecture
    return [
        {
            "name": name,
            "activation": architecture.vertices[name].activation.name,
            "bias": architecture.vertices[name].bias is not None,
            "sources": [edge.source for edge in architecture.in_edges(name)],
        }
        for name in architecture.order
    ]


def _dense_parts(architecture: verify.Architecture, weights: np.ndarray, direction: bool) -> list[np.ndarray]:
    """Matrices (in, out) of every vertex's edges, then its bias; fixed edges have the direction zero."""
    from verify.calculus.passes import spread_bias

    parts, result = architecture.unflatten(weights), []
    for name in architecture.order:
        for edge in architecture.in_edges(name):
            fixed = not edge.map.parameter_shape
            matrix = edge.map.matrix(None if fixed else parts[edge.key])
            result.append((0.0 * matrix if fixed and direction else matrix).T)
        if architecture.vertices[name].bias is not None:
            result.append(spread_bias(architecture.vertices[name], parts[name]))
    return result
