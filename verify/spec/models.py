"""What a spec file may hold: one closed pydantic model for each table."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from verify.architecture.fields import MAX_WIDTH

BARE_NAME = "bare name"
LARGEST_EXPONENT = 1023
"""Of a float64; what has more bits is refused as not finite."""

Width = Annotated[int, Field(ge=1, le=MAX_WIDTH)]
Length = Annotated[int, Field(ge=1, le=MAX_WIDTH)]
Margin = Annotated[int, Field(ge=0, le=MAX_WIDTH)]
Shape = Annotated[list[Width], Field(min_length=3, max_length=3)]


def _exact(value: Any) -> Any:
    """Refuse a whole number that would be read as another one: JSON and TOML have no limit for them, float64 has."""
    if type(value) is int and value.bit_length() <= LARGEST_EXPONENT and int(float(value)) != value:
        raise PydanticCustomError(
            "inexact",
            "not exactly a float64 number",
            {"value": value, "remedy": f"write {float(value)!r}, or scale it"},
        )
    return value


EXACTLY = BeforeValidator(_exact)
Number = Annotated[float, EXACTLY]
Positive = Annotated[float, Field(gt=0), EXACTLY]
NotNegative = Annotated[float, Field(ge=0), EXACTLY]
Row = Annotated[list[Number], Field(fail_fast=True)]
Rows = Annotated[list[Row], Field(fail_fast=True)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Closed(BaseModel):
    """Base of all tables: exact types, finite numbers, no unknown key."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, table: Any) -> Any:
        if isinstance(table, dict):
            allowed = [field.alias or name for name, field in cls.model_fields.items()]
            for key in table:
                if key not in allowed:
                    raise PydanticCustomError("unknown_key", "unknown key", {"key": key, "allowed": allowed})
        return table


def _list_or(other: str) -> Discriminator:
    return Discriminator(lambda value: "list" if isinstance(value, list) else other)


def _text_or(other: str) -> Discriminator:
    return Discriminator(lambda value: "text" if isinstance(value, str) else other)


Lengths = Annotated[
    Annotated[Length, Tag("both")] | Annotated[list[Length], Field(min_length=2, max_length=2), Tag("list")],
    _list_or("both"),
]
Margins = Annotated[
    Annotated[Margin, Tag("both")] | Annotated[list[Margin], Field(min_length=2, max_length=2), Tag("list")],
    _list_or("both"),
]


class Formula(Closed):
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


class Node(Closed):
    """One vertex: an input vertex when it has no `inputs`."""

    width: Width | None = None
    shape: Shape | None = None
    activation: (
        Annotated[Annotated[Name, Tag("text")] | Annotated[Formula, Tag("formula")], _text_or("formula")] | None
    ) = None
    inputs: list[EdgeTable] | None = None
    bias: Annotated[
        Annotated[Literal["unit", "channel"], Tag("text")] | Annotated[bool, Tag("switch")],
        _text_or("switch"),
    ] = True


def _rows_or_labels(value: Any) -> str:
    return "labels" if isinstance(value, list) and value and not isinstance(value[0], list) else "rows"


class Data(Closed, json_schema_extra={"oneOf": [{"required": ["source"]}, {"required": ["x"]}]}):
    """Where the samples come from and how they are prepared."""

    source: Annotated[str, Field(pattern=r"^(npz|npy|sklearn):.+$")] | None = None
    x: Rows | None = None
    y: (
        Annotated[
            Annotated[Rows, Tag("rows")] | Annotated[Row, Tag("labels")],
            Discriminator(_rows_or_labels),
        ]
        | None
    ) = None
    scale: Annotated[
        Annotated[Literal["none", "minmax", "standard"], Tag("text")] | Annotated[Positive, Tag("divisor")],
        _text_or("divisor"),
    ] = "none"
    target: Literal["label", "input"] = "label"

    @model_validator(mode="after")
    def _one_source(self) -> Data:
        if (self.source is None) == (self.x is None):
            raise PydanticCustomError(
                "data_source",
                "data come either from a source or inline",
                {
                    "source": self.source,
                    "remedy": 'give source = "npz:data.npz", or x = [[..]] and y = [[..]]',
                },
            )
        if self.source is not None and self.y is not None:
            raise PydanticCustomError(
                "data_source",
                "y beside a source",
                {"source": self.source, "remedy": "remove y or give x inline"},
            )
        if self.x is not None and (self.y is None) == (self.target == "label"):
            raise PydanticCustomError(
                "data_target",
                "inline targets do not agree with target",
                {"target": self.target, "remedy": 'give y, or set target = "input" and leave y out'},
            )
        return self


