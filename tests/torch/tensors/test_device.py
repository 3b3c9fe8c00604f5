"""A device that does not compute as the bounds demand is refused, before and after; one that does is not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import verify.torch  # noqa: E402 -- only where torch is installed
from verify.arithmetic.environment import HostileEnvironment  # noqa: E402
from verify.graph.problem import GraphProblem  # noqa: E402
from verify.graph.tensor import GraphBuilder  # noqa: E402
from verify.outcomes import InputError  # noqa: E402
from verify.torch.tensors import device as guard  # noqa: E402
from verify.torch.tensors.functions import FUNCTIONS, UFUNCS  # noqa: E402

CPU = torch.device("cpu")
LEAST = 2.0**-1022


def problem() -> GraphProblem:
    builder = GraphBuilder()
    graph = builder.build((builder.constant("x", (3, 2)) @ builder.parameter("w", (2, 1))).square().mean())
    return GraphProblem(graph, {"x": np.arange(6.0).reshape(3, 2)}, [0.1, -0.3])


DOORS: dict[str, Callable[[], Any]] = {
    "error_enclosure": lambda: verify.torch.error_enclosure(problem()),
    "gradient_enclosure": lambda: verify.torch.gradient_enclosure(problem()),
    "segment_bound": lambda: verify.torch.segment_bound(problem(), [0.1, -0.3], [1.0, 1.0], 0.5),
}


def flushed(function: Callable[..., Any]) -> Callable[..., Any]:
    """A device that makes subnormal results zero."""

    def flushing(*operands: Any, **options: Any) -> Any:
        found = function(*operands, **options)
        return torch.where(torch.abs(found) < LEAST, torch.zeros_like(found), found)

    return flushing


def strassen(x: Any, y: Any) -> Any:
    """Seven products of halves instead of eight: its error is no multiple of the entries' own sizes."""
    if x.ndim != 2 or y.ndim != 2 or any(n % 2 for n in (*x.shape, *y.shape)):
        return torch.matmul(x, y)
    (a, b), (c, d) = (torch.tensor_split(half, 2, 1) for half in torch.tensor_split(x, 2, 0))
    (e, f), (g, h) = (torch.tensor_split(half, 2, 1) for half in torch.tensor_split(y, 2, 0))
    p = [a @ (f - h), (a + b) @ h, (c + d) @ e, d @ (g - e), (a + d) @ (e + h), (b - d) @ (g + h), (a - c) @ (e + f)]
    top = torch.cat([p[4] + p[3] - p[1] + p[5], p[0] + p[1]], 1)
    return torch.cat([top, torch.cat([p[2] + p[3], p[0] + p[4] - p[2] - p[6]], 1)], 0)


def with_slices(x: Any, y: Any) -> Any:
    """Float64 emulated by whole numbers of 52 bits that share one exponent for each row or column."""
    scale_x = torch.exp2(torch.ceil(torch.log2(torch.abs(x).amax(-1, keepdim=True))) - 52)
    scale_y = torch.exp2(torch.ceil(torch.log2(torch.abs(y).amax(-2, keepdim=True))) - 52)
    return torch.matmul(torch.round(x / scale_x) * scale_x, torch.round(y / scale_y) * scale_y)


def in_single(function: Callable[..., Any]) -> Callable[..., Any]:
    def single(*operands: Any, **options: Any) -> Any:
        found = function(*(x.float() if isinstance(x, torch.Tensor) else x for x in operands), **options)
        return found.double()

    return single


def upward(function: Callable[..., Any]) -> Callable[..., Any]:
    def rounded(x: Any, y: Any, **options: Any) -> Any:
        found = function(x, y, **options)
        return torch.nextafter(found, torch.full_like(found, np.inf))

    return rounded


HOSTILE: dict[str, tuple[dict[Any, Any], Any, Callable[[Any], Any], str]] = {
    "sums flush": (UFUNCS, np.add, flushed, "sums lose subnormal"),
    "differences flush": (UFUNCS, np.subtract, flushed, "differences lose subnormal"),
    "products flush": (UFUNCS, np.multiply, flushed, "products .*subnormal"),
    "quotients flush": (UFUNCS, np.divide, flushed, "quotients .*subnormal"),
    "totals flush": (FUNCTIONS, np.sum, flushed, "sums lose subnormal"),
    "matrix products flush": (UFUNCS, np.matmul, flushed, "matrix products lose subnormal"),
    "sums round upward": (UFUNCS, np.add, upward, "sums are not rounded to nearest"),
    "products round upward": (UFUNCS, np.multiply, upward, "products are not rounded to nearest"),
    "quotients by reciprocals": (UFUNCS, np.divide, lambda _: lambda x, y: x * (1.0 / y), "quotients .*nearest"),
    "products in float16": (
        UFUNCS, np.matmul, lambda _: lambda x, y: torch.matmul(x.half(), y.half()).double(), "lose digits",
    ),
    "products accumulated in float32": (UFUNCS, np.matmul, in_single, "lose digits"),
    "products in bfloat16": (
        UFUNCS, np.matmul, lambda _: lambda x, y: torch.matmul(x.bfloat16(), y.bfloat16()).double(), "lose digits",
    ),
    "sums in float32": (FUNCTIONS, np.sum, in_single, "sums lose digits"),
    "products by Strassen": (UFUNCS, np.matmul, lambda _: strassen, "lose digits"),
    "products of shared exponents": (UFUNCS, np.matmul, lambda _: with_slices, "lose digits"),
    "products round upward at the end": (UFUNCS, np.matmul, upward, "matrix products"),
}  # fmt: skip


