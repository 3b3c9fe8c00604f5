"""Every module of the zoo: captured, in agreement with PyTorch, trained with a proof for every step."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import verify  # noqa: E402
from tests.zoo.modules import ZOO  # noqa: E402
from verify.importers.torch.problem import from_torch  # noqa: E402


@pytest.fixture(params=ZOO, ids=list(ZOO), scope="module")
def imported(request):
    made = ZOO[request.param]()
    return made, from_torch(made.module, made.inputs, made.targets, made.loss)


def test_the_parameters_are_the_modules(imported):
    made, problem = imported
    shapes = {name: tuple(p.shape) for name, p in made.module.named_parameters()}
    assert {block.label: block.shape for block in problem.blocks} == shapes


def test_weights_go_into_the_module_and_back(imported):
    made, problem = imported
    assert np.array_equal(problem.read(made.module), problem.initial_weights)
    moved = np.round(problem.initial_weights * 64) / 64  # float32 numbers
    problem.write(made.module, moved)
    assert np.array_equal(problem.read(made.module), moved)


def test_guarded_steps_are_proved(imported):
    _, problem = imported
    run = verify.train(problem, steps=3, rule="guarded")
    assert len(run.verdicts) == 3
    assert {verdict.name for verdict in run.verdicts} == {"PROVED"}


def test_certified_steps_are_proved_where_smooth(imported):
    made, problem = imported
    if made.smooth:
        run = verify.train(problem, steps=2, rule="certified")
        assert [verdict.name for verdict in run.verdicts] == ["PROVED", "PROVED"]
