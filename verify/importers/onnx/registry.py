"""The rules by which operations of ONNX become operations of the vocabulary, found by name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, final

import numpy as np

from verify.arithmetic.floats import float64_array, fraction
from verify.escaping import visible
from verify.graph.tensor import GraphBuilder, Tensor
from verify.importers.lowering.softmax import Masked
from verify.importers.onnx.model import OnnxNode


class UnsuitableError(ValueError):
    """What a rule does not take; it becomes an `InputError` where the node is known.

    Parameters
    ----------
    what : str
    remedy : str, optional
        By default that of every operation without a rule.
    **values
        As for `InputError`.
    """

    def __init__(self, what: str, *, remedy: str | None = None, **values: Any) -> None:
        super().__init__(what)
        self.what, self.remedy, self.values = what, remedy, values


@final
@dataclass(frozen=True)
class Known:
    """Real numbers of the file or of the data, before it is known what they are used for.

    Parameters
    ----------
    label : str
    array : array of float64
        Perhaps with infinities, as masks have them.
    """

    label: str
    array: np.ndarray


@final
@dataclass(frozen=True)
class ComparedTensor:
    """A computed array compared with another: it jumps, so only a choice that does not takes it.

    Parameters
    ----------
    op : str
    left, right : Tensor or Known
    """

    op: str
    left: Any
    right: Any


Value = Tensor | Known | Masked | np.ndarray | None
"""A computed array of reals, known reals, logits with a mask, known whole numbers or truth values, nothing."""
Function = Callable[..., Any]


@final
@dataclass(frozen=True)
class OnnxRule:
    """What an operation becomes.

    Parameters
    ----------
    function : callable
        Takes a `OnnxScope`, the `OnnxNode` and its arguments; returns a value, or a tuple of them.
    trained : tuple of int
        Positions of arguments that are weights and biases: their initialisers become parameters.
    takes_masked : bool
        Whether arguments may be `Masked`.
    """

    function: Function
    trained: tuple[int, ...] = ()
    takes_masked: bool = False


_MOVED = ".moved."
NO_BRANCHES = "export without branches on computed numbers"
RULES: dict[str, OnnxRule] = {}
"""Rules by the name of an operation; those of other domains than ONNX's own have it in front: ``domain.Name``."""


def rule(*names: str, trained: Sequence[int] = (), takes_masked: bool = False) -> Callable[[Function], Function]:
    """Register a function as the rule of some operations."""

    def register(function: Function) -> Function:
        for name in names:
            if name in RULES:
                raise TypeError(f"two rules for {name}")
            RULES[name] = OnnxRule(function, tuple(trained), takes_masked)
        return function

    return register


@final
class OnnxScope:
    """The graph under construction.

    Parameters
    ----------
    builder : GraphBuilder
    opset : int
    parameters : collection of str
        Labels that no constant may have.

    Attributes
    ----------
    builder : GraphBuilder
    constants : dict of str to array
        Values of the constant leaves.
    opset : int
    """

    def __init__(self, builder: GraphBuilder, opset: int, parameters: Collection[str] = ()) -> None:
        self.builder = builder
        self.constants: dict[str, np.ndarray] = {}
        self.opset = opset
        self._parameters = frozenset(parameters)

    def tensor(self, value: Any) -> Tensor:
        """Return a computed value as it is, known numbers as exact constants."""
        if isinstance(value, Tensor):
            return value
        if isinstance(value, Known):
            return self.constant(value.label, value.array)
        if isinstance(value, np.ndarray):
            return self.constant(f"numbers.{len(self.constants)}", value)
        if isinstance(value, int | float | Fraction):
            return self.builder.filled(1).scale(fraction(value, "a number")) if value else self.builder.filled(0)
        if isinstance(value, ComparedTensor):
            raise UnsuitableError("computed numbers are compared, so the network jumps", remedy=NO_BRANCHES)
        raise UnsuitableError("an argument is missing" if value is None else "no array of real numbers")

    def constant(self, label: str, array: np.ndarray) -> Tensor:
        """Return a leaf with known values.

        Raises
        ------
        UnsuitableError
            If one of them is not finite.
        """
        label = visible(label)
        numbers = float64_array(array.astype(np.int64) if array.dtype == bool else array, label)
        if not np.all(np.isfinite(numbers)):
            raise UnsuitableError("numbers must be finite", label=label)
        while label in self._parameters or (
            label in self.constants and not np.array_equal(self.constants[label], numbers)
        ):
            label += "'"  # the file may use any name, also one of ours
        self.constants[label] = numbers
        return self.builder.constant(label, numbers.shape)

    def operand(self, value: Any) -> Tensor | Fraction:
        """Return a single known number as a fraction, everything else as a tensor."""
        array = known_numbers(value)
        if array is not None and array.size == 1 and not array.shape and np.isfinite(array):
            return fraction(array[()], "a number")
        return self.tensor(value)


