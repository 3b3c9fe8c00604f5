"""A call of every public function and method whose answer rests on the processor's arithmetic, on a small problem.

`PUBLIC_NAMES` is found by looking at the modules; a name that is neither in `CALLS` nor in `NO_CLAIM` fails a test.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

import verify
from verify.analysis.any_direction import any_direction, examine_any_direction
from verify.analysis.converge import find_saddle
from verify.analysis.gradients import examine_gradients
from verify.analysis.lines import Vector
from verify.analysis.ranges import admissible_ranges, largest_momentum
from verify.analysis.rising import first_rise
from verify.arithmetic import arb
from verify.arithmetic.intervals import Interval
from verify.arithmetic.precision import Precision
from verify.assumptions import (
    activation_regularity,
    bounded_weights,
    finitely_many_stationary_points,
    gradient_proof,
    regularity,
    small_momentum,
)
from verify.baseline.comparison import compare
from verify.bounds.attack import attack_hessian, curvature_lower
from verify.bounds.curvature import examine_curvature
from verify.bounds.local_curvature import local_curvature
from verify.bounds.regions import enclosing
from verify.bounds.segment import classical_segment_bound, segment_bound
from verify.bounds.start import StartPass
from verify.calculus import enclosures
from verify.calculus.batches import batches_of
from verify.calculus.decide import Decision, decide_decrease
from verify.calculus.difference import difference_enclosure
from verify.calculus.enclosures import error_over
from verify.calculus.sample_sum import SampleSum
from verify.campaign.attacks import attack_bound
from verify.campaign.segments import attack_segments
from verify.certificates.run_checker import check_run
from verify.graph import rounding
from verify.graph.decision import decide_graph_decrease
from verify.graph.gradient_check import check_graph_gradient, computable_gradient
from verify.graph.hessian import graph_hessian_bound
from verify.graph.segment import graph_segment_bound
from verify.graph.symbolic.prove import prove_graph_gradients
from verify.importers.architecture import graph_problem
from verify.properties.cases import StepCase
from verify.properties.control import run_sharpness_control
from verify.properties.first_rises import Algorithm, first_rises
from verify.properties.heavy_ball_run import find_error_rise
from verify.properties.increase import (
    decide_increase,
    find_counterexample,
    find_increase,
    prove_increase,
    smallest_increasing_factor,
)
from verify.properties.lyapunov import nesterov_outcome, take_heavy_ball_step, take_nesterov_step
from verify.properties.monotone import fixed_cases, run_monotone_test
from verify.properties.run_from_rest import take_step_from_rest
from verify.properties.step import take_step
from verify.sklearn import CertifiedMLPRegressor
from verify.testing import assert_admissible, assert_gradient_correct, assert_monotone_decrease
from verify.theorems import convergence, direction_aware, horizon, local_minimum, ranges, weight_decay
from verify.theorems.epoch import Epoch
from verify.training import evaluation
from verify.training.run_folder import RunFolder
from verify.training.session import Session
from verify.training.train import make_rule

MODULES = (
    "verify",
    "verify.testing",
    "verify.assumptions",
    "verify.theorems.ranges",
    "verify.theorems.epoch",
    "verify.theorems.horizon",
    "verify.theorems.weight_decay",
    "verify.theorems.convergence",
    "verify.theorems.direction_aware",
    "verify.analysis.check",
    "verify.analysis.question",
    "verify.assumptions.question",
    "verify.bounds.curvature",
    "verify.analysis.gradients",
    "verify.analysis.ranges",
    "verify.analysis.any_direction",
    "verify.analysis.one_step",
    "verify.analysis.epoch_range",
    "verify.calculus.batches",
    "verify.analysis.explain",
    "verify.analysis.recommend",
    "verify.analysis.rising",
    "verify.bounds.hessian",
    "verify.bounds.hessian_result",
    "verify.bounds.segment",
    "verify.bounds.segment_result",
    "verify.bounds.start",
    "verify.bounds.attack",
    "verify.bounds.regions",
    "verify.calculus.decide",
    "verify.graph.rounding",
    "verify.calculus.difference",
    "verify.calculus.enclosures",
    "verify.calculus.exact_step",
    "verify.calculus.gradient_check",
    "verify.graph.problem",
    "verify.graph.decision",
    "verify.graph.gradient_check",
    "verify.graph.symbolic.prove",
    "verify.graph.hessian",
    "verify.graph.local_curvature",
    "verify.graph.segment",
    "verify.importers.architecture",
    "verify.importers.sklearn.problem",
    "verify.sklearn",
    "verify.training.train",
    "verify.training.session",
    "verify.training.evaluation",
    "verify.training.run_folder",
    "verify.properties.suite",
    "verify.properties.run_from_rest",
    "verify.properties.step",
    "verify.properties.lyapunov",
    "verify.properties.heavy_ball_run",
    "verify.properties.increase",
    "verify.properties.first_rises",
    "verify.properties.monotone",
    "verify.properties.control",
    "verify.analysis.certify",
    "verify.analysis.converge",
    "verify.bounds.local_curvature",
    "verify.theorems.local_minimum",
    "verify.certificates.words",
    "verify.certificates.checker",
    "verify.certificates.run_checker",
    "verify.baseline.comparison",
    "verify.activations",
    "verify.campaign.attacks",
    "verify.campaign.segments",
)


def public_names() -> Iterator[str]:
    """Yield the names of the public functions, and of the classes' methods and properties as ``Class.name``."""
    seen: set[int] = set()
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module_name]
        for name in getattr(module, "__all__", own):
            value = getattr(module, name)
            if name.startswith("_") or id(value) in seen:
                continue
            seen.add(id(value))
            if inspect.isclass(value):
                yield from members(value)
            elif inspect.isfunction(value):
                yield f"{module_name.rpartition('.')[2]}.{name}" if module_name != "verify" else name


