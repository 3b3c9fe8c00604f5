"""Recurrent layers: a cell applied to one step of a sequence after the other, with the same weights at each."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from verify.graph.tensor import Tensor
from verify.layers.dense import dense
from verify.layers.layer import Count, Layer, Parameters
from verify.operations.elementwise import Elementwise
from verify.operations.slices import Concatenate

MOST_STEPS = 2000
"""Each makes some twenty nodes of the graph."""


def sigmoid(z: Tensor) -> Tensor:
    """Return the logistic function of every entry."""
    return z.apply(Elementwise("sigmoid"))


def tanh(z: Tensor) -> Tensor:
    """Return the hyperbolic tangent of every entry."""
    return z.apply(Elementwise("tanh"))


@dataclass(frozen=True)
class Recurrent(Layer):
    """A recurrent layer over the first axis of a sample; its states are zero at first.

    The parameters are those of PyTorch's cells, gates in the same order: ``input_weight`` of shape (gates * units,
    features), ``state_weight`` (gates * units, units), ``input_bias`` and ``state_bias``.

    Parameters
    ----------
    units : int
        Entries of the state.
    bias : bool
    last : bool
        Only the state after the last step, in place of those after every step.
    """

    units: Count
    bias: bool = True
    last: bool = False
    gates: ClassVar[int] = 1
    states: ClassVar[int] = 1
    """Arrays that a step hands on; the first is the result."""

    @abc.abstractmethod
    def step(self, seen: Sequence[Tensor], kept: Sequence[Tensor], states: Sequence[Tensor]) -> Sequence[Tensor]:
        """Return the states after a step.

        Parameters
        ----------
        seen, kept : sequence of Tensor
            For each gate the affine function of the input and that of the state, (samples, units).
        states : sequence of Tensor
            Before the step.
        """

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        if len(h.shape) != 3:
            raise self.refuse("takes sequences", h, "give the vertex a shape = [steps, features]")
        samples, steps, features = h.shape
        if not 0 < steps <= MOST_STEPS:
            raise self.refuse("the number of steps is out of range", h, "give a shorter sequence", limit=MOST_STEPS)
        rows = self.gates * self.units

        def affine(name: str, width: int) -> tuple[Tensor, Tensor | None]:
            weight = parameters.parameter(f"{name}_weight", (rows, width), fans=(width, self.units))
            return weight, parameters.parameter(f"{name}_bias", (rows,)) if self.bias else None

        on_input, on_state = affine("input", features), affine("state", self.units)
        seen = dense(h, *on_input)
        states: Sequence[Tensor] = (h.builder.filled(0, (samples, self.units)),) * self.states
        results = []
        for t in range(steps):
            now = seen.slice(1, t, t + 1).reshape((samples, rows))
            states = self.step(self._gates(now), self._gates(dense(states[0], *on_state)), states)
            results.append(states[0].reshape((samples, 1, self.units)))
        if self.last:
            return states[0]
        return results[0] if len(results) == 1 else results[0].apply(Concatenate(1), *results)

    def _gates(self, z: Tensor) -> list[Tensor]:
        return [z.slice(1, k * self.units, (k + 1) * self.units) for k in range(self.gates)]
