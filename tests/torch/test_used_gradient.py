"""The monitor says which gradient a step used, and never that the theorem speaks of a step that used another one."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402 -- only where torch is installed

from verify import Ball, Verdict, hessian_bound  # noqa: E402
from verify.arithmetic import rational  # noqa: E402
from verify.calculus.decide import decide_decrease  # noqa: E402
from verify.torch import Monitor, Residual, convert  # noqa: E402
from verify.torch.mapped import MappedModule  # noqa: E402

SAMPLES = 12


def network(outputs: int = 1, seed: int = 0, dtype: Any = torch.float64) -> nn.Module:
    torch.manual_seed(seed)
    layers = [nn.Linear(3, 4), nn.Tanh(), Residual(nn.Linear(4, 4), nn.Sigmoid()), nn.Linear(4, outputs)]
    return nn.Sequential(*layers).to(dtype)


def data(outputs: int = 1, seed: int = 1, dtype: Any = torch.float64) -> tuple[Any, Any]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((SAMPLES, 3), generator=generator, dtype=torch.float64).to(dtype)
    return x, torch.randn((SAMPLES, outputs), generator=generator, dtype=torch.float64).to(dtype)


def half(module: nn.Module, x: Any, y: Any) -> Any:
    return 0.5 * ((module(x) - y) ** 2).sum() / len(x)


@cache
def bounded(outputs: int) -> tuple[Ball, float]:
    """Return a ball around the weights of `network` and a proved bound of the Hessian there."""
    module, (x, y) = network(outputs), data(outputs)
    problem = MappedModule(module, x, y, None).problem
    region = Ball(problem.initial_weights, 0.5)
    return region, hessian_bound(problem, region, method="norms").value


def watched(
    module: nn.Module,
    x: Any,
    y: Any,
    loss: Callable[..., Any],
    *,
    share: float = 0.5,
    steps: int = 3,
    after_backward: Callable[[nn.Module], Any] = lambda module: None,
    clear: bool = True,
    momentum: float = 0.0,
) -> Monitor:
    """Take steps with lr = share of 2 (1 - momentum)/L, L being proved on a ball."""
    region, curvature = bounded(y.shape[1])
    optimiser = torch.optim.SGD(module.parameters(), lr=share * 2 * (1 - momentum) / curvature, momentum=momentum)
    with Monitor(optimiser, module, x, y, curvature=curvature, region=region) as monitor:
        for _ in range(steps):
            if clear:
                optimiser.zero_grad()
            loss(module, x, y).backward()
            after_backward(module)
            optimiser.step()
    return monitor


class TestMultiples:
    @pytest.mark.parametrize(
        ("outputs", "loss", "multiple", "words"),
        [
            (1, nn.MSELoss(), 2, "nn.MSELoss with one output"),
            (2, nn.MSELoss(), 1, ""),
            (3, nn.MSELoss(), Fraction(2, 3), "nn.MSELoss with 3 outputs"),
            (1, nn.MSELoss(reduction="sum"), 2 * SAMPLES, "reduction='sum'"),
            (2, lambda h, y: 0.5 * ((h - y) ** 2).sum(), SAMPLES, "the sum over the samples"),
            (1, lambda h, y: 1.5 * ((h - y) ** 2).sum() / len(y), 3, "3 times"),
            (1, lambda h, y: ((h - y) ** 2).sum() / len(y) / 7, Fraction(2, 7), "2/7 times"),
            (1, lambda h, y: np.pi / 20 * ((h - y) ** 2).sum() / len(y), np.pi / 10, "0.314159 times"),
        ],
    )
    def test_is_told_and_its_learning_rate_judged(self, outputs: int, loss: Any, multiple: Any, words: str) -> None:
        x, y = data(outputs)
        reach = float(multiple)
        for share, expected in ((0.9 / reach, Verdict.PROVED), (1.1 / reach, Verdict.UNDECIDED)):
            monitor = watched(network(outputs), x, y, lambda m, x, y: loss(m(x), y), share=share, steps=1)
            (report,) = monitor.reports
            assert report.in_range is expected
            assert report.multiple == pytest.approx(reach, rel=1e-12)
            assert words in report.note
            assert ("outside the range" in report.note) == (expected is not Verdict.PROVED)

    @pytest.mark.parametrize("reduction", ["mean", "sum"])
    def test_of_either_reduction(self, reduction: str) -> None:
        module, (x, y) = network(), data()
        optimiser = torch.optim.SGD(module.parameters(), lr=1e-4)
        monitor = Monitor(optimiser, module, x, y, curvature=1.0, reduction=reduction)
        nn.MSELoss()(module(x), y).backward()
        optimiser.step()
        assert monitor.reports[0].multiple == (2 if reduction == "mean" else 2 / SAMPLES)

    def test_uphill_is_never_in_range(self) -> None:
        x, y = data()
        monitor = watched(network(), x, y, lambda m, x, y: -half(m, x, y))
        assert {report.in_range for report in monitor.reports} == {Verdict.UNDECIDED}
        assert all("uphill" in report.note and report.multiple == -1 for report in monitor.reports)

    def test_a_clipped_norm_is_a_multiple_that_is_not_constant(self) -> None:
        x, y = data()
        monitor = watched(
            network(), x, y, half, after_backward=lambda m: nn.utils.clip_grad_norm_(m.parameters(), 0.125)
        )
        assert monitor.reports[0].in_range is Verdict.PROVED
        assert 0 < monitor.reports[0].multiple < 1
        assert monitor.reports[1].in_range is Verdict.UNDECIDED
        assert monitor.reports[1].note.endswith("not constant")


def doubled_first_entry(module: nn.Module) -> None:
    module[0].weight.grad[0, 0] *= 1.001


OTHERS: dict[str, tuple[Callable[..., Any], Callable[[nn.Module], Any]]] = {
    "mini-batch": (lambda m, x, y: half(m, x[:6], y[:6]), lambda m: None),
    "all but one sample": (lambda m, x, y: half(m, x[:-1], y[:-1]), lambda m: None),
    "absolute error": (lambda m, x, y: nn.L1Loss()(m(x), y), lambda m: None),
    "huber": (lambda m, x, y: nn.HuberLoss(delta=0.1)(m(x), y), lambda m: None),
    "broadcast targets": (lambda m, x, y: ((m(x) - y.reshape(-1)) ** 2).mean(), lambda m: None),
    "penalty": (lambda m, x, y: half(m, x, y) + 0.01 * m[0].weight.square().sum(), lambda m: None),
    "noisy inputs": (lambda m, x, y: half(m, x + 0.01, y), lambda m: None),
    "clipped entries": (half, lambda m: nn.utils.clip_grad_value_(m.parameters(), 0.01)),
    "one entry": (half, doubled_first_entry),
    "one layer left out": (half, lambda m: m[3].zero_grad()),
}


class TestOtherGradients:
    @pytest.mark.parametrize("momentum", [0.0, 0.5])
    @pytest.mark.parametrize("name", OTHERS)
    def test_are_never_in_range(self, name: str, momentum: float) -> None:
        loss, after_backward = OTHERS[name]
        x, y = data()
        monitor = watched(network(), x, y, loss, after_backward=after_backward, momentum=momentum)
        assert {report.in_range for report in monitor.reports} == {Verdict.UNDECIDED}
        assert {report.multiple for report in monitor.reports} == {None}
        assert all("did not use this error's gradient" in report.note for report in monitor.reports)

    def test_gradients_left_over(self) -> None:
        x, y = data()
        monitor = watched(network(), x, y, half, clear=False)
        assert [report.in_range for report in monitor.reports] == [Verdict.PROVED] + 2 * [Verdict.UNDECIDED]

    def test_a_step_that_the_theorem_covers_all_the_same_says_so(self) -> None:
        x, y = data()
        for share, covered in ((0.1, True), (0.999999, False)):
            monitor = watched(network(), x, y, OTHERS["all but one sample"][0], share=share, steps=1)
            assert ("proved not to have risen" in monitor.reports[0].note) == covered
            assert monitor.reports[0].in_range is Verdict.UNDECIDED

    def test_no_gradient(self) -> None:
        x, y = data()
        monitor = watched(network(), x, y, half, after_backward=lambda m: m.zero_grad())
        assert {report.note for report in monitor.reports} == {"the step used no gradient"}

    def test_a_step_that_rounding_hides(self) -> None:
        x, y = data()
        monitor = watched(network(), x, y, half, share=1e-16)
        assert all("rounding hides" in report.note for report in monitor.reports)


class TestOwnGradient:
    @pytest.mark.parametrize("decay", [0.0, 0.01])
    @pytest.mark.parametrize("momentum", [0.0, 0.9])
    @pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
    @pytest.mark.parametrize("seed", range(3))
    def test_is_recognised_in_every_step(self, seed: int, dtype: Any, momentum: float, decay: float) -> None:
        outputs = seed + 1
        module, (x, y) = network(outputs, seed, dtype), data(outputs, seed, dtype)
        optimiser = torch.optim.SGD(module.parameters(), lr=0.01, momentum=momentum, weight_decay=decay)
        monitor = Monitor(optimiser, module, x, y, curvature=5.0, weight_decay=decay)
        for _ in range(15):
            optimiser.zero_grad()
            half(module, x, y).backward()
            optimiser.step()
        assert [(report.in_range, report.note) for report in monitor.reports] == [(Verdict.PROVED, "")] * 15

    @pytest.mark.parametrize("factor", [2.0, 0.123, 0.1])
    def test_a_multiple_stays_the_same_in_single_precision(self, factor: float) -> None:
        module, (x, y) = network(dtype=torch.float32), data(dtype=torch.float32)
        optimiser = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.5)
        monitor = Monitor(optimiser, module, x, y, curvature=5.0)
        for _ in range(10):
            optimiser.zero_grad()
            (factor * half(module, x, y)).backward()
            optimiser.step()
        assert {report.in_range for report in monitor.reports} == {Verdict.PROVED}
        assert len({report.multiple for report in monitor.reports}) == 1

    @pytest.mark.parametrize("momentum", [0.0, 0.3, 0.9])
    @pytest.mark.parametrize("loss", [half, lambda m, x, y: nn.MSELoss()(m(x), y)], ids=["half", "mse"])
    def test_in_range_the_energy_falls(self, loss: Any, momentum: float) -> None:
        module, (x, y) = network(), data()
        mapping = convert(module, (3,))
        weights: list[np.ndarray] = []
        monitor = watched(
            module,
            x,
            y,
            loss,
            share=0.49,
            steps=5,
            momentum=momentum,
            after_backward=lambda _: weights.append(mapping.read()),
        )
        weights.append(mapping.read())
        assert {report.in_range for report in monitor.reports} == {Verdict.PROVED}
        eta = Fraction(monitor.reports[0].multiple) * Fraction(monitor.optimizer.param_groups[0]["lr"])
        previous = weights[0]
        for w, w_next in pairwise(weights):
            kinetic = Fraction(momentum) / (2 * eta) * (squared(w, w_next) - squared(previous, w))
            assert decide_decrease(monitor.problem, w, w_next, plus=kinetic).sign == -1
            previous = w

    def test_on_the_edge_rounding_is_said_to_decide(self) -> None:
        x, y = data()
        monitor = watched(network(), x, y, half, share=1.0 - 1e-15)
        assert monitor.reports[0].in_range is Verdict.UNDECIDED
        assert "rounding takes more" in monitor.reports[0].note


def squared(start: np.ndarray, end: np.ndarray) -> Fraction:
    return rational.dot(end, end) - 2 * rational.dot(start, end) + rational.dot(start, start)
