"""The cells of the study: one network on one data set from one seed, trained in every way and measured."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import verify
from examples.autoencoder_study import metrics, training
from examples.autoencoder_study.data import DATA_SETS, DataSet
from examples.autoencoder_study.networks import KINDS, autoencoder
from verify.outcomes import Verdict
from verify.theorems.ranges import momentum_range, recommended

RADIUS = 0.1
"""Of the ball about the weights over which the curvature is bounded."""
_CURVE = 40
Record = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """A data set with the networks for it.

    Parameters
    ----------
    data : str
        A name in `DATA_SETS`.
    samples, hidden, depth : int
        Training samples; width and number of the hidden layers on both sides of the code.
    codes : tuple of int
        Bottlenecks.
    shown : int
        The one that is drawn, and for which L is bounded.
    starts, ends : int
        The numbers of seeds for which L is bounded about the first weights, then constant momentum is trained, and
        about the last.
    """

    data: str
    samples: int
    codes: tuple[int, ...]
    shown: int
    starts: int = 0
    ends: int = 0
    hidden: int = 12
    depth: int = 1

    @property
    def name(self) -> str:
        """The data set, and the depth if it is not 1."""
        return self.data if self.depth == 1 else f"{self.data}, {self.depth} layers"


@dataclass(frozen=True)
class Plan:
    """What is run: settings, seeds, steps of the rules with proof and, for about the same time, of those without."""

    settings: tuple[Setting, ...]
    seeds: int
    steps: int
    unproved_steps: int
    tuning_steps: int

    def cells(self) -> Iterator[Cell]:
        """Yield the cells, those at the codes that are shown first, so that what is done is worth most."""
        shown = [(setting, setting.shown, seed) for seed in range(self.seeds) for setting in self.settings]
        others = [
            (setting, code, seed)
            for setting in self.settings
            for code in setting.codes
            for seed in range(self.seeds)
            if code != setting.shown
        ]
        for setting, code, seed in sorted(shown + others, key=lambda place: place[0].depth):
            yield from (Cell(setting, code, kind, seed) for kind in KINDS)


SMALL = Plan(
    (Setting("digits", 40, (2,), 2, starts=1, hidden=4),),
    seeds=2,
    steps=12,
    unproved_steps=30,
    tuning_steps=10,
)
FULL = Plan(
    (
        Setting("digits", 200, (2, 4, 8), 4, starts=3, ends=3),
        Setting("patches", 200, (2, 4, 8), 4, starts=3, ends=3),
        Setting("faces", 120, (4, 8, 16), 8, starts=1, ends=1),
        Setting("digits", 200, (4,), 4, depth=2),
    ),
    seeds=5,
    steps=120,
    unproved_steps=360,
    tuning_steps=120,
)


@dataclass(frozen=True)
class Cell:
    """One network, from one seed of the split and of the weights."""

    setting: Setting
    code: int
    kind: str
    seed: int

    @property
    def key(self) -> str:
        """Names the cell in the file of records."""
        return f"{self.setting.name} / code {self.code} / {self.kind} / seed {self.seed}"

    def data(self) -> DataSet:
        """Return its data."""
        return DATA_SETS[self.setting.data](self.setting.samples, self.seed)

    def problem(self, data: DataSet) -> verify.Problem:
        """Return the network with the task of giving its inputs back."""
        setting = self.setting
        architecture = autoencoder(self.kind, data.pixels, setting.hidden, self.code, setting.depth)
        start = architecture.initial_weights("glorot", seed=self.seed)
        return verify.Problem(architecture, data.train, data.train, initial_weights=start, name=self.key)


def tuned(cell: Cell, steps: int) -> dict[str, float]:
    """Return the learning rates for a setting's network, found with its first seed and the code that is shown."""
    setting = cell.setting
    first = replace(cell, code=setting.shown, seed=0)
    problem = first.problem(first.data())
    start = problem.initial_weights
    return {rule: training.best_rate(problem, start, steps, rule) for rule in training.LEARNING_RATES}


