"""Answers in a notebook: small tables, quiet and escaped, whatever the names."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest

import verify
from tests.reports.pages import evidence
from tests.reports.reading import active_parts, read_page
from verify.analysis.explain import Effect, Explanation
from verify.notebook import table

NAME = "<script>alert(1)</script>\"'&\u202e\x00"


@cache
def answers() -> dict[str, object]:
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    architecture = verify.Architecture.from_data(nodes, output="y")
    region = verify.Ball(architecture.initial_weights(), 0.1)
    problem = verify.Problem(architecture, [[1.0]], [[0.5]], region=region, name=NAME)
    w = problem.initial_weights
    weight = verify.GraphBuilder()
    graph = verify.GraphProblem(
        weight.build((weight.parameter(NAME, (1,)) - 1.0).square().sum()),
        {},
        [0.5],
        weight_decay={NAME: 0.1},
        name=NAME,
    )
    return {
        "graph problem": graph,
        "gradients": verify.prove_gradients(architecture),
        "wrong gradient": verify.check_gradient(problem, lambda w: 2 * problem.gradient(w)),
        "decision": verify.decide_decrease(problem, w, w - 100 * problem.gradient(w)),
        "one step": verify.one_step_ranges(problem, w),
        "minimum": verify.converge(problem, steps=3),
        "recommendation": verify.recommend(problem, steps=(1,), momenta=(0.0,), seconds=2.0),
        "explanation": Explanation(
            NAME,
            evidence("hostile").answer.curvature,
            (Effect("region", NAME, value=1.23456), Effect("data", "halved", refusal=NAME), Effect("width", "1")),
        ),
        "suite": verify.run_suite(problem, examples=2),
        "range": evidence("hostile").answer.ranges[0],
        "problem": problem,
        "bound": verify.hessian_bound(problem, region),
        "training": verify.train(problem, steps=2),
        "no steps": verify.Trajectory(np.array([0.5]), np.zeros(2), NAME),
        "check": evidence("hostile").answer,
        "report": evidence("hostile"),
    }


def test_answers_are_quiet_tables() -> None:
    for name, answer in answers().items():
        text = answer._repr_html_()  # type: ignore[attr-defined]
        root = read_page(re.sub(r' style="[a-z:;0-9-]*"', "", text))
        assert active_parts(root) == [], name
        assert len(root.find("table")) == 1 and root.find("caption")[0].text and root.find("th"), name
        assert root.find("script") == [] and "\u202e" not in text and "\x00" not in text
        assert len(text) < 20_000


def test_what_they_say() -> None:
    found = {name: read_page(answer._repr_html_()).text for name, answer in answers().items()}  # type: ignore[attr-defined]
    assert "<script>alert(1)</script>" in found["problem"] and "|w - w0| <= " in found["problem"]
    assert "✓ PROVED" in found["bound"] and "at most" in found["bound"]
    assert "2: 2 PROVED" in found["training"] and "0: none" in found["no steps"] and "PROVED" not in found["no steps"]
    assert "A4" in found["check"]
    assert "<script>alert(1)</script>" in found["graph problem"] and "0.1" in found["graph problem"]
    assert "✓ PROVED" in found["gradients"]
    assert "✕ REFUTED" in found["wrong gradient"] and "DIFFERS" in found["wrong gradient"]
    assert "✕ REFUTED" in found["decision"] and "53 bits" in found["decision"]
    assert "PROVED: " in found["one step"] and "in [" in found["minimum"]
    assert "L at most 1.235" in found["explanation"] and "no bound" in found["explanation"]
    assert "1 step" in found["recommendation"] and "0 of 2" in found["suite"] and "statement" in found["range"]


@pytest.mark.parametrize("count", [0, 40, 41, 1000])
def test_long_tables_are_counted(count: int) -> None:
    root = read_page(table("t", ((str(index), "x") for index in range(count)), "UNDECIDED"))
    assert len(root.find("tr")) == min(count, 41)
    assert (f"{count - 40} more" in root.text) == (count > 40)
    assert "? UNDECIDED" in root.text