def members(kind: type) -> Iterator[str]:
    """Yield the public methods and properties of a class of this package; errors and enumerations have no claims."""
    if issubclass(kind, BaseException | enum.Enum):
        return
    found = {}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("verify"):
            found.update(vars(base))
    for name, value in found.items():
        is_member = callable(value) or isinstance(value, property | cached_property | classmethod | staticmethod)
        if is_member and (not name.startswith("_") or name == "__init__"):
            yield f"{kind.__name__}.{name}"


ONNX_FILE = Path(__file__).parent / "importers/onnx/files/sklearn_regressor.onnx"


class Sample:
    """Arguments of the calls, made before any of them."""

    def __init__(self) -> None:
        nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
        self.architecture = verify.Architecture.from_data(nodes, output="y")
        self.w = self.architecture.initial_weights()
        self.region = verify.Ball(self.w, 0.1)
        self.problem = verify.Problem(self.architecture, [[1.0], [-1.0]], [[0.5], [0.0]], region=self.region)
        self.block_ball = verify.BlockBall(self.w, {"y": 0.1}, self.architecture.blocks)
        self.bounded = verify.BoundedWeights(10.0)
        self.gradient = self.problem.gradient(self.w)
        self.sum_parts = {
            kind.__name__: kind(self.problem, self.w).part(self.problem.chunks())
            for kind in (enclosures.GradientSum, evaluation.ErrorSum)
        }
        self.next = self.w - 0.01 * self.gradient
        self.setting = verify.Setting(0.01, tau=0.001)
        self.curvature = examine_curvature(self.problem)
        self.local = local_curvature(self.problem, self.w)
        self.local_of_graph = local_curvature(graph_problem(self.problem), self.w)
        self.leading = np.ones(2)
        self.case = StepCase(0, 0.5, "with-gradient", 0.01, 0.001)
        self.heavy = StepCase(0, 0.5, "with-gradient", 0.01, 0.001, "heavy_ball")
        self.graph_problem = graph_problem(self.problem)
        self.half = arb.Arb(0.5)
        self.estimator = CertifiedMLPRegressor((1,), alpha=0.5, random_state=0).fit([[1.0], [-1.0]], [0.5, 0.0])
        self.tanh = verify.activation("tanh")
        self.segment = segment_bound(self.problem, self.w, -self.gradient, 0.1)
        self.certificate = verify.certify(self.problem, "step")
        self.report = verify.check(self.problem).to_json()
        self.folder = Path(tempfile.mkdtemp())
        self.spec = self.folder / "small.toml"
        self.spec.write_text(verify.to_toml(self.problem), encoding="utf-8")
        self.specification = verify.load_specification(self.spec)
        self.session = self.fresh_session()
        self.state = self.session.state()
        self.run = self.started("run")
        self.certified = self.started("certified", certify="steps")
        self.certified.run(self.fresh_session(), 2)
        self.settings = ranges.RANGES
        self.epoch = Epoch((1.0, 1.0), gradient=1.0, L=1.0, radius=1.0, whole=1.0, kappa=2.0, skew=0.0)

    def fresh_session(self) -> Session:
        return Session(self.problem, make_rule("guarded"))

    def started(self, name: str, certify: str | None = None) -> RunFolder:
        run = RunFolder(self.folder / name, certify=certify)
        run.start(self.fresh_session(), {})
        return run


@cache
def sample() -> Sample:
    """Return the sample, made once."""
    return Sample()


Call = Callable[[Sample], Any]


