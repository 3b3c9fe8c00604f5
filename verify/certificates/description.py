"""A problem as it stands in a certificate: model, objective, data and weights, all numbers exact."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.calculus.problem import Problem
from verify.certificates import document
from verify.certificates.run_files import constants_digest
from verify.graph.problem import GraphProblem
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

MAXIMAL_NUMBERS = 20_000_000


@singledispatch
def describe(problem: Objective, weights: np.ndarray) -> dict[str, Any]:
    """Return the fields ``model``, ``objective``, ``data`` and ``weights`` of a certificate.

    Parameters
    ----------
    problem : Problem or GraphProblem
    weights : array, shape (P,)

    Raises
    ------
    InputError
        If the data are too large to stand in a certificate.
    """
    raise NotImplementedError(f"no description of a {type(problem).__name__}")


def _check_numbers(problem: Objective, numbers: int) -> None:
    if numbers > MAXIMAL_NUMBERS:
        raise InputError(
            "data are too large for a certificate",
            where=problem.name,
            remedy="certify a part of the samples",
            numbers=numbers,
            limit=MAXIMAL_NUMBERS,
        )


@describe.register
def _of_graph(problem: GraphProblem, weights: np.ndarray) -> dict[str, Any]:
    """The graph holds the loss; weight decay stands beside it, by parameter."""
    _check_numbers(problem, sum(array.size for array in problem.constants.values()))
    graph = problem.network.to_data()
    for node in graph["nodes"]:
        node.pop("place", None)
    return {
        "model": {"graph": graph},
        "objective": {"weight_decay": {label: factor.hex() for label, factor in problem.weight_decay.items()}},
        "data": {
            "constants": {
                label: {"shape": list(array.shape), "values": hex_list(array.reshape(-1))}
                for label, array in problem.constants.items()
            },
            "sha256": constants_digest(problem.constants),
        },
        "weights": hex_list(problem.check_weights(weights)),
    }


@describe.register
def _of_classical(problem: Problem, weights: np.ndarray) -> dict[str, Any]:
    _check_numbers(problem, problem.inputs.size + problem.targets.size)
    architecture = problem.architecture.to_data()
    outputs = architecture["output"]
    inputs = np.asarray(problem.inputs, dtype=np.float64)
    targets = np.asarray(problem.targets, dtype=np.float64)
    return {
        "model": {"nodes": architecture["nodes"], "outputs": [outputs] if isinstance(outputs, str) else outputs},
        "objective": {
            "loss": problem.loss,
            "reduction": problem.reduction,
            "weight_decay": problem.weight_decay.hex(),
        },
        "data": {
            "inputs": _table(inputs),
            "targets": "inputs" if _same_numbers(inputs, targets) else _table(targets),
            "sha256": document.table_digest([inputs.tolist(), targets.tolist()]),
        },
        "weights": hex_list(problem.check_weights(weights)),
    }


def hex_list(values: np.ndarray) -> list[str]:
    """Return float64 numbers as `float.hex()` strings."""
    return [value.hex() for value in values.tolist()]


def _same_numbers(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two tables are equal number by number, the sign of zeros included."""
    return np.array_equal(one, other) and np.array_equal(np.signbit(one), np.signbit(other))


def _table(array: np.ndarray) -> list[list[str]]:
    return [hex_list(row) for row in array]
