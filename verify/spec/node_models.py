"""What a spec file's nodes and its loss may hold: edges, sums of them, and layers and losses from their registries."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Union

from pydantic import Discriminator, Field, Tag

from verify.architecture.fields import MAX_WIDTH
from verify.spec.table import Closed
from verify.spec.vocabulary import MOST_AXES, layer_models, loss_type

BARE_NAME = "bare name"
VERTEX = "vertex"
IMAGE_AXES = 3
"""Channels, height, width: the shape of a vertex of the classical class."""
Width = Annotated[int, Field(ge=1, le=MAX_WIDTH)]
Length = Annotated[int, Field(ge=1, le=MAX_WIDTH)]
Margin = Annotated[int, Field(ge=0, le=MAX_WIDTH)]
Shape = Annotated[list[Width], Field(min_length=1, max_length=MOST_AXES)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


def _list_or(other: str) -> Discriminator:
    return Discriminator(lambda value: "list" if isinstance(value, list) else other)


def text_or(other: str) -> Discriminator:
    return Discriminator(lambda value: "text" if isinstance(value, str) else other)


Lengths = Annotated[
    Annotated[Length, Tag("both")] | Annotated[list[Length], Field(min_length=2, max_length=2), Tag("list")],
    _list_or("both"),
]
Margins = Annotated[
    Annotated[Margin, Tag("both")] | Annotated[list[Margin], Field(min_length=2, max_length=2), Tag("list")],
    _list_or("both"),
]


class ActivationFormula(Closed):
    """An activation given by its formula in x."""

    expr: Annotated[str, Field(min_length=1)]


class DenseEdge(Closed):
    """All-to-all weights; the bare name of the source means the same."""

    source: Annotated[Name, Field(alias="from")]
    kind: Literal["dense"] = "dense"


class IdentityEdge(Closed):
    """A skip connection that adds the source as it is."""

    source: Annotated[Name, Field(alias="from")]
    kind: Literal["identity"]


class ConcatEdge(Closed):
    """The source as consecutive components of the target, from `offset` on."""

    source: Annotated[Name, Field(alias="from")]
    kind: Literal["concat"]
    offset: Annotated[int, Field(ge=0)]


class FlattenEdge(Closed):
    """An image as a vector."""

    source: Annotated[Name, Field(alias="from")]
    kind: Literal["flatten"]


class AvgPoolEdge(Closed):
    """Average pooling of an image."""

    source: Annotated[Name, Field(alias="from")]
    kind: Literal["avgpool2d"]
    kernel: Lengths
    stride: Lengths | None = None


class ConvolutionEdge(Closed):
    """Convolution of an image with trainable kernels."""

    source: Annotated[Name, Field(alias="from")]
    kind: Literal["conv2d"]
    channels: Width
    kernel: Lengths
    stride: Lengths | None = None
    padding: Margins | None = None


def _edge_kind(edge: Any) -> Any:
    if isinstance(edge, str):
        return BARE_NAME
    if isinstance(edge, dict):
        return edge.get("kind", "dense")
    return getattr(edge, "kind", BARE_NAME)


EdgeTable = Annotated[
    Annotated[Name, Tag(BARE_NAME)]
    | Annotated[DenseEdge, Tag("dense")]
    | Annotated[IdentityEdge, Tag("identity")]
    | Annotated[ConcatEdge, Tag("concat")]
    | Annotated[FlattenEdge, Tag("flatten")]
    | Annotated[AvgPoolEdge, Tag("avgpool2d")]
    | Annotated[ConvolutionEdge, Tag("conv2d")],
    Discriminator(_edge_kind),
]


ActivationName = Annotated[
    Annotated[Name, Tag("text")] | Annotated[ActivationFormula, Tag("formula")],
    text_or("formula"),
]
Tied = Annotated[
    Annotated[Name, Tag("text")] | Annotated[dict[Name, Name], Field(min_length=1), Tag("table")],
    text_or("table"),
]


class VertexNode(Closed):
    """One vertex: an input vertex when it has no `inputs`, else a function of a sum of edges."""

    width: Width | None = None
    shape: Shape | None = None
    values: Literal["integer"] | None = None
    activation: ActivationName | None = None
    inputs: list[EdgeTable] | None = None
    bias: Annotated[
        Annotated[Literal["unit", "channel"], Tag("text")] | Annotated[bool, Tag("switch")],
        text_or("switch"),
    ] = True
    tied: Tied | None = None


class LayerNode(Closed):
    """One vertex that computes a layer of its inputs; its options stand beside."""

    inputs: Annotated[list[Name], Field(min_length=1)]
    activation: ActivationName | None = None
    tied: Tied | None = None


_LAYERS = layer_models(LayerNode)


def _node_kind(node: Any) -> Any:
    if isinstance(node, dict):
        return str(node.get("layer", VERTEX))
    return getattr(node, "layer", VERTEX)


NodeTable: Any = Annotated[
    Union[(Annotated[VertexNode, Tag(VERTEX)], *(Annotated[model, Tag(name)] for name, model in _LAYERS.items()))],
    Discriminator(_node_kind),
]
LossTable: Any = loss_type()
