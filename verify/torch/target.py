"""``torch:package.module:factory`` on the command line: a function of the user's that returns a module with its data.

The code runs because the command line names it, and for no other reason: no file that is read ever makes it run.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any, final

import torch

from verify.arithmetic.floats import exact_float
from verify.assumptions.small_momentum import Setting
from verify.bounds.regions import Ball, Region
from verify.calculus.problem import Problem
from verify.graph.problem import GraphProblem
from verify.outcomes import InputError
from verify.spec.lines import LineMap
from verify.spec.question import Question
from verify.theorems.optimizers import Optimizer
from verify.torch.mapped import MappedModule

PREFIX = "torch:"
DEFAULT_RADIUS = 0.1
"""Of the region, a ball around the module's weights, where the factory gives none: that of the examples."""

_FORM = "write torch:package.module:factory"
_POSITIONS = ("module", "inputs", "targets", "loss", "optimizer")
_NAMES = (*_POSITIONS, "reduction", "weight_decay", "radius", "region", "options", "name")


@final
@dataclass(frozen=True)
class Source:
    """Where the code of a target stands, as far as that is known.

    Parameters
    ----------
    path : Path
        As on the command line.
    files : tuple of Path
        The file of the factory, which no output may replace.
    lines : LineMap
        Of no keys.
    """

    path: Path
    files: tuple[Path, ...]
    lines: LineMap


def load_target(text: str) -> Question:
    """Import a module of the user's, call its factory and import what it returns.

    Parameters
    ----------
    text : str
        ``torch:package.module:factory``; the working directory is searched first.

    Returns
    -------
    Question

    Raises
    ------
    InputError
        If the code cannot be imported or fails, or what it returns cannot be used.
    """
    factory = _factory(text)
    returned = _run(factory, text)
    try:
        return _target(returned, text, factory)
    except InputError as error:
        raise error.at(text) from None


def _factory(text: str) -> Callable[[], Any]:
    name, _, attribute = text.removeprefix(PREFIX).partition(":")
    if not name or not attribute or not all(part.isidentifier() for part in (*name.split("."), *attribute.split("."))):
        raise InputError("no module and factory", where=text, remedy=_FORM, target=text)
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    found: Any = _run(lambda: importlib.import_module(name), text, name)
    for part in attribute.split("."):
        if not hasattr(found, part):
            close = get_close_matches(part, _functions(found), n=1)
            known = f"did you mean {close[0]!r}?" if close else f"write a function {part}() in it"
            raise InputError("no such factory in the module", where=text, factory=part, remedy=known)
        found = getattr(found, part)
    if not callable(found) or isinstance(found, torch.nn.Module):
        raise InputError(
            "a factory is a function without arguments",
            where=text,
            factory=type(found).__name__,
            remedy="write def factory(): return module, inputs, targets, loss",
        )
    return found


def _functions(module: Any) -> list[str]:
    return [name for name, value in vars(module).items() if callable(value)] if isinstance(module, ModuleType) else []


