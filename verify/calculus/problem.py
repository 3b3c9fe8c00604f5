"""A training problem: a network, its data and its error."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import exact_float, float64_array
from verify.calculus import passes
from verify.calculus.algebra import FLOAT
from verify.calculus.objective import Objective
from verify.files.stored_table import StoredTable
from verify.notebook import table
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.architecture import Architecture
    from verify.arithmetic.intervals import Interval
    from verify.bounds.regions import Region

Reduction = Literal["mean", "sum"]


@final
class Problem(Objective):
    """The error E(w) of a network on its data, as a function of all trainable parameters.

    ``E(w) = s * sum over samples of 1/2 |h_out(x_i; w) - y_i|^2 + weight_decay/2 |w|^2`` with s = 1/n for
    ``reduction="mean"`` and s = 1 for ``"sum"``.

    Parameters
    ----------
    architecture : Architecture
        The network.
    inputs : array, shape (n, input dimension)
        One sample a row; several input vertices take consecutive columns in file order. Nobody can change them
        afterwards: an array that can be written to is copied, a memory map stays on the disk as a `StoredTable`.
    targets : array, shape (n, output dimension)
        The columns follow the listed outputs.
    loss : str
        ``"half-squared-error"``.
    reduction : {"mean", "sum"}
        How samples are weighted.
    weight_decay : float
        The factor lambda >= 0; it covers every trainable parameter, biases too.
    initial_weights : array, shape (P,), optional
        Default: Glorot weights with seed 0.
    region : Region, optional
        Where the weights are assumed or proved to stay.
    name : str
        For reports.

    Raises
    ------
    InputError
        If shapes disagree, data are empty or not finite, a number equals no float64, or a setting is out of range.

    Examples
    --------
    >>> import numpy as np, verify
    >>> architecture = verify.Architecture.from_data(
    ...     {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}},
    ...     output="y",
    ... )
    >>> problem = verify.Problem(architecture, np.array([[2.0]]), np.array([[1.0]]))
    >>> problem.error(np.array([1.0]))
    0.5
    >>> problem.gradient(np.array([1.0]))
    array([2.])
    """

    @certified_environment(products=False)
    def __init__(
        self,
        architecture: Architecture,
        inputs: Any,
        targets: Any,
        loss: str = "half-squared-error",
        reduction: Reduction = "mean",
        weight_decay: float = 0.0,
        *,
        initial_weights: Any = None,
        region: Region | None = None,
        name: str = "problem",
    ) -> None:
        if loss != "half-squared-error":
            raise InputError("unknown loss", remedy="use 'half-squared-error'", loss=loss)
        if reduction not in ("mean", "sum"):
            raise InputError("unknown reduction", remedy="use 'mean' or 'sum'", reduction=reduction)
        decay = exact_float(weight_decay, "weight_decay")
        if not (np.isfinite(decay) and decay >= 0):
            raise InputError(
                "weight decay must be finite and not negative",
                weight_decay=weight_decay,
                remedy="give a finite one >= 0",
            )
        self.architecture = architecture
        self.inputs = _data_array(inputs, "inputs", architecture.input_dimension)
        self.targets = _data_array(targets, "targets", architecture.output_dimension)
        if len(self.inputs) != len(self.targets):
            raise InputError(
                "inputs and targets have different numbers of samples",
                inputs=len(self.inputs),
                targets=len(self.targets),
                remedy="give one target for each input",
            )
        self.loss = loss
        self.reduction: Reduction = reduction
        self.weight_decay = decay
        self.region = region
        self.name = name
        self._initial_weights = None if initial_weights is None else self.check_weights(initial_weights)

    least_error = 0.0

    @property
    def quadratic_growth(self) -> float:
        """The factor of the weight decay: the rest of E is never negative."""
        return self.weight_decay

    @property
    def size(self) -> int:
        """Number P of weights."""
        return self.architecture.size

    def _repr_html_(self) -> str:
        """Return a table for notebooks."""
        vertices = self.architecture.vertices.values()
        shown = [
            (each.name, f"{each.width} {'inputs' if each.activation is None else each.activation.name}")
            for each in vertices
        ]
        decay = f", weight decay {self.weight_decay!r}" if self.weight_decay else ""
        rows = [
            ("weights", str(self.architecture.size)),
            ("samples", str(self.samples)),
            ("error", f"{self.loss}, {self.reduction}{decay}"),
            ("region", "none" if self.region is None else str(self.region)),
        ]
        return table(self.name, [*rows, *shown])

    @property
    def samples(self) -> int:
        """Number of samples n."""
        return len(self.inputs)

    @property
    def sample_divisor(self) -> int:
        """The whole number 1/s that sums over samples are divided by: n for the mean, 1 for the sum."""
        return self.samples if self.reduction == "mean" else 1

    @cached_property
    def initial_weights(self) -> np.ndarray:
        """Initial weights, (P,)."""
        if self._initial_weights is None:
            return self.architecture.initial_weights("glorot", seed=0)
        return self._initial_weights

    def check_weights(self, w: Any) -> np.ndarray:
        """Return w as a finite (P,) float64 array.

        Raises
        ------
        InputError
            If the shape is wrong, or an entry is not finite or equals no float64.
        """
        weights = float64_array(w, "weights")
        if weights.shape != (self.architecture.size,):
            raise InputError(
                "weights have the wrong shape",
                shape=weights.shape,
                expected=(self.architecture.size,),
                remedy=f"give one vector of {self.architecture.size} numbers",
            )
        if not np.all(np.isfinite(weights)):
            index = int(np.flatnonzero(~np.isfinite(weights))[0])
            raise InputError("weights must be finite", index=index, value=float(weights[index]), remedy="correct it")
        return weights

    def chunks(self) -> list[slice]:
        """Slices of the samples, small enough for a processor's cache."""
        return list(passes.row_chunks(self.samples))

    def rows(self, chunk: slice) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and targets of some samples as float64 arrays in memory."""
        return (
            np.ascontiguousarray(self.inputs[chunk], dtype=np.float64),
            np.ascontiguousarray(self.targets[chunk], dtype=np.float64),
        )

    @np.errstate(all="ignore")
    def error(self, w: Any) -> float:
        """Return E(w) in float64, weight decay included.

        Parameters
        ----------
        w : array, shape (P,)

        Returns
        -------
        float
            inf where float64 overflows; `error_enclosure` is the rigorous form.
        """
        weights = self.check_weights(w)
        parts = self.architecture.unflatten(weights)
        total = 0.0
        for chunk in self.chunks():
            x, y = self.rows(chunk)
            state = passes.forward(FLOAT, self.architecture, parts, x, order=0)
            for residual in passes.residuals(FLOAT, self.architecture, state.outputs, y).values():
                total += float(np.vdot(residual, residual))
        return self.averaged(total, weights)

    @np.errstate(all="ignore")
    def averaged(self, total: float, weights: np.ndarray) -> float:
        """Return E from the sum of the squared residuals; a difference of two overflows is one, too."""
        error = 0.5 * total / self.sample_divisor
        if self.weight_decay:  # zero times a square that overflows would be no number
            error += 0.5 * self.weight_decay * float(weights @ weights)
        return float("inf") if np.isnan(error) else error

    @np.errstate(all="ignore")
    def error_and_gradient(self, w: Any) -> tuple[float, np.ndarray]:
        """Return E(w) and grad E(w) from one forward and one backward pass."""
        weights = self.check_weights(w)
        parts = self.architecture.unflatten(weights)
        total = 0.0
        gradient = np.zeros_like(weights)
        for chunk in self.chunks():
            x, y = self.rows(chunk)
            state = passes.forward(FLOAT, self.architecture, parts, x, order=1)
            residual = passes.residuals(FLOAT, self.architecture, state.outputs, y)
            total += sum(float(np.vdot(part, part)) for part in residual.values())
            adjoints = passes.backward(FLOAT, self.architecture, parts, state, residual)
            gradient += self.architecture.layout.flatten(
                passes.parameter_gradients(FLOAT, self.architecture, state.outputs, adjoints.preactivations),
            )
        return self.averaged(total, weights), gradient / self.sample_divisor + self.weight_decay * weights

    @np.errstate(all="ignore")
    def hessian_vector(self, w: Any, direction: Any) -> np.ndarray:
        """Return (Hess E(w)) direction, (P,), in float64 (Pearlmutter's exact product, no differences)."""
        weights = self.check_weights(w)
        parts = self.architecture.unflatten(weights)
        direction = self.check_weights(direction)
        directions = self.architecture.unflatten(direction)
        product = np.zeros_like(weights)
        for chunk in self.chunks():
            x, y = self.rows(chunk)
            product += self.architecture.layout.flatten(
                passes.hessian_vector_parts(FLOAT, self.architecture, parts, directions, x, y),
            )
        return product / self.sample_divisor + self.weight_decay * direction

    def error_enclosure(self, w: Any) -> tuple[float, float]:
        """Return float64 numbers lo <= E(w) <= hi, for the exact real E of these weights and data."""
        from verify.calculus.enclosures import error_enclosure

        return error_enclosure(self, w)

    def gradient_enclosure(self, w: Any) -> Interval:
        """Return an interval array, (P,), that contains the exact gradient."""
        from verify.calculus.enclosures import gradient_enclosure

        return gradient_enclosure(self, w)

    def error_over(self, box: Interval) -> tuple[float, float]:
        """Return float64 numbers lo <= E(w) <= hi that hold for all weights w of a box, (P,)."""
        from verify.calculus.enclosures import error_over

        return error_over(self, box)

    def hessian_vector_enclosure(self, w: Any, direction: Any) -> Interval:
        """Return an interval array, (P,), that contains the exact product (Hess E(w)) direction."""
        from verify.calculus.enclosures import hessian_vector_enclosure

        return hessian_vector_enclosure(self, w, direction)


def vertex_blocks(problem: Objective, norm: Literal["global", "vertex"] | None) -> Architecture | None:
    """Return what names the blocks that norms are taken of: None for the norm of all weights.

    Raises
    ------
    InputError
        If the problem has no vertices.
    """
    return classical(problem, "norms per vertex").architecture if norm == "vertex" else None


class NotCoveredError(InputError):
    """There is no rule for this kind of network: what was asked of it is undecided."""


def classical(problem: Objective, purpose: str) -> Problem:
    """Return the problem if it is of the classical class, which the purpose needs.

    Raises
    ------
    NotCoveredError
        If it is not.
    """
    if not isinstance(problem, Problem):
        raise NotCoveredError(
            f"{purpose}: only for sums of linear maps with elementwise functions and half the squared error",
            problem=getattr(problem, "name", type(problem).__name__),
            remedy="dagverify check, range, explain, test, gradients and train answer for every network",
        )
    return problem


def _data_array(values: Any, name: str, width: int) -> np.ndarray | StoredTable:
    array = values if isinstance(values, np.ndarray | StoredTable) else np.asarray(values)
    if array.ndim != 2 or array.dtype.kind not in "fiuO":
        raise InputError(
            "data must be a table of numbers, one sample a row",
            where=name,
            shape=array.shape,
            dtype=str(array.dtype),
            remedy="give an array of shape (samples, columns)",
        )
    if len(array) == 0:
        raise InputError("data are empty", where=name, remedy="give at least one sample", shape=array.shape)
    if array.shape[1] != width:
        raise InputError(
            "data have the wrong number of columns",
            where=name,
            columns=array.shape[1],
            expected=width,
            remedy="correct the data, or the width of the vertices",
        )
    if array.dtype.kind != "f" or array.dtype.itemsize > 8 or array is not values:
        array = float64_array(np.asarray(values) if isinstance(values, StoredTable) else values, name)
    array = _unchangeable(array)
    for chunk in passes.row_chunks(len(array), size=4096):
        finite = np.isfinite(array[chunk])
        if not finite.all():
            row, column = (int(i) for i in np.argwhere(~finite)[0])
            raise InputError(
                "data must be finite",
                where=name,
                row=chunk.start + row,
                column=column,
                value=float(array[chunk.start + row, column]),
                remedy="correct or drop the sample",
            )
    return array


def _unchangeable(array: np.ndarray | StoredTable) -> np.ndarray | StoredTable:
    """Return the same numbers where nobody can change them, or where a change is noticed."""
    if isinstance(array, np.memmap) and (table := StoredTable.of_map(array)) is not None:
        return table
    if isinstance(array, StoredTable):
        return array
    if type(array) is np.ndarray and array.base is None and not array.flags.writeable:
        return array
    own = np.array(array, subok=False)
    own.flags.writeable = False
    return own
