"""The study of autoencoders: its smallest version runs and resumes, and what is committed follows from its records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

import verify

pytest.importorskip("skimage", reason="pip install 'dagverify[study]'")
pytest.importorskip("psnr_hvsm", reason="pip install 'dagverify[study]'")

from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from examples.autoencoder_study import __main__ as study
from examples.autoencoder_study import cells, comparisons, data, metrics, records, training
from examples.autoencoder_study.networks import KINDS, SEQUENTIAL, SKIPS, WIDER, autoencoder

RESULTS = study.FOLDER / "results"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the smallest version."""
    folder = tmp_path_factory.mktemp("study")
    assert study.main(["--out", str(folder)]) == 0
    return folder


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "cells.jsonl").read_text(encoding="utf-8").splitlines()]


def without_times(records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for record in records:
        runs = {rule: {**run, "seconds": 0.0} for rule, run in record.get("runs", {}).items()}
        yield {**record, "runs": runs}


def test_the_smallest_version_measures_every_cell(small: Path) -> None:
    plan = cells.SMALL
    found = [record for record in lines(small) if "cell" in record]
    assert [record["cell"] for record in found] == [cell.key for cell in plan.cells()]
    for record in found:
        certified = record["runs"][training.CERTIFIED]
        assert certified["verdicts"] == {"PROVED": plan.steps} and certified["increases"] == 0
        assert 0 < certified["decrease"] <= certified["curve"]["0"] * (1 + 1e-4) - certified["train_error"]
        assert record["runs"][training.ADAM]["steps"] == plan.unproved_steps
    bounded = [record["curvature"] for record in found if "curvature" in record]
    assert len(bounded) == len(KINDS) and all(each["start"] > 0 for each in bounded)
    assert all(each["tau_max"] <= each["eta"] for each in bounded)
    for name in ("tables.md", "digits.png", "training.svg"):
        assert (small / name).stat().st_size > 0


def test_a_study_that_was_stopped_goes_on(small: Path, tmp_path: Path) -> None:
    whole = (small / "cells.jsonl").read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    (tmp_path / "cells.jsonl").write_bytes(whole[: last + 40])
    assert study.main(["--out", str(tmp_path)]) == 0
    assert list(without_times(lines(tmp_path))) == list(without_times(lines(small)))


def test_a_study_that_is_done_runs_nothing(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path.name: path.read_bytes() for path in small.iterdir()}
    monkeypatch.delattr(study, "measured")
    assert study.main(["--out", str(small)]) == 0
    assert {path.name: path.read_bytes() for path in small.iterdir()} == before


def test_records_of_another_plan_are_refused(small: Path) -> None:
    other = cells.plain(replace(cells.SMALL, steps=13))
    with pytest.raises(verify.InputError, match="another plan"):
        records.read(small / "cells.jsonl", other)


@pytest.mark.slow
def test_what_is_committed_follows_from_its_records(tmp_path: Path) -> None:
    (tmp_path / "cells.jsonl").write_bytes((RESULTS / "cells.jsonl").read_bytes())
    assert study.main(["--full", "--tables", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "tables.md").read_text(encoding="utf-8") == (RESULTS / "tables.md").read_text(encoding="utf-8")
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in RESULTS.iterdir()}
    found = study.measured_so_far(cells.FULL, RESULTS / "cells.jsonl")
    certified = [record["runs"][training.CERTIFIED] for record in found]
    assert certified and all(set(run["verdicts"]) == {"PROVED"} and run["increases"] == 0 for run in certified)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("depth", [1, 2])
def test_nothing_passes_by_the_code(kind: str, depth: int) -> None:
    graph = autoencoder(kind, pixels=64, hidden=12, code=4, depth=depth).to_networkx()
    assert nx.has_path(graph, "x", "y")
    graph.remove_node("code")
    assert not nx.has_path(graph, "x", "y")


@pytest.mark.parametrize("depth", [1, 2])
def test_networks_that_are_compared_are_equally_large(depth: int) -> None:
    skips, sequential, wider = (autoencoder(kind, 64, 12, 4, depth) for kind in (SKIPS, SEQUENTIAL, WIDER))
    assert skips.vertices["encoder1"].width == sequential.vertices["encoder1"].width == 12
    width = wider.vertices["encoder1"].width
    assert sequential.size < wider.size <= skips.size < autoencoder(SEQUENTIAL, 64, width + 1, 4, depth).size


@pytest.mark.parametrize("name", data.DATA_SETS)
def test_no_test_image_is_trained_on(name: str) -> None:
    found, again, other = (data.DATA_SETS[name](60, seed) for seed in (1, 1, 2))
    assert found.train.shape == (60, found.pixels) and len(found.train_labels) == 60
    assert len(found.test) == len(found.test_labels) and len(set(found.train_labels)) > 1
    assert np.array_equal(found.train, again.train) and not np.array_equal(found.train, other.train)
    for images in (found.train, found.test):
        assert images.min() >= 0 and images.max() <= 1
    pictures = found.pictures(found.test)
    assert pictures.size == found.test.size and all(side % 8 == 0 for side in pictures.shape[1:])
    if name != "patches":  # two tiles of a photograph may be equal, they lie in different parts of it
        seen = {image.tobytes() for image in found.train}
        assert not any(image.tobytes() in seen for image in found.test)


def test_tiles_make_the_photograph_again() -> None:
    from sklearn.datasets import load_sample_image

    found = data.patches(10, 0)
    grey = load_sample_image("china.jpg")[:424, 432:640] @ np.array([0.299, 0.587, 0.114]) / 255.0
    assert np.array_equal(found.pictures(found.test)[0], grey)


def test_metrics_are_the_libraries_own() -> None:
    found = data.digits(60, 0)
    rng = np.random.default_rng(0)
    seen = np.clip(found.test + 0.1 * rng.standard_normal(found.test.shape), 0.0, 1.0)
    codes = found.train[:, 20:30], found.test[:, 20:30]
    measured = metrics._measured(found, seen, *codes)
    pairs = list(zip(found.pictures(found.test), found.pictures(seen), strict=True))
    one_by_one = [structural_similarity(*pair, win_size=7, data_range=1.0) for pair in pairs[:50]]
    assert metrics._similarity(*(np.array(each[:50]) for each in zip(*pairs, strict=True))) == pytest.approx(
        np.mean(one_by_one), rel=1e-12
    )
    assert measured["psnr"] == pytest.approx(peak_signal_noise_ratio(found.test, seen, data_range=1.0), rel=1e-12)
    assert measured["psnr_hvs_m"] > measured["psnr"]  # the eye is not so strict
    assert measured["error"] == pytest.approx(0.5 * np.mean(np.sum((found.test - seen) ** 2, axis=1)), rel=1e-12)
    same = metrics._measured(found, found.test, *codes)
    assert same["error"] == 0 and same["ssim"] == 1 and same["psnr"] == same["psnr_hvs_m"] == 100


def test_pca_is_what_the_singular_values_say() -> None:
    found = data.digits(60, 0)
    values = np.linalg.svd(found.train - found.train.mean(axis=0), compute_uv=False)
    measured = metrics.of_pca(found, 4)
    assert measured["train_error"] == pytest.approx(0.5 * np.sum(values[4:] ** 2) / 60, rel=1e-10)
    assert measured["half_error"] == pytest.approx(0.5 * np.sum(values[2:] ** 2) / 60, rel=1e-10)


@pytest.fixture(scope="module")
def tiny() -> verify.Problem:
    """Return a network of few weights."""
    images = np.random.default_rng(0).random((5, 4))
    return verify.Problem(autoencoder(SKIPS, 4, 3, 2), images, images)


def test_a_cell_that_lacks_a_bound_is_measured_again() -> None:
    cell = next(iter(cells.SMALL.cells()))
    asked = replace(cell, setting=replace(cell.setting, ends=1))
    record = {"curvature": {"start": 1.0, "end": None}}
    assert cells.answers(record, cell) and not cells.answers(record, asked)
    assert cells.answers({"curvature": {"start": 1.0, "end": 2.0}}, asked)
    assert not cells.answers({}, cell) and cells.answers({}, replace(cell, seed=1))


def test_the_bounds_are_those_about_both_ends(tiny: verify.Problem) -> None:
    end = tiny.initial_weights + 1.0
    record, (eta, tau) = cells._curvature(tiny, end)
    for key, center in (("start", tiny.initial_weights), ("end", end)):
        assert record[key] == verify.hessian_bound(tiny, verify.Ball(center, cells.RADIUS)).value
    assert (eta, tau) == (record["eta"], record["tau"]) and eta * record["start"] == pytest.approx(1.0)


def test_todays_practice_is_what_its_formulas_say(tiny: verify.Problem) -> None:
    start = tiny.initial_weights
    adam = training.unproved(tiny, start, 1, training.ADAM, 0.01)
    gradient = tiny.gradient(start)
    assert np.allclose(adam.weights, start - 0.01 * gradient / (np.abs(gradient) + 1e-8), rtol=0, atol=1e-14)
    ball = training.unproved(tiny, start, 2, training.HEAVY_BALL, 0.1)
    first = -0.1 * gradient
    second = 0.9 * first - 0.1 * tiny.gradient(start + first)
    assert np.allclose(ball.weights, start + first + second, rtol=0, atol=1e-15)
    along = [tiny.error(weights) for weights in (start, start + first, ball.weights)]
    assert list(ball.errors) == pytest.approx(along, rel=1e-12)


def test_a_run_counts_its_increases_and_steps() -> None:
    run = training.Run(np.array([4.0, 2.0, 3.0, 1.0]), np.zeros(1), 0.0)
    assert run.increases == 1 and run.steps_to(2.0) == 1 and run.steps_to(1.5) == 3 and run.steps_to(0.5) is None


def records_of(theirs: dict[str, Any], ours: dict[str, Any], pairs: int) -> list[dict[str, Any]]:
    return [
        {"setting": "s", "code": 4, "kind": kind, "seed": seed, "runs": {"r": {"steps": 9, **values}}}
        for kind, values in ((SKIPS, ours), (SEQUENTIAL, theirs))
        for seed in range(pairs)
    ]


@pytest.mark.parametrize("metric", comparisons.LEAST_IS_BEST)
def test_better_is_better(metric: str) -> None:
    better, worse = (1.0, 2.0) if comparisons.LEAST_IS_BEST[metric] else (2.0, 1.0)
    for ours, theirs, wins in ((better, worse, 6), (worse, better, 0)):
        found = comparisons.compared(records_of({metric: theirs}, {metric: ours}, 6), "s", "r", metric, SEQUENTIAL)
        assert found is not None
        assert found.wins == wins and found.median == (1.0 if wins else -1.0) and found.p == 2 / 2**6
    assert comparisons.compared([], "s", "r", metric, SEQUENTIAL) is None


def test_an_error_that_is_never_reached_counts_as_late() -> None:
    found = comparisons.compared(records_of({"steps_to": None}, {"steps_to": 4}, 2), "s", "r", "steps_to", SEQUENTIAL)
    assert found is not None and list(found.differences) == [6.0, 6.0]


def test_p_values() -> None:
    assert comparisons.p_value(np.zeros(5)) == comparisons.p_value(np.array([3.0])) == 1.0
    signs = np.array(np.meshgrid(*[[-1, 1]] * 7)).reshape(7, -1).T
    sample = np.array([0.3, -0.1, 0.7, 0.2, -0.4, 0.9, 0.5])
    means = (signs * sample).mean(axis=1)
    exact = np.mean(np.abs(means) >= abs(sample.mean()) * (1 - 1e-12))
    assert comparisons.p_value(sample) == pytest.approx(exact, rel=1e-12)
    assert comparisons.holm([0.01, 0.04, 0.02]) == pytest.approx([0.03, 0.04, 0.04], rel=1e-12)
    assert comparisons.holm([0.5, 0.9]) == [1.0, 1.0]
