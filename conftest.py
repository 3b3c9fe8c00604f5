"""Doctests of a part whose extra is not installed are not collected; a bounded sample of tests can be asked for."""

from __future__ import annotations

import importlib.util
import random

import pytest

_NEED = {
    "torch": ["verify/torch/*", "verify/importers/torch/*", "tests/zoo/modules.py"],
    "pytorch_lightning": ["verify/torch/lightning.py"],
    "transformers": ["verify/torch/hugging_face.py"],
    "onnx": [
        *(f"verify/importers/onnx/{name}.py" for name in ("reading", "evaluation", "evaluated", "replacing")),
        "tests/importers/onnx/m*.py",
    ],
}
collect_ignore_glob = [part for name, parts in _NEED.items() if not importlib.util.find_spec(name) for part in parts]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--sample", type=int, help="run so many tests, drawn by --sample-seed, of those that are selected")
    parser.addoption("--sample-seed", type=int, default=0)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    count = config.getoption("--sample")
    if count is not None and count < len(items):
        drawn = set(random.Random(config.getoption("--sample-seed")).sample(range(len(items)), count))
        config.hook.pytest_deselected(items=[item for place, item in enumerate(items) if place not in drawn])
        items[:] = [item for place, item in enumerate(items) if place in drawn]
