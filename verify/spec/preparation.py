"""Scaled inputs and targets of a problem, from raw samples."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from verify.arithmetic.floats import float64_array
from verify.files.stored_table import StoredTable
from verify.outcomes import InputError
from verify.spec.columns import quoted
from verify.spec.models import Data
from verify.spec.sources import RawSamples

Table = np.ndarray | StoredTable
_LISTED = 20
"""Classes that a remedy lists."""


def prepare(samples: RawSamples, data: Data, input_width: int, output_width: int) -> tuple[Table, Table]:
    """Return inputs (n, input_width) and targets (n, output_width).

    Parameters
    ----------
    samples : RawSamples
        Raw samples.
    data : Data
        The ``[data]`` table: how to scale, what the target is.
    input_width, output_width : int
        Dimensions of the network.

    Raises
    ------
    InputError
        If samples are not finite, a scaled value overflows, or dimensions disagree with the network.
    """
    require_finite(samples.x, "x")
    if samples.x.shape[1] != input_width:
        raise InputError(
            "data do not fit the input vertices",
            where="x",
            columns=samples.x.shape[1],
            input_width=input_width,
            remedy="change the width of the input vertices or the data",
        )
    inputs = scaled_inputs(samples, data.scale)
    require_finite(inputs, "x (scaled)")
    if samples.y is None:
        if input_width != output_width:
            raise InputError(
                "the input cannot be the target",
                where="target",
                input_width=input_width,
                output_width=output_width,
                remedy="make the widths equal or set target = 'label'",
            )
        return inputs, inputs
    require_finite(samples.y, "y")
    with classes_by_name(samples, data):
        targets = targets_from(samples.y, output_width, listed_classes(data))
    if data.target_scale == "none":
        return inputs, targets
    if samples.y.ndim == 1 and output_width > 1:
        raise InputError(
            "classes have no scale", where="target_scale", target_scale=data.target_scale, remedy="remove target_scale"
        )
    targets = scaled(targets, data.target_scale, "y")
    require_finite(targets, "y (scaled)")
    return inputs, targets


def scaled_inputs(samples: RawSamples, scale: str | float, unscaled: np.ndarray | None = None) -> Table:
    """Return x, scaled but for the columns that keep their values.

    Parameters
    ----------
    samples : RawSamples
        Finite.
    scale
        See `scaled`.
    unscaled : array of bool, shape (d,), optional
        Columns that keep theirs, beside those of the samples.
    """
    kept = np.zeros(samples.x.shape[1], bool) if samples.unscaled is None else samples.unscaled
    kept = kept if unscaled is None else kept | unscaled
    x = scaled(samples.x, scale)
    return np.where(kept, samples.x, x) if kept.any() else x


def scaled(x: Table, scale: str | float, name: str = "x") -> Table:
    """Return x divided by a number, or rescaled column by column.

    Parameters
    ----------
    x : array, shape (n, d)
        Finite values.
    scale : float or {"none", "minmax", "standard"}
        A divisor; ``"minmax"``: (x - min) / (max - min), a constant column becomes 0;
        ``"standard"``: (x - mean) / deviation with ddof 0, a constant column becomes 0.
    name : str
        What it is, for messages.

    Examples
    --------
    >>> scaled(np.array([[0.0, 7.0], [4.0, 7.0]]), "minmax").tolist()
    [[0.0, 0.0], [1.0, 0.0]]
    >>> scaled(np.array([[0.0, 7.0], [4.0, 7.0]]), "standard").tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    if scale == "none":
        return x
    with np.errstate(over="ignore", invalid="ignore"):
        x = float64_array(np.asarray(x), name)
        if not isinstance(scale, str):
            return x / scale
        low, high = x.min(axis=0), x.max(axis=0)
        constant = low == high
        if scale == "minmax":
            centre, spread = low, high - low
        else:
            centre, spread = np.where(constant, low, x.mean(axis=0)), x.std(axis=0)
        spread = np.where(constant, 1.0, spread)
        if not (np.isfinite(centre).all() and np.isfinite(spread).all()):
            column = int(np.flatnonzero(~(np.isfinite(centre) & np.isfinite(spread)))[0])
            raise InputError(
                "the spread of a column overflows",
                where=f"{name}[:, {column}]",
                scale=scale,
                spread=float(spread[column]),
                remedy="scale the data by a divisor",
            )
        return (x - centre) / spread


@contextmanager
def classes_by_name(samples: RawSamples, data: Data) -> Iterator[None]:
    """Add to the error of a class out of range, where a column of a table holds the classes, how they are listed."""
    try:
        yield
    except InputError as error:
        names, found = data.targets or [], np.unique(np.asarray(samples.y))
        is_of_names = len(names) == 1 and names[0] not in (data.categories or {}) and np.all(found == np.floor(found))
        if "label" not in error.values or not is_of_names:
            raise
        listed = ", ".join(str(int(n)) for n in found[:_LISTED]) + (", ..." if len(found) > _LISTED else "")
        remedy = f"{error.remedy}; or list them in data: categories = {{{quoted(names[0])} = [{listed}]}}"
        raise InputError(error.what, where=error.where, remedy=remedy, **error.values) from None


def listed_classes(data: Data) -> int | None:
    """Return how many classes the table lists for its target, also those that no sample has."""
    names, listed = data.targets or [], data.categories or {}
    return len(listed[names[0]]) if len(names) == 1 and names[0] in listed else None


def targets_from(y: Table, width: int, classes: int | None = None) -> Table:
    """Return targets of shape (n, width): rows as they are, numbers for width 1, else labels one-hot.

    Parameters
    ----------
    y : array or StoredTable
    width : int
    classes : int, optional
        How many there are; by default as many as the largest label says.

    Raises
    ------
    InputError
        If rows have another width, or labels are not the whole numbers 0..width-1 of `width` classes.

    Examples
    --------
    >>> targets_from(np.array([1.0, 0.0]), 2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    if y.ndim == 2 and y.shape[1] == width:
        return y
    if y.ndim != 1:
        raise InputError(
            "targets do not fit the outputs",
            where="y",
            shape=y.shape,
            output_width=width,
            remedy="give y of shape (samples, output width)",
        )
    if width == 1:
        return y.column() if isinstance(y, StoredTable) else y.reshape(-1, 1)
    labels = float64_array(np.asarray(y), "y")
    wrong = np.flatnonzero((labels != np.floor(labels)) | (labels < 0) | (labels >= width))
    if wrong.size:
        raise InputError(
            "label out of range",
            where=f"y[{wrong[0]}]",
            label=float(labels[wrong[0]]),
            output_width=width,
            remedy=f"labels are the whole numbers 0 to {width - 1}, one output for each class",
        )
    classes = int(labels.max()) + 1 if classes is None else classes
    if classes != width:
        raise InputError(
            "number of classes and output width differ",
            where="y",
            classes=classes,
            output_width=width,
            remedy=f"make the output {classes} wide",
        )
    return np.eye(width)[labels.astype(np.int64)]


def require_finite(values: Table, name: str, rows: int = 4096) -> None:
    """Refuse a table with a number that is not finite, with its place."""
    for start in range(0, len(values), rows):
        bad = np.argwhere(~np.isfinite(values[start : start + rows]))
        if bad.size:
            row, *column = (int(index) for index in bad[0])
            place = "".join(f"[{index}]" for index in (start + row, *column))
            raise InputError(
                "data must be finite",
                where=f"{name}{place}",
                value=float(values[(start + row, *column)]),
                remedy="remove or replace the sample, or choose a milder scale",
            )
