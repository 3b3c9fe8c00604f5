"""A module, its data and its loss as the problem that the toolkit proves about, and whether it still is that module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from verify.bounds.regions import Region
from verify.calculus.problem import Problem
from verify.graph.problem import GraphProblem
from verify.importers.torch.capture import LossModule
from verify.importers.torch.criteria import HALF_SQUARED_ERROR, Criterion, NamedLoss, in_float64
from verify.importers.torch.problem import import_module
from verify.outcomes import InputError
from verify.torch.conversion import convert
from verify.torch.correspondence import Correspondence
from verify.torch.module_state import BY_MODE, ModuleState
from verify.torch.multiples import Multiples, known_multiples
from verify.torch.named_parameters import NamedParameters
from verify.torch.parameter_vector import ParameterVector
from verify.torch.reference import ReferenceGradient

if TYPE_CHECKING:
    from torch.export import ExportedProgram


class MappedModule:
    """The problem of a module on its data, and where its parameters live.

    A module that `convert` knows, with half the squared error, becomes a `Problem`, whose bounds are the tightest and
    cheapest; every other one is captured by `verify.from_torch`.

    Parameters
    ----------
    module : torch.nn.Module
    inputs, targets : tensor or array, shape (n, ...), or what ``forward`` and the loss take
        Copied: what is proved is about the values that they have now.
    correspondence : Correspondence, optional
        A mapping of one's own, for half the squared error.
    loss : str or callable, optional
        As in `verify.from_torch`; default: half the squared error.
    moves_all : bool
        Every weight of the problem is going to move: frozen parameters must be constants of it.
    programs : dict, optional
        What was captured of this module and loss, by the form of the data; new programs are added.
    **objective
        ``reduction``, ``weight_decay``, ``region``, and options of the loss.

    Attributes
    ----------
    problem : Problem or GraphProblem
    correspondence : ParameterVector
    module : torch.nn.Module
    reference : ReferenceGradient or None
        None where the module cannot be copied.
    decay : array, shape (P,)
        Weight decay of every weight.

    Raises
    ------
    InputError
        If the module cannot be mapped, computes something else than its problem, or the data cannot be used.
    """

    problem: Problem | GraphProblem
    correspondence: ParameterVector
    reference: ReferenceGradient | None

    def __init__(
        self,
        module: nn.Module,
        inputs: Any,
        targets: Any,
        correspondence: Correspondence | None = None,
        loss: str | Criterion | None = None,
        *,
        moves_all: bool = False,
        programs: dict[str, ExportedProgram] | None = None,
        **objective: Any,
    ) -> None:
        check_region(objective.get("region"))
        if not isinstance(module, nn.Module):
            raise InputError("not a PyTorch module", type=type(module).__name__, remedy="give a torch.nn.Module")
        self.module, self._programs = module, {} if programs is None else programs
        self._given = (correspondence, loss, moves_all, dict(objective))
        self.reduction = objective.get("reduction", "mean")
        self._loss = HALF_SQUARED_ERROR if loss is None else loss
        if correspondence is not None:
            if self._loss != HALF_SQUARED_ERROR:
                raise InputError(
                    "a mapping of one's own is for half the squared error",
                    loss=loss,
                    remedy="leave out correspondence=: the module is captured with its loss",
                )
            self._check_mapping(correspondence)
        known = correspondence or self._converted(inputs, moves_all, objective)
        if known is not None:
            self._map(known, inputs, targets, objective)
        else:
            self._import(inputs, targets, objective)

    def on(self, inputs: Any, targets: Any) -> MappedModule:
        """Return the same module and loss on other data, for example those of a mini-batch.

        Raises
        ------
        InputError
            If the module was changed, or the data cannot be used.
        """
        correspondence, loss, moves_all, objective = self._given
        if changed := self.change():
            raise InputError(
                changed, module=type(self.module).__name__, remedy="make a new monitor or optimiser for the module"
            )
        return MappedModule(
            self.module,
            inputs,
            targets,
            correspondence,
            loss,
            moves_all=moves_all,
            programs=self._programs,
            **objective,
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_programs": {}}

    def change(self) -> str:
        """Say what is no longer as it was mapped; empty if the module still computes what the problem says."""
        return self._state.change()

    def known(self, samples: int) -> Multiples:
        """Return the multiples of the gradient that other common losses have on so many samples."""
        name = self._loss if isinstance(self._loss, str) else None
        return known_multiples(name, self.reduction, samples, samples * self._entries)

    def _converted(self, inputs: Any, moves_all: bool, objective: Mapping[str, Any]) -> Correspondence | None:
        """Return the module's architecture, if it is of the classical class with half the squared error."""
        if self._loss != HALF_SQUARED_ERROR or isinstance(objective.get("weight_decay"), dict):
            return None
        if isinstance(inputs, tuple | dict) or (
            moves_all and any(not p.requires_grad for p in self.module.parameters())
        ):
            return None
        try:
            return convert(self.module, tuple(np.shape(inputs)[1:]))
        except (InputError, ValueError):
            return None

    def _map(self, known: Correspondence, inputs: Any, targets: Any, objective: dict[str, Any]) -> None:
        rows, outputs = _table(inputs, "inputs"), _table(targets, "targets")
        self.correspondence = known
        problem = Problem(known.architecture, rows, outputs, initial_weights=known.read(), **objective)
        shape = (len(rows), *np.shape(inputs)[1:])
        samples = torch.from_numpy(np.array(problem.inputs, dtype=np.float64)).reshape(shape)
        known.check_outputs(self.module, samples)
        self.problem = problem
        self._state = ModuleState(self.module)
        self._entries = known.architecture.output_dimension
        self.decay = np.full(known.architecture.size, problem.weight_decay)
        wanted = torch.from_numpy(np.array(problem.targets, dtype=np.float64))
        try:
            captured = LossModule(in_float64(self.module), NamedLoss(HALF_SQUARED_ERROR, self.reduction))
        except InputError:
            self.reference = None
            return
        self.reference = ReferenceGradient(captured, ((samples,), wanted), self._places())

    def _import(self, inputs: Any, targets: Any, objective: dict[str, Any]) -> None:
        imported = import_module(self.module, inputs, targets, self._loss, programs=self._programs, **objective)
        self.problem = imported.problem
        self.correspondence = NamedParameters.of(imported.problem, self.module)
        trained = {block.label for block in imported.problem.blocks}
        constants = {name for name, _ in self.module.named_parameters() if name not in trained}
        self._state = ModuleState(self.module, imported.buffers, constants, imported.held)
        decays = imported.problem.weight_decay
        parts = {b.label: np.full(b.shape, decays.get(b.label, 0.0)) for b in imported.problem.blocks}
        self.decay = imported.problem.flatten(parts)
        self.reference = ReferenceGradient(imported.objective, imported.arguments, self._places())
        count = self.reference.samples.count
        self._entries = _entries(imported.arguments[1], count, self._loss)

    def _places(self) -> dict[str, slice]:
        """Return where every parameter of the module stands in the vector of weights."""
        names = {id(parameter): name for name, parameter in self.module.named_parameters()}
        parameters = self.correspondence.parameters
        size = sum(parameter.numel() for parameter in parameters.values())
        numbered = self.correspondence.unflatten(np.arange(size, dtype=np.float64))
        return {
            names[id(parameter)]: slice(int(numbered[key].min()), int(numbered[key].max()) + 1)
            for key, parameter in parameters.items()
            if parameter.numel()
        }

    def _check_mapping(self, correspondence: Any) -> None:
        """Refuse what a mapping of one's own leaves out."""
        if not isinstance(correspondence, Correspondence):
            given = {"module": type(self.module).__name__, "correspondence": type(correspondence).__name__}
            raise InputError(
                "not a module with its Correspondence",
                **given,
                remedy="make one: Correspondence(architecture, parameters)",
            )
        own, mapped = set(self.module.parameters()), set(correspondence.parameters.values())
        if not mapped <= own:
            raise InputError(
                "the mapping has parameters that are not the module's",
                foreign=len(mapped - own),
                remedy="make the Correspondence of this module",
            )
        left = [name for name, p in self.module.named_parameters() if p.requires_grad and p not in mapped]
        if left:
            raise InputError(
                "a trainable parameter of the module is not in the mapping",
                where=left[0],
                remedy="map it, or set requires_grad_(False) where it is a constant",
                parameters=left,
            )
        for name, layer in self.module.named_modules():
            if layer.training and isinstance(layer, BY_MODE):
                raise InputError(
                    "the layer computes something else in training mode",
                    where=name,
                    layer=type(layer).__name__,
                    remedy="call module.eval()",
                )


