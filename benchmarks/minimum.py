"""Which networks are proved to have converged to a minimum, and what it costs.

    python benchmarks/minimum.py                      # the small networks, some minutes
    python benchmarks/minimum.py --cases all          # digits too: an hour of one busy core, 2 GB
    python benchmarks/minimum.py --cases wine,saddle --table -

Every case that runs is added to benchmarks/minimum.jsonl, and the table benchmarks/minimum.md is written from the
latest answer of each. A wrong verdict makes the exit code 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits, load_iris, load_wine

import verify
from verify.cli.certify import shown_claim
from verify.layers.dense import dense
from verify.losses import loss
from verify.operations.elementwise import Elementwise

FOLDER = Path(__file__).resolve().parent
EXAMPLES = FOLDER.parent / "examples"


@dataclass(frozen=True)
class Case:
    """A problem, the weights to start from (None: its own), and the verdict that must come out."""

    make: Callable[[], verify.Problem | verify.GraphProblem]
    verdict: str = "PROVED"
    start: Callable[[Any], Any] = lambda problem: None


def table_of(load: Callable[..., Any], samples: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Inputs, standardised or pixels divided by 16, and labels."""
    data = load()
    x, labels = np.asarray(data.data, dtype=np.float64)[:samples], np.asarray(data.target)[:samples]
    deviation = x.std(axis=0, ddof=0)
    return x / 16.0 if load is load_digits else (x - x.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0), labels


def cross_entropy(
    load: Callable[..., Any], hidden: int, decay: float, samples: int | None = None
) -> verify.GraphProblem:
    """One hidden layer of tanh units, softmax cross-entropy."""
    x, labels = table_of(load, samples)
    widths = x.shape[1], hidden, int(labels.max()) + 1
    builder = verify.GraphBuilder()
    z = builder.constant("x", x.shape)
    for layer, (inputs, units) in enumerate(pairwise(widths)):
        z = z if layer == 0 else z.apply(Elementwise("tanh"))
        z = dense(z, builder.parameter(f"W{layer}", (units, inputs)), builder.parameter(f"b{layer}", (units,)))
    criterion = loss("softmax-cross-entropy")
    targets = criterion.read_targets(labels, z.shape)
    graph = builder.build(criterion.error(z, builder.constant("targets", targets.shape)))
    size = sum((inputs + 1) * units for inputs, units in pairwise(widths))
    start = 0.3 * np.random.default_rng(0).standard_normal(size)
    return verify.GraphProblem(graph, {"x": x, "targets": targets}, start, decay)


def classifier(load: Callable[..., Any], hidden: int, decay: float, samples: int | None = None) -> verify.Problem:
    """One hidden layer of tanh units, one sigmoid output a class; standardised inputs, pixels divided by 16."""
    x, labels = table_of(load, samples)
    targets = np.eye(labels.max() + 1)[labels]
    nodes = {
        "x": {"width": x.shape[1]},
        "h": {"width": hidden, "activation": "tanh", "inputs": ["x"]},
        "y": {"width": targets.shape[1], "activation": "sigmoid", "inputs": ["h"]},
    }
    return verify.Problem(verify.Architecture.from_data(nodes, "y"), x, targets, weight_decay=decay)


def example(name: str, decay: float | None = None) -> verify.Problem:
    """An example's problem, with another weight decay if one is given."""
    problem = verify.load_problem(EXAMPLES / f"{name}.toml")
    weight_decay = problem.weight_decay if decay is None else decay
    start = problem.initial_weights
    parts = problem.architecture, problem.inputs, problem.targets, problem.loss, problem.reduction, weight_decay
    return verify.Problem(*parts, initial_weights=start)


def chain() -> verify.Problem:
    """1-1-1: at w = 0 the gradient is 0, and the product of both weights makes a saddle."""
    nodes = {
        "x": {"width": 1},
        "h": {"width": 1, "activation": "tanh", "inputs": ["x"]},
        "y": {"width": 1, "activation": "tanh", "inputs": ["h"]},
    }
    architecture = verify.Architecture.from_data(nodes, "y")
    return verify.Problem(architecture, [[1.0], [-1.0]], [[0.5], [-0.5]])


