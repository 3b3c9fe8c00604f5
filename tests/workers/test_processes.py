"""Processes of one's own: results in order, each once, also when a worker is killed in the middle."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from verify import InputError
from verify.workers import check_workers, results


def square(number: int) -> int:
    return number * number


def killed_once(task: tuple[str, int]) -> int:
    """Kill this process at task 5, unless somebody was killed there before."""
    place, number = task
    mark = Path(place) / "killed"
    if number == 5 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def killed_always(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def failing(number: int) -> int:
    raise InputError("a task failed", number=number, remedy="none")


def test_results_come_in_order() -> None:
    with results(square, range(25), workers=2, chunksize=3) as found:
        assert list(found) == [number * number for number in range(25)]


def test_a_worker_killed_in_the_middle_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    tasks = [(str(tmp_path), number) for number in range(12)]
    with results(killed_once, tasks, workers=2, chunksize=2) as found:
        assert list(found) == list(range(12))
    assert (tmp_path / "killed").exists()


def test_a_worker_killed_while_it_starts_holds_nobody_up() -> None:
    """With more to prepare it with than a pipe takes."""
    started = threading.Thread(target=kill_the_first_child)
    started.start()
    with results(length, range(4), workers=1, chunksize=1, prepare=keep, arguments=(b"x" * 2**21,)) as found:
        assert list(found) == [2**21] * 4
    started.join()


def kill_the_first_child() -> None:
    while not (own := multiprocessing.active_children()):
        time.sleep(0.001)
    if (pid := own[0].pid) is not None:
        os.kill(pid, signal.SIGKILL)


KEPT: list[bytes] = []


def keep(content: bytes) -> None:
    KEPT[:] = [content]


def length(_: int) -> int:
    return len(KEPT[0])


def test_tasks_that_kill_every_worker_end_in_words() -> None:
    with (
        pytest.raises(InputError, match="workers die again and again: workers=1, lost=3"),
        results(killed_always, range(2), workers=1, chunksize=1) as found,
    ):
        list(found)


def test_a_task_that_fails_fails_here() -> None:
    with (
        pytest.raises(InputError, match="a task failed: number=0"),
        results(failing, range(2), workers=1, chunksize=1) as found,
    ):
        list(found)


@pytest.mark.parametrize("workers", [0, -1, True, 2.0, None, "localhost", "http://x", ""])
def test_workers_are_checked(workers: object) -> None:
    with pytest.raises(InputError, match=r"positive integer|address of a scheduler"):
        check_workers(workers)
