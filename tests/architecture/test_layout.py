"""Where parameters stand in the weight vector, and how it is drawn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from verify.architecture import Architecture
from verify.arithmetic.intervals import Interval
from verify.outcomes import InputError

Nodes = dict[str, dict[str, Any]]


def images() -> Architecture:
    return Architecture.from_data(
        {
            "y": {"width": 2, "inputs": ["s", {"from": "s", "kind": "concat", "offset": 1}], "bias": False},
            "s": {"width": 1, "inputs": ["c"]},
            "c": {
                "shape": [3, 2, 2],
                "inputs": [{"from": "x", "kind": "conv2d", "channels": 3, "kernel": [2, 1]}],
                "bias": "channel",
            },
            "x": {"shape": [2, 3, 2]},
            "t": {"shape": [3, 2, 2], "inputs": [{"from": "c", "kind": "identity"}], "bias": False},
            "z": {"width": 1, "inputs": ["t"], "bias": False},
        },
        ["y", "z"],
    )


def test_parts_follow_the_file_and_within_a_vertex_its_inputs_then_its_bias() -> None:
    network = images()
    weights = np.arange(network.size, dtype=np.float64)
    parts = network.unflatten(weights)
    assert list(parts) == [("s", "y"), ("c", "s"), "s", ("x", "c", "conv2d"), "c", ("t", "z")]
    assert [part.shape for part in parts.values()] == [(2, 1), (1, 12), (1,), (3, 2, 2, 1), (3,), (1, 12)]
    assert np.array_equal(np.concatenate([part.ravel() for part in parts.values()]), weights)
    assert network.size == 2 + 12 + 1 + 12 + 3 + 12


def test_blocks_cover_the_vector_and_vertices_without_parameters_have_none() -> None:
    assert dict(images().blocks) == {
        "y": slice(0, 2),
        "s": slice(2, 15),
        "c": slice(15, 30),
        "z": slice(30, 42),
    }


def test_bias_keys() -> None:
    network = images()
    assert [network.bias_key(name) for name in network.vertices] == [None, "s", "c", None, None, None]


def test_parts_are_views() -> None:
    network = images()
    weights = network.initial_weights("zeros")
    network.unflatten(weights)["c"][1] = 5.0
    assert weights[15 + 12 + 1] == 5.0


def test_flatten_undoes_unflatten() -> None:
    network = images()
    weights = network.initial_weights("glorot", seed=3)
    assert np.array_equal(network.flatten(network.unflatten(weights)), weights)
    shuffled = dict(reversed(network.unflatten(weights).items()))
    assert np.array_equal(network.flatten(shuffled), weights)
    nested = {key: part.tolist() for key, part in network.unflatten(weights).items()}
    assert np.array_equal(network.flatten(nested), weights)


def test_intervals_are_flattened_and_unflattened_too() -> None:
    network = images()
    weights = Interval.from_midrad(np.arange(42.0), np.linspace(0, 1, 42))
    parts = network.unflatten(weights)
    assert parts["x", "c", "conv2d"].shape == (3, 2, 2, 1)
    parts["s"] = np.array([7.0])
    again = network.flatten(parts)
    expected = weights.mid.copy()
    expected[14] = 7.0
    assert np.array_equal(again.mid, expected)
    assert again.rad[14] == 0.0
    assert np.array_equal(np.delete(again.rad, 14), np.delete(weights.rad, 14))


def test_wrong_vectors_and_parts_are_refused() -> None:
    network = images()
    with pytest.raises(InputError, match=r"do not fit the network: shape=\(41,\), expected=\(42,\)"):
        network.unflatten(np.zeros(41))
    with pytest.raises(InputError, match=r"shape=\(1, 42\), expected=\(42,\)"):
        network.unflatten(np.zeros((1, 42)))
    parts = network.unflatten(np.zeros(42))
    with pytest.raises(InputError, match=r"missing=\['c'\], unknown=\[\]"):
        network.flatten({key: part for key, part in parts.items() if key != "c"})
    with pytest.raises(InputError, match=r"missing=\[\], unknown=\['q'\]"):
        network.flatten(parts | {"q": np.zeros(1)})
    with pytest.raises(InputError, match=r"wrong shape: part='c', shape=\(4,\), expected=\(3,\)"):
        network.flatten(parts | {"c": np.zeros(4)})


def test_single_precision_weights_are_taken_as_float64() -> None:
    parts = images().unflatten(np.full(42, 0.1, dtype=np.float32))
    assert all(part.dtype == np.float64 for part in parts.values())


def test_glorot_draws_every_part_from_one_generator_in_the_order_of_the_layout() -> None:
    generator = np.random.default_rng(11)

    def uniform(shape: tuple[int, ...], fans: int) -> np.ndarray:
        limit = math.sqrt(6 / fans)
        return generator.uniform(-limit, limit, size=shape).ravel()

    expected = np.concatenate(
        [
            uniform((2, 1), 1 + 2),
            uniform((1, 12), 12 + 1),
            np.zeros(1),
            uniform((3, 2, 2, 1), 2 * 2 * 1 + 3 * 2 * 1),
            np.zeros(3),
            uniform((1, 12), 12 + 1),
        ]
    )
    assert np.array_equal(images().initial_weights("glorot", seed=11), expected)


def test_zero_weights() -> None:
    assert not images().initial_weights("zeros").any()


@pytest.mark.parametrize(
    ("scheme", "seed", "message"),
    [
        ("he", 0, "unknown initialisation: scheme='he'; use one of glorot, zeros"),
        ("glorot", -1, "seed must be at least 0: seed=-1"),
        ("glorot", 0.5, "seed must be a whole number: type='float', seed=0.5"),
        ("glorot", None, "seed must be a whole number"),
    ],
)
def test_unknown_schemes_and_seeds_are_refused(scheme: str, seed: Any, message: str) -> None:
    with pytest.raises(InputError) as refusal:
        images().initial_weights(scheme, seed)
    assert message in str(refusal.value)
