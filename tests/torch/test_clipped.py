"""SGD with clipped momentum: the rule of `verify.train`, inside the theorem's range, as an optimiser of PyTorch."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402 -- only where torch is installed

from verify import Ball, InputError, Problem, Verdict, hessian_bound, momentum_range, train  # noqa: E402
from verify.theorems.ranges import RANGES  # noqa: E402
from verify.torch import ClippedMomentum, Monitor, convert  # noqa: E402

X = torch.linspace(-1, 1, 24, dtype=torch.float64).reshape(8, 3)
Y = torch.linspace(0, 1, 8, dtype=torch.float64).reshape(8, 1)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()


def half(module: nn.Module) -> Any:
    return 0.5 * ((module(X) - Y) ** 2).sum() / len(X)


def descend(optimiser: Any, module: nn.Module, steps: int) -> list[float]:
    losses = []
    for _ in range(steps):
        optimiser.zero_grad()
        loss = half(module)
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return losses


def bounded(module: nn.Module, radius: float = 0.5) -> tuple[Problem, float]:
    mapping = convert(module, (3,))
    w = mapping.read()
    problem = Problem(mapping.architecture, X.numpy(), Y.numpy(), initial_weights=w, region=Ball(w, radius))
    return problem, hessian_bound(problem, problem.region).value


class TestRule:
    @pytest.mark.parametrize(
        ("share", "momentum"),
        [
            (0.02, 0.9),
            (0.02, 3.0),
            *(pytest.param(*each, marks=pytest.mark.slow) for each in ((0.5, 0.9), (0.1, 0.0), (1.0, 0.9))),
        ],
    )
    def test_it_takes_the_steps_of_train(self, share: float, momentum: float) -> None:
        module = network()
        problem, L = bounded(module)
        lr = share * RANGES["from_rest"].eta_limit(L)
        run = train(problem, steps=12, rule="clipped", eta=lr, mu=momentum)
        optimiser = ClippedMomentum(module.parameters(), lr, momentum, L)
        descend(optimiser, module, 12)
        found, expected = convert(module, (3,)).read(), run.weights
        assert np.allclose(found, expected, rtol=0, atol=1e-9 * np.linalg.norm(expected - problem.initial_weights))

    def test_it_is_sgd_where_nothing_is_cut(self) -> None:
        one, other = network(), network()
        clipped = ClippedMomentum(one.parameters(), lr=0.01, momentum=0.5, curvature=1.0)
        plain = torch.optim.SGD(other.parameters(), lr=0.01, momentum=0.5)
        for optimiser, module in ((clipped, one), (plain, other)):
            descend(optimiser, module, 20)
        assert clipped.coefficient == 0.5
        assert all(torch.allclose(p, q, rtol=1e-12) for p, q in zip(one.parameters(), other.parameters(), strict=True))

    @pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
    def test_its_momentum_is_never_longer_than_the_theorem_allows(self, share: float) -> None:
        module, L = network(), 2.0
        lr = share / L
        tau = momentum_range(L, lr, theorem="from_rest")[1]
        optimiser = ClippedMomentum(module.parameters(), lr, 5.0, L)
        mapping, cut = convert(module, (3,)), 0
        previous = np.zeros(mapping.architecture.size)
        for _ in range(15):
            before = mapping.read()
            optimiser.zero_grad()
            half(module).backward()
            gradient = mapping.read_gradient()
            optimiser.step()
            momentum = optimiser.coefficient * previous
            assert np.linalg.norm(momentum) <= tau * np.linalg.norm(gradient)
            assert np.allclose(mapping.read() - before, momentum - lr * gradient, rtol=0, atol=1e-14)
            kept = {key: optimiser.state[p]["step"].numpy() for key, p in mapping.parameters.items()}
            previous = mapping.flatten(kept)
            cut += optimiser.coefficient < 5.0
        assert cut >= 10

    def test_with_a_proved_bound_every_step_decreases_the_error(self) -> None:
        module = network()
        problem, L = bounded(module)
        optimiser = ClippedMomentum(module.parameters(), 0.05 / L, 0.95, L)
        with Monitor(optimiser, module, X, Y, region=problem.region) as monitor:
            descend(optimiser, module, 40)
        assert {report.verdict for report in monitor.reports} == {Verdict.PROVED}
        assert monitor.reports[-1].inside is Verdict.PROVED


class TestOptimiser:
    @pytest.mark.parametrize("lr", [1.5, 0.0, -0.1, float("nan"), float("inf"), "0.1", None, True])
    def test_a_learning_rate_outside_the_range(self, lr: Any) -> None:
        with pytest.raises(InputError, match=r"\A[^\n]*\Z"):
            ClippedMomentum(network().parameters(), lr, 0.9, 1.0)

    def test_the_remedy_works(self) -> None:
        with pytest.raises(InputError, match="use eta <= ") as refused:
            ClippedMomentum(network().parameters(), 0.5, 0.9, 2.5)
        largest = float(str(refused.value).rpartition("<= ")[2])
        assert 0.39 < largest <= 0.4
        ClippedMomentum(network().parameters(), largest, 0.9, 2.5)

    @pytest.mark.parametrize(
        "setting",
        [{"momentum": -0.1}, {"momentum": float("nan")}, {"curvature": 0.0}, {"curvature": -1}, {"weight_decay": -1.0}],
    )
    def test_other_settings(self, setting: dict[str, Any]) -> None:
        with pytest.raises(InputError):
            ClippedMomentum(network().parameters(), **{"lr": 0.1, "momentum": 0.9, "curvature": 1.0, **setting})

    def test_a_scheduler(self) -> None:
        module = network()
        optimiser = ClippedMomentum(module.parameters(), 0.1, 0.9, 2.0)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimiser, 0.5)
        for _ in range(4):
            descend(optimiser, module, 1)
            scheduler.step()
        assert optimiser.param_groups[0]["lr"] == 0.1 / 16
        optimiser.param_groups[0]["lr"] = 0.6
        before = convert(module, (3,)).read()
        with pytest.raises(InputError, match="smaller learning rate"):
            optimiser.step()
        assert np.array_equal(convert(module, (3,)).read(), before)

    def test_groups_share_all_but_weight_decay(self) -> None:
        module = network()
        groups = [{"params": module[0].parameters(), "weight_decay": 0.1}, {"params": module[2].parameters()}]
        optimiser = ClippedMomentum(groups, 0.1, 0.9, 2.0)
        other = network()
        plain = torch.optim.SGD(
            [{"params": other[0].parameters(), "weight_decay": 0.1}, {"params": other[2].parameters()}], lr=0.1
        )
        descend(optimiser, module, 1)
        descend(plain, other, 1)
        assert all(torch.allclose(p, q) for p, q in zip(module.parameters(), other.parameters(), strict=True))
        groups = [{"params": module[0].parameters(), "lr": 0.1}, {"params": module[2].parameters()}]
        with pytest.raises(InputError, match="differs between parameter groups"):
            ClippedMomentum(groups, 0.2, 0.9, 2.0)

    def test_a_closure(self) -> None:
        module = network()
        optimiser = ClippedMomentum(module.parameters(), 0.1, 0.9, 2.0)

        def closure() -> Any:
            optimiser.zero_grad()
            loss = half(module)
            loss.backward()
            return loss

        losses = [float(optimiser.step(closure).detach()) for _ in range(5)]
        assert losses == sorted(losses, reverse=True)

    @pytest.mark.parametrize("how", ["copy", "state"])
    def test_saved_it_goes_on_as_before(self, how: str) -> None:
        module = network()
        optimiser = ClippedMomentum(module.parameters(), 0.02, 2.0, 2.0)
        descend(optimiser, module, 5)
        if how == "copy":
            other, again = copy.deepcopy((module, optimiser))
        else:
            other = copy.deepcopy(module)
            again = ClippedMomentum(other.parameters(), 0.02, 2.0, 2.0)
            again.load_state_dict(copy.deepcopy(optimiser.state_dict()))
        assert descend(again, other, 5) == descend(optimiser, module, 5)
        assert again.coefficient == optimiser.coefficient < 2.0

    def test_a_gradient_that_is_no_number_moves_nothing(self) -> None:
        module = network()
        optimiser = ClippedMomentum(module.parameters(), 0.1, 0.9, 2.0)
        descend(optimiser, module, 1)
        module[0].weight.grad.fill_(float("nan"))
        before = convert(module, (3,)).read()
        with pytest.raises(InputError, match="not finite"):
            optimiser.step()
        assert np.array_equal(convert(module, (3,)).read(), before)

    def test_a_parameter_frozen_in_between_starts_again_from_rest(self) -> None:
        module = network()
        optimiser = ClippedMomentum(module.parameters(), 0.1, 0.9, 2.0)
        descend(optimiser, module, 3)
        module[0].weight.requires_grad_(False)
        frozen, before = module[0].weight.clone(), module[2].weight.detach().clone()
        descend(optimiser, module, 1)
        assert torch.equal(module[0].weight, frozen)
        assert torch.allclose(module[2].weight, before - 0.1 * module[2].weight.grad)

    def test_an_unused_parameter_moves_by_momentum_only(self) -> None:
        module, unused = network(), nn.Parameter(torch.ones(2, dtype=torch.float64))
        optimiser = ClippedMomentum([*module.parameters(), unused], 0.1, 0.9, 2.0)
        descend(optimiser, module, 3)
        assert torch.equal(unused, torch.ones(2, dtype=torch.float64))


class TestBatches:
    """Batches with errors |w - c|^2/2, c = 1 and -1 in turn: L = 1."""

    def rises(self, lr: float, **options: Any) -> int:
        """Steps that raise the error of their own batch."""
        w = nn.Parameter(torch.tensor([3.0], dtype=torch.float64))
        optimiser, rises = ClippedMomentum([w], lr, momentum=5.0, curvature=1.0, **options), 0
        for step in range(200):
            centre = 1.0 if step % 2 else -1.0
            before = float((w.detach() - centre).abs())
            optimiser.zero_grad()
            (0.5 * (w - centre).square()).sum().backward()
            optimiser.step()
            rises += float((w.detach() - centre).abs()) > before
        return rises

    @pytest.mark.parametrize("lr", [0.01, 0.1, 0.5, 1.0])
    def test_every_step_lowers_the_error_of_its_own_batch(self, lr: float) -> None:
        assert self.rises(lr, batches=True) == 0

    def test_momentum_for_one_error_does_not(self) -> None:
        assert self.rises(0.01) > 0

    def test_copies_keep_the_theorem(self) -> None:
        w = nn.Parameter(torch.tensor([3.0], dtype=torch.float64))
        optimiser = copy.deepcopy(ClippedMomentum([w], 0.01, 5.0, 1.0, batches=True))
        assert optimiser._settings()[2] == RANGES["sharp"].momentum_limit(1.0, 0.01) * (1 - 2.0**-40)