CASES: dict[str, Case] = {
    "XOR 2-2-1": Case(lambda: example("xor_decay")),
    "saddle 1-1-1": Case(chain, "REFUTED", lambda problem: np.zeros(problem.architecture.size)),
    "iris 4-3-3": Case(lambda: classifier(load_iris, 3, 1e-3)),
    "iris 4-10-3": Case(lambda: classifier(load_iris, 10, 1e-3)),
    "wine 13-8-3": Case(lambda: classifier(load_wine, 8, 1e-3)),
    "iris 4-3-3, cross-entropy": Case(lambda: cross_entropy(load_iris, 3, 1e-3)),
    "wine 13-8-3, cross-entropy": Case(lambda: cross_entropy(load_wine, 8, 1e-3)),
    "digits 64-8-10, 200 samples, cross-entropy": Case(lambda: cross_entropy(load_digits, 8, 1e-3, 200)),
    "breast_cancer_residual": Case(lambda: example("breast_cancer_residual", 1e-2)),
    "digits autoencoder": Case(lambda: example("digits_autoencoder"), "UNDECIDED"),
    "digits 64-32-10, 200 samples": Case(lambda: classifier(load_digits, 32, 1e-3, 200)),
    "digits 64-32-10, 1,797 samples": Case(lambda: classifier(load_digits, 32, 1e-3)),
}
LARGE = 2
"""The last cases, which take long."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default="small", help="small, all, none, or names separated by ';'")
    parser.add_argument("--table", default=str(FOLDER / "minimum.md"), help="file, or - for stdout")
    options = parser.parse_args()
    sets = {"small": list(CASES)[:-LARGE], "all": list(CASES), "none": []}
    names = sets.get(options.cases) or [name for name in options.cases.split(";") if name in CASES]
    store = FOLDER / "minimum.jsonl"
    for name in names:
        line = measured(name)
        print(json.dumps(line), file=sys.stderr, flush=True)
        with store.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
    lines = [json.loads(text) for text in store.read_text(encoding="utf-8").splitlines()] if store.exists() else []
    latest = {line["case"]: line for line in lines}
    text = table(latest)
    if options.table == "-":
        print(text)
    else:
        Path(options.table).write_text(text, encoding="utf-8")
    sys.exit(int(any(line["verdict"] != CASES[name].verdict or line["wrong"] for name, line in latest.items())))


def measured(name: str) -> dict[str, Any]:
    """Converge, certify and recheck one case; processor times."""
    case = CASES[name]
    problem = case.make()
    started = time.process_time()
    found = verify.converge(problem, case.start(problem))
    line: dict[str, Any] = {
        "case": name,
        "weights": problem.size,
        "samples": len(problem.constants["x"]) if isinstance(problem, verify.GraphProblem) else problem.samples,
        "decay": max(problem.weight_decay.values())
        if isinstance(problem, verify.GraphProblem)
        else problem.weight_decay,
        "verdict": found.verdict.value,
        "statement": found.statement,
        "remedy": found.remedy,
        "gradient": found.gradient_norm,
        "steps": found.steps,
        "seconds": time.process_time() - started,
        "claim": found.to_json()["claim"],
        "wrong": False,
    }
    if found.verdict is verify.Verdict.REFUTED and found.saddle is not None:
        decision = verify.decide_decrease(problem, found.weights, found.saddle.following)
        line["wrong"] = decision.sign != -1
    if found.verdict is verify.Verdict.PROVED:
        started = time.process_time()
        try:
            certificate = verify.certify(problem, "minimum", weights=found.weights, confirm=False)
        except verify.InputError as error:  # the checker has no method, or not for so large a network
            line["certificate"] = str(error)
        else:
            line["certified"], line["certify"] = shown_claim(certificate), time.process_time() - started
            started = time.process_time()
            line["rechecked"] = verify.check_certificate(certificate)["verdict"]
            line["recheck"] = time.process_time() - started
            line["wrong"] = line["rechecked"] != "PROVED"
    return line


def table(latest: dict[str, dict[str, Any]]) -> str:
    """Return the page."""
    rows = [
        "# Proved minima",
        "",
        "`python benchmarks/minimum.py` writes this table (`--cases all`: the large ones too). m <= Hess E <= L on the",
        "ball of radius rho around the stored weights; the minimiser is at most d away; a step takes at least the",
        "share `rate` off E minus its minimum. First the prover's answer; then the ball of the certificate, on which",
        "the independent checker agrees, and its verdict: with half squared errors by norms of layers, with softmax",
        "cross-entropy (graphs of operations) by the Hessian over the box around the ball. Seconds of processor time,",
        "on a core that others shared too.",
        "",
        "| network | weights | samples | decay | verdict | \\|grad E\\| | m | L | rho | d | rate | converge "
        "| certified rho | certify | recheck | |",
        "|---|" + "---|" * 15,
    ]
    for name in CASES:
        line = latest.get(name)
        if line is None:
            rows.append(f"| {name} |" + " |" * 3 + " not run |" + " |" * 11)
            continue
        claim, certified = line["claim"] or {}, line.get("certified") or {}
        cells = [name, f"{line['weights']:,}", f"{line['samples']:,}", f"{line['decay']:g}", line["verdict"]]
        cells.append(f"{line['gradient']:.1e}")
        cells += [f"{claim[key]:.3g}" if claim else "" for key in ("least", "lipschitz", "radius", "distance", "rate")]
        cells.append(f"{line['seconds']:.1f} s")
        cells += [
            f"{certified['radius']:.3g}" if certified else "",
            _seconds(line, "certify"),
            _seconds(line, "recheck"),
        ]
        cells.append(line.get("rechecked", ""))
        rows.append("| " + " | ".join(cells) + " |")
    for name, line in latest.items():
        if line["verdict"] != "PROVED":
            rows += ["", f"{name}: {line['statement']}. Remedy: {line['remedy']}."]
    return "\n".join([*rows, ""])


def _seconds(line: dict[str, Any], name: str) -> str:
    return f"{line[name]:.1f} s" if name in line else ""


if __name__ == "__main__":
    main()
