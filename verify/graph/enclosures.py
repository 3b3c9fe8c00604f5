"""The error of a graph and its gradient, enclosed: the exact real numbers for these weights and data."""

from __future__ import annotations

import numpy as np

from verify.arithmetic.interval_joins import concatenate
from verify.arithmetic.intervals import Interval
from verify.graph.evaluation import Values, evaluate, intervals_in
from verify.graph.graph import Graph
from verify.graph.places import HOST, Place
from verify.graph.reverse import AdjointGraph
from verify.graph.rounding import error_bound

_NARROW = 2.0**-20
"""Distance, relative to E, that is small enough not to ask for intervals as well: their cost is that of a gradient."""


def enclosed_error(graph: Graph, weighted: AdjointGraph, values: Values, place: Place = HOST) -> tuple[float, float]:
    """Return float64 numbers lo <= E <= hi.

    Rounding is weighted by adjoints (`verify.graph.rounding`); where that says little, E is evaluated in intervals.

    Parameters
    ----------
    graph : Graph
        With one output of shape ``()``.
    weighted : AdjointGraph
        What `weighted_graph` makes of it.
    values : mapping of Leaf to array
        Exact float64 numbers of every leaf.
    place : Place
        Where it is computed.
    """
    found = error_bound(weighted, values, place)
    ends = ends_of(Interval(np.array(found.value), np.array(found.distance)))
    if found.distance <= _NARROW * abs(found.value):
        return ends
    lower, upper = ends_of(evaluate(graph, values, intervals_in(place))[0])
    return max(lower, ends[0]), min(upper, ends[1])


def enclosed_gradient(gradient: Graph, values: Values, place: Place = HOST) -> Interval:
    """Return an interval array, (P,), with the exact gradient, from the graph that `gradient_graph` makes."""
    parts = evaluate(gradient, values, intervals_in(place))[1:]
    return concatenate([part.reshape(-1) for part in parts])


def ends_of(enclosure: Interval) -> tuple[float, float]:
    """Return both ends of one interval, of shape ``()``."""
    return float(enclosure.lower), float(enclosure.upper)
