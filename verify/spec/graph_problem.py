"""The problem of a spec file that uses the whole vocabulary: other layers, other losses, ties, decay by parameter."""

from __future__ import annotations

import math
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic.floats import float64_array
from verify.calculus.problem import NotCoveredError
from verify.graph.problem import GraphProblem
from verify.graph.tensor import GraphBuilder
from verify.losses import LOSSES, Loss
from verify.losses import loss as loss_named
from verify.outcomes import InputError
from verify.spec.messages import nearest
from verify.spec.optimizer import coupled_weight_decay
from verify.spec.preparation import classes_by_name, listed_classes, require_finite, scaled, scaled_inputs, targets_from
from verify.spec.sources import RawSamples, read_samples
from verify.spec.specification import data_table, first_weights, region_of
from verify.spec.vocabulary import options_of

if TYPE_CHECKING:
    from verify.operations.operation import Shape
    from verify.spec.document import Document
    from verify.spec.models import Data
    from verify.spec.network import Network

INPUTS, TARGETS = "inputs", "targets"


def build_graph_problem(document: Document) -> GraphProblem:
    """Return the problem of a document.

    Raises
    ------
    InputError
        If nodes, data, loss or weights do not fit together.
    """
    model = document.content.model
    if model is not None and model.graph is not None:
        from verify.spec.stored_graph import build_stored_problem

        return build_stored_problem(document, model.graph)
    if model is not None:
        from verify.spec.onnx_problem import build_onnx_problem

        return build_onnx_problem(document, model)
    return _problem(document, *_prepared(document))


def batch_problems(document: Document, batch: int) -> tuple[GraphProblem, ...]:
    """Return the problem of each batch of consecutive samples; scales are those of all data, as in the whole problem.

    Raises
    ------
    NotCoveredError
        If the file names a model, whose graph is made for all of its samples.
    InputError
        As `build_graph_problem`, or if the size is no positive number.
    """
    if batch < 1:
        raise InputError("the size of a batch must be a positive integer", batch=batch, remedy="use batch=64")
    if document.content.model is not None:
        remedy = "give verify.epoch_range a problem for each batch (verify.from_onnx, verify.from_torch)"
        raise NotCoveredError("the batches of a model's file", file=document.content.model.file, remedy=remedy)
    loss, x, y = _prepared(document)
    return tuple(
        _problem(document, loss, x[start : start + batch], y[start : start + batch])
        for start in range(0, len(x), batch)
    )


def _prepared(document: Document) -> tuple[Loss, np.ndarray, np.ndarray]:
    network = document.network()
    with document.located("loss"):
        loss = loss_of(document.content.loss)
    data = data_table(document)
    with document.located("data"):
        samples = read_samples(data, document.path.parent)
        x = _inputs(samples, data, network)
        return loss, x, read_targets(samples, x, data, network.output_shape, loss)


def _problem(document: Document, loss: Loss, x: np.ndarray, y: np.ndarray) -> GraphProblem:
    content, network = document.content, document.network()
    builder = GraphBuilder()
    with document.located_by_node():
        output = network.build(builder, x)
    with document.located("loss"):
        builder.place = "loss"
        targets = builder.constant(TARGETS, y.shape)
        graph = builder.build(loss.error(output, targets, content.reduction))
    decay = content.weight_decay or coupled_weight_decay(content.optimizer)
    with document.located("weight_decay"):
        by_label = decays_of(decay, [plan.label for plan in network.parameters])
    weights = first_weights(document, network.size, network.initial_weights)
    blocks, stop = {}, 0
    for plan in network.parameters:
        start, stop = stop, stop + math.prod(plan.shape)
        blocks[plan.label] = slice(start, stop)
    region = region_of(document, blocks, weights)
    with document.located():
        return GraphProblem(graph, {INPUTS: x, TARGETS: y}, weights, by_label, region=region, name=content.name)


def loss_of(content: Any) -> Loss:
    """Return the loss of a spec file's key: a name, or a table with options."""
    if isinstance(content, str):
        return loss_named(content)
    return loss_named(content.name, **options_of(content, LOSSES[content.name]))


