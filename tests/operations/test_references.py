"""Every operation against its definition, written entry by entry."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.operations.references import REFERENCES
from tests.operations.samples import MULTILINEAR, SAMPLES, arguments, identifier
from verify.arithmetic import arb
from verify.graph.evaluation import ARB, RATIONAL
from verify.operations.maximum import LargestIndicator

DEFINED = [sample for sample in SAMPLES if not isinstance(sample[0], LargestIndicator)]


def test_every_operation_is_defined():
    assert {operation.name for operation, _ in DEFINED} == set(REFERENCES)


@pytest.mark.parametrize("sample", DEFINED, ids=identifier)
@pytest.mark.parametrize("seed", range(3))
def test_the_operation_is_its_definition(sample, seed):
    operation, _ = sample
    numbers = arguments(sample, seed)
    if sample in MULTILINEAR:
        exact = [RATIONAL.enter(x) for x in numbers]
        expected = REFERENCES[operation.name](operation, Fraction(0), *exact)
        assert np.array_equal(operation.evaluate(*exact), expected)
    with arb.precision(200):
        balls = [ARB.enter(x) for x in numbers]
        expected = REFERENCES[operation.name](operation, arb.Arb(0), *balls)
        found = np.asarray(operation.evaluate(*balls))
        assert found.shape == expected.shape
        for at in np.ndindex(*expected.shape):
            assert found[at].overlaps(expected[at])
            assert found[at].rad() < arb.Arb(2) ** -150
        plain = np.asarray(operation.evaluate(*numbers))
        for at in np.ndindex(*expected.shape):
            assert abs(plain[at] - float(expected[at])) <= 1e-12 * abs(float(expected[at]))


def test_the_first_largest_entry_is_indicated():
    z = np.array([[1.0, 3.0, 3.0], [2.0, -1.0, 0.0]])
    assert LargestIndicator().evaluate(z).tolist() == [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
