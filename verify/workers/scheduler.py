"""Workers of a Dask scheduler that the user runs: on one machine, or on many."""

from __future__ import annotations

import sys
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, final

from verify.outcomes import DagverifyError, InputError
from verify.workers.pool import Pool, WorkerLostError, computed

_PATIENCE = "20s"
"""Until a scheduler that does not answer is given up."""


@final
class Scheduler(Pool):
    """A client of a scheduler, which may add and lose workers meanwhile.

    What `prepare` needs is a result of a task of its own, so that the scheduler makes it again where the worker that
    held it died. Every worker must run the version of this package that runs here.

    Parameters
    ----------
    address : str
    function : callable
    prepare : callable or None
    arguments : tuple

    Raises
    ------
    InputError
        If Dask is not installed, or no scheduler answers.
    """

    def __init__(
        self,
        address: str,
        function: Callable[[Any], Any],
        prepare: Callable[..., None] | None,
        arguments: tuple[Any, ...],
    ) -> None:
        try:
            from distributed import Client
        except ModuleNotFoundError as error:
            raise InputError(
                "Dask is not installed", scheduler=address, missing=error.name, remedy="pip install 'dagverify[dask]'"
            ) from None
        self.name = address
        try:
            self._client = Client(address, timeout=_PATIENCE, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                "no scheduler answers", scheduler=address, reason=str(error).splitlines()[0], remedy="start it, or wait"
            ) from None
        self.size = sum(self._client.nthreads().values())
        self._executor = self._client.get_executor(pure=False)
        token = uuid.uuid4().hex
        held = self._client.submit(_same, arguments, pure=False)
        self._job = (function, prepare, held, token, _version())

    def submit(self, packet: list[Any]) -> Future[list[Any]]:
        found: Future[list[Any]] = Future()
        own = self._executor.submit(_on_worker, *self._job, packet)
        own.add_done_callback(lambda done: self._handed_on(done, found))
        return found

    def _handed_on(self, done: Future[list[Any]], found: Future[list[Any]]) -> None:
        """Give a future's outcome to another one, in words of `Pool`."""
        if done.cancelled():
            found.set_exception(self._lost("its tasks were cancelled"))
            return
        error = done.exception()
        if error is None:
            found.set_result(done.result())
        elif type(error).__name__ == "KilledWorker":
            found.set_exception(WorkerLostError(str(error)))
        elif isinstance(error, DagverifyError):
            found.set_exception(error)
        elif isinstance(error, ImportError):
            found.set_exception(
                InputError(
                    "the workers cannot import this package",
                    scheduler=self.name,
                    reason=str(error),
                    remedy="install dagverify on every worker",
                )
            )
        elif isinstance(error, OSError):
            found.set_exception(self._lost(str(error)))
        else:
            found.set_exception(error)

    def _lost(self, reason: str) -> InputError:
        return InputError("the scheduler was lost", scheduler=self.name, reason=reason, remedy="start it and try again")

    def renew(self) -> None:
        self.size = sum(self._client.nthreads().values())

    def kill(self) -> None:
        self._executor.shutdown(wait=False)

    def close(self) -> None:
        self._client.close(timeout=_PATIENCE)


_ONE_AT_A_TIME = threading.Lock()
"""What a job prepared and the precision of Arb belong to a process: its threads take turns, whatever job they serve."""
_prepared: list[str] = []
"""The job that this process is prepared for."""


def _version() -> str:
    """Return the version of the package, whose root rests on higher floors than this file and is there already."""
    return str(sys.modules[__name__.partition(".")[0]].__dict__["__version__"])


def _same(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    return arguments


def _on_worker(
    function: Callable[[Any], Any],
    prepare: Callable[..., None] | None,
    arguments: tuple[Any, ...],
    token: str,
    version: str,
    packet: list[Any],
) -> list[Any]:
    """Compute a packet; the process is prepared before the first one of its job."""
    if (own := _version()) != version:
        raise InputError(
            "a worker runs another version", version=own, expected=version, remedy="install the same everywhere"
        )
    with _ONE_AT_A_TIME:
        if _prepared != [token]:
            _prepared.clear()
            if prepare is not None:
                prepare(*arguments)
            _prepared.append(token)
        return computed(function, packet)
