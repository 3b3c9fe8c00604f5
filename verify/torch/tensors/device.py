"""Whether a device computes as the bounds demand: tested before and after everything that is computed on it.

A device is not trusted for its name. What is asked of it, with the very functions that are used (`functions`):

- sums, products and quotients of float64 arrays are rounded to nearest, one by one (a product and a sum that become one
  fused operation are found), and keep subnormal numbers, in every lane and thread of a large array;
- sums and matrix products stay within `gamma` of the exact ones, found from whole numbers, also where the factors'
  sizes differ by 2^200 within a row (what emulations of float64 by smaller formats lose), round to nearest, and keep
  subnormal products; so do float32 products, which formats of fewer digits (TF32, bfloat16) break.

A bug that shows up on other numbers alone is not found: the test answers for modes, not for every bit.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from verify.arithmetic.environment import HostileEnvironment, check_thread
from verify.arithmetic.rational import round_down, round_up
from verify.arithmetic.rounding import gamma
from verify.outcomes import InputError
from verify.torch.tensors.array import TensorArray

_GRAIN = 2**15
"""Entries from which PyTorch shares elementwise work on the processor among its threads (at::internal::GRAIN_SIZE)."""
_LANES = 35
"""More entries than a vector unit takes at once, no multiple of it: the end of a loop is tested too."""
_ROWS, _COLUMNS = 8, 4
"""Different rows and columns of the products; they are repeated to matrices that are shared among threads."""
_TERMS = (3, 256)
"""Lengths of the sums: a short one, of the narrowest bound, and one that fast algorithms can halve."""
_SPREAD = 100
"""Exponents of a row's entries lie between -100 and 100, those of the columns opposite."""
_TINY = 2.0**-530
_SEED = 20


def check_device(device: torch.device) -> None:
    """Raise unless a device computes as `verify.arithmetic.rounding` says.

    Raises
    ------
    HostileEnvironment
        If it does not, or if this thread, which computes what is expected of it, does not; what is wrong is named.

    Examples
    --------
    >>> check_device(torch.device("cpu"))
    """
    check_thread()
    for test in (_test_entries, _test_sums, _test_products, _test_single_products):
        if (found := test(device)) is not None:
            raise HostileEnvironment(
                f"device {device}: {found}; remove what changes it (set_flush_denormal, set_float32_matmul_precision, "
                "emulated float64) or compute without a device"
            )


def as_device(device: Any) -> torch.device:
    """Return a device of PyTorch's that holds float64 numbers.

    Raises
    ------
    InputError
        If there is none of this name, or it knows no float64.
    """
    try:
        found = torch.device(device)
        torch.ones(1, dtype=torch.float64, device=found).cpu()
    except (RuntimeError, TypeError, ValueError, AssertionError, NotImplementedError) as error:
        raise InputError(
            "no device for float64 numbers",
            device=str(device),
            because=str(error).splitlines()[0],
            remedy="use 'cpu', or the name of an accelerator that PyTorch sees",
        ) from None
    return found


@contextmanager
def certified_device(device: torch.device) -> Iterator[None]:
    """Guard a block: what a device computes inside counts only if it passes `check_device` before and after.

    Formats of fewer digits are switched off inside, gradients are not recorded.
    """
    with ExitStack() as settings:
        settings.enter_context(torch.no_grad())
        settings.enter_context(torch.autocast(device.type, enabled=False))
        settings.enter_context(_whole_precision())
        check_device(device)
        yield
        check_device(device)


@contextmanager
def _whole_precision() -> Iterator[None]:
    """Switch TF32 and bfloat16 off in products of float32, and back to what it was."""
    try:
        before = torch.get_float32_matmul_precision()
    except RuntimeError:  # it was set by another interface, which knows no common name: the test decides
        yield
        return
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def _threads(device: torch.device) -> int:
    return torch.get_num_threads() if device.type == "cpu" else 4


# entrywise


@dataclass(frozen=True)
class _Entries:
    """Operands, and what sums, products and quotients of them are, rounded from the exact numbers."""

    left: NDArray[np.float64]
    right: NDArray[np.float64]
    results: dict[str, NDArray[np.float64]]
    numbers: dict[str, NDArray[np.float64]]


