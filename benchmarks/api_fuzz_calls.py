"""One generator of calls for every public name: what is in `verify.__all__`, and the public methods of its classes."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import api_fuzz_graphs as graphs
import numpy as np
from api_fuzz_draws import ACTIVATIONS, Draw

import verify
from verify.activations.activation_function import Activation
from verify.arithmetic import arb
from verify.arithmetic.intervals import Interval
from verify.assumptions.report import Report
from verify.bounds.segment_result import SegmentBound

Call = Callable[[Draw], Any]

WORKERS: tuple[Any, ...] = (1, 0, "host", 1.5)
RETURNED: tuple[type, ...] = (Activation, Report, SegmentBound)
"""Classes that public functions return and whose methods take arguments."""


def public_names() -> set[str]:
    """Every public name with what must have a generator: functions, classes, and methods that take arguments."""
    names: set[str] = set()
    for name in verify.__all__:
        value = getattr(verify, name)
        if inspect.isclass(value):
            names |= {name} | _methods(value)
        elif callable(value):
            names.add(name)
    return names.union(*(_methods(kind) for kind in RETURNED))


def _methods(kind: type) -> set[str]:
    """Public methods, those inherited inside the package too; what takes no argument is read by `parts` everywhere."""
    found = set()
    for owner in kind.__mro__:
        for name, member in vars(owner).items():
            inner = inspect.unwrap(getattr(member, "__func__", member))
            if name.startswith("_") or not inspect.isfunction(inner) or not owner.__module__.startswith("verify"):
                continue
            if len(inspect.signature(inner).parameters) > (0 if isinstance(member, staticmethod) else 1):
                found.add(f"{kind.__name__}.{name}")
    return found


def parts(value: Any) -> dict[str, Callable[[], Any]]:
    """Public properties and methods without arguments of an answer, each to be read."""
    found: dict[str, Callable[[], Any]] = {}
    for name, member in inspect.getmembers_static(type(value)):
        if name.startswith("_"):
            continue
        if inspect.isfunction(member) and len(inspect.signature(member).parameters) == 1:
            found[name] = getattr(value, name)
        elif isinstance(member, property) or type(member).__name__ == "cached_property":
            found[name] = lambda n=name: getattr(value, n)
    return found


def _activation(d: Draw) -> Activation:
    return verify.activation(d.pick(ACTIVATIONS))


def _order(d: Draw) -> int:
    return int(d.rng.integers(0, 5))


def _interval(d: Draw) -> Interval:
    middle = d.numbers(2)
    return Interval.from_midrad(middle, np.abs(d.numbers(2))) if d.chance(0.7) else Interval.point(middle)


def _ends(d: Draw) -> tuple[np.ndarray, np.ndarray]:
    first, second = d.numbers(3), d.numbers(3)
    low, high = np.minimum(first, second), np.maximum(first, second)
    return (np.where(d.rng.random(3) < 0.1, -np.inf, low), np.where(d.rng.random(3) < 0.1, np.inf, high))


def _segment(d: Draw) -> SegmentBound:
    direction = -d.problem.gradient(d.weights) if d.chance(0.5) else d.numbers(d.weights.size)
    if not np.all(np.isfinite(direction)):
        direction = np.ones(d.weights.size)
    precision = d.pick(("mixed", "mixed", "float64", "float32"))
    return verify.segment_bound(d.problem, d.weights, direction, d.positive(), precision=precision)


def _with_spec(d: Draw, use: Callable[[Path], Any]) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.toml"
        path.write_text(verify.to_toml(d.problem, d.setting()))
        return use(path)


_ONNX = Path(__file__).parents[1] / "tests/importers/onnx/files/sklearn_regressor.onnx"


def _from_onnx(d: Draw) -> Any:
    columns = d.pick((1, 1, 2))
    inputs, targets = d.numbers(6).reshape(2, 3), d.numbers(2 * columns).reshape(2, columns)
    given = (
        {"train": d.pick(((), ("coefficient",), ("none",)))} if d.chance(0.3) else {"output": d.pick(("variable", "y"))}
    )
    return verify.from_onnx(_ONNX, inputs, targets, d.pick(("mse", "half-squared-error", "huber")), **given)


def _write_onnx(d: Draw) -> Any:
    problem = verify.from_onnx(_ONNX, np.ones((1, 3)), np.ones((1, 1)))
    with tempfile.TemporaryDirectory() as folder:
        return verify.write_onnx(problem, d.numbers(d.pick((problem.size, 3))), _ONNX, Path(folder) / "copy.onnx")


def _certified(d: Draw) -> dict[str, Any]:
    kind = d.pick(("region", "heavy_ball", "step", "step", "horizon", "weight_decay", "minimum"))
    given: dict[str, Any] = {}
    if kind in ("horizon", "weight_decay", "region") and d.chance(0.4):
        given = {"eta": d.positive(), "tau": d.size()} if d.chance(0.5) else {"eta": d.positive()}
    elif kind == "heavy_ball":
        given = {"mu": d.size()} if d.chance(0.5) else {"mu": 0.9, "eta": d.positive()}
    elif kind == "horizon":
        given = {"steps": int(d.rng.integers(1, 20))}
    elif kind == "step" and d.chance(0.5):
        given = {"next_weights": d.near()}
    return verify.certify(d.problem, kind, weights=d.weights, confirm=d.chance(0.3), **given)


def _checked_certificate(d: Draw) -> dict[str, Any]:
    certificate = verify.certify(d.problem, d.pick(("region", "step")), weights=d.weights, confirm=False)
    if d.chance(0.5):
        claim = certificate["claim"]
        name = d.pick(sorted(claim))
        if isinstance(claim[name], str):
            claim[name] = float(d.number()).hex()
    return verify.check_certificate(certificate)


def _train(d: Draw) -> Any:
    rule = d.pick(("certified", "certified", "guarded", "fixed"))
    given = {"eta": d.positive(), "tau": d.size(), "norm": d.pick(("global", "vertex"))} if rule == "fixed" else {}
    start = d.weights if d.chance(0.5) else None
    tolerance = d.size() if d.chance(0.2) else 0.0
    return verify.train(
        d.problem, start, steps=int(d.rng.integers(0, 4)), rule=rule, gradient_tolerance=tolerance, **given
    )


def _decide(d: Draw) -> Any:
    if d.chance(0.2):
        return graphs.decide(d)
    return verify.decide_decrease(d.problem, d.weights, d.near(), plus=Fraction(d.number()))


def _one_step(d: Draw) -> Any:
    previous = d.near() if d.chance(0.7) else None
    if d.chance(0.2):
        with np.errstate(all="ignore"):
            previous = d.weights - d.pick((1.0, 0.5, 1e-3)) * d.problem.gradient(d.weights)
        previous = previous if np.all(np.isfinite(previous)) else None
    given: dict[str, Any] = {} if d.chance(0.6) else {"ratios": (d.size(),), "etas": (d.positive(),)}
    if d.chance(0.2):
        given["norm"] = d.pick(("global", "vertex"))
    return verify.one_step_ranges(d.problem, d.weights, previous, d.setting(), **given)


def _hessian(d: Draw) -> Any:
    method = d.pick(("auto", "norms", "majorant"))
    level = d.size() if d.chance(0.2) else None
    return verify.hessian_bound(d.problem, d.region, method, d.pick((1, 5, 50)), level)


def _from_networkx(d: Draw) -> Any:
    return verify.Architecture.from_networkx(d.architecture.to_networkx(), d.outputs)


def _vertex(d: Draw) -> str:
    return d.pick(list(d.nodes))


def _chunk(d: Draw) -> slice:
    return d.problem.chunks()[0]


def _region_calls(make: Callable[[Draw], Any], name: str) -> dict[str, Call]:
    def distance(d: Draw) -> float:
        return float(d.pick((0.0, 1.0, d.rng.random(), 5e-324)))

    return {
        name: make,
        f"{name}.balls": lambda d: list(make(d).balls(d.weights.size)),
        f"{name}.check_start": lambda d: make(d).check_start(d.near()),
        f"{name}.contains": lambda d: make(d).contains(d.near()),
        f"{name}.contains_box": lambda d: make(d).contains_box(Interval.point(d.near())),
        f"{name}.farthest": lambda d: make(d).farthest(d.near()),
        f"{name}.largest_scale": lambda d: make(d).largest_scale(d.near(), d.numbers(d.weights.size)),
        f"{name}.point": lambda d: make(d).point(d.numbers(d.weights.size), distance(d)),
        f"{name}.room": lambda d: make(d).room(d.near()),
        f"{name}.sample": lambda d: make(d).sample(d.rng, d.weights.size),
    }


def _block_ball(d: Draw) -> Any:
    return verify.BlockBall(d.weights, {name: d.positive() for name in d.architecture.blocks}, d.architecture.blocks)


CALLS: dict[str, Call] = {
    **graphs.GRAPH_CALLS,
    "Architecture": lambda d: verify.Architecture(d.architecture.vertices.values(), d.architecture.edges, d.outputs),
    "Architecture.bias_key": lambda d: d.architecture.bias_key(_vertex(d)),
    "Architecture.flatten": lambda d: d.architecture.flatten(d.architecture.unflatten(d.weights)),
    "Architecture.from_data": lambda d: verify.Architecture.from_data(d.nodes, d.outputs),
    "Architecture.from_networkx": _from_networkx,
    "Architecture.in_edges": lambda d: d.architecture.in_edges(_vertex(d)),
    "Architecture.initial_weights": lambda d: d.architecture.initial_weights("glorot", int(d.rng.integers(2**60))),
    "Architecture.out_edges": lambda d: d.architecture.out_edges(_vertex(d)),
    "Architecture.unflatten": lambda d: d.architecture.unflatten(d.numbers(d.architecture.size)),
    **_region_calls(lambda d: verify.Ball(d.weights, d.positive()), "Ball"),
    **_region_calls(_block_ball, "BlockBall"),
    **_region_calls(lambda d: verify.BoundedWeights(d.positive()), "BoundedWeights"),
    "DagverifyError": lambda d: verify.DagverifyError(str(d.number())),
    "Finding": lambda d: verify.Finding("A1", d.pick(list(verify.Verdict)), "holds", numbers={"value": d.number()}),
    "InputError": lambda d: d.refused(),
    "InputError.advised": lambda d: d.refused().advised("use another number"),
    "InputError.at": lambda d: d.refused().at("there"),
    "Problem": lambda d: d.problem,
    "Problem.check_weights": lambda d: d.problem.check_weights(d.near()),
    "Problem.error": lambda d: d.problem.error(d.near()),
    "Problem.averaged": lambda d: d.problem.averaged(d.positive(), d.near()),
    "Problem.error_over": lambda d: d.problem.error_over(Interval(d.near(), np.full(d.weights.size, d.positive()))),
    "Problem.error_and_gradient": lambda d: d.problem.error_and_gradient(d.near()),
    "Problem.error_enclosure": lambda d: d.problem.error_enclosure(d.near()),
    "Problem.gradient": lambda d: d.problem.gradient(d.near()),
    "Problem.gradient_enclosure": lambda d: d.problem.gradient_enclosure(d.near()),
    "Problem.hessian_vector": lambda d: d.problem.hessian_vector(d.near(), d.numbers(d.weights.size)),
    "Problem.hessian_vector_enclosure": lambda d: d.problem.hessian_vector_enclosure(
        d.near(), d.numbers(d.weights.size)
    ),
    "Problem.rows": lambda d: d.problem.rows(_chunk(d)),
    "Verdict": lambda d: verify.Verdict(d.pick(("PROVED", "REFUTED", "UNDECIDED"))),
    "Verdict.weakest": lambda d: verify.Verdict.weakest([d.pick(list(verify.Verdict)) for _ in range(3)]),
    "Setting": lambda d: d.setting(),
    "recommend": lambda d: verify.recommend(
        d.problem, steps=(int(d.rng.integers(1, 20)),), momenta=(float(d.rng.uniform(0, 1)),), seconds=1.0
    ),
    "Setting.of": lambda d: verify.Setting.of(d.optimizer()),
    "Setting.remedy": lambda d: verify.Setting(d.positive(), mu=float(d.rng.uniform(0, 1))).remedy(d.positive()),
    "Optimizer": lambda d: d.optimizer(),
    "Optimizer.largest_lr": lambda d: d.optimizer().largest_lr(d.positive()),
    "Optimizer.largest_momentum": lambda d: d.optimizer().largest_momentum(d.positive()),
    "Optimizer.remedy": lambda d: d.optimizer().remedy(d.positive()),
    "Trajectory": lambda d: verify.Trajectory(d.numbers(3), d.numbers(2), "step budget"),
    "activation": _activation,
    "Activation.arb": lambda d: _activation(d).arb(arb.exact(d.number()), _order(d)),
    "Activation.arb_values": lambda d: _activation(d).arb_values(arb.exact(d.numbers(3)), (0, _order(d))),
    "Activation.enclosure": lambda d: _activation(d).enclosure(_interval(d), _order(d)),
    "Activation.enclosures": lambda d: _activation(d).enclosures(_interval(d), _order(d)),
    "Activation.one_sided": lambda d: _activation(d).one_sided(arb.exact(d.number()), _order(d)),
    "Activation.profile": lambda d: _activation(d).profile(_order(d)),
    "Activation.rounded": lambda d: _activation(d).rounded(d.numbers(3), (0, 1)),
    "Activation.range": lambda d: _activation(d).range(_order(d), *_ends(d)),
    "Activation.rounding_errors": lambda d: _activation(d).rounding_errors(d.numbers(3), np.zeros(3), 2.0**-53),
    "Activation.supremum": lambda d: _activation(d).supremum(_order(d)),
    "Activation.symbolic_derivative": lambda d: _activation(d).symbolic_derivative(int(d.rng.integers(0, 3))),
    "Activation.value": lambda d: _activation(d).value(d.numbers(3), _order(d)),
    "Activation.values": lambda d: _activation(d).values(d.numbers(3), _order(d)),
    "check": lambda d: verify.check(d.problem, d.setting(), seed=int(d.rng.integers(100))),
    "certify": _certified,
    "check_assumptions": lambda d: verify.check_assumptions(d.problem, d.region, d.setting()),
    "check_certificate": _checked_certificate,
    "check_gradient": lambda d: verify.check_gradient(d.problem, d.gradient(), points=d.pick((1, [d.near()]))),
    "converge": lambda d: verify.converge(d.problem, d.weights, steps=20, newton_steps=5, time_limit_s=5.0),
    "decide_decrease": _decide,
    "epoch_range": lambda d: verify.epoch_range(
        d.problem, int(d.rng.integers(0, 5)), d.setting() if d.chance(0.5) else None
    ),
    "error_by_workers": lambda d: verify.error_by_workers(d.problem, d.weights, workers=d.pick(WORKERS)),
    "sweep": lambda d: verify.sweep(d.problem, [d.positive(), d.positive()], [d.pick((0.0, 0.9, 1.0))], steps=3),
    "gradient_by_workers": lambda d: verify.gradient_by_workers(d.problem, d.weights, workers=d.pick(WORKERS)),
    "hessian_by_workers": lambda d: verify.hessian_by_workers(d.problem, workers=d.pick(WORKERS)),
    "segment_by_workers": lambda d: verify.segment_by_workers(
        d.problem, d.weights, d.near(), d.positive(), workers=d.pick(WORKERS)
    ),
    "explain": lambda d: _with_spec(d, lambda path: verify.explain(verify.load_specification(path), budget=1.0)),
    "from_onnx": _from_onnx,
    "hessian_bound": _hessian,
    "lint": lambda d: _with_spec(d, verify.lint),
    "load_problem": lambda d: _with_spec(d, verify.load_problem),
    "load_specification": lambda d: _with_spec(d, verify.load_specification),
    "momentum_range": lambda d: verify.momentum_range(
        d.positive(), d.positive(), d.pick(("sharp", "triangle", "heavy_ball"))
    ),
    "one_step_ranges": _one_step,
    "prove_gradients": lambda d: verify.prove_gradients(d.architecture, expansion_seconds=0.2),
    "report": lambda d: _with_spec(d, lambda path: verify.report(path, examples=2, seconds=5.0)),
    "run_suite": lambda d: verify.run_suite(d.problem, d.setting(), examples=3, seed=int(d.rng.integers(100))),
    "segment_bound": lambda d: _segment(d) if d.chance(0.8) else graphs.segment(d),
    "SegmentBound.at": lambda d: _at(d, "at"),
    "SegmentBound.stored_change": lambda d: _at(d, "stored_change"),
    "to_toml": lambda d: verify.to_toml(d.problem, d.setting()),
    "train": lambda d: _train(d) if d.chance(0.8) else graphs.train(d),
    "write_onnx": _write_onnx,
}
"""By name: how to make a call of it from a `Draw`."""


def _at(d: Draw, method: str) -> Any:
    bound = _segment(d)
    return getattr(bound, method)(bound.length * float(d.pick((0.0, 1.0, 0.5)))) if bound.is_finite else bound


SHARES: dict[str, float] = {
    "SegmentBound.at": 0.3, "SegmentBound.stored_change": 0.3, "check_gradient": 0.3, "hessian_bound": 0.3,
    "prove_gradients": 0.1, "certify": 0.06, "check_certificate": 0.06, "check_assumptions": 0.05,
    "one_step_ranges": 0.05, "run_suite": 0.03, "report": 0.01, "check": 0.015, "explain": 0.01,
    "converge": 0.02,
}  # fmt: skip
"""How often the dear names are called compared with the others, so that all of them together take minutes."""
