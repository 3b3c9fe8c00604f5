"""The error of a module on all of its data, enclosed chunk by chunk: memory does not grow with the samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, final

import numpy as np
import torch
from torch import nn
from torch.export import ExportedProgram

from verify.arithmetic.environment import certified_environment, users_code
from verify.arithmetic.intervals import Interval
from verify.arithmetic.rational import round_down, round_up
from verify.certificates.run_files import constants_digest
from verify.graph.problem import GraphProblem
from verify.importers.agreement import require_agreement
from verify.importers.torch.agreement import check_agreement
from verify.importers.torch.capture import (
    LossModule,
    as_float64,
    capture,
    form,
    refreshed,
    stored_numbers,
    with_own_constants,
)
from verify.importers.torch.criteria import Criterion, criterion, in_float64
from verify.importers.torch.meaning import single
from verify.importers.torch.translate import translate
from verify.operations.leaves import Parameter
from verify.outcomes import InputError
from verify.torch.held_numbers import held_numbers
from verify.torch.ordered_data import Chunk, OrderedData
from verify.torch.parameter_vector import array_of, check_values
from verify.torch.random_state import random_state_kept
from verify.torch.tensors.device import as_device
from verify.torch.tensors.enclosures import error_enclosure

_MEANS_OTHERWISE = ("weight", "ignore_index")
"""Options of a loss by name whose mean divides by something else than the number of samples."""
_SAME = 1e-9
"""Relative difference up to which a loss, in plain float64, is taken to be a mean, or a sum, over the samples."""

_REPEATED = 2.0**-6
"""The part of an enclosure's radius by which one program may differ on the same numbers: sums in another order. More
is a number that is no parameter and no buffer, so not among those that are followed. Numbers that the loss holds are
compared exactly (`held_numbers`)."""
_CHANGED = "the module computes another error than was captured"
_ANEW = "make a new guard after changing it"

Range = tuple[float, float]
NOTHING: Range = (-math.inf, math.inf)


@final
class WholeError:
    """E(w): the mean over all samples, or the sum, of a module's loss in evaluation mode, plus weight decay.

    E is a function of all that the module stores, running statistics of batch normalisation included. It is made of the
    loss on chunks of the data, each weighted by its number of samples.

    Parameters
    ----------
    module : torch.nn.Module
    data : OrderedData
    loss : str or callable
        As in `verify.from_torch`.
    reduction : {"mean", "sum"}
    weight_decay : float
        lambda of ``lambda/2 |w|^2`` over the trained parameters.
    device : str or torch.device, optional
        Where it is enclosed, as in `verify.torch.error_enclosure`; default: NumPy.
    **options
        Of a loss by name.

    Raises
    ------
    InputError
        If the module cannot be captured, or its loss is no mean, or sum, over the samples.
    """

    def __init__(
        self,
        module: nn.Module,
        data: OrderedData,
        loss: str | Criterion,
        reduction: str = "mean",
        weight_decay: float = 0.0,
        device: str | torch.device | None = None,
        **options: Any,
    ) -> None:
        if not isinstance(module, nn.Module):
            raise InputError("not a PyTorch module", type=type(module).__name__, remedy="give an nn.Module")
        if not (math.isfinite(weight_decay) and weight_decay >= 0):
            raise InputError(
                "weight decay must be finite and not negative", weight_decay=weight_decay, remedy="use 0.0"
            )
        if reduction == "mean" and (unequal := [name for name in _MEANS_OTHERWISE if name in options]):
            raise InputError(
                "the mean is not over samples", options=unequal, remedy="set reduction='sum': the mean times a constant"
            )
        for name, parameter in module.named_parameters():
            check_values(parameter, name)
        self.module, self.data, self.reduction = module, data, reduction
        self._decay = Fraction(weight_decay)
        self._device = None if device is None else as_device(device)
        self._criterion = criterion(loss, reduction, options)
        self._objective = LossModule(in_float64(module).eval(), self._criterion, single(module))
        self._programs: dict[str, ExportedProgram] = {}
        self._held = False
        self._numbers_of_loss = self._held_numbers()
        self._in_doubt: set[str] = set()

    @certified_environment()
    def range(self) -> Range:
        """Return float64 numbers lo <= E <= hi for what the module stores now; infinite where that is not finite.

        What was captured is held against PyTorch's own value of a fresh copy of the module, on all chunks at first and
        later on the first one.

        Raises
        ------
        InputError
            If data or module are not what they were: E would be another function.
        """
        with random_state_kept():
            return self._range()

    def _range(self) -> Range:
        if not self._follow():
            return NOTHING
        if (found := self._held_numbers()) != self._numbers_of_loss:
            self._numbers_of_loss, self._in_doubt = found, set(self._programs)
        with users_code():
            fresh = LossModule(in_float64(self.module).eval(), self._criterion, single(self.module))
        lower, upper, samples = Fraction(0), Fraction(0), 0
        before: Chunk | None = None
        for number, chunk in enumerate(self.data.chunks()):
            if not self._held:
                self._check_additive(chunk, before)
                before = chunk
            low, high = self._of_chunk(chunk, None if self._held and number else fresh)
            if not (math.isfinite(low) and math.isfinite(high)):
                return NOTHING
            share = Fraction(chunk.samples, self.data.samples) if self.reduction == "mean" else Fraction(1)
            lower, upper = lower + share * Fraction(low), upper + share * Fraction(high)
            samples += chunk.samples
        if samples != self.data.samples:
            raise InputError("samples are missing", samples=samples, expected=self.data.samples, remedy="report this")
        self._held = True
        least, most = self._decayed()
        return round_down(lower + least), round_up(upper + most)

    def _of_chunk(self, chunk: Chunk, fresh: LossModule | None) -> Range:
        arguments = _arguments(chunk)
        key = form(arguments)
        with users_code():
            if key not in self._programs:
                self._programs[key] = self._captured(arguments)
                problem, held = self._problem(self._programs[key], arguments)
                check_agreement(problem, self._objective, arguments, held=held)
            if key in self._in_doubt:
                self._capture_again(key, arguments)
            values = None if fresh is None else (_plain(fresh, arguments), _plain(self._objective, arguments))
        problem, _ = self._problem(self._programs[key], arguments)
        if self._device is None:
            found = problem.error_enclosure(problem.initial_weights)
        else:
            found = error_enclosure(problem, device=self._device)
        if values is not None and math.isfinite(found[0]) and math.isfinite(found[1]):
            ours = Interval.from_bounds([found[0]], [found[1]])
            plain, captured = values
            require_agreement(np.array([plain]), ours, ours.mid, _CHANGED, _ANEW, 0)
            if not abs(plain - captured) <= _REPEATED * float(ours.rad[0]) + 2.0**-50 * abs(plain):
                raise InputError(_CHANGED, now=plain, captured=captured, remedy=_ANEW)
        return found

    def _captured(self, arguments: tuple[Any, ...]) -> ExportedProgram:
        """Return the program of a form, with copies of the tensors that the loss holds: E stays one function."""
        return with_own_constants(capture(self._objective, arguments), self._objective.module, self.module)

    def _held_numbers(self) -> str:
        """Return what the loss holds beside what the module stores, which is followed."""
        return held_numbers(self._criterion, stored_numbers(self.module).values())

    def _capture_again(self, key: str, arguments: tuple[Any, ...]) -> None:
        """Refuse a loss whose numbers changed, unless they do not matter: a list in which it keeps its values."""
        programs = self._programs[key], self._captured(arguments)
        before, after = (_identity(self._problem(program, arguments)[0]) for program in programs)
        if before != after:
            raise InputError(_CHANGED, held_numbers=self._numbers_of_loss, remedy=_ANEW)
        self._in_doubt.discard(key)

    def _problem(
        self, program: ExportedProgram, arguments: tuple[Any, ...]
    ) -> tuple[GraphProblem, Sequence[tuple[str, int]]]:
        """Return the problem of a chunk, from the program of its form: numbers are those that are stored now."""
        graph, scope = translate(refreshed(program, self._objective.module, arguments), self._objective.module)
        parameters = dict(self._objective.module.named_parameters())
        weights = [array_of(parameters[leaf.label]).reshape(-1) for leaf in graph.leaves(Parameter)]
        if not weights:
            raise InputError(
                "the loss depends on no parameter",
                parameters=len(parameters),
                remedy="set requires_grad of a parameter that it uses",
            )
        return GraphProblem(graph, scope.constants, np.concatenate(weights)), tuple(scope.held)

    def _follow(self) -> bool:
        """Copy what the module stores into the copy that was captured; say whether it is finite."""
        own, copies = stored_numbers(self.module), stored_numbers(self._objective.module)
        if own.keys() != copies.keys() or any(own[name].shape != copies[name].shape for name in own):
            raise InputError(
                "parameters or buffers of the module were replaced",
                differing=sorted(own.keys() ^ copies.keys()),
                remedy="make a new guard after changing the module",
            )
        finite = True
        with torch.no_grad():
            for name, value in own.items():
                copies[name].copy_(value.detach())
                finite = finite and bool(torch.isfinite(copies[name]).all())
        return finite

    def _decayed(self) -> tuple[Fraction, Fraction]:
        """Return bounds of ``lambda/2 |w|^2``."""
        if not self._decay:
            return Fraction(0), Fraction(0)
        trained = [p for p in self._objective.module.parameters() if p.requires_grad]
        squares = [Interval.point(array_of(p).reshape(-1)).square().sum() for p in trained]
        lower, upper = (sum(Fraction(float(getattr(each, end))) for each in squares) for end in ("lower", "upper"))
        return self._decay * lower / 2, self._decay * upper / 2

    def _check_additive(self, chunk: Chunk, before: Chunk | None) -> None:
        """Refuse a loss of a chunk, or of two of them, that is not made of the losses of fewer, up to rounding.

        Where the samples of a chunk are alike, of one class for example, only another chunk shows their weights.
        """
        half = chunk.samples // 2
        if half:
            self._check_sum(chunk, chunk.part(0, half), chunk.part(half, chunk.samples))
        if before is not None:
            self._check_sum(before.joined(chunk), before, chunk)

    def _check_sum(self, both: Chunk | None, one: Chunk | None, other: Chunk | None) -> None:
        if both is None or one is None or other is None:
            return
        with users_code():
            whole, first, second = (_plain(self._objective, _arguments(each)) for each in (both, one, other))
        total = first + second
        if self.reduction == "mean":
            total = (first * one.samples + second * other.samples) / both.samples
        if not abs(whole - total) <= _SAME * max(abs(whole), abs(first), abs(second), abs(total)):
            raise InputError(
                f"the loss is no {self.reduction} over the samples",
                whole=whole,
                from_halves=total,
                remedy="reduce it by mean, or by sum with reduction='sum'",
            )


def _identity(problem: GraphProblem) -> tuple[str, str]:
    return problem.network.fingerprint(), constants_digest(problem.constants)


def _arguments(chunk: Chunk) -> tuple[Any, ...]:
    inputs = chunk.inputs if isinstance(chunk.inputs, tuple | dict) else (chunk.inputs,)
    return as_float64(inputs), as_float64(chunk.targets)


def _plain(objective: LossModule, arguments: tuple[Any, ...]) -> float:
    return float(objective.documented(*arguments).detach())
