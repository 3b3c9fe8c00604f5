"""Monitors and guards that enclose the error on a device say what those of the host say."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402 -- only where torch is installed

from verify import InputError  # noqa: E402
from verify.torch import EpochGuard, Monitor  # noqa: E402
from verify.torch.tensors import enclosures  # noqa: E402

DEVICES: list[Any] = []


@pytest.fixture(autouse=True)
def noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Note on which devices something is computed."""
    right = enclosures.certified_device
    DEVICES.clear()
    monkeypatch.setattr(enclosures, "certified_device", lambda device: (DEVICES.append(str(device)), right(device))[1])


def parts() -> tuple[nn.Module, Any, Any, Any]:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    x = torch.randn(12, 2).double()
    return module, torch.optim.SGD(module.parameters(), lr=0.1), x, (x[:, 0] > 0).long()


def watched(lr: float, **options: Any) -> list[Any]:
    module, optimizer, x, y = parts()
    optimizer.param_groups[0]["lr"] = lr
    with Monitor(optimizer, module, x, y, loss="cross_entropy", **options) as monitor:
        for _ in range(2):
            optimizer.zero_grad()
            nn.functional.cross_entropy(module(x), y).backward()
            optimizer.step()
    return [report.verdict.name for report in monitor.reports]


@pytest.mark.parametrize(("lr", "expected"), [(0.1, "PROVED"), (500.0, "REFUTED")])
def test_a_monitor(lr: float, expected: str) -> None:
    assert watched(lr, device="cpu") == watched(lr)
    assert watched(lr, device="cpu")[0] == expected
    assert DEVICES == ["cpu"] * 6


def test_a_guard() -> None:
    errors = []
    for options in ({}, {"device": "cpu"}):
        module, optimizer, x, y = parts()
        data = torch.utils.data.TensorDataset(x, y)
        loader = torch.utils.data.DataLoader(data, batch_size=6)
        guard = EpochGuard(optimizer, module, loader, "cross_entropy", **options)
        for _ in guard.epochs(2):
            for inputs, targets in loader:
                optimizer.zero_grad()
                nn.functional.cross_entropy(module(inputs), targets).backward()
                optimizer.step()
        assert guard.accepted == 2
        errors.append(guard.error)
    (low, high), (lower, higher) = errors
    assert low <= higher and lower <= high
    assert higher - lower <= 3 * (high - low)
    assert len(DEVICES) == 3


def test_what_no_device_computes_is_refused() -> None:
    module, optimizer, x, _ = parts()
    with pytest.raises(InputError, match=r"graph of operations.*leave out device="):
        Monitor(optimizer, module, x, x, device="cpu")
    with pytest.raises(InputError, match="no device for float64 numbers"):
        Monitor(optimizer, module, x, x, loss="mse", device="abacus")