def known_numbers(value: Any) -> np.ndarray | None:
    """Return the numbers of what is known, reals or not; None for what is computed."""
    if isinstance(value, Known):
        return value.array
    return value if isinstance(value, np.ndarray) else None


def whole_numbers(value: Any, what: str) -> list[int]:
    """Return known whole numbers as a list.

    Raises
    ------
    UnsuitableError
        If they are not known.
    """
    if not isinstance(value, np.ndarray) or value.dtype.kind != "i":
        raise UnsuitableError(
            f"{what} must be known whole numbers", remedy="export with fixed shapes but for the batch"
        )
    return [int(n) for n in value.reshape(-1)]


def single(value: Any, what: str) -> Fraction:
    """Return a known single number exactly.

    Raises
    ------
    UnsuitableError
        If it is not known, or several.
    """
    array = known_numbers(value)
    if array is None or array.size != 1:
        raise UnsuitableError(f"{what} must be one known number")
    return fraction(array.reshape(-1)[0], what)


def real(node: OnnxNode, name: str, default: float) -> Fraction:
    """Return an attribute that is a real number, exactly; like those in files, its default is a float32."""
    return fraction(node.get(name, float(np.float32(default))), name)


def axis_of(axis: int, dimensions: int) -> int:
    """Return an axis counted from the front.

    Raises
    ------
    UnsuitableError
        If there is none.
    """
    if not -dimensions <= axis < dimensions:
        raise UnsuitableError("no such axis", axis=axis, dimensions=dimensions)
    return axis % dimensions


def shape_of(value: Value) -> tuple[int, ...]:
    """Return the shape of any value."""
    if isinstance(value, Known):
        return value.array.shape
    if isinstance(value, Masked):
        return value.tensor.shape
    if value is None:
        raise UnsuitableError("an argument is missing")
    return tuple(value.shape)


def moved(value: Value, tensors: Callable[[Tensor], Tensor], arrays: Callable[[np.ndarray], np.ndarray]) -> Value:
    """Return entries in other places: of a computed array by one function, of known numbers by the other.

    Known numbers stay known, so that shapes, indices and masks can be computed from them.
    """
    if isinstance(value, Known):
        array = np.ascontiguousarray(arrays(value.array))
        return Known(f"{value.label.partition(_MOVED)[0]}{_MOVED}{_digest(array)}", array)
    if isinstance(value, np.ndarray):
        return np.asarray(arrays(value))
    if isinstance(value, Masked):
        kept = np.broadcast_to(value.kept, value.tensor.shape)
        return Masked(tensors(value.tensor), arrays(kept))
    if value is None:
        raise UnsuitableError("an argument is missing")
    return tensors(value)


def _digest(array: np.ndarray) -> str:
    content = repr(array.shape).encode() + array.tobytes()
    return hashlib.blake2b(content, digest_size=6).hexdigest()
