"""A problem written as TOML and read back is the same problem, bit for bit."""

from __future__ import annotations

import string
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.architecture import Architecture
from verify.assumptions.small_momentum import Setting
from verify.bounds.regions import Ball, BoundedWeights
from verify.calculus.problem import NotCoveredError, Problem
from verify.outcomes import InputError, Verdict
from verify.spec import load_specification, to_toml
from verify.spec.document import read_document

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))
CLASSICAL = [path for path in EXAMPLES if read_document(path).content.is_classical]
finite = st.floats(allow_nan=False, allow_infinity=False)
names = st.text(string.ascii_letters + string.digits + "_-.:é", min_size=1, max_size=8).filter(
    lambda s: s[0] not in "-.:"
)


def test_a_network_of_the_whole_vocabulary_is_refused() -> None:
    with pytest.raises(NotCoveredError, match="to_toml"):
        to_toml(load_specification(EXAMPLES[0].with_name("text_attention.toml")).problem)


@pytest.mark.parametrize("path", CLASSICAL, ids=lambda path: path.stem)
def test_examples_survive(path: Path, tmp_path: Path) -> None:
    before = load_specification(path)
    copy = tmp_path / "copy.toml"
    copy.write_text(to_toml(before.problem, before.momentum), encoding="utf-8")
    after = load_specification(copy)
    assert_same(before.problem, after.problem)
    assert after.momentum == before.momentum


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_random_problems_survive(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    source, target = data.draw(st.lists(names, min_size=2, max_size=2, unique_by=str.casefold))
    activation = data.draw(st.sampled_from(["tanh", "sigmoid", {"expr": "x*tanh(x)"}]))
    architecture = Architecture.from_data(
        {
            source: {"width": 2},
            target: {
                "width": 2,
                "activation": activation,
                "inputs": [source, {"from": source, "kind": "identity"}],
                "bias": data.draw(st.booleans()),
            },
        },
        target,
    )
    rows = st.lists(st.lists(finite, min_size=2, max_size=2), min_size=2, max_size=2)
    w = np.array(data.draw(st.lists(finite, min_size=architecture.size, max_size=architecture.size)))
    bounded = [BoundedWeights(radius) for radius in (3.0, sys.float_info.max)]
    problem = Problem(
        architecture,
        np.array(data.draw(rows)),
        np.array(data.draw(rows)),
        reduction=data.draw(st.sampled_from(["mean", "sum"])),
        weight_decay=data.draw(st.floats(0, 1e300)),
        initial_weights=w,
        region=data.draw(
            st.sampled_from([None, Ball(w, 0.25), *(each for each in bounded if each.contains(w) is Verdict.PROVED)])
        ),
        name=data.draw(st.text(st.characters(codec="utf-8"), max_size=20)),
    )
    path = tmp_path_factory.mktemp("spec") / "spec.toml"
    path.write_text(to_toml(problem, Setting(eta=0.1, mu=0.5)), encoding="utf-8")
    assert_same(problem, load_specification(path).problem)


def test_a_ball_around_other_weights_cannot_be_written(write_spec: Callable[..., Path]) -> None:
    problem = load_specification(write_spec()).problem
    with pytest.raises(InputError, match=r"region: the region's centre is not the weights: distance="):
        to_toml(problem, weights=problem.initial_weights + 1)


def assert_same(first: Problem, second: Problem) -> None:
    assert second.architecture == first.architecture
    assert second.name == first.name
    assert (second.loss, second.reduction, second.weight_decay) == (
        first.loss,
        first.reduction,
        first.weight_decay,
    )
    for before, after in (
        (first.inputs, second.inputs),
        (first.targets, second.targets),
        (first.initial_weights, second.initial_weights),
    ):
        assert before.tobytes() == after.tobytes()
    assert type(second.region) is type(first.region)
    assert getattr(second.region, "radius", None) == getattr(first.region, "radius", None)
