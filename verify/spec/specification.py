"""A spec file read and checked: the problem and the momentum setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from verify.outcomes import InputError
from verify.spec.document import Document, read_document
from verify.spec.question import Question

if TYPE_CHECKING:
    import numpy as np

    from verify.architecture import Architecture
    from verify.bounds.regions import Region
    from verify.calculus.objective import Objective
    from verify.spec.models import Data
    from verify.spec.preparation import Table


@dataclass(frozen=True)
class Specification(Question):
    """What a spec file asks; see `Question`.

    Parameters
    ----------
    problem, momentum, optimizer
        The optimizer is that of ``[optimizer]``.
    document : Document
        The file it was read from.
    """

    document: Document

    @property
    def path(self) -> Path:
        """The file that was read."""
        return self.document.path

    @property
    def vertex_blocks(self) -> Mapping[str, slice]:
        """Which weights belong to each vertex of the file."""
        from verify.calculus.problem import Problem

        if isinstance(self.problem, Problem) or self.document.content.model is not None:
            return super().vertex_blocks
        return self.document.network().vertex_blocks


def load_specification(path: str | Path) -> Specification:
    """Read a spec file, its data and its weights.

    Parameters
    ----------
    path : str or Path
        A TOML file; relative paths inside it start from its folder.

    Returns
    -------
    Specification

    Raises
    ------
    InputError
        If anything in the file or in the files it names cannot be used; one line says what, where and
        what to do.

    Examples
    --------
    >>> specification = load_specification("examples/xor_skip.toml")
    >>> specification.asked.eta, specification.asked.tau
    (0.1, 0.05)
    """
    from verify.arithmetic.environment import certified_environment

    with certified_environment(products=False):
        return build_specification(read_document(path))


def build_specification(document: Document) -> Specification:
    """Build the problem of a document: see `load_specification`."""
    from verify.calculus.problem import Problem
    from verify.spec.optimizer import coupled_weight_decay, judged

    content = document.content
    setting, optimizer = judged(document)
    if not content.is_classical:
        from verify.spec.graph_problem import build_graph_problem

        return Specification(build_graph_problem(document), setting, document, optimizer, content.reduction)
    architecture = document.architecture()
    inputs, targets = _data(document, architecture)
    weights = first_weights(
        document, architecture.size, lambda scheme, seed: architecture.initial_weights(scheme, seed=seed)
    )
    region = region_of(document, architecture.blocks, weights)
    with document.located():
        problem = Problem(
            architecture,
            inputs,
            targets,
            reduction=content.reduction,
            weight_decay=cast(float, content.weight_decay) or coupled_weight_decay(content.optimizer),
            initial_weights=weights,
            region=region,
            name=content.name,
        )
    return Specification(problem, setting, document, optimizer)


def load_problem(path: str | Path) -> Objective:
    """Read the problem of a spec file; see `load_specification`.

    Examples
    --------
    >>> problem = load_problem("examples/xor_skip.toml")
    >>> problem.name, len(problem.initial_weights)
    ('xor-skip', 11)
    """
    return load_specification(path).problem


def _data(document: Document, architecture: Architecture) -> tuple[Table, Table]:
    from verify.spec.preparation import prepare
    from verify.spec.sources import read_samples

    data = data_table(document)
    with document.located("data"):
        samples = read_samples(data, document.path.parent)
        return prepare(samples, data, architecture.input_dimension, architecture.output_dimension)


def data_table(document: Document) -> Data:
    """Return the ``[data]`` table.

    Raises
    ------
    InputError
        If there is none.
    """
    data = document.content.data
    if data is None:
        raise InputError(
            "missing table",
            where=str(document.path),
            key="data",
            remedy='add [data] with source = "npz:data.npz", or x = [[..]] and y = [[..]]',
        )
    return data


def first_weights(document: Document, size: int, drawn: Callable[[str, int], np.ndarray]) -> np.ndarray:
    """Return the weights of the ``[weights]`` table: given, or drawn by a scheme and a seed.

    Raises
    ------
    InputError
        If those given do not fit.
    """
    import numpy as np

    from verify.arithmetic.floats import float64_array
    from verify.files.arrays import read_npz

    table = document.content.weights
    with document.located("weights"):
        if table.npz is not None:
            weights = float64_array(read_npz(document.path.parent / table.npz, ("w",))["w"], "w")
        elif table.w is not None:
            weights = np.array(table.w, dtype=np.float64)
        else:
            return drawn(table.init or "glorot", table.seed or 0)
        if weights.shape != (size,):
            raise InputError(
                "weights do not fit the network",
                where="w",
                shape=weights.shape,
                parameters=size,
                remedy=f"give one array of {size} numbers",
            )
        if not np.isfinite(weights).all():
            index = int(np.flatnonzero(~np.isfinite(weights))[0])
            raise InputError(
                "weights must be finite",
                where=f"w[{index}]",
                value=float(weights[index]),
                remedy="replace it",
            )
        return weights


def region_of(document: Document, blocks: Mapping[str, slice], weights: np.ndarray) -> Region | None:
    """Return the region of the ``[region]`` table around the weights, None without one."""
    if document.content.region is None:
        return None
    from verify.bounds.regions import from_data

    with document.located("region"):
        region = from_data(document.tables["region"], weights, blocks)
        region.check_start(weights)
        return region