def _region_calls(name: str, attribute: str) -> dict[str, Call]:
    return {
        f"{name}.contains": lambda s: getattr(s, attribute).contains(s.w),
        f"{name}.farthest": lambda s: getattr(s, attribute).farthest(s.w),
        f"{name}.check_start": lambda s: getattr(s, attribute).check_start(s.w),
        f"{name}.contains_box": lambda s: getattr(s, attribute).contains_box(Interval.point(s.w)),
        f"{name}.largest_scale": lambda s: getattr(s, attribute).largest_scale(s.w, s.leading),
        f"{name}.room": lambda s: getattr(s, attribute).room(s.w),
        f"{name}.point": lambda s: getattr(s, attribute).point(s.leading, 1.0),
        f"{name}.sample": lambda s: getattr(s, attribute).sample(np.random.default_rng(0), 2),
    }


def _range_calls(name: str, theorem: str) -> dict[str, Call]:
    return {
        f"{name}.eta_limit_with": lambda s: s.settings[theorem].eta_limit_with(2.0, 0.1),
        f"{name}.remedy": lambda s: s.settings[theorem].remedy(2.0, 3.0, 0.1),
        f"{name}.eta_limit": lambda s: s.settings[theorem].eta_limit(2.0),
        f"{name}.momentum_limit": lambda s: s.settings[theorem].momentum_limit(2.0, 0.25),
        f"{name}.gain": lambda s: s.settings[theorem].gain(2.0, 0.25, 0.0625),
        f"{name}.contains": lambda s: s.settings[theorem].contains(2.0, 0.25, 0.0625),
        f"{name}.recommended": lambda s: s.settings[theorem].recommended(2.0),
        f"{name}.checked": lambda s: s.settings[theorem].checked(2.0, 0.25, 0.0625),
        f"{name}.with_gain": lambda s: s.settings[theorem].with_gain(2.0, 0.25, 0.0625),
        f"{name}.largest": lambda s: s.settings[theorem].largest(2.0),
        f"{name}.corners": lambda s: s.settings[theorem].corners(2.0),
        f"{name}.border": lambda s: s.settings[theorem].border(2.0, 4),
    }


def _of_sum(kind: Any, name: str, s: Sample) -> Any:
    """Call a method of a sum over samples."""
    quantity = kind(s.problem, s.w)
    chunks = s.problem.chunks()
    return {
        "alone": quantity.alone,
        "part": lambda: quantity.part(chunks),
        "answer": lambda: quantity.answer([s.sum_parts[kind.__name__]]),
    }[name]()


