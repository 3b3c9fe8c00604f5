"""Results of a function at many independent tasks: from processes of one's own, or from workers of a Dask scheduler.

One interface stands before both, that of `concurrent.futures`. Results come in the order of the tasks and each counts
once, whoever computed it and however often: a worker that dies takes no result with it, because its tasks are given to
another one. So the answer does not depend on the number of workers, nor on their fate.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

from verify.outcomes import InputError
from verify.workers.pool import Pool, WorkerLostError
from verify.workers.processes import Processes

__all__ = ["Workers", "check_workers", "results"]

Workers = int | str
"""How many processes of one's own, or the address of a scheduler, such as ``tcp://10.0.0.1:8786``."""

_AHEAD = 64
"""Packets beyond two for each process that wait: enough for many workers, few enough for their memory."""
_LOSSES = 3
"""Workers lost without a new result after which the tasks themselves are taken to be the cause."""
_SCHEMES = ("tcp://", "tls://", "ws://", "wss://", "ucx://")

Task = TypeVar("Task")
Result = TypeVar("Result")


@contextmanager
def results(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    workers: Workers,
    chunksize: int,
    prepare: Callable[..., None] | None = None,
    arguments: tuple[Any, ...] = (),
) -> Iterator[Iterator[Result]]:
    """Give the results of a function at every task, in order.

    Whatever ends the block early, an interrupt too, kills processes of one's own, so that none of them writes a word;
    workers of a scheduler lose the tasks that wait.

    Parameters
    ----------
    function : callable
        Of a module, that every worker can import.
    tasks : iterable
    workers : int or str
    chunksize : int
        Tasks that are sent together.
    prepare : callable, optional
        Called in each worker before its first task.
    arguments : tuple
        Of `prepare`.

    Raises
    ------
    InputError
        If there is no such scheduler, it is lost, or workers die again and again.
    """
    pool = _pool(check_workers(workers), function, prepare, arguments)
    try:
        yield _in_order(pool, iter(tasks), chunksize)
    except BaseException:
        pool.kill()
        raise
    finally:
        pool.close()


def check_workers(workers: Any) -> Workers:
    """Return a number of processes or an address, or raise `InputError`.

    Examples
    --------
    >>> check_workers(2), check_workers("tcp://127.0.0.1:8786")
    (2, 'tcp://127.0.0.1:8786')
    """
    if isinstance(workers, str) and workers.startswith(_SCHEMES):
        return workers
    if isinstance(workers, str):
        raise InputError("not the address of a scheduler", scheduler=workers, remedy="write tcp://host:port")
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise InputError("the number of workers must be a positive integer", workers=workers, remedy="use workers=2")
    return workers


def _pool(
    workers: Workers, function: Callable[..., Any], prepare: Callable[..., None] | None, arguments: tuple[Any, ...]
) -> Pool:
    if isinstance(workers, int):
        return Processes(workers, function, prepare, arguments)
    from verify.workers.scheduler import Scheduler

    return Scheduler(workers, function, prepare, arguments)


def _in_order(pool: Pool, tasks: Iterator[Any], chunksize: int) -> Iterator[Any]:
    """Yield every result once; what a lost worker had is computed again."""
    waiting: deque[tuple[list[Any], Future[list[Any]]]] = deque()
    losses, exhausted = 0, False
    while True:
        while not exhausted and len(waiting) < 2 * pool.size + _AHEAD:
            packet = list(itertools.islice(tasks, chunksize))
            exhausted = not packet
            if packet:
                waiting.append((packet, _submitted(pool, packet)))
        if not waiting:
            return
        try:
            found = waiting[0][1].result()
        except WorkerLostError as error:
            losses += 1
            if losses >= _LOSSES:
                raise InputError(
                    "workers die again and again",
                    workers=pool.name,
                    lost=losses,
                    remedy="give them more memory, or use fewer; in a script write if __name__ == '__main__':",
                ) from error
            pool.renew()
            waiting = deque((p, own if _is_there(own) else _submitted(pool, p)) for p, own in waiting)
            continue
        waiting.popleft()
        losses = 0
        yield from found


def _is_there(found: Future[list[Any]]) -> bool:
    return found.done() and not found.cancelled() and found.exception() is None


def _submitted(pool: Pool, packet: list[Any]) -> Future[list[Any]]:
    return pool.submit(packet)
