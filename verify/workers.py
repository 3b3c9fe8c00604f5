"""Worker processes that leave Ctrl-C to their parent and end with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

_SINGLE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
Task = TypeVar("Task")
Result = TypeVar("Result")


@contextmanager
def results(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    workers: int,
    chunksize: int,
    prepare: Callable[..., None] | None = None,
    arguments: tuple[Any, ...] = (),
) -> Iterator[Iterator[Result]]:
    """Give the results of a function at every task, in order, from spawned processes.

    Whatever ends the block early, an interrupt too, kills the workers: none of them writes a word.

    Parameters
    ----------
    function : callable
    tasks : iterable
    workers, chunksize : int
    prepare : callable, optional
        Called first in each worker.
    arguments : tuple
        Of `prepare`.
    """
    # Spawned: a fork of a process with threads may hang.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _start, (prepare, arguments))
    try:
        with _interrupts_held_back(), _single_threaded_blas():
            found = pool.map(function, tasks, chunksize=chunksize)
        yield found
    except BaseException:
        _kill(pool)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Start processes that inherit a mask without SIGINT; one that arrives meanwhile is delivered at the end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _kill(pool: ProcessPoolExecutor) -> None:
    processes: dict[int, BaseProcess] = getattr(pool, "_processes", None) or {}
    for process in list(processes.values()):
        process.kill()


def _start(prepare: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=(parent,), daemon=True).start()
    if prepare is not None:
        prepare(*arguments)


def _exit_after(process: BaseProcess) -> None:
    """End a worker whose parent was killed, rather than let it wait for work for ever."""
    process.join()
    os._exit(1)


@contextmanager
def _single_threaded_blas() -> Iterator[None]:
    """Let processes started within use one thread each."""
    before = {name: os.environ.get(name) for name in _SINGLE_THREAD}
    os.environ.update(dict.fromkeys(_SINGLE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