CALLS: dict[str, Call] = {
    "recommend": lambda s: verify.recommend(s.problem, steps=(2,), momenta=(0.0,), seconds=1.0),
    "first_rises.first_rises": lambda s: first_rises(s.problem, Algorithm(0.1), 2),
    "Setting.remedy": lambda s: verify.Setting(3.0, mu=0.9).remedy(2.0),
    "Optimizer.remedy": lambda s: verify.Optimizer(3.0, momentum=0.9).remedy(2.0),
    "Optimizer.largest_lr": lambda s: verify.Optimizer(3.0, momentum=0.9).largest_lr(2.0),
    "Optimizer.largest_momentum": lambda s: verify.Optimizer(0.1, momentum=0.9).largest_momentum(2.0),
    **_region_calls("Ball", "region"),
    **_region_calls("BlockBall", "block_ball"),
    **_region_calls("BoundedWeights", "bounded"),
    **_region_calls("Region", "region"),
    **_range_calls("AdmissibleRange", "sharp"),
    **_range_calls("AdaptiveRange", "triangle"),
    "HeavyBallRange": lambda s: [call(s) for call in _range_calls("", "heavy_ball").values()],
    "Problem.__init__": lambda s: verify.Problem(s.architecture, [[1.0]], [[0.5]]),
    "Problem.error_enclosure": lambda s: s.problem.error_enclosure(s.w),
    "Problem.gradient_enclosure": lambda s: s.problem.gradient_enclosure(s.w),
    "GraphProblem.__init__": lambda s: graph_problem(s.problem),
    "from_sklearn": lambda s: verify.from_sklearn(s.estimator, [[1.0], [-1.0]], [0.5, 0.0]),
    "CertifiedMLPRegressor.fit": lambda s: s.estimator.fit([[1.0], [-1.0]], [0.5, 0.0]),
    "rounding.error_bound": lambda s: rounding.error_bound(
        rounding.weighted_graph(s.graph_problem.graph), s.graph_problem.values(s.graph_problem.initial_weights)
    ),
    "GraphProblem.error_enclosure": lambda s: s.graph_problem.error_enclosure(s.w),
    "GraphProblem.gradient_enclosure": lambda s: s.graph_problem.gradient_enclosure(s.w),
    "GraphProblem.error_in_arb": lambda s: s.graph_problem.error_in_arb(s.w),
    "decision.decide_graph_decrease": lambda s: decide_graph_decrease(s.graph_problem, s.w, s.next),
    "Problem.error_over": lambda s: s.problem.error_over(Interval.point(s.w)),
    "Problem.hessian_vector_enclosure": lambda s: s.problem.hessian_vector_enclosure(s.w, s.gradient),
    "GraphProblem.error_over": lambda s: s.graph_problem.error_over(Interval.point(s.w)),
    "GraphProblem.hessian_vector_enclosure": lambda s: s.graph_problem.hessian_vector_enclosure(s.w, s.gradient),
    "hessian.graph_hessian_bound": lambda s: graph_hessian_bound(s.graph_problem, s.region),
    "gradient_check.check_graph_gradient": lambda s: check_graph_gradient(s.graph_problem),
    "gradient_check.computable_gradient": lambda s: computable_gradient(
        s.graph_problem, s.graph_problem.initial_weights, Precision.of(np.float64)
    ),
    "prove.prove_graph_gradients": lambda s: prove_graph_gradients(s.graph_problem),
    "segment.graph_segment_bound": lambda s: graph_segment_bound(s.graph_problem, s.w, -s.gradient, 0.1),
    "activation": lambda s: verify.activation({"expr": "x/(1+exp(-x))"}),
    "check": lambda s: verify.check(s.problem, s.setting),
    "certify": lambda s: verify.certify(s.problem, "step"),
    "converge": lambda s: verify.converge(s.problem),
    "converge.find_saddle": lambda s: find_saddle(s.problem, s.w, s.leading),
    "local_curvature.local_curvature": lambda s: local_curvature(s.problem, s.w),
    "local_curvature.graph_local_curvature": lambda s: local_curvature(s.graph_problem, s.w),
    **{
        f"{kind}.{name}": (lambda s, of=of, name=name: getattr(getattr(s, of), name)(0.01))
        for kind, of in (
            ("LocalCurvature", "local"),
            ("ClassicalCurvature", "local"),
            ("GraphCurvature", "local_of_graph"),
        )
        for name in ("growth", "over")
    },
    "local_minimum.local_minimum": lambda s: local_minimum.local_minimum(0.5, 2.0, 1.0, 0.0625),
    "check_assumptions": lambda s: verify.check_assumptions(s.problem),
    "check_certificate": lambda s: verify.check_certificate(s.certificate),
    "check_gradient": lambda s: verify.check_gradient(s.problem),
    "decide_decrease": lambda s: decide_decrease(s.problem, s.w, s.next),
    "epoch_range": lambda s: verify.epoch_range(s.problem, 2),
    "error_by_workers": lambda s: verify.error_by_workers(s.problem),
    "sweep": lambda s: verify.sweep(s.problem, [0.1], steps=2),
    "gradient_by_workers": lambda s: verify.gradient_by_workers(s.problem),
    "hessian_by_workers": lambda s: verify.hessian_by_workers(s.problem),
    "segment_by_workers": lambda s: verify.segment_by_workers(s.problem, s.w, -s.problem.gradient(s.w), 0.1),
    "explain": lambda s: verify.explain(s.specification, budget=1),
    "from_onnx": lambda s: verify.from_onnx(ONNX_FILE, np.ones((2, 3)), np.ones((2, 1))),
    "hessian_bound": lambda s: verify.hessian_bound(s.problem),
    "load_problem": lambda s: verify.load_problem(s.spec),
    "load_specification": lambda s: verify.load_specification(s.spec),
    "momentum_range": lambda s: verify.momentum_range(2.0, 0.75),
    "one_step_ranges": lambda s: verify.one_step_ranges(s.problem, s.w, s.w - 0.01),
    "prove_gradients": lambda s: verify.prove_gradients(s.architecture),
    "report": lambda s: verify.report(s.specification, run=s.certified.path, examples=2),
    "run_suite": lambda s: verify.run_suite(s.problem, examples=2),
    "segment.classical_segment_bound": lambda s: classical_segment_bound(
        s.problem, s.w, -s.gradient, 0.1, SampleSum.alone
    ),
    "segment_bound": lambda s: segment_bound(s.problem, s.w, -s.gradient, 0.1),
    "to_toml": lambda s: verify.to_toml(s.problem),
    "train": lambda s: verify.train(s.problem, steps=2),
    "testing.assert_admissible": lambda s: assert_admissible(s.problem, 0.01, 0.001),
    "testing.assert_gradient_correct": lambda s: assert_gradient_correct(s.problem.gradient, s.problem),
    "testing.assert_monotone_decrease": lambda s: assert_monotone_decrease([s.w, s.next], s.problem),
    "assumptions.regularity": lambda s: regularity(s.graph_problem),
    "assumptions.gradient_proof": lambda s: gradient_proof(s.problem),
    "assumptions.activation_regularity": lambda s: activation_regularity(s.architecture),
    "assumptions.bounded_weights": lambda s: bounded_weights(s.region),
    "assumptions.finitely_many_stationary_points": lambda s: finitely_many_stationary_points(s.problem),
    "assumptions.small_momentum": lambda s: small_momentum(2.0, s.setting),
    "ranges.eta_limit": lambda s: ranges.eta_limit(2.0),
    "ranges.largest_momentum": lambda s: largest_momentum(2.0, s.setting),
    "ranges.gain": lambda s: ranges.gain(2.0, 0.25, 0.125),
    "ranges.recommended": lambda s: ranges.recommended(2.0),
    "ranges.admissible_ranges": lambda s: admissible_ranges(s.problem, s.curvature),
    "Epoch.admits": lambda s: s.epoch.admits(0.1),
    "Epoch.decrease": lambda s: s.epoch.decrease(0.1),
    "Epoch.largest_eta": lambda s: s.epoch.largest_eta(),
    "Epoch.largest_tau": lambda s: s.epoch.largest_tau(0.1),
    "Epoch.largest_mu": lambda s: s.epoch.largest_mu(0.1),
    "batches.batches_of": lambda s: batches_of(s.problem, 2),
    "horizon.horizon": lambda s: horizon.horizon(1.0, 0.5, 0.0, 0.5, 0.25, 3.0, 4),
    "horizon.error_lower_bound": lambda s: horizon.error_lower_bound(1.0, 2.0, 0.25, 4.0),
    "horizon.largest_eta": lambda s: horizon.largest_eta(1.0, 0.5, 0.0, 3.0, 7),
    "weight_decay.sublevel_radius": lambda s: weight_decay.sublevel_radius(2.0, 0.25),
    "weight_decay.weight_decay": lambda s: weight_decay.weight_decay(1.0, 2.0, 0.25, 1.0, 0.5, 4.5),
    "convergence.gradient_bound": lambda s: convergence.gradient_bound(1.0, 0.5, 0.0, 1.0, 0.0, 4),
    "convergence.steps_to_gradient": lambda s: convergence.steps_to_gradient(1.0, 0.5, 0.0, 1.0, 0.0, 0.5),
    "convergence.weights_converge": lambda s: convergence.weights_converge(
        0.1, weight_decay.weight_decay(1.0, 2.0, 0.25, 1.0, 0.5, 4.5), True, verify.Verdict.PROVED
    ),
    "direction_aware.decreases": lambda s: direction_aware.decreases(1.0, 0.5, 1.25, (1.0, 1.0)),
    "direction_aware.momentum_limit": lambda s: direction_aware.momentum_limit(1.0, 0.5, (-1.0, 1.0)),
    "curvature.examine_curvature": lambda s: examine_curvature(s.problem),
    "gradients.examine_gradients": lambda s: examine_gradients(s.problem),
    "any_direction.examine_any_direction": lambda s: examine_any_direction(s.problem),
    "any_direction.any_direction": lambda s: any_direction(s.problem, bounds=1),
    "rising.first_rise": lambda s: first_rise(s.problem, s.w, Vector(-s.gradient), 1.0),
    "attack.attack_hessian": lambda s: attack_hessian(s.problem, points=1, ascents=1),
    "attack.curvature_lower": lambda s: curvature_lower(s.problem, s.w, s.leading),
    "regions.enclosing": lambda s: enclosing(s.region),
    "Decision.decreases": lambda s: Decision(None, -1e-310, 1e-310, 53).decreases,
    "difference.difference_enclosure": lambda s: difference_enclosure(s.problem, s.w, s.next),
    "enclosures.error_enclosure": lambda s: enclosures.error_enclosure(s.problem, s.w),
    **{
        f"{kind.__name__}.{name}": partial(_of_sum, kind, name)
        for kind in (enclosures.GradientSum, evaluation.ErrorSum)
        for name in ("alone", "part", "answer")
    },
    "enclosures.gradient_enclosure": lambda s: enclosures.gradient_enclosure(s.problem, s.w),
    "enclosures.hessian_vector_enclosure": lambda s: enclosures.hessian_vector_enclosure(s.problem, s.w, s.leading),
    "Session.__init__": lambda s: s.fresh_session(),
    "Session.step": lambda s: s.session.step(),
    "Session.restore": lambda s: s.session.restore(s.state),
    "evaluation.error_range": lambda s: evaluation.error_range(s.problem, s.w),
    "evaluation.decide_by_ranges": lambda s: evaluation.decide_by_ranges((1.0, 1.5), (0.25, 0.5)),
    "evaluation.decide_by_errors": lambda s: evaluation.decide_by_errors(
        s.problem, s.w, s.next, (0.0, 1.0), (0.0, 1.0)
    ),
    "RunFolder.start": lambda s: s.started(Path(tempfile.mkdtemp(dir=s.folder)).name),
    "RunFolder.resume": lambda s: s.run.resume(s.fresh_session(), {}),
    "RunFolder.run": lambda s: s.run.run(s.session, 1),
    "step.take_step": lambda s: take_step(s.problem, s.case, 2.0, s.leading),
    "lyapunov.take_heavy_ball_step": lambda s: take_heavy_ball_step(s.problem, s.heavy, 2.0, s.leading),
    "lyapunov.take_nesterov_step": lambda s: take_nesterov_step(
        s.problem, replace(s.heavy, rule="nesterov"), 2.0, s.leading
    ),
    "lyapunov.nesterov_outcome": lambda s: nesterov_outcome(
        s.problem, replace(s.heavy, rule="nesterov"), 2.0, s.problem.initial_weights, s.problem.initial_weights
    ),
    "run_from_rest.take_step_from_rest": lambda s: take_step_from_rest(
        s.problem, replace(s.heavy, rule="from_rest", steps=2), 2.0, s.leading
    ),
    "enclosures.error_over": lambda s: error_over(s.problem, Interval.point(s.w)),
    "increase.prove_increase": lambda s: prove_increase(s.problem, s.case, s.leading),
    "increase.decide_increase": lambda s: decide_increase(
        s.problem, s.w, Interval.point(s.gradient), 0.1, 0.0, "global", s.w, inside=False
    ),
    "heavy_ball_run.find_error_rise": lambda s: find_error_rise(s.problem, 0.1, 0.5, steps=2),
    "increase.find_counterexample": lambda s: find_counterexample(s.problem, s.setting, s.leading),
    "increase.find_increase": lambda s: find_increase(s.problem, s.case, s.leading, starts=1),
    "increase.smallest_increasing_factor": lambda s: smallest_increasing_factor(s.problem, s.case, s.leading, starts=1),
    "monotone.run_monotone_test": lambda s: run_monotone_test(
        s.problem, 2.0, s.leading, fixed_cases(0.01, 0.001), examples=2
    ),
    "control.run_sharpness_control": lambda s: run_sharpness_control(),
    "run_checker.check_run": lambda s: check_run(s.certified.path),
    "comparison.compare": lambda s: compare(s.report, s.report),
    "StartPass.error_and_gradient": lambda s: StartPass(s.problem).error_and_gradient(s.w),
    "SegmentBound.at": lambda s: s.segment.at(0.05),
    "SegmentBound.best_step": lambda s: segment_bound(s.problem, s.w, -s.gradient, 0.1).best_step,
    "SegmentBound.decrease": lambda s: s.segment.decrease,
    "SegmentBound.decrease_until": lambda s: s.segment.decrease_until,
    "SegmentBound.polynomial": lambda s: s.segment.polynomial,
    "SegmentBound.stored_change": lambda s: s.segment.stored_change(0.05),
    "Activation.arb": lambda s: s.tanh.arb(s.half),
    "Activation.arb_values": lambda s: s.tanh.arb_values(np.array([s.half], dtype=object), (0, 1)),
    "Activation.one_sided": lambda s: s.tanh.one_sided(s.half, 1),
    "Activation.enclosure": lambda s: s.tanh.enclosure(Interval.point([0.5])),
    "Activation.enclosures": lambda s: s.tanh.enclosures(Interval.point([0.5]), 1),
    "Activation.profile": lambda s: s.tanh.profile(1),
    "Activation.rounded": lambda s: s.tanh.rounded(np.array([0.5]), (0, 1)),
    "Activation.range": lambda s: s.tanh.range(1, [0.0], [1.0]),
    "Activation.supremum": lambda s: s.tanh.supremum(2),
    "attacks.attack_bound": lambda s: attack_bound(s.problem, 2.0, 2, 0),
    "segments.attack_segments": lambda s: attack_segments(s.problem, 1, 0, np.ones(s.problem.size)),
}
"""By the name that `public_names` gives; the heavy ball's range beside them."""

