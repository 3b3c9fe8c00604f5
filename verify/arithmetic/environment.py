"""Self-test of the floating-point environment, and the guard of every public function that rests on it.

All bounds of this package rest on IEEE 754 arithmetic in its default state: round to nearest, gradual underflow. Other
libraries in the process can change that: a call of ``fesetround``, or a library that switches the processor to flush
subnormal numbers to zero. `certified_environment` stands around whatever answers with a verdict, a bound or an
enclosure:

* the state of the calling thread is tested before and after, and at the start and the end of every guarded function
  that is called within, also after code of the user's (`users_code`), which may change it in the middle;
* the state of the threads of BLAS is tested after: they keep the state that they were created with, so that what a
  product shows at the end was so before;
* what the user told NumPy about floating-point errors (``numpy.seterr``) does not act inside: they are not raised, not
  warned of, so no filter of warnings acts on them either.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np

from verify.arithmetic import processor
from verify.outcomes import DagverifyError

P = ParamSpec("P")
R = TypeVar("R")
Function = TypeVar("Function", bound=Callable[..., Any])

_LANES = 35
"""Longer than what a vector unit takes at once, and no multiple of it: the loop's tail is tested too."""
_SHARED_WORK = 2**18
"""Products of numbers in a matrix product for each thread from which OpenBLAS shares it (interface/gemm.c)."""
_ROWS_OF_A_THREAD = 32


class HostileEnvironment(DagverifyError):  # noqa: N818 -- named in the interface of the package
    """The processor does not compute as IEEE 754 does by default, so no bound holds."""


def _hostile(what: str) -> HostileEnvironment:
    return HostileEnvironment(
        f"floating-point environment: {what}; remove what changes it (fesetround, set_flush_denormal, "
        "a -ffast-math library) or use a new process"
    )


def check_thread() -> None:
    """Raise `HostileEnvironment` unless this thread computes by default rules, in Python and in NumPy's loops."""
    if (found := processor.suspicion or processor.flaw()) is not None:
        raise _hostile(found)
    loops = _Loops.made()
    if (loops.left + loops.right).tobytes() != loops.sums or (loops.left * loops.factor).tobytes() != loops.products:
        raise _hostile("NumPy's loops do not round to nearest, or lose subnormal numbers")
    if (loops.single * np.float32(0.5)).tobytes() != loops.halves:
        raise _hostile("subnormal float32 numbers become zero")


def check_blas() -> None:
    """Raise `HostileEnvironment` if a matrix product, on any of its threads, breaks either rule."""
    product = _Product.made()
    found = np.matmul(product.left, product.right)
    if found.tobytes() == product.expected:
        return
    if found[:, 2::4].tobytes() != product.subnormal:
        raise _hostile("a matrix product loses subnormal results")
    raise _hostile("a matrix product does not round to nearest")


def check_environment() -> None:
    """Raise if this process does not compute in the IEEE 754 default state; some 50 microseconds.

    Raises
    ------
    HostileEnvironment
        If rounding is not to nearest or subnormal numbers are lost, in NumPy, in Python or in BLAS.

    Examples
    --------
    >>> check_environment()
    """
    with np.errstate(all="ignore"):
        check_thread()
        check_blas()


class certified_environment:  # noqa: N801 -- used as a function
    """Guard a block, or as a decorator a function: what is computed inside counts only if all tests pass.

    Parameters
    ----------
    products : bool
        Whether matrix products may be computed inside; without them BLAS need not be tested.

    Raises
    ------
    HostileEnvironment
        If a test fails, in place of what the block returns or raises. Inside another guarded block only the state of
        the thread is tested.

    Examples
    --------
    >>> with certified_environment():
    ...     bound = 1.0 + 1.0
    >>> @certified_environment(products=False)
    ... def twice(x):
    ...     return 2.0 * x
    >>> twice(1.0)
    2.0
    """

    def __init__(self, *, products: bool = True) -> None:
        self._products = products

    def __call__(self, function: Function) -> Function:
        """Return the function with the guard around it; of a ``singledispatch`` function it is around every form."""
        products = self._products

        @functools.wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            with certified_environment(products=products):
                return function(*args, **kwargs)

        return cast(Function, guarded)

    def __enter__(self) -> None:
        if _guard.depth:
            _test_again()
        else:
            _guard.outside, _guard.failure = np.seterr(all="ignore"), None
            try:
                check_thread()
            except HostileEnvironment:
                np.seterr(**_guard.outside)
                raise
        _guard.depth += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        __tracebackhide__ = True
        _guard.depth -= 1
        if _guard.depth:
            if kind is None:
                _test_again()
            return
        try:
            if kind is None or issubclass(kind, Exception):
                self._conclude(error)
        finally:
            np.seterr(**_guard.outside)

    def _conclude(self, error: BaseException | None) -> None:
        __tracebackhide__ = True
        if isinstance(error, HostileEnvironment):
            return
        if _guard.failure is not None:
            raise _guard.failure from error
        try:
            check_thread()
            if self._products:
                check_blas()
        except HostileEnvironment as found:
            processor.suspect("it changed during a computation")
            raise found from error


