"""`verify.from_onnx`: the network of an ONNX file, with your data and your loss, as a problem."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import float64_array
from verify.escaping import visible
from verify.graph.problem import GraphProblem
from verify.graph.tensor import GraphBuilder
from verify.importers.onnx.agreement import check_agreement
from verify.importers.onnx.logits import refuse_distributions, refuse_probabilities
from verify.importers.onnx.model import DeclaredInput, Model, read_model
from verify.importers.onnx.process import Child
from verify.importers.onnx.trainable import stored_numbers, trained_names
from verify.importers.onnx.translate import parameter_labels, translate
from verify.losses import Loss
from verify.losses import loss as loss_named
from verify.operations.leaves import Parameter
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.bounds.regions import Region
    from verify.operations.operation import Shape

TARGETS = "targets"


@certified_environment(products=False)
def from_onnx(
    path: str | Path,
    inputs: Any,
    targets: Any,
    loss: str | Loss = "mse",
    reduction: str = "mean",
    *,
    output: str | None = None,
    train: Collection[str] = (),
    freeze: Collection[str] = (),
    external_data: bool = False,
    weight_decay: float | Mapping[str, float] = 0.0,
    region: Region | None = None,
    name: str | None = None,
    **options: Any,
) -> GraphProblem:
    """Return the problem of training the network of an ONNX file, in exact real arithmetic of the weights in it.

    The file is parsed in a child process. Initialisers that are weights or biases of matrix products, convolutions,
    normalisations, recurrent cells, embeddings and slopes are trained, everything else is constant; what is used twice
    is one parameter, and its label is its name in the file. The output is compared with that of onnx's reference
    evaluator at several weights, and a difference that rounding does not explain is refused.

    Casts between real formats round nothing, and softplus is smooth: the line that exporters take beyond a threshold
    of 20 or more differs from it by at most exp(-20). The lowest number of a real format, added to what goes into a
    softmax, is minus infinity, as exporters write it. The shares of a linear `Resize` and the root in the tanh form of
    `Gelu` are rounded to float64. Batch normalisation has the statistics in the file unless its node says
    ``training_mode``: most exporters write a network as it is evaluated, not as it is trained.

    Parameters
    ----------
    path : str or Path
        An ``.onnx`` file of opset 13 or later.
    inputs : array, tuple of them, or mapping of the model's input names to them
        All samples; whole numbers where the model takes them.
    targets : array
        What the loss takes.
    loss : str or Loss
        A key of `verify.losses.LOSSES`; ``"mse"`` is the mean over all entries.
    reduction : {"mean", "sum"}
    output : str, optional
        The value that goes into the loss: an output of the model, or any value on the way to it, such as the logits
        before a softmax.
    train, freeze : collection of str
        Names of numbers in the file that are, or are not, trained, whatever the rule says.
    external_data : bool
        Whether the model may keep numbers in other files in its folder.
    weight_decay : float or mapping
        Factor lambda of ``lambda/2 |w|^2``, for all parameters or by label.
    region : Region, optional
    name : str, optional
    **options
        Of a loss by name.

    Returns
    -------
    GraphProblem
        Its ``initial_weights`` are those of the file; `verify.write_onnx` writes others into a copy.

    Raises
    ------
    InputError
        If the file is no model, an operation has no rule, data do not fit, or the import disagrees with the model.

    Examples
    --------
    >>> from verify import from_onnx
    >>> from_onnx("nowhere.onnx", [[1.0]], [[1.0]])
    Traceback (most recent call last):
        ...
    verify.outcomes.InputError: nowhere.onnx: no such file: path='nowhere.onnx'; give the path of an .onnx file
    """
    return import_onnx(
        Path(path),
        lambda declared: _by_name(declared, inputs),
        lambda shape: targets,
        loss_named(loss, **options),
        reduction,
        output=output,
        train=train,
        freeze=freeze,
        external_data=external_data,
        weight_decay=weight_decay,
        region=region,
        name=name,
    )


def import_onnx(
    path: Path,
    inputs: Callable[[Sequence[DeclaredInput]], Mapping[str, Any]],
    targets: Callable[[Shape], Any],
    loss: Loss,
    reduction: str,
    *,
    output: str | None = None,
    train: Collection[str] = (),
    freeze: Collection[str] = (),
    external_data: bool = False,
    **options: Any,
) -> GraphProblem:
    """Return the problem of a file, its data asked for when the file says what it takes; see `from_onnx`.

    Parameters
    ----------
    path : Path
    inputs : callable
        Returns arrays by the names of the inputs that it is given.
    targets : callable
        Returns what the loss takes for outputs of a shape.
    loss : Loss
    reduction : str
    output, train, freeze, external_data
        As for `from_onnx`.
    **options
        Of `GraphProblem`.
    """
    with Child(str(path)) as child:
        model = read_model(child, path, external_data)
        try:
            chosen = chosen_output(model, output)
            refuse_probabilities(model, chosen, loss)
            given = _given_inputs(model, chosen, inputs)
            trained = trained_names(model, chosen, train, freeze)
            builder, labels, numbers = GraphBuilder(), parameter_labels(trained), stored_numbers(model)
            tensor, scope = translate(model, builder, chosen, given, trained)
            outputs = builder.build(tensor)
            builder.place = "loss"
            array = _read_targets(targets(tensor.shape), loss, tensor.shape)
            graph = builder.build(loss.error(tensor, scope.constant(TARGETS, array), reduction))
            weights = {labels[name]: numbers[name].astype(np.float64).reshape(-1) for name in trained}
            parts = [weights[leaf.label] for leaf in graph.leaves(Parameter)]
            if not parts:
                raise InputError(
                    "no number of the file is trained",
                    known=[visible(name) for name in list(numbers)[:20]],
                    remedy="name what is: train=[...]",
                )
            name = options.pop("name", None) or path.stem or "problem"
            problem = GraphProblem(graph, scope.constants, np.concatenate(parts), name=name, **options)
            refuse_distributions(problem, outputs, loss)
            check_agreement(child, problem, outputs, labels, chosen, given)
        except InputError as error:
            raise (error if str(path) in (error.where or "") else error.at(str(path))) from None
    return problem


def chosen_output(model: Model, output: str | None) -> str:
    """Return the name of the value that goes into the loss.

    Raises
    ------
    InputError
        If there is no such value, or no single one without a name.
    """
    if output is None:
        if len(model.outputs) != 1:
            raise InputError(
                "several outputs",
                outputs=[visible(name) for name in model.outputs],
                remedy='name one, or a value before it: output="..."',
            )
        return model.outputs[0]
    if output not in model.makers:
        values = [visible(name) for name in [*model.outputs, *list(model.makers)[-20:]] if name in model.makers]
        known = list(dict.fromkeys(values))
        raise InputError("no such value in the model", output=output, known=known, remedy="name one of these")
    return output


def _by_name(declared: Sequence[DeclaredInput], inputs: Any) -> Mapping[str, Any]:
    if isinstance(inputs, Mapping):
        return inputs
    parts = inputs if isinstance(inputs, tuple) else (inputs,)
    if len(parts) != len(declared):
        names = [visible(each.name) for each in declared]
        raise InputError("wrong number of inputs", given=len(parts), model=names, remedy="give one array for each")
    return {each.name: part for each, part in zip(declared, parts, strict=True)}


def _given_inputs(
    model: Model, output: str, inputs: Callable[[Sequence[DeclaredInput]], Mapping[str, Any]]
) -> dict[str, np.ndarray]:
    """Return the data by the names of the model's inputs: float64, or whole numbers where it takes them.

    Raises
    ------
    InputError
        If one is missing or unknown, not finite, or of a shape that the model does not take.
    """
    needed = model.needed_for(output)
    declared = [each for each in model.inputs if each.name in needed]
    given = inputs(declared)
    for each in declared:
        if each.name not in given:
            raise InputError("an input is missing", input=visible(each.name), remedy="give an array for it")
    for name in given:
        if name not in {each.name for each in model.inputs}:
            names = [visible(each.name) for each in model.inputs]
            raise InputError("no such input", input=name, model=names, remedy="name the inputs as the model does")
    return {each.name: _array(each, given[each.name]) for each in declared}


def _array(declared: DeclaredInput, value: Any) -> np.ndarray:
    where = f"input {visible(declared.name)}"
    array = _finite(float64_array(value, where), where)
    if not declared.is_real:
        if not np.all(array == np.floor(array)) or not np.all(np.abs(array) < 2.0**53):
            kind = np.asarray(value).dtype.name
            raise InputError("whole numbers are needed", where=where, kind=kind, remedy="give whole numbers")
        array = array.astype(bool if np.asarray(value).dtype == bool else np.int64)
    if declared.shape is not None and (
        len(declared.shape) != array.ndim
        or any(n is not None and n != m for n, m in zip(declared.shape, array.shape, strict=True))
    ):
        raise InputError(
            "data do not have the shape that the model takes",
            where=where,
            shape=array.shape,
            model=tuple("any" if n is None else n for n in declared.shape),
            remedy="export with a symbolic batch" if array.shape[1:] == declared.shape[1:] else "reshape the data",
        )
    if not array.size:
        raise InputError("no data", where=where, shape=array.shape, remedy="give at least one sample")
    return array


def _finite(array: np.ndarray, where: str) -> np.ndarray:
    """Return an array of finite numbers."""
    if not np.all(np.isfinite(array)):
        place = tuple(int(n) for n in np.argwhere(~np.isfinite(array))[0])
        raise InputError("data must be finite", where=where, index=place, remedy="replace or leave out the sample")
    return array


def _read_targets(targets: Any, loss: Loss, shape: Shape) -> np.ndarray:
    """Return targets as the loss takes them; a column may be given as a vector."""
    numbers = _finite(float64_array(targets, TARGETS), TARGETS)
    array = np.asarray(targets) if np.asarray(targets).dtype.kind in "iu" else numbers
    if not loss.takes_classes and array.shape == shape[:-1] and shape[-1:] == (1,):
        array = array.reshape(shape)
    return loss.read_targets(array, shape)
