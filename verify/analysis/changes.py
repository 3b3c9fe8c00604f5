"""Changes of a spec file that may make the curvature smaller: each is the problem that the edited file describes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.bounds.regions import BoundedWeights, from_data
from verify.calculus.problem import Problem
from verify.graph.problem import GraphProblem
from verify.outcomes import InputError
from verify.spec.graph_problem import INPUTS, TARGETS, loss_of

if TYPE_CHECKING:
    from verify.calculus.objective import Objective
    from verify.spec import Specification

Tables = dict[str, Any]

_ACTIVATIONS = ("tanh", "sigmoid", "softplus")
_RADIUS_DIVISORS = (2, 10)
_SCALES = ("minmax", "standard")
_UNSCALED = 1.0
_SIZES = ("width", "features", "channels", "units")
_LEAST_HALVED = 2


@dataclass(frozen=True)
class Change:
    """One change, not yet made.

    Parameters
    ----------
    kind : {"radius", "width", "skip", "activation", "data", "targets", "weights"}
    words : str
        What is changed, in the words of the spec file.
    make : callable
        Returns the changed problem, or raises InputError: the reason why the change is not possible.
    """

    kind: str
    words: str
    make: Callable[[], Objective]


def possible_changes(specification: Specification) -> Iterator[Change]:
    """Yield the changes that make sense for a specification; making one may still be refused.

    Parameters
    ----------
    specification : Specification
        With a region.
    """
    tables = specification.document.tables
    yield from _regions(specification, tables)
    yield from _widths(specification, tables)
    yield from _skips(specification, tables)
    yield from _activations(specification, tables)
    yield from _data(specification, tables)
    yield from _targets(specification)
    yield Change("weights", "initial weights halved", lambda: _with_smaller_weights(specification))


def _edit(specification: Specification, kind: str, words: str, edit: Callable[[Tables], None]) -> Change:
    def make() -> Objective:
        from verify.spec.specification import build_specification

        tables = copy.deepcopy(specification.document.tables)
        edit(tables)
        return build_specification(specification.document.with_tables(tables)).problem

    return Change(kind, words, make)


def _regions(specification: Specification, tables: Tables) -> Iterator[Change]:
    for divisor in _RADIUS_DIVISORS:

        def edit(changed: Tables, divisor: int = divisor) -> None:
            region = changed["region"]
            if "radius" in region:
                region["radius"] /= divisor
            else:
                region["radii"] = {name: radius / divisor for name, radius in region["radii"].items()}

        yield _edit(specification, "radius", f"region's radius / {divisor}", edit)


def _hidden(tables: Tables, specification: Specification) -> list[str]:
    outputs = _outputs(specification)
    return [name for name, node in tables.get("nodes", {}).items() if node.get("inputs") and name not in outputs]


def _outputs(specification: Specification) -> list[str]:
    if isinstance(specification.problem, Problem):
        return list(specification.problem.architecture.outputs)
    named = specification.document.content.output
    return named if isinstance(named, list) else [] if named is None else [named]


def _widths(specification: Specification, tables: Tables) -> Iterator[Change]:
    """Half the width of each hidden vertex, and of all that identity edges tie together."""
    hidden = _hidden(tables, specification)
    groups: list[tuple[str, ...]] = [(name,) for name in hidden]
    groups += [tied for tied in _tied_by_identities(tables) if len(tied) > 1 and set(tied) <= set(hidden)]
    for names in groups:
        what, size = _size(tables["nodes"][names[0]])
        if size < _LEAST_HALVED:
            continue

        def edit(changed: Tables, names: tuple[str, ...] = names) -> None:
            for name in names:
                _halve(changed["nodes"][name])

        yield _edit(specification, "width", f"{', '.join(names)}: {what} {size} -> {size // 2}", edit)


def _size(node: Tables) -> tuple[str, int]:
    """Return the key that says how wide a vertex is, and its number; 0 where that follows from its inputs."""
    if "layer" not in node and "shape" in node:
        return "channels", node["shape"][0]
    return next(((key, node[key]) for key in _SIZES if isinstance(node.get(key), int)), ("width", 0))


def _halve(node: Tables) -> None:
    if "layer" in node:
        node[_size(node)[0]] //= 2
        return
    if "width" in node:
        node["width"] //= 2
    if "shape" in node:
        node["shape"][0] //= 2
    for entry in node["inputs"]:
        if _kind(entry) == "conv2d":
            entry["channels"] //= 2


def _tied_by_identities(tables: Tables) -> list[tuple[str, ...]]:
    groups = {name: {name} for name in tables.get("nodes", {})}
    for name, node in tables.get("nodes", {}).items():
        for entry in node.get("inputs", []):
            if _kind(entry) == "identity":
                joined = groups[name] | groups[_source(entry)]
                groups.update(dict.fromkeys(joined, joined))
    return sorted({tuple(sorted(group)) for group in groups.values()})


def _source(entry: Any) -> str:
    return entry if isinstance(entry, str) else entry["from"]


def _kind(entry: Any) -> str:
    return "dense" if isinstance(entry, str) else entry.get("kind", "dense")


def _skips(specification: Specification, tables: Tables) -> Iterator[Change]:
    """Edges into a sum beside which another way leads from their source to their target."""
    nodes = tables.get("nodes", {})
    edges = [(name, index, entry) for name, node in nodes.items() for index, entry in enumerate(node.get("inputs", []))]
    for name, index, entry in edges:
        if not _sums(nodes[name]):
            continue
        others = [(_source(each), target) for target, place, each in edges if (target, place) != (name, index)]
        if not _leads(_source(entry), name, others):
            continue

        def edit(changed: Tables, name: str = name, index: int = index) -> None:
            del changed["nodes"][name]["inputs"][index]

        kind = "" if "layer" in nodes[name] else f"{_kind(entry)} "
        words = f"{name}: without the {kind}edge from {_source(entry)}"
        yield _edit(specification, "skip", words, edit)


def _sums(node: Tables) -> bool:
    """Whether a vertex adds up what its inputs bring, and may lose one of several."""
    return "layer" not in node or (node["layer"] == "sum" and len(node["inputs"]) > 1)


def _leads(source: str, target: str, edges: list[tuple[str, str]]) -> bool:
    reached, frontier = {source}, [source]
    while frontier:
        here = frontier.pop()
        following = {end for start, end in edges if start == here} - reached
        reached |= following
        frontier += following
    return target in reached


def _activations(specification: Specification, tables: Tables) -> Iterator[Change]:
    nodes = tables.get("nodes", {})
    hidden = _hidden(tables, specification)
    users: dict[str, list[str]] = {}
    for name in hidden or _outputs(specification):
        activation = nodes[name].get("activation", "identity")
        if isinstance(activation, str) and activation != "identity":
            users.setdefault(activation, []).append(name)
    for old, names in users.items():
        for new in _ACTIVATIONS:
            if new == old:
                continue

            def edit(changed: Tables, names: list[str] = names, new: str = new) -> None:
                for name in names:
                    changed["nodes"][name]["activation"] = new

            yield _edit(specification, "activation", f"{', '.join(names)}: {old} -> {new}", edit)


def _data(specification: Specification, tables: Tables) -> Iterator[Change]:
    data = specification.document.content.data
    if data is None:
        return
    scales: list[str | float] = [scale for scale in _SCALES if scale != data.scale]
    if isinstance(data.scale, float):
        scales.append(2 * data.scale)
    elif data.scale == "none":
        largest = _largest(specification, INPUTS)
        scales += [largest] if largest > _UNSCALED else []
    tail = ", and the targets with it" if data.target == "input" else ""
    for scale in scales:

        def edit(changed: Tables, scale: str | float = scale) -> None:
            changed["data"]["scale"] = scale

        shown = f'"{scale}"' if isinstance(scale, str) else f"{scale:g}"
        yield _edit(specification, "data", f"data: scale = {shown}{tail}", edit)


def _targets(specification: Specification) -> Iterator[Change]:
    """Targets as numbers of size 1: for outputs that are no classes and not bounded by their activation."""
    data = specification.document.content.data
    if data is None or data.target != "label" or data.target_scale != "none" or _has_classes(specification):
        return
    largest = _largest(specification, TARGETS)
    if not largest > _UNSCALED:
        return
    scales: tuple[str | float, ...] = (float(f"{largest:.3g}"), "standard")
    for scale in scales:

        def edit(changed: Tables, scale: str | float = scale) -> None:
            changed["data"]["target_scale"] = scale

        shown = f'"{scale}"' if isinstance(scale, str) else f"{scale:g}"
        yield _edit(specification, "targets", f"targets: target_scale = {shown}, E in its units", edit)


def _has_classes(specification: Specification) -> bool:
    """Whether the targets say which class a sample has: by indicators, or by numbers for a loss that takes them."""
    if loss_of(specification.document.content.loss).takes_classes:
        return True
    targets = _array(specification, TARGETS)
    return targets.ndim > 1 and targets.shape[1] > 1 and bool(np.all((targets == 0) | (targets == 1)))


def _largest(specification: Specification, name: str) -> float:
    return float(np.max(np.abs(_array(specification, name)), initial=0.0))


def _array(specification: Specification, name: str) -> np.ndarray:
    problem = specification.problem
    if isinstance(problem, GraphProblem):
        return np.asarray(problem.constants.get(name, ()))
    return np.asarray(getattr(specification.classical("explain"), name))


def _with_smaller_weights(specification: Specification) -> Objective:
    problem, region = specification.problem, specification.problem.region
    if region is None or isinstance(region, BoundedWeights):
        raise InputError(
            "the region does not depend on the initial weights",
            region=region,
            remedy="give a ball around the initial weights",
        )
    w = 0.5 * problem.initial_weights
    moved = from_data(region.to_data(), w, specification.vertex_blocks)
    if isinstance(problem, GraphProblem):
        return GraphProblem(
            problem.network, problem.constants, w, problem.weight_decay, region=moved, name=problem.name
        )
    own = specification.classical("explain")
    return Problem(
        own.architecture,
        own.inputs,
        own.targets,
        own.loss,
        own.reduction,
        own.weight_decay,
        initial_weights=w,
        region=moved,
        name=own.name,
    )
