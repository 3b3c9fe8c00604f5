"""Where PyTorch computes something else than a module means: softplus beyond 20, casts of float32 modules."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402, N812 -- only where torch is installed
from torch import nn  # noqa: E402

import verify  # noqa: E402
from verify import InputError, Verdict  # noqa: E402
from verify.arithmetic import arb  # noqa: E402
from verify.importers.torch.problem import from_torch  # noqa: E402
from verify.torch import EpochGuard, Monitor  # noqa: E402

X, Y = torch.tensor([[1.0], [2.0]], dtype=torch.float64), torch.tensor([[0.5], [1.0]], dtype=torch.float64)


class Net(nn.Module):
    """One weight a unit; `function` is applied to the outputs."""

    def __init__(self, function: Any, weight: float = 15.0, dtype: Any = torch.float64) -> None:
        super().__init__()
        self.layer, self.function = nn.Linear(1, 1, bias=False), function
        nn.init.constant_(self.layer.weight, weight)
        self.to(dtype)

    def forward(self, x: Any) -> Any:
        return self.function(self.layer(x.to(self.layer.weight.dtype)))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(
    ("function", "beta"),
    [(F.softplus, 1), (nn.Softplus(), 1), (nn.Softplus(beta=2), 2), (nn.Softplus(threshold=1e3), 1)],
    ids=["function", "module", "beta", "threshold"],
)
def test_softplus_is_meant_as_documented_where_pytorch_cuts_it(function: Any, beta: int, dtype: Any) -> None:
    x, y = X.to(dtype), Y.to(dtype)
    problem = from_torch(Net(function, dtype=dtype), x, y, "mse")
    with arb.precision(200):
        exact = problem.error_in_arb(problem.initial_weights)
        units = [(1 + (beta * z * arb.flint.arb(15)).exp()).log() / beta for z in (1, 2)]
        wanted = sum((unit - target) ** 2 for unit, target in zip(units, (0.5, 1), strict=True)) / 2
        assert arb.bounds(abs(exact - wanted))[1] < 1e-40
    low, high = problem.error_enclosure(problem.initial_weights)
    assert low <= arb.bounds(wanted)[0] <= arb.bounds(wanted)[1] <= high


def test_a_low_threshold_is_another_function() -> None:
    with pytest.raises(InputError, match="low threshold is not continuous"):
        from_torch(Net(nn.Softplus(threshold=5)), X, Y, "mse")


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_doors_take_it(dtype: Any) -> None:
    net, x, y = Net(F.softplus, dtype=dtype), X.to(dtype), Y.to(dtype)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
    with Monitor(optimizer, net, x, y, loss="mse") as monitor:
        optimizer.zero_grad()
        F.mse_loss(net(x), y).backward()
        optimizer.step()
    assert [report.verdict for report in monitor.reports] == [Verdict.PROVED]
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=1)
    guard = EpochGuard(optimizer, net, loader, "mse")
    for _ in guard.epochs(1):
        for inputs, targets in loader:
            optimizer.zero_grad()
            F.mse_loss(net(inputs), targets).backward()
            optimizer.step()
    assert guard.reports[-1].verdict is Verdict.PROVED


CASTS = {
    "float": (lambda z: z.float().square(), torch.square),
    "to": (lambda z: z.to(torch.float32).square(), torch.square),
    "to by name": (lambda z: z.to(dtype=torch.float32).square(), torch.square),
    "softmax": (
        lambda z: F.softmax(torch.cat([z, -z], 1), dim=1, dtype=torch.float32)[:, :1],
        lambda z: F.softmax(torch.cat([z, -z], 1), dim=1)[:, :1],
    ),
    "sum": (lambda z: z.sum(1, keepdim=True, dtype=torch.float32).square(), torch.square),
}


@pytest.mark.parametrize("name", CASTS)
def test_casts_of_a_float32_module_to_float32_round_nothing(name: str) -> None:
    cast, plain = CASTS[name]
    found = [from_torch(Net(f, 0.5, torch.float32), X.float(), Y.float(), "mse") for f in (cast, plain)]
    with arb.precision(200):
        errors = [arb.bounds(problem.error_in_arb(problem.initial_weights)) for problem in found]
    assert max(low for low, _ in errors) <= min(high for _, high in errors)
    run = verify.train(found[0], steps=2, rule="guarded")
    assert {verdict.name for verdict in run.verdicts} == {"PROVED"}


@pytest.mark.parametrize("name", CASTS)
def test_casts_of_a_float64_module_to_float32_are_refused(name: str) -> None:
    with pytest.raises(InputError):
        from_torch(Net(CASTS[name][0], 0.5), X, Y, "mse")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_casts_to_a_shorter_format_are_refused(dtype: Any) -> None:
    with pytest.raises(InputError, match="rounded to another format"):
        from_torch(Net(lambda z: z.to(dtype).to(z.dtype), 0.5, torch.float32), X.float(), Y.float(), "mse")


class Turned(nn.Module):
    """Rotary positions: frequencies in a buffer that forward casts, their cosines cast back."""

    def __init__(self, dtype: Any) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1, bias=False)
        self.register_buffer("frequency", torch.tensor([[0.1]]))
        self.to(dtype)

    def forward(self, x: Any) -> Any:
        angle = torch.arange(2)[:, None].float() * self.frequency.to(torch.float32)
        return self.layer(x) * angle.cos().to(x.dtype)


def test_casts_of_buffers_that_hold_short_numbers_round_nothing() -> None:
    module = Turned(torch.float32)
    problem = from_torch(module, X.float(), Y.float(), "mse")
    with arb.precision(200):
        w, frequency = (arb.flint.arb(float(part.item())) for part in (module.layer.weight, module.frequency))
        wanted = ((w - arb.flint.arb("0.5")) ** 2 + (2 * w * frequency.cos() - 1) ** 2) / 2
        assert arb.bounds(abs(problem.error_in_arb(problem.initial_weights) - wanted))[1] < 1e-40
    with pytest.raises(InputError):
        from_torch(Turned(torch.float64), X, Y, "mse")
