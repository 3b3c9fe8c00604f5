"""Processes of one's own, of the standard library: they leave Ctrl-C to their parent and end with it."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing.process import BaseProcess
from typing import Any, final

from verify.workers.pool import Pool, WorkerLostError, computed

_SINGLE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@final
class Processes(Pool):
    """Forks of a server that has imported the tasks' module: a fork of this process may hang, as it may have threads.

    The server is that of the standard library: it starts once in the life of this process, pays for the imports, and
    ends with it. What `prepare` needs lies in memory that the workers open. A pipe to a process that is killed while it
    starts would hold more than it takes, and this process, for ever.

    Parameters
    ----------
    count : int
    function : callable
    prepare : callable or None
    arguments : tuple
    """

    def __init__(
        self,
        count: int,
        function: Callable[[Any], Any],
        prepare: Callable[..., None] | None,
        arguments: tuple[Any, ...],
    ) -> None:
        self.size = self.name = count
        self._function = function
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([_module_of(function)])
        self._shared = os.memfd_create("dagverify")
        try:
            with os.fdopen(os.dup(self._shared), "wb") as stream:
                pickle.dump((prepare, arguments), stream, pickle.HIGHEST_PROTOCOL)
            self._pool = self._made()
        except BaseException:
            os.close(self._shared)
            raise

    def submit(self, packet: list[Any]) -> Future[list[Any]]:
        found: Future[list[Any]] = Future()
        try:
            with _interrupts_held_back(), _single_threaded_blas():
                own = self._pool.submit(computed, self._function, packet)
        except (BrokenProcessPool, EOFError, ConnectionError) as error:  # the last two of a server that is gone
            found.set_exception(WorkerLostError(str(error)))
            return found
        own.add_done_callback(lambda done: _handed_on(done, found))
        return found

    def renew(self) -> None:
        self.kill()
        self._pool.shutdown(cancel_futures=True)
        self._pool = self._made()

    def kill(self) -> None:
        processes: dict[int, BaseProcess] = getattr(self._pool, "_processes", None) or {}
        for process in list(processes.values()):
            process.kill()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        os.close(self._shared)

    def _made(self) -> ProcessPoolExecutor:
        place = f"/proc/{os.getpid()}/fd/{self._shared}"
        return ProcessPoolExecutor(self.size, self._context, _start, (place,))


def _module_of(function: Callable[..., Any]) -> str:
    return function.__module__ if not isinstance(function, partial) else _module_of(function.func)


def _handed_on(done: Future[list[Any]], found: Future[list[Any]]) -> None:
    """Give a future's outcome to another one, in words of `Pool`."""
    if done.cancelled():
        found.cancel()
    elif isinstance(error := done.exception(), BrokenProcessPool):
        found.set_exception(WorkerLostError(str(error)))
    elif error is not None:
        found.set_exception(error)
    else:
        found.set_result(done.result())


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Start processes that inherit a mask without SIGINT; one that arrives meanwhile is delivered at the end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(place: str) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=(parent,), daemon=True).start()
    with open(place, "rb") as stream:  # noqa: PTH123 -- no file: memory of the parent, which wrote it
        prepare, arguments = pickle.load(stream)  # noqa: S301 -- written by this package, in the parent
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
