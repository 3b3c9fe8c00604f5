"""tanh and sigmoid of whole arrays: the one error bound holds where the reduction and the rounding are worst."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from verify.arithmetic import arb
from verify.arithmetic.kernels import in_place
from verify.arithmetic.kernels.in_place import CELLS, END, sigmoid_into, tanh_into

KERNELS: dict[Callable[..., float], Callable[[arb.Arb], arb.Arb]] = {
    tanh_into: lambda x: x.tanh(),
    sigmoid_into: lambda x: 1 / (1 + (-x).exp()),
}


def points(dtype: type) -> np.ndarray:
    """Cell edges and their neighbours, random points, tiny ones and the clipped ends."""
    rng = np.random.default_rng(0)
    edges = (rng.integers(-4 * CELLS, 4 * CELLS, 1500) + 0.5) / CELLS
    ends = np.array([END, 2 * END, END + 1, 100.0])
    tiny = np.array([0.0, -0.0, np.finfo(dtype).smallest_subnormal, np.finfo(dtype).smallest_normal, 1e-20, 1e-8])
    chosen = np.concatenate([edges, rng.standard_normal(2500), rng.uniform(-45, 45, 500), ends, tiny]).astype(dtype)
    around = [np.nextafter(chosen, dtype(sign * np.inf)) for sign in (-1, 1)]
    return np.concatenate([chosen, -chosen, *around])


def run(kernel: Callable[..., float], x: np.ndarray) -> tuple[np.ndarray, float]:
    out = np.empty_like(x)
    error = kernel(x, out, (np.empty_like(x), np.empty_like(x), np.empty(x.shape, np.intp)))
    return out, error


def worst(kernel: Callable[..., float], dtype: type) -> tuple[float, float]:
    x = points(dtype)
    values, error = run(kernel, x)
    with arb.precision(120):
        distances = [
            arb.upper_float(abs(KERNELS[kernel](arb.exact(float(point))) - arb.exact(float(value))))
            for point, value in zip(x, values, strict=True)
        ]
    return max(distances), error


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kernel", list(KERNELS))
def test_the_bound_holds_and_is_within_a_factor_of_three(kernel: Callable[..., float], dtype: type) -> None:
    distance, error = worst(kernel, dtype)
    assert distance <= error <= 3 * distance


@pytest.mark.parametrize("kernel", list(KERNELS))
def test_beyond_the_ends_the_limits_are_covered(kernel: Callable[..., float]) -> None:
    values, error = run(kernel, np.array([1e5, -1e5, 1e308, -np.inf]))
    low = -1.0 if kernel is tanh_into else 0.0
    assert np.all(np.abs(values - [1.0, low, 1.0, low]) + 1e-300 <= error)


def test_a_table_with_one_wrong_entry_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    good = in_place._kernel(np.dtype(np.float64))
    table = good.table.copy()
    table[CELLS * END + 40] += 1e-15
    bad = in_place._Kernel(table, good.coefficients, good.tanh_error, good.sigmoid_error)
    monkeypatch.setattr(in_place, "_kernel", lambda dtype: bad)
    distance, error = worst(tanh_into, np.float64)
    assert distance > error
