"""What a spec file may hold: one closed pydantic model for each table."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from verify.spec.node_models import IMAGE_AXES, LossTable, Name, NodeTable, VertexNode, Width, text_or
from verify.spec.table import EXACTLY, Closed

Number = Annotated[float, EXACTLY]
Positive = Annotated[float, Field(gt=0), EXACTLY]
NotNegative = Annotated[float, Field(ge=0), EXACTLY]
Row = Annotated[list[Number], Field(fail_fast=True)]
Rows = Annotated[list[Row], Field(fail_fast=True)]

Column = Annotated[str, Field(min_length=1)]
Columns = Annotated[list[Column], Field(min_length=1)]


def _rows_or_labels(value: Any) -> str:
    return "labels" if isinstance(value, list) and value and not isinstance(value[0], list) else "rows"


class Data(
    Closed, json_schema_extra={"oneOf": [{"required": ["source"]}, {"required": ["x"]}, {"required": ["text"]}]}
):
    """Where the samples come from and how they are prepared."""

    source: Annotated[str, Field(pattern=r"^(npz|npy|sklearn|csv|parquet):.+$")] | None = None
    inputs: Columns | None = None
    targets: Columns | None = None
    categories: (
        Annotated[dict[Column, Annotated[list[Column | int], Field(min_length=1)]], Field(min_length=1)] | None
    ) = None
    text: Annotated[str, Field(min_length=2)] | None = None
    window: Width | None = None
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
        text_or("divisor"),
    ] = "none"
    target: Literal["label", "input"] = "label"
    target_scale: Annotated[
        Annotated[Literal["none", "minmax", "standard"], Tag("text")] | Annotated[Positive, Tag("divisor")],
        text_or("divisor"),
    ] = "none"

    @model_validator(mode="after")
    def _one_source(self) -> Data:
        origins = [name for name in ("source", "x", "text") if getattr(self, name) is not None]
        if len(origins) != 1:
            raise PydanticCustomError(
                "data_source",
                "data come either from a source or inline",
                {
                    "source": self.source,
                    "remedy": 'give source = "npz:data.npz", or x = [[..]] and y = [[..]], or text and window',
                },
            )
        if self.x is None and self.y is not None:
            raise PydanticCustomError(
                "data_source",
                "y beside a source",
                {origins[0]: getattr(self, origins[0]), "remedy": "remove y or give x inline"},
            )
        if (self.text is None) != (self.window is None):
            raise PydanticCustomError(
                "data_text",
                "text and window belong together",
                {"window": self.window, "remedy": "give both: samples are so many characters long"},
            )
        if self.x is not None and (self.y is None) == (self.target == "label"):
            raise PydanticCustomError(
                "data_target",
                "inline targets do not agree with target",
                {"target": self.target, "remedy": 'give y, or set target = "input" and leave y out'},
            )
        if self.target == "input" and self.target_scale != "none":
            raise PydanticCustomError(
                "data_target",
                "the targets are the scaled inputs",
                {"target_scale": self.target_scale, "remedy": "remove target_scale: scale is for both"},
            )
        return self

    @model_validator(mode="after")
    def _columns_by_name(self) -> Data:
        named = {key: getattr(self, key) for key in ("inputs", "targets", "categories")}
        if self.source is None or not self.source.startswith(("csv:", "parquet:")):
            for key, value in named.items():
                if value is not None:
                    raise _bad_columns(
                        "columns have names in tables only", key, value, "give a csv: or parquet: source"
                    )
            return self
        if (self.targets is None) == (self.target == "label"):
            remedy = 'name the target columns, or set target = "input" and name none'
            raise _bad_columns("targets do not agree with target", "target", self.target, remedy)
        for key, names in (("inputs", self.inputs), ("targets", self.targets), *(self.categories or {}).items()):
            twice = [name for index, name in enumerate(names or []) if str(name) in map(str, (names or [])[:index])]
            if twice:
                raise _bad_columns("named twice", key, twice[0], "name it once")
        both = [name for name in self.targets or [] if name in (self.inputs or [])]
        if both:
            raise _bad_columns("an input is a target too", "targets", both[0], "name it once")
        classes = [name for name in self.targets or [] if name in (self.categories or {})]
        if classes and len(self.targets or []) > 1:
            raise _bad_columns("a target of classes stands alone", "targets", self.targets, f"keep {classes[0]!r} only")
        if classes and self.target_scale != "none":
            raise _bad_columns("classes have no scale", "target_scale", self.target_scale, "remove target_scale")
        return self


def _bad_columns(what: str, key: str, value: Any, remedy: str) -> PydanticCustomError:
    return PydanticCustomError("data_columns", what, {key: value, "remedy": remedy})


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
    rule: Literal["adaptive", "restart"] = "adaptive"
    previous_step: NotNegative = 0.0

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


class ModelTable(Closed, json_schema_extra={"oneOf": [{"required": ["onnx"]}, {"required": ["graph"]}]}):
    """A network in place of the nodes: a file of another program, or the graph of an error with its data."""

    onnx: Annotated[str, Field(min_length=1)] | None = None
    graph: Annotated[str, Field(min_length=1)] | None = None
    output: Annotated[str, Field(min_length=1)] | None = None
    train: list[str] = Field(default_factory=list)
    freeze: list[str] = Field(default_factory=list)
    external_data: bool = False

    @model_validator(mode="after")
    def _one_file(self) -> ModelTable:
        if (self.onnx is None) == (self.graph is None):
            remedy = 'keep onnx = "net.onnx", or graph = "net.npz"'
            raise PydanticCustomError(
                "model", "exactly one of onnx and graph is needed", {"graph": self.graph, "remedy": remedy}
            )
        for key in sorted(self.model_fields_set - {"onnx", "graph"}) if self.onnx is None else ():
            raise PydanticCustomError(
                "model",
                "a key of ONNX models beside a graph",
                {"key": key, "remedy": "remove it: the graph says what is trained"},
            )
        return self

    @property
    def file(self) -> str:
        """The file that it names."""
        return self.onnx or self.graph or ""


class SpecFile(Closed, json_schema_extra={"oneOf": [{"required": ["nodes"]}, {"required": ["model"]}]}):
    """A whole spec file."""

    name: Annotated[str, Field(max_length=200)] = "problem"
    loss: LossTable = "half-squared-error"
    reduction: Literal["mean", "sum"] = "mean"
    weight_decay: Annotated[
        Annotated[NotNegative, Tag("all")] | Annotated[dict[Name, NotNegative], Field(min_length=1), Tag("table")],
        Discriminator(lambda value: "table" if isinstance(value, dict) else "all"),
    ] = 0.0
    output: (
        Annotated[
            Annotated[Name, Tag("text")] | Annotated[list[Name], Field(min_length=1), Tag("list")],
            text_or("list"),
        ]
        | None
    ) = None
    data: Data | None = None
    model: ModelTable | None = None
    nodes: Annotated[dict[Name, NodeTable], Field(min_length=1)] = Field(default_factory=dict)
    weights: Weights = Weights()
    region: RegionTable | None = None
    momentum: Momentum | None = None
    optimizer: OptimizerTable | None = None

    @model_validator(mode="after")
    def _one_network(self) -> SpecFile:
        if self.model is None:
            if not self.nodes:
                raise PydanticCustomError("no_network", "missing key", {"key": "nodes", "remedy": "add nodes = ..."})
            return self
        remedies = {
            "nodes": (bool(self.nodes), "keep one of [nodes.*] and [model]"),
            "output": (self.output is not None, 'name the value in [model]: output = "..."'),
            "init": (self.weights.init is not None, "remove it: the file holds the first weights"),
            "seed": (self.weights.seed is not None, "remove it: the file holds the first weights"),
        }
        if self.model.graph is not None:
            part = "remove it: the graph is that of the error, data and loss included"
            remedies |= {key: (key in self.model_fields_set, part) for key in ("data", "loss", "reduction")}
        for key, (given, remedy) in remedies.items():
            if given:
                raise PydanticCustomError("model", "a model's file beside this key", {"key": key, "remedy": remedy})
        return self

    @property
    def is_classical(self) -> bool:
        """Whether it is a network of the class that every theorem and bound speaks of, with its loss."""
        nodes = self.nodes.values()
        return (
            self.model is None
            and self.loss == "half-squared-error"
            and not isinstance(self.weight_decay, dict)
            and all(isinstance(node, VertexNode) and node.tied is None and node.values is None for node in nodes)
            and all(node.shape is None or len(node.shape) == IMAGE_AXES for node in nodes)
        )
