"""What is known of a network and its data at the centre of a region, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic import spectral, upward
from verify.arithmetic.intervals import Interval
from verify.bounds.hessian_loss import loss_suprema
from verify.budget import check_time
from verify.calculus import passes
from verify.calculus.algebra import ENCLOSING
from verify.sharing import shared

if TYPE_CHECKING:
    from verify.activations import Activation
    from verify.architecture import Architecture, Edge
    from verify.calculus.problem import Problem

Sizes = tuple[np.ndarray, ...]

_LARGEST_MATRIX = 2**17
MOST_ROWS = 512


@dataclass(frozen=True)
class Gains:
    """Upper bounds of the spectral norm of an edge's matrix, and of its largest column and row."""

    spectral: float
    column: float
    row: float

    def moved(self, distance: float) -> Gains:
        """Bound the norms of all matrices within `distance` in the spectral norm."""
        return Gains(*(float(upward.add(norm, distance)) for norm in (self.spectral, self.column, self.row)))


@dataclass(frozen=True)
class OutputLoss:
    """The loss phi(z) = 1/2 (g(z) - y)^2 of an output vertex at the centre.

    Parameters
    ----------
    derivatives : tuple of Interval, shape (n, width)
        phi, phi', phi'', phi'''.
    sizes : tuple of array, shape (n, width)
        Upper bounds of their absolute values.
    suprema : tuple of float
        Upper bounds over all pre-activations and targets, up to the fourth derivative.
    residual : array, shape (n, width)
        Upper bounds of |g - y|.
    limit : array, shape (n, width)
        The same, whatever the pre-activation.
    """

    derivatives: tuple[Interval, ...]
    sizes: Sizes
    suprema: tuple[float, ...]
    residual: np.ndarray
    limit: np.ndarray


@dataclass(frozen=True)
class Center:
    """A chunk of n samples at the centre of the region.

    Parameters
    ----------
    architecture, parts, state, residual
        The network, its weights, the enclosed forward pass and h_out - y.
    gains : dict
        Norms of every edge's matrix, by `edge_id`.
    sizes : dict of vertex to tuple of arrays, shape (n, width)
        Upper bounds of |g_v|, |g_v'|, |g_v''|, |g_v'''|.
    norms : dict of vertex to array, shape (n,)
        Upper bounds of |h_v|, inputs too.
    losses : dict of output vertex to OutputLoss
    """

    architecture: Architecture
    parts: passes.Parts
    state: passes.ForwardPass
    residual: dict[str, Interval]
    gains: dict[tuple[str, str, str], Gains]
    sizes: dict[str, Sizes]
    norms: dict[str, np.ndarray]
    losses: dict[str, OutputLoss]
    _fourth: dict[str, Sizes] = field(default_factory=dict, repr=False, compare=False)

    @property
    def samples(self) -> int:
        """Number n of samples."""
        return len(next(iter(self.norms.values())))

    def fourth(self, name: str) -> Sizes:
        """Return about |g| and, of an output, |phi|, (n, width) each: nothing is proved of them."""
        if name not in self._fourth:
            with np.errstate(all="ignore"):
                z = self.state.preactivations[name].mid
                g = _activation(self.architecture, name).values(z, 4)
                found = [np.abs(g[4])]
                if name in self.residual:
                    whole = 3.0 * g[2] ** 2 + 4.0 * g[1] * g[3] + self.residual[name].mid * g[4]
                    found.append(np.abs(whole))
            self._fourth[name] = tuple(found)
        return self._fourth[name]


def centers(problem: Problem, weights: np.ndarray, rows: int = MOST_ROWS) -> Iterator[Center]:
    """Yield the `Center` of every chunk of samples."""
    architecture = problem.architecture
    parts = architecture.unflatten(weights)
    gains = shared(problem, ("gains", weights.tobytes()), lambda: _all_gains(architecture, parts))
    columns = architecture.output_columns
    suprema = {
        name: loss_suprema(_activation(architecture, name), np.asarray(problem.targets[:, columns[name]]))
        for name in architecture.outputs
    }
    for chunk in passes.row_chunks(problem.samples, rows):
        x, y = problem.rows(chunk)
        state = passes.forward(ENCLOSING, architecture, parts, x, order=3)
        residual = passes.residuals(ENCLOSING, architecture, state.outputs, y)
        sizes = {name: tuple(part.max_abs() for part in parts) for name, parts in state.derivatives.items()}
        losses = {
            name: _output_loss(
                _activation(architecture, name), state.derivatives[name], part, y[:, columns[name]], suprema[name]
            )
            for name, part in residual.items()
        }
        norms = {name: row_norms(output) for name, output in state.outputs.items()}
        yield Center(architecture, parts, state, residual, gains, sizes, norms, losses)