class Weights(Closed):
    """Initial weights: a scheme and its seed, or an array in a file, or inline."""

    init: Literal["glorot", "zeros"] | None = None
    seed: Annotated[int, Field(ge=0)] | None = None
    npz: Annotated[str, Field(min_length=1)] | None = None
    w: Row | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Weights:
        given = [key for key in ("npz", "w") if getattr(self, key) is not None]
        if self.init is not None or self.seed is not None:
            given.append("init" if self.init is not None else "seed")
        if len(given) > 1:
            raise PydanticCustomError(
                "weights_origin",
                "more than one origin of the weights",
                {"keys": given, "remedy": "keep init and seed, or npz, or w"},
            )
        return self


class BallRegion(Closed):
    """|w - w0| <= radius."""

    kind: Literal["ball"]
    radius: Positive


class BoundedRegion(Closed):
    """|w| <= radius (assumption A2)."""

    kind: Literal["bounded"]
    radius: Positive


class BlocksRegion(Closed):
    """|w_v - w0_v| <= radii[v] for the parameters of every vertex v."""

    kind: Literal["blocks"]
    radii: Annotated[dict[str, Positive], Field(min_length=1)]


RegionTable = Annotated[BallRegion | BoundedRegion | BlocksRegion, Field(discriminator="kind")]


class Momentum(Closed, json_schema_extra={"oneOf": [{"required": ["tau"]}, {"required": ["mu"]}]}):
    """The setting to be judged: learning rate and momentum size."""

    eta: Positive
    tau: NotNegative | None = None
    mu: Annotated[float, Field(ge=0, lt=1), EXACTLY] | None = None
    norm: Literal["global", "vertex"] = "global"
    nesterov: bool = False

    @model_validator(mode="after")
    def _tau_or_mu(self) -> Momentum:
        if (self.tau is None) == (self.mu is None):
            raise PydanticCustomError(
                "momentum_kind",
                "exactly one of tau and mu is needed",
                {
                    "tau": self.tau,
                    "mu": self.mu,
                    "remedy": "keep tau (adaptive momentum; 0 is plain descent) or mu (classical heavy ball)",
                },
            )
        return self


class OptimizerTable(Closed):
    """The setting to be judged, in the numbers of the program that trains."""

    kind: Literal["sgd", "adam", "adamw", "rmsprop"] = "sgd"
    lr: Positive
    momentum: Annotated[float, Field(ge=0, lt=1), EXACTLY] = 0.0
    dampening: NotNegative = 0.0
    nesterov: bool = False
    maximize: bool = False
    weight_decay: NotNegative = 0.0
    convention: Literal["torch", "keras", "ema", "sutskever"] = "torch"
    betas: Annotated[list[NotNegative], Field(min_length=2, max_length=2)] | None = None
    alpha: NotNegative | None = None
    eps: NotNegative | None = None

    @model_validator(mode="after")
    def _only_what_a_theorem_reads(self) -> OptimizerTable:
        if self.maximize:
            remedy = "remove maximize, and let the loss be what the training makes smaller"
            raise PydanticCustomError(
                "optimizer", "the theorems speak of descent", {"maximize": True, "remedy": remedy}
            )
        others = {key: getattr(self, key) for key in ("betas", "alpha", "eps") if getattr(self, key) is not None}
        if self.kind == "sgd" and others:
            remedy = f"remove {', '.join(others)}, or name the optimizer that has it"
            raise PydanticCustomError("optimizer", "no setting of sgd", {**others, "remedy": remedy})
        return self


class SpecFile(Closed):
    """A whole spec file."""

    name: Annotated[str, Field(max_length=200)] = "problem"
    loss: Literal["half-squared-error"] = "half-squared-error"
    reduction: Literal["mean", "sum"] = "mean"
    weight_decay: NotNegative = 0.0
    output: (
        Annotated[
            Annotated[Name, Tag("text")] | Annotated[list[Name], Field(min_length=1), Tag("list")],
            _text_or("list"),
        ]
        | None
    ) = None
    data: Data | None = None
    nodes: Annotated[dict[Name, Node], Field(min_length=1)]
    weights: Weights = Weights()
    region: RegionTable | None = None
    momentum: Momentum | None = None
    optimizer: OptimizerTable | None = None