_THIRD, _SEVEN = 0.1, 7.0
"""Numbers of the host that arrays are multiplied with and divided by."""


@functools.cache
def _entries(size: int) -> _Entries:
    one, unit, least = 1.0, 2.0**-53, 2.0**-1022
    after = one + 2.0 * unit
    drawn = random.Random(_SEED)
    pairs = [
        (one, unit), (after, unit), (one, 1.5 * unit), (-one, -1.5 * unit), (after, -0.75 * unit),
        (0.5 * least, 0.5 * least), (least, -0.75 * least), (least, 0.75 * least), (after, after), (least, 0.5),
        (one, 3.0), (one, 49.0), (2.0**-1074, 0.75), (least, 3.0), (1.0 + 2.0**-30, 1.0 + 2.0**-30),
        *((drawn.uniform(0.5, 1.0) * 2.0 ** drawn.randint(-40, 40), drawn.uniform(-1.0, 1.0)) for _ in range(34)),
    ]  # fmt: skip
    exact = [(Fraction(a), Fraction(b)) for a, b in pairs]
    results = {
        "sums": [float(a + b) for a, b in exact],
        "differences": [float(a - b) for a, b in exact],
        "products": [float(a * b) for a, b in exact],
        "quotients": [float(a / b) for a, b in exact],
        "products and sums": [float(Fraction(float(a * b)) - b) for a, b in exact],
    }
    numbers = {
        "products with a number": [float(a * Fraction(_THIRD)) for a, _ in exact],
        "quotients by a number": [float(a / Fraction(_SEVEN)) for a, _ in exact],
    }
    left, right = (np.resize(np.array(side), size) for side in zip(*pairs, strict=True))
    return _Entries(
        left,
        right,
        {name: np.resize(np.array(values), size) for name, values in results.items()},
        {name: np.resize(np.array(values), size) for name, values in numbers.items()},
    )


def _test_entries(device: torch.device) -> str | None:
    expected = _entries(_threads(device) * _GRAIN + _LANES)
    x, y = TensorArray.of(expected.left, device), TensorArray.of(expected.right, device)
    found: dict[str, Any] = {
        "sums": x + y,
        "differences": x - y,
        "products": x * y,
        "quotients": x / y,
        "products and sums": x * y - y,
        "products with a number": x * _THIRD,
        "quotients by a number": x / _SEVEN,
    }
    for name, wanted in (expected.results | expected.numbers).items():
        differs = found[name].on_host().view(np.int64) != wanted.view(np.int64)
        if np.any(differs):
            small = np.abs(wanted[differs]) < 2.0**-1021
            return (
                f"{name} lose subnormal numbers" if np.all(small) else f"{name} are not rounded to nearest one by one"
            )
    return None


# sums of products


@dataclass(frozen=True)
class _Products:
    """Factors of a matrix product, and the least and the largest result that `gamma` allows."""

    left: NDArray[Any]
    right: NDArray[Any]
    low: NDArray[Any]
    high: NDArray[Any]