def check_region(region: Any) -> None:
    """Raise `InputError` for what is neither a region nor None."""
    if region is not None and not isinstance(region, Region):
        raise InputError("not a region", region=region, remedy="use verify.Ball or verify.BoundedWeights")


def _entries(targets: Any, samples: int, loss: str | Criterion) -> int:
    """Return how many numbers or labels of a sample a mean over all of them counts."""
    if not (isinstance(targets, torch.Tensor) and samples and targets.numel() % samples == 0):
        return 1
    classes = loss in ("cross_entropy", "nll") and targets.is_floating_point() and targets.ndim > 1
    return max(1, targets.numel() // samples // (targets.shape[1] if classes else 1))


def _table(values: Any, name: str) -> np.ndarray:
    """Return a private copy of the samples as rows, in a type that holds them exactly."""
    try:
        if isinstance(values, torch.Tensor):
            tensor = values.detach().cpu()
            values = (tensor.double() if tensor.is_floating_point() else tensor).numpy()
        array = np.array(values)
        if array.ndim > 0 and array.size > 0:
            return array.reshape(len(array), -1)
    except (RuntimeError, TypeError, ValueError, NotImplementedError) as error:
        raise InputError(
            "the data cannot be read as numbers",
            where=name,
            reason=f"{type(error).__name__}: {error}",
            remedy="give a dense tensor or array with one sample a row",
        ) from None
    raise InputError("data are empty", where=name, shape=array.shape, remedy="give at least one sample")