def _all_gains(architecture: Architecture, parts: passes.Parts) -> dict[tuple[str, str, str], Gains]:
    """Return the gains edge by edge; what parallel edges have together stands at the first one, zero at the others."""
    gains: dict[tuple[str, str, str], Gains] = {}
    between: dict[tuple[str, str], list[Edge]] = {}
    for edge in architecture.edges:
        check_time()
        gains[edge_id(edge)] = _edge_gains(edge, passes.edge_parameters(parts, edge))
        between.setdefault((edge.source, edge.target), []).append(edge)
    for parallel in between.values():
        if len(parallel) > 1 and all(_is_small(edge) for edge in parallel):
            apart = [gains[edge_id(edge)] for edge in parallel]
            for edge, gain in zip(parallel, together(parallel, parts, apart), strict=True):
                gains[edge_id(edge)] = gain
    return gains


def together(parallel: list[Edge], parts: passes.Parts, apart: list[Gains]) -> list[Gains]:
    """Return gains of edges between the same two vertices whose sums bound the norms of the sum of their matrices."""
    total = passes.sum_of(edge.map.enclose_matrix(passes.edge_parameters(parts, edge)) for edge in parallel)
    spectral_norm = float(spectral.norm_upper(total))
    if not spectral_norm < sum(gain.spectral for gain in apart):
        return apart
    column, row = (float(upward.norm(total.max_abs(), axis=axis).max()) for axis in (0, 1))
    first = Gains(spectral_norm, min(column, spectral_norm), min(row, spectral_norm))
    return [first, *(Gains(0.0, 0.0, 0.0) for _ in parallel[1:])]


def _is_small(edge: Edge) -> bool:
    return edge.map.in_width * edge.map.out_width <= _LARGEST_MATRIX


def edge_id(edge: Edge) -> tuple[str, str, str]:
    """Name an edge: between two vertices there is at most one of each kind."""
    return (edge.source, edge.target, edge.kind)


def row_norms(array: Interval) -> np.ndarray:
    """Upper bounds of the Euclidean norm of every row, (n,)."""
    return upward.norm(array.max_abs(), axis=1)


def _activation(architecture: Architecture, name: str) -> Activation:
    activation = architecture.vertices[name].activation
    if activation is None:
        raise ValueError(f"input vertex {name!r} has no activation")
    return activation


def _edge_gains(edge: Edge, theta: np.ndarray) -> Gains:
    """Return the norms of an edge's matrix; where it would be large, the spectral norm stands for all."""
    spectral = float(edge.map.gain(theta))
    if edge.kind not in ("dense", "identity", "concat") and not _is_small(edge):
        return Gains(spectral, spectral, spectral)
    matrix = edge.map.enclose_matrix(theta).max_abs()
    column, row = (float(upward.norm(matrix, axis=axis).max()) for axis in (0, 1))
    return Gains(spectral, min(column, spectral), min(row, spectral))


def _output_loss(
    activation: Activation,
    derivatives: tuple[Interval, ...],
    residual: Interval,
    targets: np.ndarray,
    suprema: tuple[float, ...],
) -> OutputLoss:
    _, slope, curvature, twist = derivatives
    loss = (
        residual.square() * 0.5,
        slope * residual,
        slope.square() + residual * curvature,
        slope * curvature * 3.0 + residual * twist,
    )
    limit = _largest_residuals(activation, targets)
    return OutputLoss(loss, tuple(part.max_abs() for part in loss), suprema, residual.max_abs(), limit)


def _largest_residuals(activation: Activation, targets: np.ndarray) -> np.ndarray:
    """Upper bounds of |g - y| over all pre-activations, for every target y; inf where g is unbounded."""
    if not np.isfinite(activation.supremum(0)):
        return np.full(targets.shape, np.inf)
    low, high = (float(end) for end in activation.range(0, np.float64(-np.inf), np.float64(np.inf)))
    exact = Interval.point(targets)
    return np.maximum((exact - low).max_abs(), (exact - high).max_abs())
