"""The error of many samples in a memory-mapped table, and a campaign, by one process, several, and a Dask cluster.

    python benchmarks/workers.py [--samples 10000000 --networks 24]

Every answer is compared with that of one process, bit for bit. Of every pool with more than one worker one is killed
with SIGKILL in the middle. Seconds are those of the clock and count for something on a machine that does nothing else.
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
from typing import Any

import numpy as np

import verify
from verify.campaign.run import run_campaign

COLUMNS = 4
KILLED_AFTER = 0.4
"""Share of the time of one process, divided by the workers, after which one is killed."""


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


def children() -> list[int]:
    """Return the processes that were started by this one, workers of nannies included, the youngest last."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
    found, waiting = [], [os.getpid()]
    while waiting:
        own = sorted(pid for pid, parent in parents.items() if parent == waiting[0])
        found, waiting = found + own, [*waiting[1:], *own]
    return [pid for pid in found if b"spawn_main" in command_of(pid)]


def command_of(pid: int) -> bytes:
    """Return the command line of a process, nothing if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@contextmanager
def one_killed(count: int, seconds: float) -> Iterator[list[int]]:
    """Kill the last of so many workers some seconds after all are there; the list holds its number then."""
    killed: list[int] = []
    over = threading.Event()

    def kill() -> None:
        while len(children()) < count and not over.wait(0.1):
            pass
        if not over.wait(seconds):
            killed.append(children()[-1])
            os.kill(killed[0], signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def measure(name: str, compute: Callable[[Any], Any]) -> None:
    """Print a line for each pool."""
    from distributed import LocalCluster

    start = time.perf_counter()
    alone = compute(1)
    seconds = time.perf_counter() - start
    print(f"| {name} | this process | {seconds:.1f} | 1 | | |", flush=True)
    for count in (2, 4):
        with one_killed(count, KILLED_AFTER * seconds / count) as killed:
            line(name, f"{count} processes", compute, count, seconds, alone, killed)
        with (
            LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None) as cluster,
            one_killed(count, KILLED_AFTER * seconds / count) as killed,
        ):
            line(name, f"Dask, {count} workers", compute, cluster.scheduler_address, seconds, alone, killed)


def line(
    name: str, who: str, compute: Callable[[Any], Any], workers: Any, seconds: float, alone: Any, killed: list[int]
) -> None:
    """Compute by workers and print what came of it."""
    start = time.perf_counter()
    found = compute(workers)
    own = time.perf_counter() - start
    same = "equal" if found == alone else "DIFFERENT"
    print(f"| {name} | {who} | {own:.1f} | {own / seconds:.2f} | {len(killed)} | {same} |", flush=True)


def main() -> None:
    """Run both measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=10**7)
    parser.add_argument("--networks", type=int, default=24)
    given = parser.parse_args()
    command = f"python benchmarks/workers.py --samples {given.samples} --networks {given.networks}"
    print(f"`{command}`, dagverify {verify.__version__}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| what | who | seconds | of one process | killed | answer |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.samples:
            problem = problem_of(folder, given.samples)
            measure(
                f"error of {given.samples} samples", lambda workers: verify.error_by_workers(problem, workers=workers)
            )
        numbers = iter(range(100))

        def campaign(workers: Any) -> bytes:
            path = folder / f"campaign{next(numbers)}"
            run_campaign(path, networks=given.networks, steps=4 * given.networks, attacks=8, seed=1, workers=workers)
            return path.read_bytes()

        if given.networks:
            measure(f"campaign of {given.networks} networks", campaign)


if __name__ == "__main__":
    main()
