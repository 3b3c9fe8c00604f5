"""A problem as Python that reproduces it bit for bit."""

from __future__ import annotations

from typing import Any

from verify.bounds.regions import Ball, BlockBall, BoundedWeights
from verify.calculus.problem import Problem
from verify.outcomes import InputError


def to_python(problem: Problem) -> str:
    """Return Python, to be run as it is, that builds the problem as ``problem``.

    Parameters
    ----------
    problem : Problem

    Raises
    ------
    InputError
        If its region is of a kind of its own.

    Examples
    --------
    >>> import verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "inputs": ["x"], "bias": False}}
    >>> architecture = verify.Architecture.from_data(nodes, "y")
    >>> problem = verify.Problem(architecture, [[1.0]], [[2.0]], initial_weights=[0.5])
    >>> print(to_python(problem).splitlines()[-2])
        name='problem',
    """
    network = problem.architecture.to_data()
    arguments = {
        "reduction": problem.reduction,
        "weight_decay": problem.weight_decay,
        "initial_weights": problem.initial_weights.tolist(),
    }
    lines = ["import verify", "", "architecture = verify.Architecture.from_data("]
    lines += ["    {", *(f"        {name!r}: {node!r}," for name, node in network["nodes"].items()), "    },"]
    lines += [f"    {network['output']!r},", ")", "problem = verify.Problem(", "    architecture,"]
    lines += [f"    {_table(problem.inputs)},", f"    {_table(problem.targets)},"]
    lines += [f"    {name}={value!r}," for name, value in arguments.items()]
    if problem.region is not None:
        lines.append(f"    region={_region(problem.region)},")
    return "\n".join([*lines, f"    name={problem.name!r},", ")\n"])


def _table(array: Any) -> str:
    return repr([[float(value) for value in row] for row in array])


def _region(region: Any) -> str:
    match region:
        case Ball():
            return f"verify.Ball({region.center.tolist()!r}, {region.radius!r})"
        case BoundedWeights():
            return f"verify.BoundedWeights({region.radius!r})"
        case BlockBall():
            radii = {name: radius for name, radius in region.radii.items() if radius > 0}
            return f"verify.BlockBall({region.center.tolist()!r}, {radii!r}, architecture.blocks)"
    raise InputError(
        "a region that Python cannot be written for",
        region=type(region).__name__,
        remedy="use a Ball, BlockBall or BoundedWeights",
    )