@contextmanager
def users_code() -> Iterator[None]:
    """Step out of the guard for a callback: under the user's ``numpy.seterr``, and tested again when it is over.

    Raises
    ------
    HostileEnvironment
        If the callback left the thread in a hostile state.

    Examples
    --------
    >>> with certified_environment(), users_code():
    ...     print("50 %")
    50 %
    """
    kept = _guard.depth, _guard.outside, _guard.failure
    with np.errstate(**(_guard.outside if _guard.depth else {})):
        _guard.depth = 0
        try:
            yield
        finally:
            _guard.depth, _guard.outside, _guard.failure = kept
    _test_again()


def as_users_code(callback: Callable[P, R]) -> Callable[P, R]:
    """Return a callback of the user's that may be called inside a guarded block; see `users_code`."""

    @functools.wraps(callback)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        with users_code():
            return callback(*args, **kwargs)

    return called


def _test_again() -> None:
    """Test the thread inside a guarded block; a failure is kept, for it may be taken for a ValueError on its way."""
    if (found := processor.flaw()) is not None:
        _guard.failure = _hostile(found)
        raise _guard.failure


class _Guard(threading.local):
    """How many guarded blocks this thread is in, what NumPy does with errors outside, and the test that failed."""

    depth = 0
    outside: Any = {}  # noqa: RUF012 -- what numpy.geterr returns, never changed in place
    failure: HostileEnvironment | None = None


_guard = _Guard()


class _Loops:
    """Operands and results for NumPy's loops, the results from integers."""

    @staticmethod
    @functools.cache
    def made() -> _Loops:
        return _Loops()

    def __init__(self) -> None:
        one, tiny = 0x3FF << 52, 1 << 52
        unit, more, half = 0x3CA << 52, (0x3CA << 52) + (1 << 51), 1 << 51
        minus = -(2**63)
        # 1 + u, next(1) + u, 1 + 1.5 u, -1 - 1.5 u, and half of the smallest normal number twice
        self.left = _floats([one, one + 1, one, minus + one, half])
        self.right = _floats([unit, unit, more, minus + more, half])
        self.sums = _floats([one, one + 2, one + 1, minus + one + 1, tiny]).tobytes()
        # times 1 + 2^-52: 1 + u exactly, and (1 + 2u)^2, 1 + 4u to nearest
        self.factor = _floats([one + 1] * 5)
        self.products = _floats([one + 1, one + 2, one + 1, minus + one + 1, half]).tobytes()
        self.single = np.full(_LANES, 0x00800000, dtype=np.int32).view(np.float32)
        self.halves = np.full(_LANES, 0x00400000, dtype=np.int32).tobytes()


def _floats(bits: list[int]) -> np.ndarray:
    return np.resize(np.array(bits, dtype=np.int64), _LANES).view(np.float64)


class _Product:
    """A matrix product large enough to be shared among all threads, every one of which meets both rules.

    Columns in turn: 1 + 2^-54 and 1 + 3 2^-54, which round to 1 and to 1 + 2^-52 only to nearest; 2^-1060 + 2^-1060,
    products of 2^-530, which is lost if subnormal results or summands become zero. They are few, for they are slow.
    """

    @staticmethod
    @functools.cache
    def made() -> _Product:
        return _Product()

    def __init__(self) -> None:
        threads = _processors()
        rows, columns = max(128, _ROWS_OF_A_THREAD * threads // 2), 64
        inner = 2 + -(-5 * _SHARED_WORK * threads // (4 * rows * columns))
        small, tiny = np.int64((0x3FF - 54) << 52).view(np.float64), np.int64((0x3FF - 530) << 52).view(np.float64)
        self.left, self.right = np.full((rows, inner), tiny), np.zeros((inner, columns))
        self.left[:, 0], self.left[:, 1] = 1.0, small
        self.right[0, 0::4] = self.right[1, 0::4] = 1.0
        self.right[0, 1::4], self.right[1, 1::4] = 1.0, 3.0
        self.right[2:4, 2::4] = self.right[2:4, 3::4] = tiny
        expected = np.empty(columns, dtype=np.int64)
        expected[0::4], expected[1::4] = 0x3FF << 52, (0x3FF << 52) + 1
        expected[2::4] = expected[3::4] = 2 << 14
        whole = np.broadcast_to(expected, (rows, columns))
        self.expected, self.subnormal = whole.tobytes(), whole[:, 2::4].tobytes()


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
