"""Remedies that name a setting are obeyed, word for word, and then the call succeeds.

A remedy that names a setting has one of three forms: ``use name = value``, ``use one of a, b`` (of the setting that was
refused) and ``leave out name``. All others are advice: which data, weights or widths would do, no program can choose.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import verify
from tests.sources import sources
from verify import losses
from verify.analysis.converge import converge
from verify.assumptions.small_momentum import Setting
from verify.bounds.attack import attack_hessian
from verify.calculus.batches import batches_of
from verify.losses import Loss
from verify.outcomes import InputError
from verify.theorems.optimizers import Optimizer
from verify.theorems.ranges import lasting_range_of, momentum_range
from verify.training.backoff import BackOff
from verify.training.chain import CertificateChain
from verify.training.epoch_rule import epoch_rule
from verify.training.train import train
from verify.workers import check_workers

NAMED = re.compile(r"([a-z_]+) ?(?:=|>=|<=|>) ?('[a-z_]+'|\"[a-z_]+\"|\w+\([^)]*\)|-?[\d.]+(?:e-?\d+)?|true|false)")
LISTED = re.compile(r"use (?:one of )?((?:'?[-a-z_]+'?(?:, | or )?)+)$")
DROPPED = re.compile(r"leave out ([a-z_]+)")
WORDS = {"true": True, "false": False}


def changes(error: InputError, given: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the arguments after each change that a remedy names."""
    remedy = str(error.remedy)
    for part in remedy.split(", or "):
        named = {name: _value(value) for name, value in NAMED.findall(part)}
        if named:
            yield given | named
        elif dropped := DROPPED.search(part):
            yield {name: value for name, value in given.items() if name != dropped[1]}
    if re.match("leave (it|them) out", remedy):
        gone = [name for name in error.values if given.get(name) is not None and name != "rule"]
        yield {name: value for name, value in given.items() if name not in gone}
    elif listed := LISTED.match(remedy):
        refused = next(name for name in error.values if name in given)
        for choice in re.split(", | or ", listed[1]):
            yield given | {refused: choice.strip("'")}


def _value(text: str) -> Any:
    return WORDS[text] if text in WORDS else ast.literal_eval(text)


def problem(**settings: Any) -> verify.Problem:
    nodes: dict[str, Any] = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    architecture = verify.Architecture.from_data(nodes, "y")
    w = architecture.initial_weights(seed=1)
    return verify.Problem(architecture, [[1.0], [-1.0]], [[0.5], [0.0]], region=verify.Ball(w, 0.1), **settings)


P = problem()


def named_loss(loss: str) -> Loss:
    return losses.loss(loss)


