"""The problem of a spec file whose network is an ONNX file: ``[model] onnx = "net.onnx"``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic.floats import float64_array
from verify.graph.problem import GraphProblem
from verify.importers.onnx.model import DeclaredInput, read_model
from verify.importers.onnx.problem import chosen_output, import_onnx
from verify.importers.onnx.process import Child
from verify.importers.onnx.trainable import stored_numbers, trained_names
from verify.outcomes import InputError
from verify.spec.graph_problem import decays_of, loss_of, read_targets
from verify.spec.optimizer import coupled_weight_decay
from verify.spec.preparation import require_finite, scaled_inputs
from verify.spec.sources import RawSamples, read_samples
from verify.spec.specification import data_table, first_weights, region_of

if TYPE_CHECKING:
    from verify.operations.operation import Shape
    from verify.spec.document import Document
    from verify.spec.models import Data, ModelTable


def build_onnx_problem(document: Document, table: ModelTable) -> GraphProblem:
    """Return the problem of a document with a ``[model]`` table.

    Columns of x go to the inputs of the model in its order, as many as one sample has entries.

    Raises
    ------
    InputError
        If the model, data, loss or weights do not fit together.
    """
    content, data = document.content, data_table(document)
    with document.located("loss"):
        loss = loss_of(content.loss)
    with document.located("data"):
        samples = read_samples(data, document.path.parent)
        require_finite(samples.x, "x")
        raw = RawSamples(float64_array(np.asarray(samples.x), "x"), samples.y, samples.unscaled)

    def inputs(declared: Sequence[DeclaredInput]) -> dict[str, np.ndarray]:
        with document.located("data"):
            return _split(raw, data, declared)

    def targets(shape: Shape) -> np.ndarray:
        with document.located("data"):
            x = float64_array(np.asarray(scaled_inputs(raw, data.scale)), "x (scaled)")
            return read_targets(raw, x, data, shape[1:], loss)

    with document.located("model", "onnx"):
        found = import_onnx(
            document.path.parent / table.file,
            inputs,
            targets,
            loss,
            content.reduction,
            output=table.output,
            train=table.train,
            freeze=table.freeze,
            external_data=table.external_data,
        )
    decay = content.weight_decay or coupled_weight_decay(content.optimizer)
    with document.located("weight_decay"):
        by_label = decays_of(decay, [block.label for block in found.blocks])
    weights = first_weights(document, found.size, lambda scheme, seed: found.initial_weights)
    region = region_of(document, {block.label: block.place for block in found.blocks}, weights)
    with document.located():
        return GraphProblem(found.network, found.constants, weights, by_label, region=region, name=content.name)


def sizes_of(document: Document, table: ModelTable) -> tuple[int, int, int]:
    """Return the numbers of operations, of values between them, and of trained numbers of a model.

    Raises
    ------
    InputError
        If it is no model.
    """
    path = document.path.parent / table.file
    with document.located("model", "onnx"), Child(str(path)) as child:
        model = read_model(child, path, table.external_data)
        output = chosen_output(model, table.output)
        needed, numbers = model.needed_for(output), stored_numbers(model)
        nodes = [node for node in model.nodes if not needed.isdisjoint(node.outputs)]
        trained = trained_names(model, output, table.train, table.freeze)
    edges = sum(name in model.makers for node in nodes for name in node.inputs)
    return len(nodes), edges, sum(numbers[name].size for name in trained)


def _split(samples: RawSamples, data: Data, declared: Sequence[DeclaredInput]) -> dict[str, np.ndarray]:
    """Return consecutive columns for every input, scaled where it takes reals."""
    raw = np.asarray(samples.x)
    shapes = [_sample_shape(each, raw.shape[1], alone=len(declared) == 1) for each in declared]
    widths = [math.prod(shape) for shape in shapes]
    if sum(widths) != raw.shape[1]:
        raise InputError(
            "data do not fit the inputs of the model", where="x", columns=raw.shape[1], inputs=shapes,
            remedy="change the data or the model",
        )  # fmt: skip
    numbers = np.asarray(scaled_inputs(samples, data.scale)) if any(each.is_real for each in declared) else raw
    require_finite(numbers, "x (scaled)")
    found, stop = {}, 0
    for each, shape, width in zip(declared, shapes, widths, strict=True):
        start, stop = stop, stop + width
        found[each.name] = (numbers if each.is_real else raw)[:, start:stop].reshape((len(raw), *shape))
    return found


def _sample_shape(declared: DeclaredInput, columns: int, *, alone: bool) -> Shape:
    """Return the shape of one sample; a single unknown length follows from the columns of the data."""
    shape = declared.shape
    if not shape:
        raise InputError(
            "the model does not say what shape an input has",
            where="x",
            input=declared.name,
            remedy="export it with the shape of a sample",
        )
    lengths = list(shape[1:])
    known = math.prod(n for n in lengths if n is not None)
    if lengths.count(None) > 1 or (None in lengths and not (alone and known and columns % known == 0)):
        raise InputError(
            "the model does not fix the shape of a sample", where="x", input=declared.name, shape=shape,
            remedy="export it with a symbolic batch alone",
        )  # fmt: skip
    return tuple(columns // known if n is None else n for n in lengths)
