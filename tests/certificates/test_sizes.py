"""A certificate of a few numbers that claims a huge network is refused before anything is allocated."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import pytest

import verify
from verify import InputError
from verify.certificates.checker import check_certificate
from verify.certificates.checker.network import Network
from verify.certificates.document import ENTRIES_PER_NUMBER, FREE_ENTRIES, check_sizes

X = {"width": 2}
LAST = {"width": 1, "activation": "tanh", "inputs": ["x"]}


def free(width: int, source: Any, **more: Any) -> dict[str, Any]:
    """A vertex that needs no weights, however wide it is."""
    return {"width": width, "activation": "tanh", "bias": False, "inputs": [source], **more}


def dense_chain(layers: int) -> dict[str, Any]:
    nodes: dict[str, Any] = {"x": X, "y": LAST}
    source = "x"
    for index in range(layers):
        nodes[f"h{index}"] = {"width": 3000, "activation": "tanh", "inputs": [source]}
        source = f"h{index}"
    return nodes


WIDE = free(3000, {"from": "x", "kind": "concat", "offset": 0})
PADDED = {"from": "x", "kind": "conv2d", "channels": 1, "kernel": [1, 1], "padding": [499, 499]}
NETWORKS: dict[str, dict[str, Any]] = {
    "dense layers": dense_chain(1),
    "many dense layers": dense_chain(20),
    "identity of a wide layer": {"x": X, "h": WIDE, "k": free(3000, {"from": "h", "kind": "identity"}), "y": LAST},
    "padding": {
        "x": {"shape": [2, 1, 1]},
        "c": {"shape": [1, 999, 999], "activation": "tanh", "bias": False, "inputs": [PADDED]},
        "y": LAST,
    },
}


@pytest.mark.parametrize("nodes", NETWORKS.values(), ids=NETWORKS)
def test_widths_without_numbers_are_refused_at_once(nodes: dict[str, Any]) -> None:
    problem = verify.Problem(verify.Architecture.from_data({"x": X, "y": LAST}, output="y"), [[0.5, 1.0]], [[0.0]])
    certificate = verify.certify(problem, "step", weights=[0.5, 0.25, 0.1])
    certificate["model"] = {"nodes": nodes, "outputs": ["y"]}
    size = Network(certificate["model"]).size
    certificate["weights"] = certificate["weights"][:1] * min(size, 10)
    tracemalloc.start()
    try:
        start = time.process_time()
        with pytest.raises(InputError, match=r"too large for the weights and data|weights and model disagree"):
            check_certificate(certificate)
        assert time.process_time() - start < 1.0
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def test_the_limit_is_exact() -> None:
    class Edge:
        def __init__(self, width_in: int, width_out: int, row: int) -> None:
            self.width_in, self.width_out, self.row = width_in, width_out, row

    numbers = 7
    limit = FREE_ENTRIES + ENTRIES_PER_NUMBER * numbers
    for edges in (
        [Edge(1, limit, 1)],
        [Edge(1, 1, limit)],
        [Edge(limit, 1, 1)],
        [Edge(1, limit - 6, 1), Edge(2, 3, 1)],
    ):
        check_sizes(edges, numbers)
        with pytest.raises(InputError, match=f"entries={limit + 1}, limit={limit}, numbers=7; certify with more"):
            check_sizes([*edges, Edge(1, 1, 1)], numbers)