def _inputs(samples: RawSamples, data: Data, network: Network) -> np.ndarray:
    """Return x, scaled but for the columns of whole numbers."""
    require_finite(samples.x, "x")
    if samples.x.shape[1] != network.input_width:
        raise InputError(
            "data do not fit the input vertices",
            where="x",
            columns=samples.x.shape[1],
            input_width=network.input_width,
            remedy="change the input vertices or the data",
        )
    raw = float64_array(np.asarray(samples.x), "x")
    whole = network.integer_columns
    bad = np.argwhere((raw != np.floor(raw)) & whole)
    if bad.size:
        row, column = (int(index) for index in bad[0])
        raise InputError(
            "a whole number is needed", where=f"x[{row}][{column}]", value=float(raw[row, column]), remedy="round it"
        )
    x = np.asarray(scaled_inputs(RawSamples(raw, None, samples.unscaled), data.scale, whole))
    require_finite(x, "x (scaled)")
    return x


def read_targets(samples: RawSamples, x: np.ndarray, data: Data, output_shape: Shape, loss: Loss) -> np.ndarray:
    """Return targets in the form that the loss reads: of the output's shape, or classes without its last axis.

    Parameters
    ----------
    samples : RawSamples
    x : array, shape (n, d)
        The scaled inputs: the targets where the table says so.
    data : Data
    output_shape : tuple of int
        Of one sample.
    loss : Loss
    """
    shape = (len(x), *output_shape)
    if samples.y is None:
        if x.size != math.prod(shape):
            raise InputError(
                "the input cannot be the target",
                where="target",
                input_width=x.shape[1],
                output_shape=output_shape,
                remedy="make the sizes equal or set target = 'label'",
            )
        return loss.read_targets(x.reshape(shape), shape)
    require_finite(samples.y, "y")
    y = float64_array(np.asarray(samples.y), "y")
    if y.size == math.prod(shape) and y.ndim <= 2:
        numbers = np.asarray(scaled(y.reshape(len(y), -1), data.target_scale, "y"))
        require_finite(numbers, "y (scaled)")
        return loss.read_targets(numbers.reshape(shape), shape)
    if data.target_scale != "none":
        raise InputError(
            "classes have no scale", where="target_scale", target_scale=data.target_scale, remedy="remove target_scale"
        )
    if loss.takes_classes and y.size == math.prod(shape[:-1]):
        with classes_by_name(samples, data):
            return loss.read_targets(_classes(y).reshape(shape[:-1]), shape)
    if len(shape) == 2 and y.ndim == 1:
        with classes_by_name(samples, data):
            return loss.read_targets(targets_from(y, shape[1], listed_classes(data)), shape)
    raise InputError(
        "targets do not fit the outputs",
        where="y",
        shape=y.shape,
        output_shape=output_shape,
        remedy="give a row of numbers for each sample" + (", or of classes" if loss.takes_classes else ""),
    )


def _classes(y: np.ndarray) -> np.ndarray:
    bad = np.argwhere((y != np.floor(y)) | (np.abs(y) > 2.0**53))
    if bad.size:
        place = "".join(f"[{int(index)}]" for index in bad[0])
        raise InputError(
            "a class is a whole number",
            where=f"y{place}",
            value=float(y[tuple(bad[0])]),
            remedy="number the classes from 0 on",
        )
    return y.astype(np.int64)


def decays_of(table: float | dict[str, float], labels: list[str]) -> float | dict[str, float]:
    """Return factors by label; a key is a label, or a pattern such as ``*.weight``. One factor is for all."""
    if not isinstance(table, dict):
        return table
    found: dict[str, float] = {}
    chosen_by: dict[str, str] = {}
    for pattern, factor in table.items():
        matched = [label for label in labels if fnmatchcase(label, pattern)]
        if not matched:
            raise InputError("no such parameter", parameter=pattern, remedy=nearest(pattern, labels[:1000]))
        for label in matched:
            if label in found:
                raise InputError(
                    "two keys name one parameter",
                    parameter=label,
                    keys=[chosen_by[label], pattern],
                    remedy="name every parameter once",
                )
            found[label], chosen_by[label] = factor, pattern
    return found
