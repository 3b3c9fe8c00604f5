"""The trainable arrays of a spec file's nodes: their names, first values and ties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from verify.graph.tensor import GraphBuilder, Tensor
from verify.operations.operation import Shape
from verify.outcomes import InputError
from verify.spec.messages import nearest


@final
@dataclass(frozen=True)
class ParameterPlan:
    """A trainable array of the network, and how its first values are made.

    Parameters
    ----------
    label : str
        Node and name, as ``h.weight``.
    vertex : str
        The node.
    shape : tuple of int
    fans : (int, int) or None
        Fan in and fan out of what is drawn.
    start : float
        Every entry at first, where there are no fans.
    """

    label: str
    vertex: str
    shape: Shape
    fans: tuple[int, int] | None
    start: float


class PlannedParameters:
    """The parameters that the nodes of a network have asked for.

    Parameters
    ----------
    builder : GraphBuilder
    """

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder
        self.plans: dict[str, ParameterPlan] = {}
        self.tied: list[tuple[str, str, Shape]] = []

    def check_ties(self) -> None:
        """Refuse ties to parameters that no vertex owns, or of another shape."""
        for where, label, shape in self.tied:
            if label not in self.plans:
                remedy = nearest(label, list(self.plans)[:1000])
                raise InputError("no such parameter", where=where, tied=label, remedy=remedy)
            if self.plans[label].shape != shape:
                raise InputError(
                    "a parameter of another shape",
                    where=where,
                    tied=label,
                    shape=self.plans[label].shape,
                    expected=shape,
                    remedy="tie vertices of the same shape",
                )


class NodeParameters:
    """The parameters of one node; `tied` says which are those of other nodes."""

    def __init__(self, planned: PlannedParameters, name: str, tied: str | Mapping[str, str] | None) -> None:
        self._planned, self._name, self._tied = planned, name, tied
        self._made: list[str] = []

    def parameter(self, name: str, shape: Shape, *, fans: tuple[int, int] | None = None, start: float = 0.0) -> Tensor:
        """Return the parameter of this name, or the one that it is tied to."""
        self._made.append(name)
        planned, label = self._planned, f"{self._name}.{name}"
        other = f"{self._tied}.{name}" if isinstance(self._tied, str) else (self._tied or {}).get(name)
        if other is not None:
            planned.tied.append((f"nodes.{self._name}.tied", other, shape))
            return planned.builder.parameter(other, shape)
        if label in planned.plans:
            raise InputError("two parameters have one name", label=label, remedy="rename a vertex")
        planned.plans[label] = ParameterPlan(label, self._name, shape, fans, start)
        return planned.builder.parameter(label, shape)

    def check_used(self) -> None:
        """Refuse ties of parameters that the node does not have."""
        if self._tied is None:
            return
        if isinstance(self._tied, str):
            if not self._made:
                raise InputError(
                    "there is nothing to tie: the vertex has no parameters", tied=self._tied, remedy="leave out tied"
                )
            return
        for name in self._tied:
            if name not in self._made:
                remedy = nearest(name, self._made) if self._made else "remove tied: the vertex has no parameters"
                raise InputError("the vertex has no such parameter", tied=name, remedy=remedy)
