"""Scaling and targets: against scikit-learn's scalers, and every refusal."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from verify.outcomes import InputError
from verify.spec.models import Data
from verify.spec.preparation import prepare, scaled, targets_from
from verify.spec.sources import RawSamples


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(50, 4)) * [1, 1e6, 1e-6, 0] + [0, 5, -3, 0.1]


@pytest.mark.parametrize(("scale", "scaler"), [("standard", StandardScaler()), ("minmax", MinMaxScaler())])
def test_agrees_with_scikit_learn(x: np.ndarray, scale: str, scaler) -> None:
    np.testing.assert_allclose(scaled(x, scale), scaler.fit_transform(x), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("scale", ["standard", "minmax"])
def test_constant_column_becomes_exactly_zero(x: np.ndarray, scale: str) -> None:
    assert np.all(scaled(x, scale)[:, 3] == 0)


def test_divisor_and_none(x: np.ndarray) -> None:
    np.testing.assert_array_equal(scaled(x, 16), x / 16)
    assert scaled(x, "none") is x


def test_targets() -> None:
    np.testing.assert_array_equal(targets_from(np.array([3.5, 2.0]), 1), [[3.5], [2.0]])
    np.testing.assert_array_equal(targets_from(np.array([2, 0, 1]), 3), [[0, 0, 1], [1, 0, 0], [0, 1, 0]])
    rows = np.array([[0.5, 0.5]])
    assert targets_from(rows, 2) is rows


@pytest.mark.parametrize(
    ("y", "width", "message"),
    [
        ([0, 1, 3], 3, r"y\[2\]: label out of range: label=3.0, output_width=3"),
        ([0, -1], 2, r"y\[1\]: label out of range: label=-1.0"),
        ([0, 0.5], 2, r"y\[1\]: label out of range: label=0.5"),
        ([0, 1], 3, "number of classes and output width differ: classes=2, output_width=3"),
        ([[0, 1]], 3, r"targets do not fit the outputs: shape=\(1, 2\), output_width=3"),
    ],
)
def test_targets_refused(y: list, width: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        targets_from(np.array(y, dtype=float), width)


def test_input_as_target_is_the_scaled_input(x: np.ndarray) -> None:
    inputs, targets = prepare(RawSamples(x, None), Data(source="npz:d", scale=2.0, target="input"), 4, 4)
    assert targets is inputs
    with pytest.raises(InputError, match="input_width=4, output_width=3"):
        prepare(RawSamples(x, None), Data(source="npz:d", target="input"), 4, 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_samples_are_placed(x: np.ndarray, bad: float) -> None:
    x[7, 2] = bad
    with pytest.raises(InputError, match=r"x\[7\]\[2\]: data must be finite: value=(nan|inf|-inf)"):
        prepare(RawSamples(x, np.zeros(50)), Data(source="npz:d"), 4, 1)


def test_scaling_that_overflows_is_refused() -> None:
    x = np.array([[1e308, 0.0], [-1e308, 1.0]])
    for scale in ("minmax", "standard"):
        with pytest.raises(InputError, match=r"x\[:, 0\]: the spread of a column overflows: scale=.*, spread=inf"):
            prepare(RawSamples(x, np.zeros(2)), Data(source="npz:d", scale=scale), 2, 1)
    with pytest.raises(InputError, match=r"x \(scaled\)\[0\]\[0\]: data must be finite: value=inf"):
        prepare(RawSamples(x, np.zeros(2)), Data(source="npz:d", scale=1e-5), 2, 1)
