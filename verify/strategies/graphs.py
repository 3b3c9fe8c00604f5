"""Networks of the whole vocabulary: every registered operation, function, layer and loss is drawn."""

from __future__ import annotations

from typing import final

from hypothesis import note
from hypothesis import strategies as st

from verify.graph.graph import Graph
from verify.graph.problem import GraphProblem
from verify.operations.choices import Choices
from verify.properties.drawn_graphs import REACH, Vocabulary, drawn_problem
from verify.strategies.reproduction import to_python


@final
class _Drawn(Choices):
    """Choices that Hypothesis makes, and shrinks to the least numbers."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def wholes(self, count: int, least: int, most: int) -> list[int]:
        return self._draw(st.lists(st.integers(least, most), min_size=count, max_size=count))


@st.composite
def graph_problems(
    draw: st.DrawFn, vocabulary: Vocabulary | None = None, *, max_steps: int = 6, radius: float = REACH / 2
) -> GraphProblem:
    """Strategy of problems of the whole vocabulary, with a ball around their first weights as region.

    A failing test prints the problem as Python that builds it again.

    Parameters
    ----------
    vocabulary : Vocabulary, optional
        What is drawn; default: everything that is registered, functions and losses with kinks included.
    max_steps : int
        Operations and layers beside the loss.
    radius : float
        Of the region; every operation is defined up to `verify.properties.drawn_graphs.REACH` from the first weights.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> simplest = find(graph_problems(), lambda each: True, settings=settings(database=None))
    >>> simplest.size
    1
    """
    problem = drawn_problem(_Drawn(draw), vocabulary, most_steps=max_steps, radius=radius)
    note(f"The problem in Python:\n\n{to_python(problem)}")
    return problem


def graphs(vocabulary: Vocabulary | None = None, *, max_steps: int = 6) -> st.SearchStrategy[Graph]:
    """Strategy of graphs with one scalar output, of the whole vocabulary.

    Parameters
    ----------
    vocabulary : Vocabulary, optional
    max_steps : int
    """
    return graph_problems(vocabulary, max_steps=max_steps).map(lambda problem: problem.graph)