def _run(function: Callable[[], Any], text: str, imported: str | None = None) -> Any:
    """Call the user's code, whose output goes to stderr, since stdout is for the answer."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return function()
    except ModuleNotFoundError as error:
        if imported is not None and error.name and (imported == error.name or imported.startswith(f"{error.name}.")):
            remedy = "run dagverify where the module can be imported, or set PYTHONPATH"
            raise InputError("no such module", where=text, module=error.name, remedy=remedy) from None
        raise _failed(error, text) from error
    except (Exception, SystemExit) as error:
        raise _failed(error, text) from error


def _failed(error: BaseException, text: str) -> InputError:
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    place = f"{own[-1].filename}:{own[-1].lineno}" if own else text
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return InputError("the factory's code failed", where=place, reason=reason, remedy="correct it; --debug shows more")


def _target(returned: Any, text: str, factory: Callable[[], Any]) -> Question:
    given = _named(returned)
    loss = given.get("loss", "mse")
    optimizer = _optimizer(given.get("optimizer"))
    decay = given.get("weight_decay", 0.0)
    if optimizer is not None and optimizer.weight_decay and optimizer.kind != "adamw":
        if given.get("weight_decay"):
            raise InputError("weight decay is given twice", optimizer=optimizer.weight_decay, remedy="keep one of them")
        decay = optimizer.weight_decay
    named = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    name = given.get("name", f"{type(given['module']).__name__} with {named}")
    settings = {"weight_decay": decay, "name": name, **dict(given.get("options", {}))}
    if "reduction" in given:
        settings["reduction"] = given["reduction"]
    problem = MappedModule(
        given["module"], given["inputs"], given["targets"], None, loss, moves_all=True, **settings
    ).problem
    problem.region = _region(given, problem)
    file = inspect.getsourcefile(inspect.unwrap(factory)) if inspect.isroutine(factory) else None
    files = () if file is None else (Path(file),)
    setting = Setting.of(optimizer) if optimizer is not None and optimizer.is_proved else None
    return Question(problem, setting, Source(Path(text), files, LineMap("")), optimizer, given.get("reduction", "mean"))


def _named(returned: Any) -> Mapping[str, Any]:
    """Return what a factory returned by name."""
    if isinstance(returned, Mapping):
        given = dict(returned)
    elif isinstance(returned, tuple) and 3 <= len(returned) <= len(_POSITIONS):
        given = dict(zip(_POSITIONS, returned, strict=False))
    else:
        raise InputError(
            "a factory returns a module with its data",
            returned=type(returned).__name__,
            remedy="return module, inputs, targets, and then loss and optimizer, or a dict of these",
        )
    unknown = [str(name) for name in given if name not in _NAMES]
    if unknown:
        close = get_close_matches(unknown[0], _NAMES, n=1)
        remedy = f"did you mean {close[0]!r}?" if close else f"use {', '.join(_NAMES)}"
        raise InputError("the factory returned an unknown name", name=unknown[0], remedy=remedy)
    missing = [name for name in _POSITIONS[:3] if name not in given]
    if missing:
        raise InputError("the factory did not return all that is needed", missing=missing, remedy="add it to the dict")
    return {name: value for name, value in given.items() if value is not None or name in _POSITIONS[:3]}


def _region(given: Mapping[str, Any], problem: Problem | GraphProblem) -> Region:
    region = given.get("region")
    if region is None:
        radius = exact_float(given.get("radius", DEFAULT_RADIUS), "radius")
        return Ball(problem.initial_weights, radius)
    if not isinstance(region, Region):
        raise InputError("not a region", region=type(region).__name__, remedy="use verify.Ball, or give radius=")
    region.check_start(problem.initial_weights)
    return region


_KINDS = {torch.optim.Adam: "adam", torch.optim.AdamW: "adamw", torch.optim.RMSprop: "rmsprop"}


def _optimizer(given: Any) -> Optimizer | None:
    """Return the numbers of an optimiser of PyTorch, or of a dict such as ``{"lr": 0.1, "momentum": 0.9}``."""
    if given is None or isinstance(given, Optimizer):
        return given
    if isinstance(given, Mapping):
        known = ("lr", "momentum", "dampening", "nesterov", "weight_decay", "kind", "convention")
        unknown = [str(name) for name in given if name not in known]
        if unknown or "lr" not in given:
            raise InputError(
                "not an optimizer's numbers", found=sorted(map(str, given)), remedy=f"use {', '.join(known)}"
            )
        return Optimizer(**given)
    groups = getattr(given, "param_groups", None)
    if not isinstance(given, torch.optim.Optimizer) or not groups:
        raise InputError("not an optimizer", type=type(given).__name__, remedy="use torch.optim.SGD(...)")
    if type(given) is not torch.optim.SGD and type(given) not in _KINDS:
        remedy = "give torch.optim.SGD(...), or leave the optimizer out and watch it with verify.torch.Monitor"
        raise InputError("nothing is known of this optimizer in advance", optimizer=type(given).__name__, remedy=remedy)
    names = ("lr", "momentum", "dampening", "nesterov", "weight_decay", "maximize")
    settings = {tuple(group.get(name, 0) for name in names) for group in groups}
    if len(settings) > 1:
        raise InputError(
            "the groups of the optimizer have settings of their own",
            groups=len(groups),
            remedy="give one group; weight decay by parameter goes into weight_decay={name: factor}",
        )
    lr, momentum, dampening, nesterov, decay, maximize = settings.pop()
    if maximize:
        raise InputError("the optimizer maximises", remedy="leave out maximize", maximize=maximize)
    if type(given) is torch.optim.SGD:
        return Optimizer(float(lr), float(momentum), float(dampening), bool(nesterov), float(decay))
    return Optimizer(float(lr), weight_decay=float(decay), kind=_KINDS[type(given)])  # type: ignore[arg-type]
