"""Numbers of a certificate: every float64 is read as it was written, and data that hold any of them are confirmed."""

from __future__ import annotations

import struct
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import verify
from tests.certificates.conftest import SETTINGS
from verify.certificates import document
from verify.certificates.description import describe, hex_list
from verify.certificates.run_files import array_digest

SMALLEST, LARGEST = 5e-324, sys.float_info.max
EXTREMES = [-0.0, 0.0, SMALLEST, -SMALLEST, 2.0**-1022, LARGEST, -LARGEST, 1.0 - 2.0**-53, 0.1]
NODES = {"x": {"width": 2}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_is_read_bit_for_bit(value: float) -> None:
    assert bits(document.float64(value.hex(), "value")) == bits(value)


@pytest.mark.parametrize("value", EXTREMES)
def test_extremes_are_read_bit_for_bit(value: float) -> None:
    assert bits(document.float64(value.hex(), "value")) == bits(value)


def test_digests_of_both_sides_agree() -> None:
    array = np.array([EXTREMES])
    read = document.float64_table([hex_list(row) for row in array], "data")
    assert document.table_digest([read]) == array_digest([array])
    assert document.table_digest([read]) != array_digest([np.abs(array)])


@pytest.mark.parametrize("kind", SETTINGS)
@pytest.mark.parametrize("tiny", [-0.0, SMALLEST, -(2.0**-1022)])
@pytest.mark.parametrize("place", ["input", "target", "weight"])
def test_certificates_of_data_that_hold_them_are_confirmed(kind: str, tiny: float, place: str) -> None:
    inputs, targets, weights = np.array([[0.5, 1.0], [1.0, 2.0]]), np.array([[0.5], [0.125]]), np.array([0.1, 0.2, 0.3])
    {"input": inputs[0], "target": targets[1], "weight": weights}[place][0] = tiny
    certificate = verify.certify(problem_of(inputs, targets, weights), kind, confirm=False, **SETTINGS[kind])
    assert verify.check_certificate(certificate)["verdict"] == "PROVED"


def test_targets_that_differ_in_the_sign_of_a_zero_are_written() -> None:
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    data = np.array([[0.0], [0.5]])
    for targets, written in ((data, "inputs"), (np.array([[-0.0], [0.5]]), [["-0x0.0p+0"], ["0x1.0000000000000p-1"]])):
        problem = verify.Problem(verify.Architecture.from_data(nodes, "y"), data, targets)
        assert describe(problem, problem.initial_weights)["data"]["targets"] == written
        assert verify.check_certificate(verify.certify(problem, "step"))["verdict"] == "PROVED"


def problem_of(inputs: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> verify.Problem:
    architecture = verify.Architecture.from_data(NODES, "y")
    return verify.Problem(
        architecture,
        inputs,
        targets,
        initial_weights=weights,
        region=verify.Ball(weights, 0.1),
        weight_decay=0.125,
    )
