"""PyTorch: modules are mapped to what they compute, steps are proved, the monitor tells falls from rises."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402 -- only where torch is installed

from verify import Ball, InputError, Verdict, train  # noqa: E402
from verify.arithmetic import arb  # noqa: E402
from verify.calculus.exact import error_in_arb  # noqa: E402
from verify.torch import CertifiedMomentum, Correspondence, Monitor, Residual, convert  # noqa: E402


def dense(dtype: Any = torch.float64) -> nn.Module:
    torch.manual_seed(0)
    layers = [nn.Linear(3, 5), nn.Tanh(), Residual(nn.Linear(5, 5)), nn.Sigmoid(), nn.Linear(5, 2, bias=False)]
    return nn.Sequential(*layers).to(dtype)


def image() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1),
        nn.SiLU(),
        Residual(nn.Conv2d(2, 2, 3, padding=1), nn.GELU()),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(8, 2),
    ).double()


def data(shape: tuple[int, ...], dtype: Any = torch.float64) -> tuple[Any, Any]:
    generator = torch.Generator().manual_seed(2)
    x = torch.randn((8, *shape), generator=generator, dtype=torch.float64)
    y = torch.rand((8, 2), generator=generator, dtype=torch.float64)
    return x.to(dtype), y.to(dtype)


CASES = {"dense": (dense, (3,)), "image": (image, (1, 4, 4))}


@pytest.fixture(params=CASES.values(), ids=CASES)
def case(request: pytest.FixtureRequest) -> tuple[nn.Module, Any, Any]:
    make, shape = request.param
    return make(), *data(shape)


def half_mean_squared(module: nn.Module, x: Any, y: Any) -> Any:
    return 0.5 * ((module(x) - y) ** 2).sum() / len(x)


class TestConversion:
    def test_weights_make_the_way_there_and_back(self, case: tuple[nn.Module, Any, Any]) -> None:
        module, x, _ = case
        mapping = convert(module, tuple(x.shape[1:]))
        mapping.check_outputs(module, x)
        w = np.random.default_rng(0).standard_normal(mapping.architecture.size)
        mapping.write(w)
        assert np.array_equal(mapping.read(), w)
        mapping.check_outputs(module, x)
        assert mapping.architecture.size == sum(parameter.numel() for parameter in module.parameters())

    @pytest.mark.parametrize(
        "layer", [nn.Dropout(), nn.BatchNorm1d(3), nn.Softplus(), nn.GELU(approximate="tanh"), nn.LeakyReLU(0.2)]
    )
    def test_unknown_layers_are_named(self, layer: nn.Module) -> None:
        with pytest.raises(InputError, match=r"module\.1: "):
            convert(nn.Sequential(nn.Linear(3, 3), layer), (3,))

    def test_shared_parameters_are_refused(self) -> None:
        layer = nn.Linear(3, 3)
        with pytest.raises(InputError, match="used twice"):
            convert(nn.Sequential(layer, nn.Tanh(), layer), (3,))

    def test_a_wrong_mapping_is_noticed(self) -> None:
        module = dense()
        other = nn.Sequential(*[nn.Sigmoid() if isinstance(layer, nn.Tanh) else layer for layer in module])
        with pytest.raises(InputError, match="does not compute"):
            convert(other, (3,)).check_outputs(module, data((3,))[0])

    def test_a_mapping_of_ones_own(self) -> None:
        module = dense()
        known = convert(module, (3,))
        again = Correspondence(known.architecture, dict(known.parameters))
        CertifiedMomentum(module, *data((3,)), correspondence=again).step()
        with pytest.raises(InputError, match="not those of the architecture"):
            Correspondence(known.architecture, {})


RULES: dict[str, dict[str, Any]] = {"certified": {}, "guarded": {}, "fixed": {"eta": 0.02, "tau": 0.005}}


@pytest.mark.parametrize("rule", RULES)
class TestCertifiedMomentum:
    def test_every_step_is_proved(self, case: tuple[nn.Module, Any, Any], rule: str) -> None:
        module, x, y = case
        optimiser = CertifiedMomentum(module, x, y, rule=rule, **RULES[rule])

        def closure() -> Any:
            optimiser.zero_grad()
            loss = half_mean_squared(module, x, y)
            loss.backward()
            return loss

        losses = [float(optimiser.step(closure).detach()) for _ in range(10)]
        assert {record.verdict for record in optimiser.records} == {Verdict.PROVED}
        assert len(optimiser.records) == 10
        assert all(after < before for before, after in pairwise(losses))

    def test_it_takes_the_steps_of_train(self, case: tuple[nn.Module, Any, Any], rule: Any) -> None:
        module, x, y = case
        optimiser = CertifiedMomentum(module, x, y, rule=rule, **RULES[rule])
        expected = train(optimiser.session.problem, steps=5, rule=rule, **RULES[rule]).weights
        for _ in range(5):
            optimiser.step()
        assert np.array_equal(optimiser.correspondence.read(), expected)

    def test_saved_and_loaded_it_goes_on_as_before(self, rule: str, tmp_path: Path) -> None:
        module, (x, y) = dense(), data((3,))
        optimiser = CertifiedMomentum(module, x, y, rule=rule, **RULES[rule])
        for _ in range(4):
            optimiser.step()
        torch.save({"module": module.state_dict(), "optimiser": optimiser.state_dict()}, tmp_path / "state.pt")
        for _ in range(4):
            optimiser.step()
        other = dense()
        again = CertifiedMomentum(other, x, y, rule=rule, **RULES[rule])
        state = torch.load(tmp_path / "state.pt", weights_only=True)
        other.load_state_dict(state["module"])
        again.load_state_dict(state["optimiser"])
        for _ in range(4):
            again.step()
        assert np.array_equal(again.correspondence.read(), optimiser.correspondence.read())
        assert [vars(record) for record in again.records] == [vars(record) for record in optimiser.records[4:]]
        assert again.param_groups[0]["eta"] == again.records[-1].eta


class TestRefusals:
    def test_the_state_of_another_optimiser(self) -> None:
        module, (x, y) = dense(), data((3,))
        optimiser = CertifiedMomentum(module, x, y)
        for other in (CertifiedMomentum(module, x, y, rule="guarded"), torch.optim.SGD(module.parameters(), lr=0.1)):
            with pytest.raises((InputError, KeyError)):
                optimiser.load_state_dict(other.state_dict())
        with pytest.raises(InputError, match="one group"):
            optimiser.add_param_group({"params": [torch.zeros(2)]})

    def test_float32(self) -> None:
        with pytest.raises(InputError, match="float64"):
            CertifiedMomentum(dense(torch.float32), *data((3,), torch.float32))

    def test_another_loss(self) -> None:
        module, (x, y) = dense(), data((3,))
        optimiser = CertifiedMomentum(module, x, y)
        with pytest.raises(InputError, match="closure's loss"):
            optimiser.step(lambda: 2 * half_mean_squared(module, x, y))

    def test_gradients_left_over(self) -> None:
        module, (x, y) = dense(), data((3,))
        optimiser = CertifiedMomentum(module, x, y)

        def closure() -> Any:
            loss = half_mean_squared(module, x, y)
            loss.backward()
            return loss

        optimiser.step(closure)
        with pytest.raises(InputError, match="closure's gradient"):
            optimiser.step(closure)

    def test_weights_changed_outside(self) -> None:
        module, (x, y) = dense(), data((3,))
        optimiser = CertifiedMomentum(module, x, y)
        with torch.no_grad():
            module[0].weight += 1.0
        with pytest.raises(InputError, match="changed outside"):
            optimiser.step()


OPTIMISERS = {
    "momentum": lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9),
    "nesterov": lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9, nesterov=True),
    "adam": lambda p, lr: torch.optim.Adam(p, lr=lr),
}


class TestMonitor:
    @pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
    @pytest.mark.parametrize("make", OPTIMISERS.values(), ids=OPTIMISERS)
    def test_verdicts_agree_with_arb(self, make: Any, dtype: Any) -> None:
        module, (x, y) = dense(dtype), data((3,), dtype)
        optimiser = make(module.parameters(), 0.5)
        seen: list[Any] = []
        monitor = Monitor(optimiser, module, x, y, callbacks=(seen.append,))
        weights = [monitor.correspondence.read()]
        for _ in range(15):
            optimiser.zero_grad()
            half_mean_squared(module, x, y).backward()
            optimiser.step()
            weights.append(monitor.correspondence.read())
        assert seen == monitor.reports
        for report, before, after in zip(monitor.reports, weights[:-1], weights[1:], strict=True):
            with arb.precision(300):
                change = arb.bounds(error_in_arb(monitor.problem, after) - error_in_arb(monitor.problem, before))
            assert report.verdict is (Verdict.PROVED if change[1] <= 0 else Verdict.REFUTED)
            assert report.change[0] <= change[0]
            assert change[1] <= report.change[1]
        assert {report.verdict for report in monitor.reports} == {Verdict.PROVED, Verdict.REFUTED}

    @pytest.mark.parametrize(
        ("settings", "expected", "note"),
        [
            ({"lr": 0.01, "momentum": 0.5}, Verdict.PROVED, ""),
            ({"lr": 0.0999, "momentum": 0.5}, Verdict.PROVED, ""),
            ({"lr": 0.1, "momentum": 0.5}, Verdict.UNDECIDED, "outside the range for this L"),
            ({"lr": 0.01, "momentum": 0.5, "nesterov": True}, None, "nesterov is outside the theorem"),
            ({"lr": 0.01, "momentum": 0.5, "dampening": 0.1}, None, "dampening is outside the theorem"),
            ({"lr": 0.01, "momentum": 0.5, "weight_decay": 0.1}, None, "weight decay of optimiser and error differ"),
        ],
    )
    def test_range_of_the_theorem(self, settings: dict[str, Any], expected: Verdict | None, note: str) -> None:
        module, (x, y) = dense(), data((3,))
        optimiser = torch.optim.SGD(module.parameters(), **settings)
        monitor = Monitor(optimiser, module, x, y, curvature=10.0)
        half_mean_squared(module, x, y).backward()
        optimiser.step()
        assert monitor.reports[0].in_range is expected
        assert monitor.reports[0].note.endswith(note) and bool(monitor.reports[0].note) == bool(note)

    def test_outside_the_theorem(self) -> None:
        module, (x, y) = dense(), data((3,))
        cases = {
            "Adam is no heavy ball": torch.optim.Adam(module.parameters(), lr=0.01),
            "some parameters are not the optimiser's": torch.optim.SGD(module[0].parameters(), lr=0.01),
        }
        for note, optimiser in cases.items():
            with Monitor(optimiser, module, x, y, curvature=1.0) as monitor:
                module.zero_grad()
                half_mean_squared(module, x, y).backward()
                optimiser.step()
            assert (monitor.reports[0].in_range, monitor.reports[0].note) == (None, note)
        optimiser = torch.optim.SGD(module.parameters(), lr=0.01)
        with Monitor(optimiser, module, x, y, curvature=1.0) as monitor:
            for rate in (0.01, 0.02):
                optimiser.param_groups[0]["lr"] = rate
                optimiser.zero_grad()
                half_mean_squared(module, x, y).backward()
                optimiser.step()
        assert [report.in_range for report in monitor.reports] == [Verdict.PROVED, Verdict.UNDECIDED]
        assert monitor.reports[1].note == "learning rate or momentum is not constant"

    def test_leaving_the_region(self, caplog: pytest.LogCaptureFixture) -> None:
        module, (x, y) = dense(), data((3,))
        optimiser = torch.optim.SGD(module.parameters(), lr=0.02)
        region = Ball(convert(module, (3,)).read(), 0.05)
        monitor = Monitor(optimiser, module, x, y, region=region, curvature=1.0)
        for _ in range(10):
            optimiser.zero_grad()
            half_mean_squared(module, x, y).backward()
            optimiser.step()
        inside = [report.inside for report in monitor.reports]
        assert inside[0] is Verdict.PROVED
        assert inside[-1] is Verdict.REFUTED
        assert [record.getMessage() for record in caplog.records] == [
            f"step {inside.index(Verdict.REFUTED) + 1}: the weights left the region"
        ]
        assert (monitor.reports[0].in_range, monitor.reports[-1].in_range) == (Verdict.PROVED, Verdict.UNDECIDED)

    def test_the_first_increase_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        module, (x, y) = dense(), data((3,))
        optimiser = torch.optim.SGD(module.parameters(), lr=8.0)
        with Monitor(optimiser, module, x, y) as monitor:
            for _ in range(5):
                optimiser.zero_grad()
                half_mean_squared(module, x, y).backward()
                optimiser.step()
        first = monitor.first_increase
        assert first is not None
        assert all(report.verdict is Verdict.PROVED for report in monitor.reports[: first.index - 1])
        assert f"step {first.index}: the error increased by at least {first.change[0]:.6g}" in caplog.messages

    def test_detached_it_is_silent(self) -> None:
        module, (x, y) = dense(), data((3,))
        optimiser = torch.optim.SGD(module.parameters(), lr=0.1)
        monitor = Monitor(optimiser, module, x, y)
        monitor.detach()
        half_mean_squared(module, x, y).backward()
        optimiser.step()
        assert monitor.reports == []

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_weights_that_are_no_numbers_are_undecided(self, value: float) -> None:
        module, (x, y) = dense(), data((3,))
        optimiser = torch.optim.SGD(module.parameters(), lr=0.1)
        monitor = Monitor(optimiser, module, x, y, region=Ball(convert(module, (3,)).read(), 1.0))
        half_mean_squared(module, x, y).backward()
        for broken in (module[0].weight, module[4].weight):
            with torch.no_grad():
                broken.fill_(value)
            optimiser.step()
        assert [report.verdict for report in monitor.reports] == [Verdict.UNDECIDED] * 2
        assert [report.inside for report in monitor.reports] == [Verdict.REFUTED] * 2

    def test_divergence_is_never_a_proof(self) -> None:
        module, (x, y) = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).double(), data((3,))
        optimiser = torch.optim.SGD(module.parameters(), lr=1e300)
        monitor = Monitor(optimiser, module, x, y)
        half_mean_squared(module, x, y).backward()
        optimiser.step()
        assert monitor.reports[0].verdict is not Verdict.PROVED
