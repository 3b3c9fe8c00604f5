"""What a pool of workers offers, and the part of it that runs in a worker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


class WorkerLostError(Exception):
    """A worker died; what it was computing has no result."""


class Pool(ABC):
    """Computes packets of tasks.

    Attributes
    ----------
    size : int
        Packets that are computed at a time, as far as known.
    name : int or str
        As the user gave it.
    """

    size: int
    name: int | str

    @abstractmethod
    def submit(self, packet: list[Any]) -> Future[list[Any]]:
        """Return a future of the results; it raises `WorkerLostError` where these are lost."""

    @abstractmethod
    def renew(self) -> None:
        """Replace workers that were lost."""

    @abstractmethod
    def kill(self) -> None:
        """End at once what is being computed."""

    @abstractmethod
    def close(self) -> None:
        """Give back what the pool holds; nothing that waits is computed."""


def computed(function: Callable[[Any], Any], packet: list[Any]) -> list[Any]:
    """Return the results of a packet, in a worker."""
    return [function(task) for task in packet]
