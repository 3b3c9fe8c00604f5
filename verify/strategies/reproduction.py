"""A problem as Python that reproduces it bit for bit."""

from __future__ import annotations

from typing import Any

from verify.bounds.regions import Ball, BlockBall, BoundedWeights
from verify.calculus.problem import Problem
from verify.graph.problem import GraphProblem
from verify.outcomes import InputError


def to_python(problem: Problem | GraphProblem) -> str:
    """Return Python, to be run as it is, that builds the problem as ``problem``.

    Parameters
    ----------
    problem : Problem or GraphProblem

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
    return _classical(problem) if isinstance(problem, Problem) else _of_graph(problem)


def _classical(problem: Problem) -> str:
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
        lines.append(f"    region={_region(problem.region, 'architecture.blocks')},")
    return "\n".join([*lines, f"    name={problem.name!r},", ")\n"])


def _of_graph(problem: GraphProblem) -> str:
    network = problem.network.to_data()
    lines = ["import numpy as np", "", "import verify", "from verify.graph.graph import Graph", ""]
    lines += ["graph = Graph.from_data(", "    {", '        "nodes": [']
    lines += [*(f"            {node!r}," for node in network["nodes"]), "        ],"]
    lines += [f'        "outputs": {network["outputs"]!r},', "    }", ")", "constants = {"]
    lines += [f"    {label!r}: {_array(array)}," for label, array in problem.constants.items()]
    lines += ["}", "problem = verify.GraphProblem(", "    graph,", "    constants,"]
    lines += [f"    {problem.initial_weights.tolist()!r},", f"    weight_decay={problem.weight_decay!r},"]
    if problem.region is not None:
        blocks = {block.label: block.place for block in problem.blocks}
        lines.append(f"    region={_region(problem.region, repr(blocks))},")
    return "\n".join([*lines, f"    name={problem.name!r},", ")\n"])


def _array(array: Any) -> str:
    return f"np.reshape(np.array({array.reshape(-1).tolist()!r}, dtype=float), {array.shape!r})"


def _table(array: Any) -> str:
    return repr([[float(value) for value in row] for row in array])


def _region(region: Any, blocks: str) -> str:
    match region:
        case Ball():
            return f"verify.Ball({region.center.tolist()!r}, {region.radius!r})"
        case BoundedWeights():
            return f"verify.BoundedWeights({region.radius!r})"
        case BlockBall():
            radii = {name: radius for name, radius in region.radii.items() if radius > 0}
            return f"verify.BlockBall({region.center.tolist()!r}, {radii!r}, {blocks})"
    raise InputError(
        "a region that Python cannot be written for",
        region=type(region).__name__,
        remedy="use a Ball, BlockBall or BoundedWeights",
    )
