"""Prove that backpropagation with momentum decreases the error of a network with skip connections."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from verify.arithmetic import processor

__version__ = "0.1.0"

_PUBLIC = {
    "Architecture": "verify.architecture",
    "Ball": "verify.bounds.regions",
    "BlockBall": "verify.bounds.regions",
    "BoundedWeights": "verify.bounds.regions",
    "DagverifyError": "verify.outcomes",
    "Finding": "verify.outcomes",
    "GraphBuilder": "verify.graph.tensor",
    "GraphProblem": "verify.graph.problem",
    "InputError": "verify.outcomes",
    "Optimizer": "verify.theorems.optimizers",
    "Problem": "verify.calculus.problem",
    "Verdict": "verify.outcomes",
    "Setting": "verify.assumptions.small_momentum",
    "Trajectory": "verify.training.trajectory",
    "activation": "verify.activations",
    "check": "verify.analysis.check",
    "certify": "verify.analysis.certify",
    "check_assumptions": "verify.assumptions",
    "check_certificate": "verify.certificates.checker",
    "check_gradient": "verify.calculus.gradient_check",
    "converge": "verify.analysis.converge",
    "decide_decrease": "verify.calculus.decide",
    "epoch_range": "verify.analysis.epoch_range",
    "error_by_workers": "verify.training.by_workers",
    "gradient_by_workers": "verify.training.by_workers",
    "hessian_by_workers": "verify.training.by_workers",
    "segment_by_workers": "verify.training.by_workers",
    "sweep": "verify.training.sweep",
    "explain": "verify.analysis.explain",
    "from_onnx": "verify.importers.onnx.problem",
    "from_sklearn": "verify.importers.sklearn.problem",
    "hessian_bound": "verify.bounds.hessian",
    "lint": "verify.spec",
    "load_problem": "verify.spec",
    "load_specification": "verify.spec",
    "momentum_range": "verify.theorems.ranges",
    "one_step_ranges": "verify.analysis.one_step",
    "prove_gradients": "verify.calculus.symbolic",
    "recommend": "verify.analysis.recommend",
    "report": "verify.reports.evidence",
    "run_suite": "verify.properties.suite",
    "segment_bound": "verify.bounds.segment",
    "to_toml": "verify.spec",
    "train": "verify.training.train",
    "write_onnx": "verify.importers.onnx.writing",
}

_OPTIONAL = {"from_torch": ("verify.importers.torch.problem", "torch")}
"""Names that need an extra: their module, and the extra."""

__all__ = ["__version__", *_PUBLIC]  # noqa: PLE0604 -- the names are the keys of _PUBLIC, all of them strings


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that ``import verify`` costs next to nothing (PEP 562)."""
    if name in _OPTIONAL:
        return _optional(name)
    if name not in _PUBLIC:
        raise AttributeError(f"module 'verify' has no attribute {name!r}")
    processor.note_import()
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def _optional(name: str) -> Any:
    module, extra = _OPTIONAL[name]
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name != extra:
            raise
        from verify.outcomes import InputError

        raise InputError(
            f"verify.{name} needs {extra}", remedy=f"pip install 'dagverify[{extra}]'", missing=extra
        ) from None


def __dir__() -> list[str]:
    return sorted([*__all__, *_OPTIONAL])


if TYPE_CHECKING:
    from verify.activations import activation
    from verify.analysis.certify import certify
    from verify.analysis.check import check
    from verify.analysis.converge import converge
    from verify.analysis.epoch_range import epoch_range
    from verify.analysis.explain import explain
    from verify.analysis.one_step import one_step_ranges
    from verify.analysis.recommend import recommend
    from verify.architecture import Architecture
    from verify.assumptions import check_assumptions
    from verify.assumptions.small_momentum import Setting
    from verify.bounds.hessian import hessian_bound
    from verify.bounds.regions import Ball, BlockBall, BoundedWeights
    from verify.bounds.segment import segment_bound
    from verify.calculus.decide import decide_decrease
    from verify.calculus.gradient_check import check_gradient
    from verify.calculus.problem import Problem
    from verify.calculus.symbolic import prove_gradients
    from verify.certificates.checker import check_certificate
    from verify.graph.problem import GraphProblem
    from verify.graph.tensor import GraphBuilder
    from verify.importers.onnx.problem import from_onnx
    from verify.importers.onnx.writing import write_onnx
    from verify.importers.sklearn.problem import from_sklearn
    from verify.importers.torch.problem import from_torch
    from verify.outcomes import DagverifyError, Finding, InputError, Verdict
    from verify.properties.suite import run_suite
    from verify.reports.evidence import report
    from verify.spec import lint, load_problem, load_specification, to_toml
    from verify.theorems.optimizers import Optimizer
    from verify.theorems.ranges import momentum_range
    from verify.training.by_workers import (
        error_by_workers,
        gradient_by_workers,
        hessian_by_workers,
        segment_by_workers,
    )
    from verify.training.sweep import sweep
    from verify.training.train import train
    from verify.training.trajectory import Trajectory
