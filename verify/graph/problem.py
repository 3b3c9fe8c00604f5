"""A training problem of any network of the vocabulary: its error as a function of all trainable parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any, final

import numpy as np

from verify.arithmetic.arrays import Array
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import exact_float, float64_array
from verify.arithmetic.interval_joins import concatenate
from verify.arithmetic.intervals import Interval
from verify.calculus.objective import Objective
from verify.graph.enclosures import enclosed_error, enclosed_gradient, ends_of
from verify.graph.evaluation import ARB, FLOAT64, INTERVAL, Arithmetic, evaluate
from verify.graph.graph import Graph
from verify.graph.model_parameters import ModelParameters, ModuleParameters
from verify.graph.reverse import AdjointGraph, gradient_graph
from verify.graph.rounding import weighted_graph
from verify.graph.samples import Samples, samples_of
from verify.graph.tangent import tangent_graph
from verify.graph.tensor import GraphBuilder
from verify.notebook import table
from verify.operations.add import Add
from verify.operations.leaves import Constant, Leaf, Parameter, Tangent
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.bounds.regions import Region


@final
@dataclass(frozen=True)
class ParameterBlock:
    """Where a named parameter stands in the vector of all weights.

    Parameters
    ----------
    label : str
    shape : tuple of int
    place : slice
    """

    label: str
    shape: tuple[int, ...]
    place: slice


@final
class GraphProblem(Objective):
    """The error ``E(w) = graph(w) + sum over the parameters p of decay_p / 2 |w_p|^2``.

    Parameters
    ----------
    graph : Graph
        One scalar output. Its `Parameter` leaves make up w, in the order of the graph, each row-major.
    constants : mapping of str to array
        Data and other numbers of its `Constant` leaves, by label; finite, copied: what happens to them later changes
        nothing that is said of this problem.
    initial_weights : array, shape (P,)
    weight_decay : float or mapping of str to float
        The factors decay_p >= 0, for all parameters or by label.
    region : Region, optional
        Where the weights are assumed or proved to stay.
    name : str
        For reports.
    in_model : ModelParameters, optional
        How `read` and `write` find the parameters in the model that was imported; default: PyTorch's, by name.

    Raises
    ------
    InputError
        If the graph has no parameter, a constant is missing, not finite or of another shape, or a setting is out of
        range.

    Examples
    --------
    >>> builder = GraphBuilder()
    >>> w, x = builder.parameter("w", (1,)), builder.constant("x", (1,))
    >>> graph = builder.build((w * x).square().sum())
    >>> problem = GraphProblem(graph, {"x": np.array([2.0])}, np.array([1.0]), weight_decay=1.0)
    >>> problem.error([1.0]), problem.gradient([1.0])
    (4.5, array([9.]))
    """

    @certified_environment(products=False)
    def __init__(
        self,
        graph: Graph,
        constants: Mapping[str, Any],
        initial_weights: Any,
        weight_decay: float | Mapping[str, float] = 0.0,
        *,
        region: Region | None = None,
        name: str = "problem",
        in_model: ModelParameters | None = None,
    ) -> None:
        self.network = graph
        self._in_model = ModuleParameters() if in_model is None else in_model
        self.name = name
        self.region = region
        self.blocks = _blocks(graph)
        self.weight_decay = _decays(weight_decay, self.blocks)
        self.graph = _with_decay(graph, self.blocks, self.weight_decay)
        self.graphs_of_chunks: dict[tuple[int, bool], Any] = {}
        """What `verify.graph.chunks` makes of the graph, by the number of samples; see there."""
        self._last: tuple[np.ndarray, float, np.ndarray] | None = None
        self.constants = _checked_constants(graph, constants)
        self.initial_weights = self.check_weights(initial_weights).copy()

    least_error = -math.inf

    @property
    def size(self) -> int:
        """Number of trainable numbers P."""
        return self.blocks[-1].place.stop

    def _repr_html_(self) -> str:
        """Return a table for notebooks."""
        decays = sorted({decay for decay in self.weight_decay.values() if decay})
        rows = [
            ("weights", str(self.size)),
            ("operations", str(len(self.network.nodes))),
            ("weight decay", ", ".join(map(repr, decays)) or "none"),
            ("region", "none" if self.region is None else str(self.region)),
        ]
        return table(self.name, [*rows, *((block.label, " x ".join(map(str, block.shape))) for block in self.blocks)])

    def check_weights(self, w: Any) -> np.ndarray:
        """Return w as a finite (P,) float64 array.

        Raises
        ------
        InputError
            If the shape is wrong or an entry is not finite.
        """
        weights = float64_array(w, "weights")
        if weights.shape != (self.size,):
            raise InputError(
                "weights have the wrong shape",
                shape=weights.shape,
                expected=(self.size,),
                remedy=f"give one vector of {self.size} numbers",
            )
        if not np.all(np.isfinite(weights)):
            index = int(np.flatnonzero(~np.isfinite(weights))[0])
            raise InputError("weights must be finite", index=index, value=float(weights[index]), remedy="correct it")
        return weights

    def unflatten(self, w: Any) -> dict[str, np.ndarray]:
        """Return the parameters by label, as views of w."""
        return {block.label: np.asarray(w)[block.place].reshape(block.shape) for block in self.blocks}

    def flatten(self, parts: Mapping[str, Any]) -> np.ndarray:
        """Return the vector of weights from parameters by label."""
        return np.concatenate([float64_array(parts[block.label], block.label).ravel() for block in self.blocks])

    def read(self, model: Any) -> np.ndarray:
        """Return the parameters of the model that this problem was imported from as weights, (P,)."""
        return self.check_weights(self.flatten(self._in_model.read(model, [block.label for block in self.blocks])))

    def write(self, model: Any, w: Any) -> None:
        """Set the parameters of that model to a vector of weights, rounded to their own format."""
        self._in_model.write(model, self.unflatten(self.check_weights(w)))

    # values in float64

    @np.errstate(all="ignore")
    def error(self, w: Any) -> float:
        """Return E(w) in float64; inf where it overflows, also where infinities cancel."""
        return _overflowed(evaluate(self.graph, self._values(w))[0])

    @np.errstate(all="ignore")
    def error_and_gradient(self, w: Any) -> tuple[float, np.ndarray]:
        """Return E(w) and grad E(w) from one walk; those asked for last are remembered."""
        weights = self.check_weights(w)
        if self._last is None or not np.array_equal(self._last[0], weights):
            error, *parts = evaluate(self.gradient_graph, self.values(weights))
            self._last = weights.copy(), _overflowed(error), np.concatenate([part.reshape(-1) for part in parts])
        return self._last[1], self._last[2].copy()

    @np.errstate(all="ignore")
    def hessian_vector(self, w: Any, direction: Any) -> np.ndarray:
        """Return (Hess E(w)) direction, (P,), in float64."""
        values = self._values(w) | self._tangents(self.check_weights(direction))
        return np.concatenate([part.reshape(-1) for part in evaluate(self._hessian_graph, values)[1:]])

    # enclosures

    @certified_environment()
    def error_enclosure(self, w: Any) -> tuple[float, float]:
        """Return float64 numbers lo <= E(w) <= hi, for the exact real E of these weights and data."""
        return enclosed_error(self.graph, self.weighted_graph, self._values(w))

    @certified_environment()
    def gradient_enclosure(self, w: Any) -> Interval:
        """Return an interval array, (P,), that contains the exact gradient."""
        return enclosed_gradient(self.gradient_graph, self._values(w))

    @certified_environment()
    def error_over(self, box: Interval) -> tuple[float, float]:
        """Return float64 numbers lo <= E(w) <= hi that hold for all weights w of a box, (P,)."""
        return ends_of(evaluate(self.graph, self.values(box), INTERVAL)[0])

    @certified_environment()
    def hessian_vector_enclosure(self, w: Any, direction: Any) -> Interval:
        """Return an interval array, (P,), that contains the exact product (Hess E(w)) direction."""
        values = self._values(w) | self._tangents(self.check_weights(direction))
        parts = evaluate(self._hessian_graph, values, INTERVAL)[1:]
        return concatenate([part.reshape(-1) for part in parts])

    @certified_environment()
    def error_in_arb(self, w: Any) -> Any:
        """Return E(w) as an Arb ball at the current precision; slow: every entry is an object."""
        return evaluate(self.graph, self._values(w), ARB)[0].reshape(-1)[0]

    # graphs

    @cached_property
    def samples(self) -> Samples:
        """The samples that the error is a sum over, as far as that is known."""
        return samples_of(self.graph)

    @cached_property
    def gradient_graph(self) -> Graph:
        """The error and its gradient in every parameter, as one graph."""
        return gradient_graph(self.graph)

    @cached_property
    def weighted_graph(self) -> AdjointGraph:
        """The graph that the rounding of the error is weighted by."""
        return weighted_graph(self.graph)

    @cached_property
    def _hessian_graph(self) -> Graph:
        return tangent_graph(self.gradient_graph)

    def values(self, w: Array, arithmetic: Arithmetic = FLOAT64) -> dict[Leaf, Array]:
        """Return the values of all leaves, those of the parameters being parts of an array w of any arithmetic."""
        found: dict[Leaf, Array] = {Parameter(b.label, b.shape): w[b.place].reshape(b.shape) for b in self.blocks}
        return found | {leaf: self.constants[leaf.label] for leaf in self.graph.leaves(Constant)}

    def _values(self, w: Any) -> dict[Leaf, Array]:
        return self.values(self.check_weights(w))

    def _tangents(self, direction: np.ndarray) -> dict[Leaf, Array]:
        return {Tangent(b.label, b.shape): direction[b.place].reshape(b.shape) for b in self.blocks}


def _blocks(graph: Graph) -> tuple[ParameterBlock, ...]:
    blocks: list[ParameterBlock] = []
    start = 0
    for leaf in graph.leaves(Parameter):
        if any(block.label == leaf.label for block in blocks):
            raise InputError("two parameters have one label", label=leaf.label, remedy="give each its own label")
        stop = start + math.prod(leaf.dimensions)
        blocks.append(ParameterBlock(leaf.label, leaf.dimensions, slice(start, stop)))
        start = stop
    if not blocks or start == 0:
        raise InputError("the network has nothing to train", remedy="give it a parameter", parameters=start)
    return tuple(blocks)


def _decays(weight_decay: float | Mapping[str, float], blocks: Sequence[ParameterBlock]) -> dict[str, float]:
    labels = [block.label for block in blocks]
    given = weight_decay if isinstance(weight_decay, Mapping) else dict.fromkeys(labels, weight_decay)
    given = {label: exact_float(value, f"weight decay of {label}") for label, value in given.items()}
    for label, value in given.items():
        if label not in labels:
            raise InputError(
                "weight decay of an unknown parameter", label=label, known=labels, remedy="correct the label"
            )
        if not (math.isfinite(value) and value >= 0):
            raise InputError(
                "weight decay must be finite and not negative",
                label=label,
                weight_decay=value,
                remedy="give a finite one >= 0",
            )
    return {label: value for label, value in given.items() if value}


def _with_decay(graph: Graph, blocks: Sequence[ParameterBlock], decays: Mapping[str, float]) -> Graph:
    if not decays:
        return graph
    builder = GraphBuilder()
    error = builder.include(graph)[graph.outputs[0]]
    squares = [
        builder.parameter(b.label, b.shape).square().sum().scale(Fraction(decays[b.label]) / 2)
        for b in blocks
        if b.label in decays
    ]
    return builder.build(reduce(lambda total, part: total.apply(Add(), total, part), squares, error))


def _checked_constants(graph: Graph, constants: Mapping[str, Any]) -> dict[str, np.ndarray]:
    checked: dict[str, np.ndarray] = {}
    for leaf in graph.leaves(Constant):
        if leaf.label not in constants:
            raise InputError("a constant is missing", label=leaf.label, remedy="add it to the constants")
        array = float64_array(constants[leaf.label], leaf.label)
        if array.shape != leaf.dimensions:
            raise InputError(
                "wrong shape",
                where=leaf.label,
                shape=array.shape,
                expected=leaf.dimensions,
                remedy="give it in the shape expected",
            )
        if not np.all(np.isfinite(array)):
            raise InputError(
                "numbers must be finite",
                where=leaf.label,
                numbers=int(np.count_nonzero(~np.isfinite(array))),
                remedy="correct or drop them",
            )
        checked[leaf.label] = array.copy()
        checked[leaf.label].flags.writeable = False
    return checked


def _overflowed(error: Any) -> float:
    return float("inf") if np.isnan(error) else float(error)