@functools.cache
def _products(terms: int, rows: int, columns: int, single: bool) -> _Products:
    drawn = random.Random(_SEED + terms)
    dtype = np.float32 if single else np.float64
    bits, spread = (24, 20) if single else (53, _SPREAD)
    exponents = [drawn.randint(-spread, spread) for _ in range(terms)]
    a = [[_number(drawn, bits) * 2.0**e for e in exponents] for _ in range(_ROWS)]
    b = [[_number(drawn, bits) * 2.0**-e for _ in range(_COLUMNS)] for e in exponents]
    exact_a, exact_b = ([[Fraction(x) for x in row] for row in matrix] for matrix in (a, b))
    columns_of_b = list(zip(*exact_b, strict=True))
    growth = Fraction(float(gamma(terms, dtype)))
    low, high = np.empty((_ROWS, _COLUMNS)), np.empty((_ROWS, _COLUMNS))
    for i, row in enumerate(exact_a):
        for j, column in enumerate(columns_of_b):
            products = [x * y for x, y in zip(row, column, strict=True)]
            middle, room = sum(products), growth * sum(map(abs, products))
            low[i, j], high[i, j] = round_up(middle - room), round_down(middle + room)
    times = (rows // _ROWS, columns // _COLUMNS)
    left, right = np.tile(np.array(a, dtype), (times[0], 1)), np.tile(np.array(b, dtype), (1, times[1]))
    return _Products(left, right, np.tile(low, times), np.tile(high, times))


def _number(drawn: random.Random, bits: int) -> float:
    return drawn.choice((-1.0, 1.0)) * float(drawn.getrandbits(bits) | 1 << (bits - 1)) * 2.0**-bits


def _sizes(device: torch.device) -> tuple[int, int]:
    return 64 * max(4, _threads(device)), 128


@functools.cache
def _sums(terms: int, rows: int) -> _Products:
    """Return rows of numbers, and the least and the largest sum of each."""
    drawn = random.Random(_SEED - terms)
    numbers = [[_number(drawn, 53) * 2.0 ** drawn.randint(-9, 9) for _ in range(terms)] for _ in range(_ROWS)]
    growth = Fraction(float(gamma(terms - 1)))
    exact = [(sum(map(Fraction, row)), growth * sum(abs(Fraction(x)) for x in row)) for row in numbers]
    low = np.array([round_up(middle - room) for middle, room in exact])
    high = np.array([round_down(middle + room) for middle, room in exact])
    times = rows // _ROWS
    left = np.tile(np.array(numbers), (times, 1))
    return _Products(left, np.full((rows, terms), 2.0**-1060), np.tile(low, times), np.tile(high, times))


def _test_sums(device: torch.device) -> str | None:
    rows, _ = _sizes(device)
    for terms in _TERMS:
        expected = _sums(terms, rows)
        x, tiny = TensorArray.of(expected.left, device), TensorArray.of(expected.right, device)
        for total, small in ((x.sum(axis=1), tiny.sum(axis=1)), (x.T.sum(axis=0), tiny.T.sum(axis=0))):
            found = total.on_host()
            if not np.all((expected.low <= found) & (found <= expected.high)):
                return "sums lose digits"
            if not np.all(small.on_host() == terms * 2.0**-1060):
                return "sums lose subnormal numbers"
    return None


def _test_products(device: torch.device) -> str | None:
    rows, columns = _sizes(device)
    for terms in _TERMS:
        expected = _products(terms, rows, columns, single=False)
        product = (TensorArray.of(expected.left, device) @ TensorArray.of(expected.right, device)).on_host()
        if not np.all((expected.low <= product) & (product <= expected.high)):
            return "matrix products lose digits"
    left, right = np.zeros((rows, 64)), np.zeros((64, columns))
    left[:, :2] = 1.0, 2.0**-54
    left[:, 2:4] = _TINY
    right[0, 0::4], right[1, 0::4] = 1.0, 1.0
    right[0, 1::4], right[1, 1::4] = 1.0, 3.0
    right[2:4, 2::4] = _TINY
    product = (TensorArray.of(left, device) @ TensorArray.of(right, device)).on_host()
    if not np.all(product[:, 2::4] == 2.0 * 2.0**-1060):
        return "matrix products lose subnormal numbers"
    if not (np.all(product[:, 0::4] == 1.0) and np.all(product[:, 1::4] == 1.0 + 2.0**-52)):
        return "matrix products are not rounded to nearest"
    return None


def _test_single_products(device: torch.device) -> str | None:
    """Test products of float32 numbers: nothing here computes with them, but their modes are shared with others."""
    rows, columns = _sizes(device)
    for terms in _TERMS:
        expected = _products(terms, rows, columns, single=True)
        tensors = (torch.from_numpy(side).to(device) for side in (expected.left, expected.right))
        product = torch.matmul(*tensors).numpy(force=True).astype(np.float64)
        if not np.all((expected.low <= product) & (product <= expected.high)):
            return "float32 matrix products are of fewer digits"
    return None
