"""A loss that reads the module's own parameters past its arguments is refused: they would be constants of the error."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import verify  # noqa: E402

Module = torch.nn.Module
PENALTIES: dict[str, Callable[[Module], torch.Tensor]] = {
    "squares": lambda m: sum((p**2).sum() for p in m.parameters()),
    "absolute values": lambda m: m[0].weight.abs().sum(),
    "detached": lambda m: m[0].weight.detach().square().sum(),
    "a view": lambda m: m[0].weight[0].sum(),
    "another pass": lambda m: m(torch.ones(1, 2, dtype=m[0].weight.dtype)).square().mean(),
}


def _case(dtype: torch.dtype) -> tuple[Module, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)).to(dtype)
    return module, torch.randn(5, 2).to(dtype), torch.randn(5, 1).to(dtype)


def _squares(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return ((outputs - targets) ** 2).mean()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", PENALTIES)
def test_it_is_refused(name: str, dtype: torch.dtype) -> None:
    module, x, y = _case(dtype)
    with pytest.raises(verify.InputError, match="loss: the loss reads a parameter of the module"):
        verify.from_torch(module, x, y, loss=lambda o, t: _squares(o, t) + PENALTIES[name](module))


def test_the_distance_from_fixed_numbers_is_an_error_of_its_own() -> None:
    module, x, y = _case(torch.float64)
    scale = torch.tensor(0.5, dtype=torch.float64)
    problem = verify.from_torch(module, x, y, loss=lambda o, t: scale * _squares(o, t))
    assert problem.error(problem.initial_weights) == pytest.approx(0.5 * _squares(module(x), y).item())


def test_frozen_parameters_are_constants_of_the_loss_too() -> None:
    module, x, y = _case(torch.float64)
    module[0].weight.requires_grad_(False)
    problem = verify.from_torch(module, x, y, loss=lambda o, t: _squares(o, t) + module[0].weight.square().sum())
    expected = (_squares(module(x), y) + module[0].weight.square().sum()).item()
    assert problem.error(problem.initial_weights) == pytest.approx(expected)


def test_obeying_the_remedy_gives_the_error_with_its_penalty() -> None:
    module, x, y = _case(torch.float64)
    problem = verify.from_torch(module, x, y, loss=_squares, weight_decay={"0.weight": 0.3})
    (_squares(module(x), y) + 0.15 * module[0].weight.square().sum()).backward()
    used = np.concatenate([p.grad.numpy().ravel() for p in module.parameters()])
    assert problem.gradient(problem.read(module)) == pytest.approx(used, rel=1e-12)