def test_the_processor_passes():
    guard.check_device(CPU)
    for door in DOORS.values():
        door()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_device_is_refused(name, monkeypatch):
    table, function, plant, words = HOSTILE[name]
    monkeypatch.setitem(table, function, plant(table[function]))
    with pytest.raises(HostileEnvironment, match=f"device cpu: .*{words}"):
        guard.check_device(CPU)


@pytest.mark.parametrize("door", DOORS)
def test_every_door_refuses_it(door, monkeypatch):
    monkeypatch.setitem(UFUNCS, np.matmul, in_single(UFUNCS[np.matmul]))
    with pytest.raises(HostileEnvironment, match="lose digits"):
        DOORS[door]()


@pytest.mark.parametrize("door", DOORS)
def test_a_device_that_changes_in_the_middle_is_refused(door, monkeypatch):
    answers = iter([None, "it has changed"])
    monkeypatch.setattr(guard, "_test_products", lambda device: next(answers))
    with pytest.raises(HostileEnvironment, match="it has changed"):
        DOORS[door]()


def test_a_fused_product_and_difference_is_refused(monkeypatch):
    right, exact = UFUNCS[np.subtract], {}

    def product(x: Any, y: Any, **options: Any) -> Any:
        found = torch.multiply(x, y, **options)
        exact[id(found)] = (found, x, y)
        return found

    def difference(x: Any, y: Any, **options: Any) -> Any:
        """Round ``a b - y`` once: what a product is short of is added, as a fused operation would."""
        if id(x) in exact and isinstance(y, torch.Tensor):
            _, a, b = exact[id(x)]
            high = [(side * (2.0**27 + 1)) - (side * (2.0**27 + 1) - side) for side in (a, b)]
            low = [side - top for side, top in zip((a, b), high, strict=True)]
            lost = ((high[0] * high[1] - x) + high[0] * low[1] + low[0] * high[1]) + low[0] * low[1]
            return right(x, y, **options) + lost
        return right(x, y, **options)

    monkeypatch.setitem(UFUNCS, np.multiply, product)
    monkeypatch.setitem(UFUNCS, np.subtract, difference)
    with pytest.raises(HostileEnvironment, match="products and sums are not rounded to nearest"):
        guard.check_device(CPU)


def test_products_of_fewer_digits_in_float32_are_refused(monkeypatch):
    """TF32 keeps ten bits behind the leading one."""
    right = torch.matmul

    def short(x: Any) -> Any:
        return (x.view(torch.int32) & ~0x1FFF).view(torch.float32) if x.dtype == torch.float32 else x

    monkeypatch.setattr(torch, "matmul", lambda x, y: right(short(x), short(y)))
    with pytest.raises(HostileEnvironment, match="float32 matrix products are of fewer digits"):
        guard.check_device(CPU)


@pytest.fixture
def settings() -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(before)


def test_formats_of_fewer_digits_are_off_inside_and_as_before_outside(settings):
    torch.set_float32_matmul_precision("medium")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with guard.certified_device(CPU):
            assert torch.get_float32_matmul_precision() == "highest"
            assert not torch.is_autocast_enabled("cpu")
            assert not torch.is_grad_enabled()
        assert torch.is_autocast_enabled("cpu")
        low, high = DOORS["error_enclosure"]()
    assert torch.get_float32_matmul_precision() == "medium"
    assert torch.is_grad_enabled()
    assert 0 < high - low < 1e-14


@pytest.fixture
def flushing() -> Iterator[None]:
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot flush subnormal numbers")
    yield
    torch.set_flush_denormal(False)


@pytest.mark.parametrize("refuse", [DOORS["error_enclosure"], lambda: guard.check_device(CPU)], ids=["door", "test"])
def test_flushing_in_this_thread_is_refused(refuse, flushing):
    with pytest.raises(HostileEnvironment, match="subnormal"):
        refuse()


def test_what_is_expected_of_a_device_is_never_computed_while_numbers_are_flushed(flushing):
    for reference in (guard._entries, guard._products, guard._sums):
        reference.cache_clear()
    with pytest.raises(HostileEnvironment, match="subnormal"):
        guard.check_device(CPU)
    assert guard._entries.cache_info().currsize == 0
    torch.set_flush_denormal(False)
    guard.check_device(CPU)


FLUSHING_POOL = """
import torch

torch.set_num_threads(2)
torch.set_flush_denormal(True)
torch.ones(2**20).sum()
torch.set_flush_denormal(False)

from verify.arithmetic.environment import check_thread
from verify.torch.tensors.device import check_device

check_thread()
check_device(torch.device("cpu"))
"""


def test_flushing_in_the_threads_of_the_device_alone_is_refused(flushing):
    ran = subprocess.run([sys.executable, "-c", FLUSHING_POOL], check=False, capture_output=True, text=True)
    assert "HostileEnvironment: device cpu: sums lose subnormal numbers" in ran.stderr


@pytest.mark.parametrize("device", ["meta", "no such", "mps:7", None, 3.5])
def test_what_holds_no_float64_numbers_is_refused(device):
    with pytest.raises(InputError, match="no device for float64 numbers"):
        verify.torch.error_enclosure(problem(), device=device)


def test_too_little_memory_is_said_in_one_line(monkeypatch):
    def full(*_: Any) -> Any:
        raise torch.OutOfMemoryError("tried to allocate 4 GiB")

    monkeypatch.setattr(verify.torch.tensors.enclosures.GraphErrorSum, "alone", full)
    with pytest.raises(InputError, match=r"memory of the device is not enough.*smaller chunk"):
        DOORS["error_enclosure"]()
