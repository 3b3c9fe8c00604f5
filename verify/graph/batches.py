"""The problems of mini-batches of an error that is known to be a sum over its samples."""

from __future__ import annotations

from fractions import Fraction
from typing import final

from verify.arithmetic.environment import certified_environment
from verify.calculus.batches import ConsecutiveBatches
from verify.graph.chunks import constants_of
from verify.graph.graph import Graph
from verify.graph.problem import GraphProblem
from verify.graph.samples import graph_of_samples
from verify.graph.tensor import GraphBuilder
from verify.operations.leaves import Parameter
from verify.outcomes import InputError


@final
class GraphBatches(ConsecutiveBatches[GraphProblem]):
    """The batches of a problem, consecutive samples each, made when they are asked for; weight decay is that of all.

    Parameters
    ----------
    problem : GraphProblem
    batch : int
        Samples a batch; the last one may have fewer.
    mean : bool
        Whether the error, weight decay apart, is a mean over the n samples: that of a batch of b is n/b times the sum
        of its samples' terms then, else this sum.

    Raises
    ------
    InputError
        If the size is no positive number, the error is not known to be a sum over the samples, or a part of it belongs
        to no sample.

    Examples
    --------
    >>> builder = GraphBuilder()
    >>> graph = builder.build((builder.parameter("w", ()) * builder.constant("x", (3,))).square().mean())
    >>> problem = GraphProblem(graph, {"x": [1.0, 2.0, 3.0]}, [1.0])
    >>> [part.error([1.0]) for part in GraphBatches(problem, 2, mean=True)]
    [2.5, 9.0]
    """

    @certified_environment(products=False)
    def __init__(self, problem: GraphProblem, batch: int, *, mean: bool) -> None:
        if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
            raise InputError("the size of a batch must be a positive integer", batch=batch, remedy="use batch=64")
        super().__init__(problem.samples.count, batch)
        self.problem, self._mean = problem, mean
        self._graphs: dict[int, Graph] = {}
        try:
            self._graph(min(batch, problem.samples.count))
        except InputError as error:
            raise InputError(
                "the error cannot be cut into batches",
                where=error.where or problem.name,
                because=error.what,
                remedy="guard epochs in your own loop with verify.torch.EpochGuard",
            ) from None

    def _of(self, rows: slice) -> GraphProblem:
        problem = self.problem
        return GraphProblem(
            self._graph(rows.stop - rows.start),
            {leaf.label: value for leaf, value in constants_of(problem, rows).items()},
            problem.initial_weights,
            problem.weight_decay,
            region=problem.region,
            name=f"{problem.name}: samples {rows.start}-{rows.stop - 1}",
        )

    def _graph(self, count: int) -> Graph:
        """Return the graph of a batch of so many samples."""
        if count not in self._graphs:
            whole, samples = self.problem.network, self.problem.samples
            cut, other = (graph_of_samples(whole, samples, count, shared=each) for each in (False, True))
            labels = [[leaf.label for leaf in graph.leaves(Parameter)] for graph in (whole, cut)]
            if cut.fingerprint() != other.fingerprint() or labels[0] != labels[1]:
                raise InputError(
                    "a part of the error belongs to no sample",
                    network=self.problem.name,
                    remedy="set it as weight_decay",
                )
            builder = GraphBuilder()
            error = builder.include(cut)[cut.outputs[0]]
            factor = Fraction(samples.count, count) if self._mean else Fraction(1)
            self._graphs[count] = builder.build(error.scale(factor))
        return self._graphs[count]