_DATA = "data that its maker computed"
_GRAPH = "about the graph: whole numbers and names"
_FLOAT64 = "plain float64, promised to nobody"
_EXACT = "exact fractions in, exact fractions or a comparison of them out"
_PART = "a part of a guarded function, called by nothing else"
_CERTIFIED = ("CertifiedMLPClassifier", "CertifiedMLPRegressor")
NO_CLAIM: dict[str, str] = {
    **{name: _GRAPH for name in public_names() if name.startswith("Architecture.")},
    **{
        f"CertifiedMLP{kind}.certificate_": "what fit proved, for the network that it left"
        for kind in ("Classifier", "Regressor")
    },
    **{
        f"{kind}.{name}": "chunks" for kind in ("GradientSum", "ErrorSum") for name in ("__init__", "packets", "tables")
    },
    "GraphProblem.samples": _GRAPH,
    "Epoch.__init__": "numbers as given",
    "Epoch.steps": "numbers as given",
    **{f"Problem.{name}": _FLOAT64 for name in ("error", "gradient", "error_and_gradient", "hessian_vector")},
    **{f"Problem.{name}": "numbers as given" for name in ("check_weights", "chunks", "rows", "initial_weights")},
    **{f"Problem.{name}": _GRAPH for name in ("samples", "sample_divisor")},
    **{name: _GRAPH for name in public_names() if name.startswith("GraphBuilder.")},
    **dict.fromkeys(("Problem.quadratic_growth", "GraphProblem.quadratic_growth", "Problem.size"), "numbers as given"),
    "gradient_check.points_near_start": "points, of which nothing is claimed",
    **{f"GraphProblem.{name}": _FLOAT64 for name in ("error", "gradient", "error_and_gradient", "hessian_vector")},
    **{f"GraphProblem.{name}": "numbers as given" for name in ("check_weights", "flatten", "unflatten", "values")},
    **{f"GraphProblem.{name}": _GRAPH for name in ("size", "gradient_graph", "weighted_graph")},
    "ParameterBlock.__init__": _GRAPH,
    "rounding.weighted_graph": _GRAPH,
    "gradients.gradient_formulas": "formulas; the finding beside them says whether they are proved",
    "ErrorBound.__init__": _DATA,
    "decision.entries": _GRAPH,
    **{f"segment.{name}": _PART for name in ("change_along", "change_of", "moving", "checked_segment", "bound_from")},
    "architecture.graph_problem": "numbers as given",
    "write_onnx": "numbers as given, rounded in another process to the format of the file",
    **{f"architecture.{name}": _GRAPH for name in ("edge_result", "with_bias")},
    "explain.shares_of": "a curvature's own numbers, as shares",
    "Problem.averaged": _FLOAT64,
    "Activation.jumps": "the formula's own points",
    **{
        f"{kind}.{name}": "numbers as given"
        for kind in ("Ball", "BlockBall", "BoundedWeights", "Region")
        for name in ("balls", "size", "to_data")
    },
    **{
        f"{kind}.{name}": _EXACT
        for kind in ("AdmissibleRange", "AdaptiveRange")
        for name in (
            "admits",
            "exact_gain",
            "exact_momentum_limit",
            "exact_eta_limit",
            "squared_gradient_per_decrease",
            "squared_step_per_decrease",
        )
    },
    **{f"{kind}.__init__": "numbers as given" for kind in ("Ball", "BlockBall", "BoundedWeights")},
    "direction_aware.change_per_squared_gradient": _EXACT,
    **{
        f"{kind}.{name}": why
        for kind in ("LocalCurvature", "ClassicalCurvature", "GraphCurvature")
        for name, why in (("hessian", _FLOAT64), ("rounding", _PART), ("blocks", _GRAPH), ("__init__", _DATA))
    },
    **{f"ThirdDerivative.{name}": _PART for name in ("__init__", "within")},
    "local_curvature.check_size": _GRAPH,
    "local_curvature.is_smooth_near": _PART,
    "LocalMinimum.__init__": _DATA,
    "Segments.__init__": _DATA,
    "local_curvature.hessian_order": _GRAPH,
    "local_curvature.check_provable": _GRAPH,
    "local_curvature.roomiest_radius": "a choice of a radius, of which nothing is claimed",
    **{
        f"{kind}.to_json": _DATA
        for kind in (
            "Finding",
            "Report",
            "CheckReport",
            "Curvature",
            "Gradients",
            "AnyDirection",
            "Effect",
            "Explanation",
            "SuiteReport",
            "Comparison",
        )
    },
    **{
        f"{kind}.verdict": _DATA
        for kind in (
            "Report",
            "CheckReport",
            "Gradients",
            "Explanation",
            "SuiteReport",
            "MonotoneResult",
            "SharpnessControl",
            "Comparison",
        )
    },
    **{
        f"{kind}.__init__": _DATA
        for kind in (
            "Finding",
            "Setting",
            "Optimizer",
            "Trajectory",
            "Report",
            "Horizon",
            "WeightDecay",
            "CheckReport",
            "Curvature",
            "Gradients",
            "AnyDirection",
            "Effect",
            "Explanation",
            "HessianBound",
            "HessianAttack",
            "SegmentBound",
            "Decision",
            "SuiteReport",
            "StepOutcome",
            "LyapunovOutcome",
            "Increase",
            "MonotoneResult",
            "SharpnessControl",
            "Regression",
            "Comparison",
            "Attacks",
            "StartPass",
            "RunFolder",
        )
    },
    **{f"Trajectory.{name}": _DATA for name in ("eta", "tau", "verdicts")},
    **{f"Setting.{name}": _DATA for name in ("momentum", "theorem", "from_rest", "of", "words")},
    **{
        f"Optimizer.{name}": _DATA
        for name in ("is_proved", "theorem", "numbers", "words", "translation", "notes", "to_json")
    },
    **{f"Optimizer.{name}": _EXACT for name in ("exact_eta", "eta")},
    "AnyDirection.statement": "decimals rounded outward from the float64 numbers by exact decimal arithmetic",
    "StepOutcome.violates": "asks Decision.decreases",
    "LyapunovOutcome.violates": "asks Decision.decreases",
    "SegmentBound.is_finite": _DATA,
    "SegmentBound.rises_at_once": "chooses what to try next",
    "StartPass.at": _DATA,
    "start.has_taylor_models": "chooses the method",
    "lint": _GRAPH,
    "ranges.range_of": "finds a theorem by name",
    "ranges.overall": _DATA,
    "curvature.starting_level": _PART,
    "hessian.majorant_trajectory": _PART,
    "hessian.is_affordable": "chooses the method",
    "hessian.is_near": "chooses the method",
    "hessian.check_smooth": _GRAPH,
    "hessian.activations": _GRAPH,
    "regions.from_data": "numbers as given",
    "difference.output_changes": _PART,
    "difference.activation_change": _PART,
    "enclosures.weight_decay_error": _PART,
    "train.make_rule": "numbers as given",
    "Session.state": _DATA,
    **{f"{kind}.__init__": "numbers as given" for kind in ("Batches", "ConsecutiveBatches")},
    **{f"RunFolder.{name}": _DATA for name in ("read", "link", "links")},
    **{
        f"RunFolder.{name}": "files of a run, nothing is said of them"
        for name in ("append", "check_own", "held", "release", "remove", "replace", "starting", "truncate")
    },
    **{f"GraphProblem.{name}": "numbers as given" for name in ("read", "write")},
    **{f"problem.{name}": _PART for name in ("network_problem",)},
    "CertifiedMLPClassifier.fit": "the same function as CertifiedMLPRegressor.fit",
    **{f"{kind}.{name}": "settings as given" for kind in _CERTIFIED for name in ("__init__", "partial_fit")},
    **{f"TrainingCertificate.{name}": _DATA for name in ("__init__", "to_json")},
    "step.shortened": _PART,
    "exact_step.exact_step": "encloses a step; an increase is proved by decide_increase",
    "exact_step.exact_momentum": "encloses a momentum term; an increase is proved by decide_increase",
    "question.region_words": "words",
    "question.decreasing_words": "words",
    **{f"Recommendation.{name}": _DATA for name in ("__init__", "verdict", "best", "rows", "to_json")},
    **{f"{kind}.__init__": "numbers as given" for kind in ("Algorithm", "FirstRises")},
    "Algorithm.step": _FLOAT64,
    "Algorithm.exact_step": _PART,
    "question.scope_words": "words",
    "question.previous_words": "words",
    "question.start_words": "words",
    "question.question_of": "words",
    "words.claim_words": "words",
    **{f"ErrorRise.{name}": "data that find_error_rise computed" for name in ("__init__", "to_json")},
    "monotone.heavy_ball_cases": "draws settings; what is said of them is decided by take_heavy_ball_step",
    "Activation.rounding_errors": "how far rounding may carry a gradient; check_gradient compares with it",
    "monotone.step_cases": "draws settings; what is said of them is decided by take_step",
    "monotone.nesterov_cases": "draws settings; what is said of them is decided by take_nesterov_step",
    "monotone.from_rest_cases": "draws settings; what is said of them is decided by take_step_from_rest",
    "certify.kind_of": "a name; the certificate says what is proved",
    "control.hilltop_problem": "numbers as given",
    "monotone.fixed_cases": "draws settings; what is said of them is decided by take_step",
    "control.quadratic_problem": "numbers as given",
    "checker.canonical": "compares texts",
    **{
        f"Activation.{name}": "read off the formula"
        for name in ("__init__", "jumps", "kinks", "smoothness", "symbolic_derivative")
    },
    **{f"Activation.{name}": _FLOAT64 for name in ("value", "values")},
    "Regularity.__init__": _DATA,
    "activations.classify": "reads off suprema that are guarded",
}
