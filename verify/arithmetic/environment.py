"""Self-test of the floating-point environment: round to nearest, and gradual underflow.

All bounds of this package rest on IEEE 754 arithmetic in its default state. Other libraries in the process
can change that: a call of ``fesetround``, or a library that switches the processor to flush subnormal numbers
to zero. The state belongs to a thread; BLAS has threads of its own, so the test also looks at subnormal
results of a matrix product large enough to be shared among them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from verify.outcomes import DagverifyError

SMALLEST_NORMAL = 2.0**-1022
BLAS_ORDER = 256


class HostileEnvironment(DagverifyError):  # noqa: N818 -- named in the interface of the package
    """The processor does not compute as IEEE 754 does by default, so no bound holds."""


def _state(what: str) -> HostileEnvironment:
    return HostileEnvironment(
        f"floating-point environment: {what}; remove what changes it (fesetround, set_flush_denormal, "
        "a -ffast-math library) or use a new process"
    )


def check_rounding() -> None:
    """Raise `HostileEnvironment` unless sums, products and quotients round to nearest, ties to even."""
    u = np.float64(2.0**-53)
    one = np.array([1.0, -1.0])
    nudged = one * np.nextafter(1.0, 2.0)
    ties_down = np.array_equal(one + one * u, one)
    ties_up = np.array_equal(nudged + one * u, one * (1 + 4 * u))
    above = np.array_equal(one + one * u * 1.5, nudged)
    product = np.array_equal((one * (1 + 2.0**-30)) * (1 + 2.0**-30), one * (1 + 2.0**-29))
    third = np.array_equal(one / 3.0, one * 0.333333333333333314829616256247390992939472198486328125)
    if not (ties_down and ties_up and above and product and third):
        raise _state("rounding is not to nearest")


def check_subnormals() -> None:
    """Raise `HostileEnvironment` if subnormal operands or results become zero, in NumPy's loops or in Python."""
    normal = np.full(32, SMALLEST_NORMAL)
    half = normal * 0.5
    if not np.all(half.view(np.int64) == 1 << 51):
        raise _state("subnormal results become zero")
    if not np.all(half + half == normal) or not np.all(half * 2.0 == normal) or not np.all(half > 0):
        raise _state("subnormal operands count as zero")
    single = np.full(32, np.float32(2.0**-126)) * np.float32(0.5)
    if not np.all(single * np.float32(2.0) == np.float32(2.0**-126)):
        raise _state("subnormal float32 numbers become zero")
    python = float(normal[0]) / 2
    if not python * 2 == SMALLEST_NORMAL:
        raise _state("subnormal numbers become zero")


def check_blas() -> None:
    """Raise `HostileEnvironment` if a matrix product, on any of its threads, breaks either rule."""
    tiny = np.full((BLAS_ORDER, BLAS_ORDER), 2.0**-530)
    if not np.all(tiny @ tiny == 2.0**-1060 * BLAS_ORDER):
        raise _state("a matrix product loses subnormal results")
    left, right = np.zeros_like(tiny), np.zeros_like(tiny)
    left[:, 0] = 1.0
    left[:, 1] = 2.0**-54
    right[0] = 1.0
    right[1, ::2], right[1, 1::2] = 1.0, 3.0
    expected = np.broadcast_to(np.where(np.arange(BLAS_ORDER) % 2 == 0, 1.0, 1.0 + 2.0**-52), tiny.shape)
    if not (np.array_equal(left @ right, expected) and np.array_equal(-left @ right, -expected)):
        raise _state("a matrix product does not round to nearest")


def check_environment() -> None:
    """Raise if this process does not compute in the IEEE 754 default state; about a millisecond.

    Raises
    ------
    HostileEnvironment
        If rounding is not to nearest or subnormal numbers are lost, in NumPy, in Python or in BLAS.

    Examples
    --------
    >>> check_environment()
    """
    with np.errstate(all="ignore"):
        check_rounding()
        check_subnormals()
        check_blas()


@contextmanager
def certified_environment() -> Iterator[None]:
    """Check the environment before and after the block: what was computed inside counts only if both pass.

    Raises
    ------
    HostileEnvironment
        If either check fails.

    Examples
    --------
    >>> with certified_environment():
    ...     bound = 1.0 + 1.0
    """
    check_environment()
    yield
    check_environment()
