"""Problems and what belongs to them; a failing test prints the problem so that it can be built again."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from verify.architecture import Architecture
from verify.arithmetic.lengths import length
from verify.bounds.regions import Ball, BoundedWeights, Region
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem
from verify.spec import to_toml
from verify.strategies.networks import architectures
from verify.strategies.reproduction import to_python

_RADII = st.floats(2.0**-6, 1.0)


def _vectors(shape: int | tuple[int, int], bound: float) -> st.SearchStrategy[np.ndarray]:
    return npst.arrays(np.float64, shape, elements=st.floats(-bound, bound, allow_subnormal=False))


@st.composite
def data_sets(
    draw: st.DrawFn, architecture: Architecture, *, max_samples: int = 4, bound: float = 2.0
) -> tuple[np.ndarray, np.ndarray]:
    """Strategy of (inputs, targets), (n, d_in) and (n, d_out), with entries in [-bound, bound].

    Parameters
    ----------
    architecture : Architecture
    max_samples : int
        At least one is drawn.
    bound : float
    """
    samples = draw(st.integers(1, max_samples))
    return (
        draw(_vectors((samples, architecture.input_dimension), bound)),
        draw(_vectors((samples, architecture.output_dimension), bound)),
    )


def regions(center: np.ndarray) -> st.SearchStrategy[Region]:
    """Strategy of regions that hold `center`, (P,): balls around it, or bounds on all weights."""
    norm = length(center)
    return st.one_of(
        _RADII.map(lambda radius: Ball(center, radius)), _RADII.map(lambda room: BoundedWeights(2 * norm + room))
    )


@st.composite
def problems(
    draw: st.DrawFn,
    networks: st.SearchStrategy[Architecture] | None = None,
    *,
    max_samples: int = 4,
    weight_bound: float = 1.0,
    weight_decay: bool = True,
) -> Problem:
    """Strategy of problems with a region.

    A failing test prints the problem as the text of a spec file and as Python.

    Parameters
    ----------
    networks : SearchStrategy, optional
        Of architectures; default `architectures()`.
    max_samples : int
    weight_bound : float
        Largest absolute initial weight.
    weight_decay : bool
        Whether some problems have weight decay.
    """
    architecture = draw(architectures() if networks is None else networks)
    inputs, targets = draw(data_sets(architecture, max_samples=max_samples))
    w0 = draw(_vectors(architecture.size, weight_bound))
    problem = Problem(
        architecture,
        inputs,
        targets,
        reduction=draw(st.sampled_from(["mean", "sum"])),
        weight_decay=draw(st.sampled_from([0.0, 0.125])) if weight_decay else 0.0,
        initial_weights=w0,
        region=draw(regions(w0)),
    )
    note(f"The problem as a spec file:\n\n{to_toml(problem)}")
    note(f"The problem in Python:\n\n{to_python(problem)}")
    return problem


@st.composite
def weights_in(draw: st.DrawFn, problem: Objective) -> np.ndarray:
    """Strategy of weights, (P,), inside the problem's region, its centre and its boundary included.

    Parameters
    ----------
    problem : Problem or GraphProblem
        With a region.
    """
    direction = draw(_vectors(problem.size, 1.0))
    distance = draw(st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1)))
    region: Any = problem.region
    return region.point(direction, distance)


def previous_steps(problem: Objective, w: Any) -> st.SearchStrategy[np.ndarray]:
    """Strategy of previous steps D = w - w_before, (P,): none, with or against the gradient at `w`, or any.

    Parameters
    ----------
    problem : Problem or GraphProblem
    w : array, shape (P,)
    """
    gradient = problem.gradient(w)
    return st.one_of(st.sampled_from([np.zeros_like(gradient), -gradient, gradient]), _vectors(problem.size, 1.0))
