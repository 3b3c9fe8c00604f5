"""Error and gradient in Arb at the weights of many steps, by several processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import flint
import numpy as np
from flint import arb

from verify import workers
from verify.certificates.checker.claims import PRECISIONS
from verify.certificates.checker.functions import rational
from verify.certificates.checker.graph import GraphSubject, read_any_subject
from verify.certificates.checker.subject import Subject, euclidean_norm

_PACKET = 8


@dataclass
class Evaluation:
    """Enclosures at every row of weights: of E, and of the gradient where it was asked for."""

    subject: Subject | GraphSubject
    errors: list[Any]
    gradients: dict[int, list[Any]] = field(default_factory=dict)

    def root(self, step: int) -> Any:
        """Square root of E(weights[step])."""
        return self.errors[step].nonnegative_part().sqrt()

    def falls(self, first: int, last: int, weights: np.ndarray, decrease: float) -> bool:
        """Whether E(weights[last]) <= E(weights[first]) - decrease is certain, at rising precision."""
        if first == last:
            return decrease <= 0
        least = rational(decrease)
        change = self.errors[last] - self.errors[first] + least
        for precision in PRECISIONS[1:]:
            if change <= 0 or change > 0:
                break
            with flint.ctx.workprec(precision):
                before, after = (self.subject.error(weights[row].tolist()) for row in (first, last))
                change = after - before + least
        return bool(change <= 0)

    def momentum_within(self, step: int, weights: np.ndarray, eta: Any, tau: Any) -> bool:
        """Whether |D + eta g| <= tau |g| is certain for D = weights[step + 1] - weights[step]."""
        gradient = self.gradients[step]
        pairs = zip(weights[step].tolist(), weights[step + 1].tolist(), gradient, strict=True)
        momentum = [arb(after) - arb(before) + eta * slope for before, after, slope in pairs]
        return bool(euclidean_norm(momentum) <= tau * euclidean_norm(gradient))

    @staticmethod
    def distance(one: np.ndarray, other: np.ndarray) -> Any:
        """|one - other|."""
        return euclidean_norm([arb(a) - arb(b) for a, b in zip(one.tolist(), other.tolist(), strict=True)])


def evaluate(
    content: dict[str, Any],
    weights: np.ndarray,
    gradients_at: list[int],
    jobs: workers.Workers = 1,
    announce: Callable[[str], None] = lambda message: None,
) -> Evaluation:
    """Enclose E at every row of weights, and the gradient at some.

    Parameters
    ----------
    content : dict
        ``model``, ``objective``, ``data`` of a certificate.
    weights : array, shape (rows, P)
    gradients_at : list of int
        Rows.
    jobs : int or str
        Processes, or the address of a Dask scheduler.
    announce : callable
    """
    rows, wanted = len(weights), set(gradients_at)
    whole = {**content, "weights": [value.hex() for value in weights[0].tolist()]}
    tasks = [(weights[row].tolist(), row in wanted) for row in range(rows)]
    evaluation = Evaluation(read_any_subject(whole), [])

    def collect(results: Iterable[tuple[Any, Any]]) -> Evaluation:
        for row, (error, gradient) in enumerate(results):
            evaluation.errors.append(_unpacked(error))
            if gradient is not None:
                evaluation.gradients[row] = [_unpacked(entry) for entry in gradient]
            announce(f"evaluated the error at {row + 1} of {rows} weights")
        return evaluation

    if jobs == 1 or rows <= 2 * _PACKET:
        return collect(_evaluated(evaluation.subject, task) for task in tasks)
    with workers.results(
        _evaluated_here, tasks, workers=jobs, chunksize=_PACKET, prepare=_prepare, arguments=(whole,)
    ) as found:
        return collect(found)


_subjects: list[Subject | GraphSubject] = []
"""What a process evaluates."""


def _prepare(content: dict[str, Any]) -> None:
    _subjects[:] = [read_any_subject(content)]


def _evaluated_here(task: tuple[list[float], bool]) -> tuple[Any, Any]:
    return _evaluated(_subjects[0], task)


def _evaluated(subject: Subject | GraphSubject, task: tuple[list[float], bool]) -> tuple[Any, Any]:
    weights, with_gradient = task
    with flint.ctx.workprec(PRECISIONS[0]):
        gradient = None
        if with_gradient and isinstance(subject, Subject):
            gradient = [_packed(entry) for entry in subject.gradient(weights)]
        return _packed(subject.error(weights)), gradient


def _packed(ball: Any) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Midpoint and radius as integers times powers of two: balls cannot be sent between processes."""
    if not ball.is_finite():
        return None
    (middle, exponent), (radius, scale) = ball.mid().man_exp(), ball.rad().man_exp()
    return (int(middle), int(exponent)), (int(radius), int(scale))


def _unpacked(packed: tuple[tuple[int, int], tuple[int, int]] | None) -> Any:
    return arb("nan") if packed is None else arb(*packed)
