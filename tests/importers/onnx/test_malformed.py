"""Damaged and hostile files, some of every kind of the benchmark: one line each, or a model that still is one."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

pytest.importorskip("onnx")
sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))

import malformed_onnx
from malformed_onnx_files import KINDS, made, network

from tests.importers.onnx.models import InProcess
from verify.importers.onnx import problem as importer


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_are_answered_by_one_line(kind, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(importer, "Child", InProcess)
    for number in range(3):
        found = malformed_onnx.answer(made(kind, random.Random(f"{kind}-{number}")), tmp_path)
        assert found in ("refused", "imported"), f"{number}: {found}"


def test_the_network_itself_is_imported_and_a_traceback_is_seen(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(importer, "Child", InProcess)
    assert malformed_onnx.answer(network().SerializeToString(), tmp_path) == "imported"

    def broken(*arguments):
        raise KeyError("planted")

    monkeypatch.setattr(importer, "translate", broken)
    assert malformed_onnx.answer(network().SerializeToString(), tmp_path).startswith("KeyError")