Call = tuple[Callable[..., Any], dict[str, Any]]
CALLS: dict[str, Call] = {
    "unknown rule": (train, {"problem": P, "steps": 1, "rule": "adam", "eta": 0.01, "tau": 0.0}),
    "mu of another rule": (train, {"problem": P, "steps": 1, "rule": "guarded", "mu": 0.5}),
    "eta of another rule": (train, {"problem": P, "steps": 1, "rule": "certified", "eta": 0.5, "tau": 0.5}),
    "unknown norm": (train, {"problem": P, "steps": 1, "rule": "fixed", "eta": 0.1, "tau": 0.0, "norm": "l1"}),
    "restart by vertex": (train, {"problem": P, "steps": 1, "rule": "restart", "eta": 0.1, "tau": 0, "norm": "vertex"}),
    "clipped by vertex": (train, {"problem": P, "steps": 1, "rule": "clipped", "eta": 0.1, "mu": 0, "norm": "vertex"}),
    "from rest by vertex": (
        train,
        {"problem": P, "steps": 1, "rule": "fixed", "eta": 0.01, "tau": 0, "norm": "vertex", "theorem": "from_rest"},
    ),
    "eta of epochs": (train, {"problem": P, "steps": 1, "rule": "epoch", "eta": 0.0, "batch": 1}),
    "mu of epochs": (train, {"problem": P, "steps": 1, "rule": "epoch", "eta": 0.1, "mu": 1.5, "batch": 1}),
    "batch of another rule": (train, {"problem": P, "steps": 1, "rule": "clipped", "eta": 0.1, "mu": 0, "batch": 1}),
    "seed of epochs": (lambda seed: epoch_rule(P, 1, 0.1, seed=seed), {"seed": -1}),
    "certificates of a run": (lambda kind: CertificateChain(None, kind), {"kind": "minimum"}),  # type: ignore[arg-type]
    "size of a batch": (batches_of, {"problem": P, "batch": 0}),
    "shrinking": (BackOff, {"shrink": 2.0}),
    "recovering": (BackOff, {"recover": 0}),
    "workers": (check_workers, {"workers": 0}),
    "method": (lambda method: verify.hessian_bound(P, method=method), {"method": "guess"}),
    "points of an attack": (attack_hessian, {"problem": P, "points": 0}),
    "points of a gradient": (lambda points: verify.check_gradient(P, P.gradient, points=points), {"points": 0}),
    "rule of converge": (converge, {"problem": P, "rule": "fixed", "steps": 2, "newton_steps": 1}),
    "theorem": (momentum_range, {"L": 1.0, "eta": 0.01, "theorem": "adam"}),
    "theorem of one step": (lasting_range_of, {"theorem": "nesterov"}),
    "reduction": (problem, {"reduction": "max"}),
    "loss of the classical class": (problem, {"loss": "mae"}),
    "loss": (named_loss, {"loss": "mae"}),
    "initialisation": (P.architecture.initial_weights, {"scheme": "he"}),
    "too large a learning rate": (momentum_range, {"L": 2.0, "eta": 3.0, "theorem": "sharp"}),
    "rule of momentum": (Setting, {"eta": 0.1, "tau": 0.1, "rule": "reset"}),
    "restart without tau": (Setting, {"eta": 0.1, "mu": 0.1, "rule": "restart"}),
    "restart by vertex as a setting": (Setting, {"eta": 0.1, "tau": 0.1, "rule": "restart", "norm": "vertex"}),
    "nesterov with tau": (Setting, {"eta": 0.1, "tau": 0.1, "nesterov": True}),
    "another optimizer": (lambda kind: Setting.of(Optimizer(0.1, kind=kind)), {"kind": "adam"}),
    "optimizer": (Optimizer, {"lr": 0.1, "kind": "lion"}),
    "convention": (Optimizer, {"lr": 0.1, "momentum": 0.5, "convention": "jax"}),
    "momentum of 1": (Optimizer, {"lr": 0.1, "momentum": 1.0}),
    "nesterov of averages": (Optimizer, {"lr": 0.1, "momentum": 0.5, "nesterov": True, "convention": "ema"}),
    "nesterov without momentum": (Optimizer, {"lr": 0.1, "nesterov": True}),
    "dampening of Keras": (Optimizer, {"lr": 0.1, "momentum": 0.5, "dampening": 0.5, "convention": "keras"}),
    "dampening of Nesterov": (Optimizer, {"lr": 0.1, "momentum": 0.5, "dampening": 0.5, "nesterov": True}),
    "dampening": (Optimizer, {"lr": 0.1, "momentum": 0.5, "dampening": 0.5}),
    "too much dampening": (Optimizer, {"lr": 0.1, "momentum": 0.5, "dampening": 1.5}),
}


@pytest.mark.parametrize("name", CALLS)
def test_obeying_is_enough(name: str) -> None:
    call, given = CALLS[name]
    with pytest.raises(InputError) as refused:
        call(**given)
    obeyed = 0
    for changed in changes(refused.value, given):
        assert changed != given, refused.value
        try:
            call(**changed)
        except InputError as error:  # of several choices some may need other settings than are given
            assert LISTED.match(str(refused.value.remedy)) and error.what != refused.value.what, refused.value
            continue
        obeyed += 1
    assert obeyed, refused.value


def named_in(source: str) -> Iterator[str]:
    """Yield the remedies in a program's text that name a setting and are no formatted strings."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg == "remedy" and isinstance(node.value, ast.Constant):
            text = str(node.value.value)
            listed = LISTED.match(text) and ("'" in text or "one of" in text)
            if (text.startswith("use ") and NAMED.search(text)) or listed or re.fullmatch(r"leave out [a-z_]+=?", text):
                yield text


ELSEWHERE = {
    "leave out curvature=": "of a monitor, which needs PyTorch",
    "leave out maximize": "of torch.optim.SGD, which needs PyTorch",
    "leave out tied": "a key of a spec file: the network is another one without it",
    "use Trainer(devices=1)": "of Lightning",
    "use budget >= 0": "tests/analysis/test_explain.py gives 0",
    "use alpha >= 0": "an estimator that scikit-learn has fitted has no other",
    "use chunk=512": "of a guard, which needs PyTorch",
    "use no scheduler; for steps of your own size make an optimiser with rule='fixed'": "of PyTorch's schedulers",
    "use one of them": "of an operation of PyTorch",
    "use seconds = 180": "a recommendation takes so long: tests/analysis/test_recommend.py gives less",
    "use verify.from_torch(module, inputs, targets, loss=...), which needs no mapping": "needs PyTorch",
    'use layer = "embedding"': "a key of a spec file, whose layer has keys of its own: tests/spec/test_vocabulary.py",
}
"""Remedies that are not obeyed here, and why."""


def test_every_named_setting_is_obeyed() -> None:
    seen = set()
    for call, given in CALLS.values():
        with pytest.raises(InputError) as refused:
            call(**given)
        seen.add(refused.value.remedy)
    found = {text: place for place, text_ in sources(r"remedy=") for text in named_in(text_)}
    missing = {text: place for text, place in found.items() if text not in seen and text not in ELSEWHERE}
    assert missing == {}, "obey it in CALLS, or say in ELSEWHERE why not"
    assert set(ELSEWHERE) <= set(found), "reasons for what is no more"
