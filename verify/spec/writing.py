"""A problem written as a spec file that reproduces it bit for bit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.lengths import length
from verify.calculus.problem import classical
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.assumptions.small_momentum import Setting
    from verify.bounds.regions import Region
    from verify.calculus.objective import Objective
    from verify.calculus.problem import Problem
    from verify.theorems.optimizers import Optimizer

Section = tuple[str, Mapping[str, Any]]
"""Title and content of a table."""
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_WIDE = 100


@certified_environment(products=False)
def to_toml(problem: Objective, setting: Setting | None = None, *, weights: Any = None) -> str:
    """Return the text of a spec file with inline data and weights.

    Parameters
    ----------
    problem : Problem
        What the file is to reproduce; its region is written too.
    setting : Setting, optional
        Learning rate and momentum for the ``[momentum]`` table.
    weights : array, shape (P,), optional
        Weights to write, by default the problem's initial weights. A ball's centre must be these.

    Returns
    -------
    str
        TOML; `load_specification` reads the same numbers back.

    Raises
    ------
    InputError
        If the region is a ball around other weights, which a spec file cannot say.

    Examples
    --------
    >>> from verify.spec import load_problem
    >>> to_toml(load_problem("examples/xor_skip.toml")).splitlines()[0]
    'name = "xor-skip"'
    """
    problem = classical(problem, "to_toml")
    w = problem.initial_weights if weights is None else problem.check_weights(weights)
    header, nodes = network_tables(problem)
    samples = {"x": np.asarray(problem.inputs, dtype=float), "y": np.asarray(problem.targets, dtype=float)}
    sections: list[Section] = [("data", samples), *nodes, ("weights", {"w": w})]
    if problem.region is not None:
        sections.append(("region", region_table(problem.region, w)))
    if setting is not None:
        given = set_values(setting)
        given.pop("optimizer", None)
        sections.append(("momentum", given))
    return spec_text(header, sections)


def spec_text(header: Mapping[str, Any], sections: Iterable[Section]) -> str:
    """Return the text of a spec file from its plain keys and its tables."""
    lines = _pairs(header)
    for title, table in sections:
        lines += ["", f"[{title}]", *_pairs(table)]
    return "\n".join(lines) + "\n"


def network_tables(problem: Problem) -> tuple[dict[str, Any], list[Section]]:
    """Return the plain keys of a problem's spec file, and a table for every vertex."""
    network = problem.architecture.to_data()
    header = {
        "name": problem.name,
        "loss": problem.loss,
        "reduction": problem.reduction,
        "weight_decay": problem.weight_decay,
        "output": network["output"],
    }
    return header, [(f"nodes.{_key(name)}", node) for name, node in network["nodes"].items()]


def set_values(settings: Setting | Optimizer) -> dict[str, Any]:
    """Return the numbers of a setting that are not their defaults, by name."""
    given = {each.name: (getattr(settings, each.name), each.default) for each in fields(settings)}
    return {name: value for name, (value, default) in given.items() if value != default}


def region_table(region: Region, w: np.ndarray) -> dict[str, Any]:
    """Return the ``[region]`` table of a region whose centre is the first weights.

    Raises
    ------
    InputError
        If it is another.
    """
    centre = getattr(region, "center", None)
    if centre is not None and not np.array_equal(centre, w):
        raise InputError(
            "the region's centre is not the weights",
            where="region",
            distance=length(np.asarray(centre) - w),
            remedy="write the weights of the centre, or a region of kind 'bounded'",
        )
    return region.to_data()


def _pairs(table: Mapping[str, Any]) -> list[str]:
    return [f"{_key(name)} = {_value(value)}" for name, value in table.items()]


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else quoted(name)


def quoted(text: str) -> str:
    """Return a text as a TOML string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return repr(float(value))
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(name)} = {_value(item)}" for name, item in value.items()) + "}"
    items = [_value(item) for item in value]
    one_line = "[" + ", ".join(items) + "]"
    return one_line if len(one_line) <= _WIDE else "[\n" + "".join(f"  {item},\n" for item in items) + "]"