def measured(cell: Cell, plan: Plan, rates: dict[str, float]) -> Record:
    """Train a cell in every way and return what is to be kept of it, as plain data."""
    data = cell.data()
    problem = cell.problem(data)
    pca = metrics.of_pca(data, cell.code)
    record: Record = {
        "cell": cell.key,
        "setting": cell.setting.name,
        "code": cell.code,
        "kind": cell.kind,
        "seed": cell.seed,
        "parameters": problem.size,
        "pca": pca,
        "rates": rates,
        "runs": {},
    }
    runs = {training.CERTIFIED: training.proved(problem, problem.initial_weights, plan.steps)}
    is_shown = cell.code == cell.setting.shown
    if is_shown and cell.seed < cell.setting.starts:
        has_end = cell.seed < cell.setting.ends
        record["curvature"], pair = _curvature(problem, runs[training.CERTIFIED].weights if has_end else None)
        runs[training.CONSTANT] = training.proved(problem, problem.initial_weights, plan.steps, pair)
    for rule, rate in rates.items():
        runs[rule] = training.unproved(problem, problem.initial_weights, plan.unproved_steps, rule, rate)
    for rule, run in runs.items():
        record["runs"][rule] = _kept(problem, run, data, pca["half_error"])
    if is_shown and cell.seed == 0:
        record["pictures"] = _pictures(problem, runs[training.CERTIFIED].weights, data, cell.code)
    return record


def _curvature(problem: verify.Problem, end: np.ndarray | None) -> tuple[Record, tuple[float, float]]:
    """Bound L about the first and the last weights, and say what follows; return the setting from the first."""
    first = verify.hessian_bound(problem, verify.Ball(problem.initial_weights, RADIUS)).value
    last = None if end is None else verify.hessian_bound(problem, verify.Ball(end, RADIUS)).value
    eta, tau = recommended(first)
    record = {"start": first, "end": last, "eta": eta, "tau": tau, "tau_max": momentum_range(first, 1.0 / first)[1]}
    return record, (eta, tau)


def _kept(problem: verify.Problem, run: training.Run, data: DataSet, threshold: float) -> Record:
    taken = len(run.errors) - 1
    places = np.unique(np.geomspace(1, taken + 1, _CURVE).astype(int) - 1)
    return {
        "steps": taken,
        "curve": {str(place): float(f"{run.errors[place]:.5g}") for place in places},
        "train_error": float(run.errors[-1]),
        "increases": run.increases,
        "verdicts": {verdict.name: run.verdicts.count(verdict) for verdict in Verdict if verdict in run.verdicts},
        "decrease": run.decrease,
        "travelled": float(np.linalg.norm(run.weights - problem.initial_weights)),
        "steps_to": run.steps_to(threshold),
        "seconds": run.seconds,
        **metrics.of_network(problem.architecture, run.weights, data),
    }


def _pictures(problem: verify.Problem, weights: np.ndarray, data: DataSet, code: int) -> Record:
    """Return some test images, as they are and as they come back, as text."""
    shown = {
        "original": data.test,
        "PCA": metrics.pca_reconstruction(data, code),
        "network": metrics.outputs(problem.architecture, weights, data.test)["y"],
    }
    pictures = {name: data.shown(np.clip(rows, 0.0, 1.0)) for name, rows in shown.items()}
    return {
        "shape": list(pictures["original"].shape),
        **{name: _text(images) for name, images in pictures.items()},
    }


def _text(images: np.ndarray) -> str:
    return base64.b64encode(np.round(255 * images).astype(np.uint8).tobytes()).decode("ascii")


def answers(record: Record, cell: Cell) -> bool:
    """Whether a record holds all that is asked of a cell: a study may be enlarged, then only what is missing is run."""
    bounded = record.get("curvature", {"start": None, "end": None})
    is_shown = cell.code == cell.setting.shown
    asked = {"start": is_shown and cell.seed < cell.setting.starts, "end": is_shown and cell.seed < cell.setting.ends}
    return all(bounded[key] is not None for key, is_asked in asked.items() if is_asked)


def plain(plan: Plan) -> Record:
    """Return what the numbers of every cell depend on, to compare with what a file of records was made by."""
    settings = {
        setting.name: {"samples": setting.samples, "hidden": setting.hidden, "shown": setting.shown}
        for setting in plan.settings
    }
    steps = {"steps": plan.steps, "unproved_steps": plan.unproved_steps, "tuning_steps": plan.tuning_steps}
    return {"settings": settings, "radius": RADIUS, **steps}
