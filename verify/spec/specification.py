"""A spec file read and checked: the problem and the momentum setting."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from verify.outcomes import InputError
from verify.spec.document import Document, read_document

if TYPE_CHECKING:
    import numpy as np

    from verify.architecture import Architecture
    from verify.assumptions.small_momentum import Setting
    from verify.bounds.regions import Region
    from verify.calculus.problem import Problem
    from verify.spec.preparation import Table
    from verify.theorems.optimizers import Optimizer


@dataclass(frozen=True)
class Specification:
    """What a spec file asks.

    Parameters
    ----------
    problem : Problem
        Network, data, loss, initial weights and region.
    momentum : Setting or None
        The setting to be judged: ``eta``, and ``tau`` or ``mu``, and ``norm``.
    document : Document
        The file it was read from.
    optimizer : Optimizer, optional
        The numbers of ``[optimizer]``; those of the theorem are `momentum`.
    """

    problem: Problem
    momentum: Setting | None
    document: Document
    optimizer: Optimizer | None = None

    @property
    def asked(self) -> Setting | Optimizer | None:
        """The setting to be judged, or an optimizer of whose steps nothing is proved in advance."""
        return self.optimizer if self.momentum is None else self.momentum

    @property
    def path(self) -> Path:
        """The file that was read."""
        return self.document.path


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
    """
    from verify.arithmetic.environment import certified_environment

    with certified_environment(products=False):
        return build_specification(read_document(path))


def build_specification(document: Document) -> Specification:
    """Build the problem of a document: see `load_specification`."""
    from verify.calculus.problem import Problem
    from verify.spec.optimizer import coupled_weight_decay, judged

    content = document.content
    architecture = document.architecture()
    inputs, targets = _data(document, architecture)
    weights = _weights(document, architecture)
    region = _region(document, architecture, weights)
    with document.located():
        problem = Problem(
            architecture,
            inputs,
            targets,
            loss=content.loss,
            reduction=content.reduction,
            weight_decay=content.weight_decay or coupled_weight_decay(content.optimizer),
            initial_weights=weights,
            region=region,
            name=content.name,
        )
    setting, optimizer = judged(document)
    return Specification(problem, setting, document, optimizer)


def load_problem(path: str | Path) -> Problem:
    """Read the problem of a spec file; see `load_specification`."""
    return load_specification(path).problem


def _data(document: Document, architecture: Architecture) -> tuple[Table, Table]:
    from verify.spec.preparation import prepare
    from verify.spec.sources import read_samples

    data = document.content.data
    if data is None:
        raise InputError(
            "missing table",
            where=str(document.path),
            key="data",
            remedy='add [data] with source = "npz:data.npz", or x = [[..]] and y = [[..]]',
        )
    with document.located("data"):
        samples = read_samples(data, document.path.parent)
        return prepare(samples, data, architecture.input_dimension, architecture.output_dimension)


def _weights(document: Document, architecture: Architecture) -> np.ndarray:
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
            return architecture.initial_weights(table.init or "glorot", seed=table.seed or 0)
        if weights.shape != (architecture.size,):
            raise InputError(
                "weights do not fit the network",
                where="w",
                shape=weights.shape,
                parameters=architecture.size,
                remedy=f"give one array of {architecture.size} numbers",
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


def _region(document: Document, architecture: Architecture, weights: np.ndarray) -> Region | None:
    if document.content.region is None:
        return None
    from verify.bounds.regions import from_data

    with document.located("region"):
        region = from_data(document.tables["region"], weights, architecture.blocks)
        region.check_start(weights)
        return region
