"""The error of many samples in a memory-mapped table, and a campaign, by one process, several, and a Dask cluster.

    python benchmarks/workers.py [--samples 10000000 --networks 12]

Every answer is compared with that of one process, bit for bit. Of every pool one worker is killed with SIGKILL, when it
has computed for `KILLED_AFTER` of its share of the processor time of one process. A pool's start is measured by a small
job before. Processor time is that of this process and of all that it started; Linux, for that.
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import verify

COLUMNS = 4
KILLED_AFTER = 0.4
"""Share of the processor time of one process, divided by the workers, after which one is killed."""
_TICKS = os.sysconf("SC_CLK_TCK")


def problem_of(folder: Path, samples: int) -> verify.Problem:
    """Write a table of random numbers and return the problem of a small network on it."""
    rng = np.random.default_rng(0)
    for name, width in (("x", COLUMNS), ("y", 1)):
        table = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float64, (samples, width))
        for start in range(0, samples, 2**16):
            rows = table[start : start + 2**16]
            rows[:] = rng.normal(size=rows.shape)
        table.flush()
    nodes: dict[str, Any] = {"x": {"width": COLUMNS}, "h": {"width": 8, "activation": "tanh", "inputs": ["x"]}}
    nodes["y"] = {"width": 1, "activation": "identity", "inputs": ["h", "x"]}
    x, y = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in "xy")
    return verify.Problem(verify.Architecture.from_data(nodes, output="y"), x, y)


class Process(NamedTuple):
    """What Linux tells of a process; seconds of those that it has waited for stand apart."""

    parent: int
    seconds: float
    of_ended: float
    command: str


def started() -> dict[int, Process]:
    """Return this process and all that it started, directly or not, the youngest last."""
    all_of_them = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                command = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            own, ended = (sum(map(int, fields[first : first + 2])) / _TICKS for first in (11, 13))
            all_of_them[int(entry.name)] = Process(int(fields[1]), own, ended, command)
    found, waiting = {}, [os.getpid()]
    while waiting:
        pid = waiting.pop(0)
        found[pid] = all_of_them[pid]
        waiting += sorted(other for other, process in all_of_them.items() if process.parent == pid)
    return found


def processor_seconds() -> float:
    """Return the seconds that this process and all that it started have taken, those that ended included."""
    return sum(process.seconds + process.of_ended for process in started().values())


def workers() -> dict[int, Process]:
    """Return the workers of a Dask cluster, which are spawned, or forks of the server of forks."""
    found = started()
    servers = {pid for pid, process in found.items() if "forkserver" in process.command}
    return {
        pid: process
        for pid, process in found.items()
        if "spawn_main" in process.command or (pid in servers and process.parent in servers)
    }


@contextmanager
def one_killed(count: int, seconds: float) -> Iterator[list[int]]:
    """Kill the first of so many workers that has computed for some seconds; the list holds its number then."""
    killed: list[int] = []
    over = threading.Event()
    before = workers()

    def kill() -> None:
        while not over.wait(0.02):
            found = workers()
            for pid, process in found.items() if len(found) >= count else ():
                if process.seconds >= seconds + (before[pid].seconds if pid in before else 0.0):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
                    return

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


class Taken(NamedTuple):
    """What a computation gave and took."""

    answer: Any
    seconds: float
    processor: float


def timed(compute: Callable[[], Any]) -> Taken:
    """Compute."""
    processor, clock = processor_seconds(), time.perf_counter()
    answer = compute()
    return Taken(answer, time.perf_counter() - clock, processor_seconds() - processor)


def measure(name: str, compute: Callable[[Any], Any], small: Callable[[Any], Any]) -> None:
    """Print a line for each pool, which has done a small job before."""
    from distributed import LocalCluster

    small(1)
    alone = timed(lambda: compute(1))
    print(f"| {name} | this process | | {alone.seconds:.1f} | 1 | {alone.processor:.1f} | 1 | | |", flush=True)
    for count in (2, 4):
        line(name, f"{count} processes", compute, small, count, count, alone)
        with LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None) as cluster:
            line(name, f"Dask, {count} workers", compute, small, count, cluster.scheduler_address, alone)


def line(
    name: str,
    who: str,
    compute: Callable[[Any], Any],
    small: Callable[[Any], Any],
    count: int,
    address: Any,
    alone: Taken,
) -> None:
    """Compute by workers, of which one is killed, and print what came of it."""
    start = timed(lambda: small(address))
    with one_killed(count, KILLED_AFTER * alone.processor / count) as killed:
        found = timed(lambda: compute(address))
    same = "equal" if found.answer == alone.answer else "DIFFERENT"
    print(
        f"| {name} | {who} | {start.processor:.1f} | {found.seconds:.1f} | {found.seconds / alone.seconds:.2f} "
        f"| {found.processor:.1f} | {found.processor / alone.processor:.2f} | {len(killed)} | {same} |",
        flush=True,
    )


def main() -> None:
    """Run both measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=10**7)
    parser.add_argument("--networks", type=int, default=12)
    given = parser.parse_args()
    command = f"python benchmarks/workers.py --samples {given.samples} --networks {given.networks}"
    print(f"`{command}`, dagverify {verify.__version__}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| what | by | start, processor s | clock, s | ratio | processor, s | ratio | killed | answer |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.samples:
            measure_error(folder, given.samples)
        if given.networks:
            measure_campaign(folder, given.networks)


def measure_error(folder: Path, samples: int) -> None:
    """Measure the rigorous error of a table of random numbers."""
    (folder / "small").mkdir()
    few, many = problem_of(folder / "small", 2 * 10**5), problem_of(folder, samples)
    measure(
        f"error of {samples} samples",
        lambda by: verify.error_by_workers(many, workers=by),
        lambda by: verify.error_by_workers(few, workers=by),
    )


def measure_campaign(folder: Path, networks: int) -> None:
    """Measure a campaign, whose bytes are compared."""
    from verify.campaign.run import run_campaign

    numbers = iter(range(100))

    def campaign(networks: int, by: Any) -> bytes:
        path = folder / f"campaign{next(numbers)}"
        run_campaign(path, networks=networks, steps=4 * networks, attacks=8, seed=1, workers=by)
        return path.read_bytes()

    measure(f"campaign of {networks} networks", lambda by: campaign(networks, by), lambda by: campaign(1, by))


if __name__ == "__main__":
    main()
