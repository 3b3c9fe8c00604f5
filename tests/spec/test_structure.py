"""Linting checks the graph, opens no data and stays fast on huge files."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from verify.outcomes import InputError
from verify.spec import lint


def test_counts(write_spec: Callable[..., Path]) -> None:
    structure = lint(write_spec())
    assert (structure.vertices, structure.edges, structure.parameters) == (3, 3, 9)


def test_data_and_weights_are_not_opened(write_spec: Callable[..., Path]) -> None:
    path = write_spec(
        ("x = [[0.0, 1.0], [0.5, -0.25]]\ny = [1.0, 0.0]\n", 'source = "npz:absent.npz"\n'),
        ("[region]", '[weights]\nnpz = "absent.npz"\n[region]'),
    )
    assert lint(path).vertices == 3


def test_the_graph_is_checked(write_spec: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="cycle"):
        lint(write_spec(('["x", {', '["x", "y", {')))


def test_heavy_libraries_stay_out(write_spec: Callable[..., Path]) -> None:
    code = (
        "import sys; from verify.spec import lint; lint(sys.argv[1]); "
        "print([name for name in ('sklearn', 'matplotlib', 'hypothesis', 'torch') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code, str(write_spec())], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_hundred_thousand_vertices_in_thirty_seconds(tmp_path: Path) -> None:
    path = tmp_path / "huge.toml"
    with path.open("w", encoding="utf-8") as stream:
        stream.write('output = "n99999"\n[nodes.n0]\nwidth = 1\n')
        for i in range(1, 100_000):
            stream.write(f'[nodes.n{i}]\nwidth = 1\nactivation = "tanh"\ninputs = ["n{i - 1}"')
            stream.write("]\n" if i // 2 == i - 1 else f', "n{i // 2}"]\n')
    start = time.process_time()
    assert lint(path).vertices == 100_000
    assert time.process_time() - start < 30
    changed = path.read_text(encoding="utf-8").replace('"n49998"', '"n4999B"', 1)
    path.write_text(changed, encoding="utf-8")
    with pytest.raises(InputError, match=r"huge\.toml:\d+: nodes\.n\d+\.inputs\[0\]: no such vertex: vertex='n4999B'"):
        lint(path)
