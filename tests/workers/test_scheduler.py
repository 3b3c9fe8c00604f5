"""A Dask cluster gives the results of one process, bit for bit, whatever becomes of its workers."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

distributed = pytest.importorskip("distributed")

from tests.networks import residual_nodes  # noqa: E402 -- only where Dask is installed
from tests.training.conftest import small_problem  # noqa: E402
from tests.training.test_epoch_rule import rule_of  # noqa: E402
from verify import (  # noqa: E402
    Architecture,
    InputError,
    Problem,
    error_by_workers,
    gradient_by_workers,
    segment_bound,
    segment_by_workers,
)
from verify.campaign.run import run_campaign  # noqa: E402
from verify.certificates.run_checker import check_run  # noqa: E402
from verify.training.evaluation import error_range  # noqa: E402
from verify.training.run_folder import RunFolder  # noqa: E402
from verify.training.session import Session  # noqa: E402
from verify.workers import results, scheduler  # noqa: E402

pytestmark = [pytest.mark.dask, pytest.mark.filterwarnings("ignore")]
SAMPLES = 40_000


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two workers with two threads each; a test adds two more."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as made:
        yield made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("table"), np.random.default_rng(0)
    np.save(folder / "x.npy", rng.normal(size=(SAMPLES, 2)))
    np.save(folder / "y.npy", rng.normal(size=(SAMPLES, 1)))
    return folder


def mapped(folder: Path) -> Problem:
    nodes = {"x": {"width": 2}, "h": {"width": 3, "activation": "tanh", "inputs": ["x"]}}
    nodes["y"] = {"width": 1, "activation": "identity", "inputs": ["h", "x"]}
    x, y = (np.load(folder / name, mmap_mode="r") for name in ("x.npy", "y.npy"))
    return Problem(Architecture.from_data(nodes, output="y"), x, y)


def killed_once(task: tuple[str, int]) -> int:
    place, number = task
    mark = Path(place) / "killed"
    if number == 7 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def prepared(place: str) -> None:
    os.environ["PREPARED_FOR"] = place


def reading(number: int) -> tuple[int, str | None]:
    return number, os.environ.get("PREPARED_FOR")


def failing(number: int) -> int:
    raise InputError("a task failed", number=number, remedy="none")


def test_the_error_of_a_mapped_table_is_that_of_one_process(cluster: Any, folder: Path) -> None:
    problem = mapped(folder)
    alone = error_range(problem, problem.initial_weights)
    assert error_by_workers(problem, workers=cluster.scheduler_address) == alone
    assert error_by_workers(problem, workers=2) == alone
    cluster.scale(4)
    cluster.wait_for_workers(4)
    assert error_by_workers(problem, workers=cluster.scheduler_address) == alone


def test_gradient_and_segment_bound_are_those_of_one_process(cluster: Any, folder: Path) -> None:
    problem = mapped(folder)
    w = problem.initial_weights
    direction, alone = -problem.gradient(w), problem.gradient_enclosure(w)
    for workers in (cluster.scheduler_address, 2):
        found = gradient_by_workers(problem, w, workers=workers)
        assert np.array_equal(found.mid, alone.mid)
        assert np.array_equal(found.rad, alone.rad)
        for length in (0.1, 100.0):  # the longer one carries a second polynomial
            bound = segment_by_workers(problem, w, direction, length, workers=workers)
            assert bound == segment_bound(problem, w, direction, length)
    assert len(bound.polynomials) == 2


def test_jobs_at_one_time_do_not_mix(cluster: Any, folder: Path) -> None:
    """Both prepare the same processes."""
    problem = mapped(folder)
    weights = [problem.initial_weights * factor for factor in (0.5, 1.0, 2.0)]
    with ThreadPoolExecutor(3) as threads:
        found = threads.map(lambda w: error_by_workers(problem, w, workers=cluster.scheduler_address), weights)
        assert list(found) == [error_range(problem, w) for w in weights]


@pytest.mark.parametrize("count", [2, 4])
def test_a_worker_killed_in_the_middle_loses_nothing_and_counts_nothing_twice(
    cluster: Any, count: int, tmp_path: Path
) -> None:
    cluster.scale(count)
    cluster.wait_for_workers(count)
    tasks = [(str(tmp_path), number) for number in range(20)]
    with results(killed_once, tasks, workers=cluster.scheduler_address, chunksize=2) as found:
        assert list(found) == list(range(20))
    assert (tmp_path / "killed").exists()
    with results(
        reading, range(20), workers=cluster.scheduler_address, chunksize=1, prepare=prepared, arguments=("here",)
    ) as found:
        assert list(found) == [(number, "here") for number in range(20)]


def test_other_data_on_a_worker_are_refused(cluster: Any, folder: Path) -> None:
    problem = mapped(folder)
    with (folder / "x.npy").open("r+b") as stream:
        stream.seek(-8, os.SEEK_END)
        last = stream.read(8)
        stream.seek(-8, os.SEEK_END)
        stream.write(b"\0" * 8)
    try:
        with pytest.raises(InputError, match="the data were changed"):
            error_by_workers(problem, workers=cluster.scheduler_address)
    finally:
        with (folder / "x.npy").open("r+b") as stream:
            stream.seek(-8, os.SEEK_END)
            stream.write(last)


def test_a_campaign_writes_the_same_bytes(cluster: Any, tmp_path: Path) -> None:
    small: dict[str, Any] = {"networks": 6, "steps": 6, "attacks": 12, "vocabulary": "classical", "method": "norms"}
    for name, workers in (("one", 1), ("many", cluster.scheduler_address)):
        run_campaign(tmp_path / name, **small, workers=workers)
    assert (tmp_path / "many").read_bytes() == (tmp_path / "one").read_bytes()


def test_a_run_is_rechecked_to_the_same_answer(cluster: Any, tmp_path: Path) -> None:
    problem = small_problem(residual_nodes("tanh", "identity"))
    session, folder = Session(problem, rule_of(problem, eta=0.05)), RunFolder(tmp_path / "run", "steps", 10)
    folder.start(session, {"rule": "epoch"})
    folder.run(session, 20)
    alone = check_run(tmp_path / "run")
    assert alone["verdict"] == "PROVED"
    assert check_run(tmp_path / "run", jobs=cluster.scheduler_address) == alone


def test_a_task_that_fails_fails_here(cluster: Any) -> None:
    with (
        pytest.raises(InputError, match="a task failed: number=0"),
        results(failing, range(2), workers=cluster.scheduler_address, chunksize=1) as found,
    ):
        list(found)


def test_where_no_scheduler_answers(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(scheduler, "_PATIENCE", "1s")
    with pytest.raises(InputError, match=r"no scheduler answers: scheduler='tcp://127\.0\.0\.1:9'"):
        error_by_workers(mapped(folder), workers="tcp://127.0.0.1:9")


def test_workers_of_another_version_are_refused(cluster: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.__version__", "0.0.0")
    with pytest.raises(InputError, match=r"another version: version='.*', expected='0\.0\.0'"):
        error_by_workers(mapped(folder), workers=cluster.scheduler_address)


def test_a_scheduler_that_goes_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "_PATIENCE", "2s")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as short,
        pytest.raises(InputError, match="the scheduler was lost"),
        results(reading, range(50), workers=short.scheduler_address, chunksize=1) as found,
    ):
        next(found)
        short.close()
        list(found)
