"""Arrays of tensors compute what NumPy's do, intervals of them hold the exact results: fractions decide, no slack."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

torch = pytest.importorskip("torch")

from verify.arithmetic import midrad, rounding, upward  # noqa: E402 -- only where torch is installed
from verify.arithmetic.intervals import Interval  # noqa: E402
from verify.torch.tensors.array import TensorArray  # noqa: E402
from verify.torch.tensors.functions import FUNCTIONS, UFUNCS  # noqa: E402

CPU = torch.device("cpu")
SPECIAL = np.array(
    [
        0.0,
        -0.0,
        1.0,
        -1.5,
        3.0,
        1e-320,
        -5e-324,
        2.0**-1022,
        1.7e308,
        -1.7e308,
        np.inf,
        -np.inf,
        np.nan,
        1 + 2.0**-52,
        1e-200,
    ]
)
FINITE = SPECIAL[np.isfinite(SPECIAL)]
ROUNDED = (np.sum, np.matmul)
"""What may add up in another order than NumPy."""


def on_tensors(x: np.ndarray) -> TensorArray:
    return TensorArray.of(np.array(x), CPU)


def interval_on_tensors(x: Interval) -> Interval:
    return Interval(on_tensors(x.mid), None if x.is_exact else on_tensors(x.rad))


def same(found: Any, wanted: Any) -> bool:
    """Whether two results are equal, NaN being NaN, in numbers, shape and format."""
    assert isinstance(found, TensorArray)
    wanted = np.asarray(wanted)
    return (
        found.shape == wanted.shape
        and found.dtype == wanted.dtype
        and np.array_equal(found.on_host(), wanted, wanted.dtype == np.float64)
    )


A, B = (np.ascontiguousarray(side) for side in zip(*itertools.product(SPECIAL, SPECIAL), strict=True))
WHOLE, BOOLEAN = np.arange(-4, 8).reshape(3, 4), np.arange(12).reshape(3, 4) % 3 == 0
MATRIX = np.random.default_rng(0).standard_normal((3, 4))
WITH_NAN = np.where(BOOLEAN, np.nan, MATRIX)

ENTRYWISE: dict[np.ufunc, list[tuple[Any, ...]]] = {
    **{f: [(A, B), (A, 0.1), (0.1, A), (MATRIX, MATRIX[0])] for f in (np.add, np.subtract, np.multiply)},
    np.divide: [(A, B), (A, 0.1), (7.0, A), (WHOLE, 3), (WHOLE, WHOLE[::-1])],
    **{f: [(A,)] for f in (np.negative, np.absolute, np.isfinite, np.isnan, np.isinf)},
    **{f: [(A, B), (A, 0.0), (-1.0, A)] for f in (np.maximum, np.minimum, np.copysign)},
    **{
        f: [(A, B), (A, 0.5), (WHOLE, 2)]
        for f in (np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal)
    },
    **{f: [(BOOLEAN, ~BOOLEAN), (WHOLE, 1)] for f in (np.bitwise_and, np.bitwise_or)},
    np.invert: [(BOOLEAN,), (WHOLE,)],
    np.right_shift: [(WHOLE, 1), (A.view(np.int64), 63)],
    np.ldexp: [(A, -30), (A, 1000), (FINITE, -1030), (MATRIX, WHOLE)],
    np.matmul: [
        (MATRIX, MATRIX.T),
        (MATRIX[0], MATRIX[1]),
        (MATRIX, MATRIX[0]),
        (np.ones((2, 1, 3, 4)), np.ones((5, 4, 2))),
    ],
}
EACH: dict[Any, list[Callable[[Any], Any]]] = {
    np.sum: [
        np.sum,
        lambda a: np.sum(a, axis=0),
        lambda a: a.sum(axis=(0, 1)),
        lambda a: a.sum(axis=-1, keepdims=True),
        lambda a: np.sum(a > 0),
        lambda a: np.sum(a[0, 0]),
    ],
    np.min: [
        np.min,
        lambda a: a.min(axis=1),
        lambda a: np.min(a, initial=np.inf),
        lambda a: np.min(a, initial=-0.5),
        lambda a: np.min(a, initial=np.inf, where=a > 0),
        lambda a: np.min(a[:0], axis=0, initial=3.0),
        lambda a: np.min(a, axis=(0, 1), keepdims=True),
    ],
    np.max: [
        np.max,
        lambda a: a.max(axis=-1, keepdims=True),
        lambda a: np.max(a, initial=0.0),
        lambda a: np.max(a, initial=-np.inf),
        lambda a: np.max(a[:0], axis=0, initial=1.0),
    ],
    np.all: [lambda a: np.all(a > -9), lambda a: np.all(a > 0, axis=0), lambda a: (a > 0).all(axis=1, keepdims=True)],
    np.any: [lambda a: np.any(a > 9), lambda a: np.any(a > 0, axis=0), lambda a: (a > 0).any()],
    np.where: [
        lambda a: np.where(a > 0, a, 0.0),
        lambda a: np.where(a > 0, 1.0, 0.5),
        lambda a: np.where(BOOLEAN, a, -a),
        lambda a: np.where(a > 0)[0],
    ],
    np.broadcast_to: [lambda a: np.broadcast_to(a, (2, 3, 4))],
    np.transpose: [
        np.transpose,
        lambda a: np.transpose(a, (1, 0)),
        lambda a: a.T,
        lambda a: a.transpose((1, 0)),
        lambda a: a.swapaxes(0, 1),
    ],
    np.concatenate: [
        lambda a: np.concatenate([a, a], axis=1),
        lambda a: np.concatenate([a, MATRIX]),
        lambda a: np.concatenate([MATRIX, a]),
    ],
    np.stack: [lambda a: np.stack([a, MATRIX], axis=1)],
    np.reshape: [lambda a: np.reshape(a, (4, 3)), lambda a: a.reshape(2, -1), lambda a: a.reshape((6, 2))],
    np.expand_dims: [lambda a: np.expand_dims(a, -1)],
    np.squeeze: [
        lambda a: np.squeeze(a[:1]),
        lambda a: np.squeeze(a[:1], axis=0),
        lambda a: np.squeeze(a[:1, None], axis=(0, 1)),
    ],
    np.take: [
        lambda a: np.take(a, np.array([[2, 0], [1, 1]]), axis=0),
        lambda a: np.take(a, np.array([-1, 0]), axis=1),
        lambda a: np.take(a, np.array([-1, 2]), axis=1, mode="wrap"),
        lambda a: np.take(a, np.array([3, 11])),
    ],
    sliding_window_view: [
        lambda a: sliding_window_view(a, (2, 3), axis=(0, 1)),
        lambda a: sliding_window_view(a, 2, axis=1),
    ],
    np.zeros_like: [np.zeros_like, lambda a: np.zeros_like(a, shape=(2,))],
    np.empty_like: [lambda a: np.empty_like(a, shape=(2, 5)) * 0.0 == 7.0],
    np.full_like: [lambda a: np.full_like(a, np.inf)],
}
OTHERS: list[Callable[[Any], Any]] = [
    lambda a: np.sqrt(np.abs(a)),
    lambda a: np.cumsum(a, axis=1),
    np.exp,
    lambda a: np.sum(a, axis=0, dtype=np.float64),
    lambda a: np.add(a, 1.0, where=BOOLEAN, out=np.zeros_like(a)),
    lambda a: np.add.reduceat(a, [0, 2], axis=1),
    lambda a: a**3,
    lambda a: np.argwhere(a > 0),
    lambda a: np.clip(a, -1.0, 1.0),
    lambda a: a[::2, 1:],
    lambda a: a[a > 0],
    lambda a: a[np.array([0, 2])],
    lambda a: a[None, ..., 0],
    lambda a: a.copy(),
    lambda a: (a * 1000).astype(np.int64),
    lambda a: a.view(np.int64) >> 52,
    lambda a: np.stack(list(a)),
]
"""What PyTorch is not asked for, and methods."""


def test_every_function_has_a_case():
    assert set(ENTRYWISE) == set(UFUNCS)
    assert set(EACH) == set(FUNCTIONS)


@pytest.mark.parametrize("function", ENTRYWISE, ids=lambda f: f.__name__)
def test_entrywise_functions_are_numpys(function):
    for operands in ENTRYWISE[function]:
        with np.errstate(all="ignore"):
            wanted = np.asarray(function(*operands))
        for which in range(1, 2 ** len(operands)):
            moved = [
                on_tensors(x) if which >> k & 1 and isinstance(x, np.ndarray) else x for k, x in enumerate(operands)
            ]
            if any(isinstance(x, TensorArray) for x in moved):
                found = function(*moved)
                assert same(found, wanted) or (function in ROUNDED and np.allclose(found.on_host(), wanted, 1e-14))


@pytest.mark.parametrize("function", EACH, ids=lambda f: f.__name__)
@pytest.mark.parametrize("values", [MATRIX, WITH_NAN, MATRIX[:, ::-1]], ids=["numbers", "nan", "reversed"])
def test_other_functions_are_numpys(function, values):
    for call in EACH[function]:
        wanted, found = np.asarray(call(values)), call(on_tensors(values))
        assert same(found, wanted) or (function in ROUNDED and np.allclose(found.on_host(), wanted, 1e-14, 1e-14, True))


@pytest.mark.parametrize("call", OTHERS)
def test_what_is_not_asked_of_pytorch_is_numpys(call):
    with np.errstate(all="ignore"):
        assert same(call(on_tensors(MATRIX)), call(MATRIX))


def test_results_are_written_where_they_are_to_be():
    for values, other in ((MATRIX, 3.0), (MATRIX, MATRIX[0]), (WHOLE, WHOLE), (WHOLE, 2)):
        there, here = on_tensors(values), np.array(values)
        alias = there
        there *= on_tensors(other) if isinstance(other, np.ndarray) else other
        here *= other
        there += there[:1].copy()
        here += here[:1].copy()
        there[0, 1:3] = 7
        here[0, 1:3] = 7
        assert alias is there
        assert same(there, here)
    host = np.zeros((3, 4))
    host += on_tensors(MATRIX)
    assert np.array_equal(host, MATRIX)


def test_an_operand_that_does_not_fit_is_not_written():
    there = on_tensors(MATRIX[0])
    with pytest.raises(ValueError):
        there += on_tensors(MATRIX)
    assert same(there, MATRIX[0])


def test_a_result_keeps_no_hold_of_its_operand():
    for call in (lambda a: np.sum(a[0, 0]), lambda a: np.max(a[0, 0]), lambda a: a + 0.0, np.abs):
        there = on_tensors(MATRIX)
        found = call(there)
        found += 1.0
        assert same(there, MATRIX)


@pytest.mark.parametrize("kind", ["float32", "float16", "complex128", "int32"])
def test_other_formats_are_refused(kind):
    with pytest.raises(TypeError, match="float64, int64 or boolean"):
        TensorArray(torch.zeros(2, dtype=getattr(torch, kind)))
    if kind != "int32":
        with pytest.raises(TypeError):
            on_tensors(MATRIX) * np.ones(4, kind)


def test_the_default_format_of_pytorch_has_no_part(monkeypatch):
    torch.set_default_dtype(torch.float16)
    try:
        x, whole = on_tensors(np.full(3, 0.1)), on_tensors(np.array([1, 2, 3]))
        assert same(x * 0.1, np.full(3, 0.1) * 0.1)
        assert same(whole * 0.1, np.array([1, 2, 3]) * 0.1)
        assert same(whole / 3, np.array([1, 2, 3]) / 3)
        assert same(np.where(x > 0, 0.1, 0.3), np.full(3, 0.1))
        assert same(np.maximum(x, 0.3), np.full(3, 0.3))
    finally:
        torch.set_default_dtype(torch.float32)


# intervals

RNG = np.random.default_rng(5)
RADII = np.array([0.0, 5e-324, 1e-310, 1e-30, 0.5, 1e200, 1.7e308, np.inf])


def drawn(shape: tuple[int, ...], extreme: bool) -> Interval:
    if extreme:
        return Interval.from_midrad(RNG.choice(FINITE, shape), RNG.choice(RADII, shape))
    return Interval.from_midrad(
        RNG.standard_normal(shape), np.abs(RNG.standard_normal(shape)) * RNG.choice([0.0, 2.0**-50, 0.1])
    )


def members(x: Interval) -> np.ndarray:
    """Some exact numbers of the intervals; the midpoints where all numbers are in them."""
    rad = np.where(np.isinf(x.rad), 0.0, x.rad)
    shares = RNG.integers(-3, 4, x.shape)
    found = [
        Fraction(float(m)) + Fraction(int(s), 3) * Fraction(float(r))
        for m, r, s in zip(x.mid.flat, rad.flat, shares.flat, strict=True)
    ]
    numbers = np.empty(x.shape, dtype=object)
    numbers.reshape(-1)[:] = found
    return numbers


def misses(enclosure: Interval, exact: np.ndarray) -> int:
    """How many exact numbers lie outside."""
    assert isinstance(enclosure.mid, TensorArray)
    mid, rad = enclosure.mid.on_host(), np.asarray(enclosure.rad)
    triples = zip(mid.flat, rad.flat, np.asarray(exact, dtype=object).flat, strict=True)
    return sum(1 for m, r, x in triples if r != np.inf and abs(Fraction(float(m)) - x) > Fraction(float(r)))


def exact_quotient(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.array([x / y if y else x * 0 for x, y in zip(a.flat, b.flat, strict=True)], dtype=object).reshape(a.shape)


OPERATIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "+": (operator.add, operator.add),
    "-": (operator.sub, operator.sub),
    "*": (operator.mul, operator.mul),
    "@": (lambda a, b: a @ b.T, lambda a, b: a @ b.T),
    "square": (lambda a, b: a.square(), lambda a, b: a * a),
    "sum": (lambda a, b: a.sum(axis=1), lambda a, b: a.sum(axis=1)),
    "accumulated": (
        lambda a, b: a.accumulated(lambda x: x[:, :2] + x[:, 2:4], 2),
        lambda a, b: a[:, :2] + a[:, 2:4],
    ),
    "dot": (lambda a, b: a.dot(b), lambda a, b: np.array((a * b).sum())),
    "abs": (lambda a, b: abs(a), lambda a, b: np.abs(a)),
    "shrunk": (lambda a, b: a.shrunk(), lambda a, b: a * Fraction(1, 3)),
    "number": (lambda a, b: a * 0.1, lambda a, b: a * Fraction(0.1)),
    "quotient by a number": (lambda a, b: a / 3.0, lambda a, b: a / 3),
}


def check_intervals(rounds: int, extreme: bool) -> int:
    """Return how many exact results lie outside of their enclosures."""
    missed = 0
    with np.errstate(all="ignore"):
        for _ in range(rounds):
            x, y = drawn((3, 5), extreme), drawn((3, 5), extreme)
            a, b = members(x), members(y)
            X, Y = interval_on_tensors(x), interval_on_tensors(y)
            points = Interval(X.mid), Interval(Y.mid)
            middles = members(Interval(x.mid)), members(Interval(y.mid))
            for ours, exact in OPERATIONS.values():
                missed += misses(ours(X, Y), exact(a, b)) + misses(ours(*points), exact(*middles))
                missed += misses(ours(points[0], Y), exact(middles[0], b))
            quotient = X / Y
            safe = np.array([bool(value) for value in b.flat]).reshape(b.shape)
            missed += misses(quotient, np.where(safe, exact_quotient(a, b), quotient_centres(quotient)))
    return missed


def quotient_centres(x: Interval) -> np.ndarray:
    return members(Interval(x.mid.on_host()))


@pytest.mark.parametrize("extreme", [False, True])
def test_intervals_of_tensors_hold_the_exact_results(extreme):
    assert check_intervals(12, extreme) == 0


def test_large_arrays_are_cut_into_blocks_that_agree():
    x = drawn((150, 1000), extreme=False)
    whole, X = x * x + x, interval_on_tensors(x)
    found = X * X + X
    assert same(found.mid, whole.mid)
    assert same(found.rad, whole.rad)
    assert X.mid.block is not None and X.mid.size > 2 * X.mid.block


FAULTS: dict[str, tuple[Any, str, Callable[[Any], Any], bool]] = {
    "gamma is too small": (midrad, "gamma", lambda right: lambda n: right(n) * 2.0**-12, False),
    "products forget what underflows": (midrad, "FLOOR", lambda right: 0.0, True),
    "matrix products forget what underflows": (upward, "floor", lambda right: lambda dtype: 0.0, True),
    "no step outward": (rounding, "_step", lambda right: lambda x, where: x, False),
    "no room for the roundings of a radius": (midrad, "UNIT", lambda right: 0.0, False),
}


@pytest.mark.parametrize("name", FAULTS)
def test_planted_faults_are_caught(name, monkeypatch):
    owner, attribute, plant, extreme = FAULTS[name]
    monkeypatch.setattr(owner, attribute, plant(getattr(owner, attribute)))
    assert check_intervals(12, extreme) > 0


def test_a_lost_number_is_infinite_not_nan():
    big = Interval(on_tensors(np.array([1.7e308, np.finfo(float).max])))
    for found in (big + big, big * big, big @ big, big.sum(), big.square()):
        assert np.all(np.isinf(np.asarray(found.rad)))
        assert not np.any(np.isnan(found.mid))
