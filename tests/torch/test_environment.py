"""The doors for PyTorch refuse a hostile processor, whoever made it so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402 -- only where torch is installed

import verify  # noqa: E402
import verify.torch  # noqa: E402
from tests.processor import STATES, hostile, unit  # noqa: E402
from tests.public_calls import members  # noqa: E402
from verify.arithmetic import processor  # noqa: E402
from verify.arithmetic.environment import HostileEnvironment  # noqa: E402
from verify.graph.problem import GraphProblem  # noqa: E402
from verify.torch import CertifiedMomentum, ClippedMomentum, Correspondence, EpochGuard, Monitor  # noqa: E402

X = torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
Y = torch.tensor([[0.5], [0.0]], dtype=torch.float64)


@pytest.fixture(autouse=True)
def unsuspected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "suspicion", None)


@pytest.fixture
def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(1, 1), nn.Tanh()).double()


def monitored(module: nn.Module, **options: Any) -> tuple[Monitor, Callable[[], None]]:
    """A monitor, and a plain step of the optimiser that it watches."""
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)

    def step() -> None:
        optimizer.zero_grad()
        (0.5 * ((module(X) - Y) ** 2).mean()).backward()
        optimizer.step()

    return Monitor(optimizer, module, X, Y, **options), step


CALLS: dict[str, Callable[[nn.Module], Callable[[], Any]]] = {
    "Monitor.__init__": lambda module: lambda: monitored(module),
    "Monitor's step": lambda module: monitored(module)[1],
    "CertifiedMomentum.__init__": lambda module: lambda: CertifiedMomentum(module, X, Y),
    "CertifiedMomentum.step": lambda module: CertifiedMomentum(module, X, Y).step,
    "CertifiedMomentum.set_batch": lambda module: (lambda made: lambda: made.set_batch(X, Y))(optimiser(module)),
    "Monitor.set_batch": lambda module: (lambda made: lambda: made.set_batch(X, Y))(monitored(module)[0]),
    "ClippedMomentum.__init__": lambda module: lambda: clipped(module),
    "ClippedMomentum.step": lambda module: clipped(module).step,
    "CertifiedMomentum.load_state_dict": lambda module: lambda: optimiser(module).load_state_dict(state(module)),
    "EpochGuard.__init__": lambda module: lambda: guard(module),
    "EpochGuard.judge": lambda module: guard(module).judge,
    "error_enclosure": lambda module: (lambda made: lambda: verify.torch.error_enclosure(made))(problem(module)),
    "gradient_enclosure": lambda module: (lambda made: lambda: verify.torch.gradient_enclosure(made))(problem(module)),
    "segment_bound": lambda module: (
        lambda made: lambda: verify.torch.segment_bound(made, made.initial_weights, [1.0, 1.0], 0.1)
    )(problem(module)),
    "EpochGuard.load_state_dict": lambda module: (lambda made: lambda: made.load_state_dict(made.state_dict()))(
        guard(module)
    ),
}
NO_CLAIM = {
    "convert": "numbers as given",
    "EpochGuard.factor": "what the learning rates were multiplied by",
    "EpochGuard.epochs": "counts what judge says",
    "EpochGuard.state_dict": "data that judge computed",
    "EpochReport.__init__": "data that judge computed",
    "ClippedMomentum.add_param_group": "says nothing",
    "Monitor.detach": "says nothing",
    "TensorBoardLog.__init__": "says nothing",
    "TensorBoardLog.__call__": "data that the step computed",
    "Monitor.first_increase": "data that the step computed",
    "StepReport.__init__": "data that the step computed",
    "CertifiedMomentum.stopped": "data that the step computed",
    "CertifiedMomentum.state_dict": "data that the step computed",
    "CertifiedMomentum.add_param_group": "refuses",
    "Residual.__init__": "a module",
    "Residual.forward": "a module",
}


def problem(module: nn.Module) -> GraphProblem:
    return verify.from_torch(module, X, Y)


def optimiser(module: nn.Module) -> CertifiedMomentum:
    return CertifiedMomentum(module, X, Y)


def clipped(module: nn.Module) -> ClippedMomentum:
    return ClippedMomentum(module.parameters(), lr=0.1, momentum=0.9, curvature=1.0)


def guard(module: nn.Module) -> EpochGuard:
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, Y))
    return EpochGuard(torch.optim.SGD(module.parameters(), lr=0.1), module, loader)


def state(module: nn.Module) -> dict[str, Any]:
    return optimiser(module).state_dict()


def test_every_public_name_is_called_or_has_a_reason() -> None:
    doors = {name: getattr(verify.torch, name) for name in verify.torch.__all__}
    kinds = [door for door in doors.values() if isinstance(door, type)]
    found = {name for kind in kinds if kind is not Correspondence for name in members(kind)}
    found |= {name for name, door in doors.items() if not isinstance(door, type)}
    assert found - set(CALLS) - set(NO_CLAIM) == set()


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("state", STATES)
def test_it_is_refused(module: nn.Module, name: str, state: str) -> None:
    unit()
    call = CALLS[name](module)
    with hostile(state), pytest.raises(HostileEnvironment):
        call()


@pytest.fixture
def flushing() -> Iterator[None]:
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot flush subnormal numbers")
    yield
    torch.set_flush_denormal(False)


@pytest.mark.parametrize("name", CALLS)
def test_it_is_refused_where_torch_flushes_subnormal_numbers(module: nn.Module, name: str, flushing: None) -> None:
    torch.set_flush_denormal(False)
    call = CALLS[name](module)
    torch.set_flush_denormal(True)
    with pytest.raises(HostileEnvironment, match="subnormal"):
        call()


def test_the_monitor_reports_no_step_whose_state_its_callback_changed(module: nn.Module) -> None:
    monitor, step = monitored(module, callbacks=(lambda _: unit().enter("upward"),))
    unit()
    try:
        step()
        with pytest.raises(HostileEnvironment):
            step()
    finally:
        unit().leave()
    assert len(monitor.reports) == 1


def test_a_closure_may_not_change_the_state(module: nn.Module) -> None:
    optimizer = optimiser(module)
    unit()

    def closure() -> Any:
        optimizer.zero_grad()
        loss = 0.5 * ((module(X) - Y) ** 2).mean()
        loss.backward()
        unit().enter("downward")
        return loss

    try:
        with pytest.raises(HostileEnvironment):
            optimizer.step(closure)
    finally:
        unit().leave()
    assert optimizer.records == []
