"""What a user may change between two steps: the verdict speaks of the module as it is, or the change is named."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402 -- only where torch is installed

from verify import Ball, InputError, Verdict  # noqa: E402
from verify.torch import CertifiedMomentum, Correspondence, Monitor, convert  # noqa: E402

X = torch.linspace(-1, 1, 24, dtype=torch.float64).reshape(8, 3)
Y = torch.linspace(0, 1, 8, dtype=torch.float64).reshape(8, 1)
RULES: dict[str, dict[str, Any]] = {"certified": {}, "guarded": {}, "fixed": {"eta": 0.02, "tau": 0.005}}


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()


def half(module: nn.Module) -> Any:
    return 0.5 * ((module(X) - Y) ** 2).sum() / len(X)


def other_activation(module: nn.Module) -> None:
    module[1] = nn.SiLU()


def other_parameter(module: nn.Module) -> None:
    module[0].weight = nn.Parameter(module[0].weight.detach().clone())


def other_layer(module: nn.Module) -> None:
    module[2] = copy.deepcopy(module[2])


def one_more_layer(module: nn.Module) -> None:
    module.append(nn.Tanh())


def own_forward(module: nn.Module) -> None:
    module[1].forward = torch.sin


def single_precision(module: nn.Module) -> None:
    module.float()


def parametrised(module: nn.Module) -> None:
    nn.utils.parametrizations.weight_norm(module[0])


def other_shape(module: nn.Module) -> None:
    module[0].weight.data = module[0].weight.data[:2]


REPLACED: list[Callable[[nn.Module], None]] = [
    other_activation,
    other_parameter,
    other_layer,
    one_more_layer,
    own_forward,
    single_precision,
    parametrised,
    other_shape,
]


@pytest.mark.parametrize("change", REPLACED)
class TestModuleReplaced:
    def test_the_monitor_decides_nothing_any_more(self, change: Callable[[nn.Module], None]) -> None:
        module = network()
        optimiser = torch.optim.SGD(module.parameters(), lr=0.01)
        monitor = Monitor(optimiser, module, X, Y, curvature=10.0)
        half(module).backward()
        optimiser.step()
        change(module)
        optimiser.zero_grad()
        for _ in range(2):
            optimiser.step()
        assert [report.verdict for report in monitor.reports] == [Verdict.PROVED] + 2 * [Verdict.UNDECIDED]
        assert {report.in_range for report in monitor.reports[1:]} == {None}
        assert all("were replaced after the monitor was made" in report.note for report in monitor.reports[1:])

    def test_the_optimiser_refuses(self, change: Callable[[nn.Module], None]) -> None:
        module = network()
        optimiser = CertifiedMomentum(module, X, Y)
        optimiser.step()
        change(module)
        with pytest.raises(InputError, match="were replaced"):
            optimiser.step()
        assert len(optimiser.records) == 1


class Shifted(nn.Module):
    """A module whose function depends on a buffer and on its mode."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.drop = nn.Linear(3, 1), nn.Dropout(0.5)
        self.register_buffer("shift", torch.zeros(()))
        self.double().eval()

    def forward(self, x: Any) -> Any:
        return self.drop(self.layer(x)) + self.shift


@pytest.mark.parametrize("change", [lambda m: m.shift.add_(1), lambda m: m.train()], ids=["buffer", "mode"])
def test_buffers_and_modes_of_a_mapping_of_ones_own(change: Callable[[Any], Any]) -> None:
    module = Shifted()
    known = convert(nn.Sequential(module.layer), (3,))
    mapping = Correspondence(known.architecture, known.parameters)
    certified = CertifiedMomentum(module, X, Y, correspondence=mapping)
    optimiser = torch.optim.SGD(module.parameters(), lr=0.01)
    monitor = Monitor(optimiser, module, X, Y, correspondence=mapping)
    half(module).backward()
    optimiser.step()
    change(module)
    optimiser.step()
    assert [report.verdict for report in monitor.reports] == [Verdict.PROVED, Verdict.UNDECIDED]
    with pytest.raises(InputError, match=r"were changed|were replaced"):
        certified.step()


class TestMonitorOfAChangingRun:
    def run(self, between: Callable[..., Any], steps: int = 3, **settings: Any) -> Monitor:
        module = network()
        optimiser = torch.optim.SGD(module.parameters(), **{"lr": 0.01, "momentum": 0.5, **settings})
        with Monitor(optimiser, module, X, Y, curvature=10.0) as monitor:
            for step in range(steps):
                if step == 1:
                    between(module, optimiser)
                optimiser.zero_grad()
                half(module).backward()
                optimiser.step()
        return monitor

    def test_weights_moved_by_hand(self) -> None:
        def move(module: nn.Module, _: Any) -> None:
            with torch.no_grad():
                module[0].weight.mul_(0.99)

        monitor = self.run(move)
        assert [report.in_range for report in monitor.reports] == [Verdict.PROVED, Verdict.UNDECIDED, Verdict.PROVED]
        assert monitor.reports[1].note == "the weights were changed between two steps"
        assert {report.in_range for report in self.run(move, momentum=0.0).reports} == {Verdict.PROVED}

    def test_a_second_optimiser(self) -> None:
        def step(module: nn.Module, _: Any) -> None:
            torch.optim.SGD(module.parameters(), lr=0.1).step()

        assert self.run(step).reports[1].note == "the weights were changed between two steps"

    @pytest.mark.parametrize(("name", "value"), [("lr", 0.02), ("momentum", 0.4)])
    def test_a_scheduler(self, name: str, value: float) -> None:
        def schedule(_: nn.Module, optimiser: Any) -> None:
            optimiser.param_groups[0][name] = value

        monitor = self.run(schedule)
        assert monitor.reports[0].in_range is Verdict.PROVED
        assert {report.in_range for report in monitor.reports[1:]} == {Verdict.UNDECIDED}
        assert {report.note for report in monitor.reports[1:]} == {"learning rate or momentum is not constant"}
        assert {report.multiple for report in monitor.reports} == {1.0}

    def test_a_state_that_was_loaded(self) -> None:
        def load(_: nn.Module, optimiser: Any) -> None:
            state = optimiser.state_dict()
            state["state"][0]["momentum_buffer"] = 2 * state["state"][0]["momentum_buffer"]
            optimiser.load_state_dict(state)

        assert self.run(load).reports[1].in_range is Verdict.UNDECIDED

    @pytest.mark.parametrize("setting", [{"maximize": True}, {"nesterov": True}, {"dampening": 0.1}])
    def test_settings_outside_the_theorem(self, setting: dict[str, Any]) -> None:
        monitor = self.run(lambda *_: None, **setting)
        assert {report.in_range for report in monitor.reports} == {None}

    def test_a_tensor_as_learning_rate(self) -> None:
        monitor = self.run(lambda *_: None, lr=torch.tensor(0.01, dtype=torch.float64), foreach=False)
        assert {report.in_range for report in monitor.reports} == {Verdict.PROVED}

    @pytest.mark.parametrize("momentum", [0.0, 0.5])
    def test_made_in_the_middle_of_a_run(self, momentum: float) -> None:
        module = network()
        optimiser = torch.optim.SGD(module.parameters(), lr=0.01, momentum=momentum)
        half(module).backward()
        optimiser.step()
        monitor = Monitor(optimiser, module, X, Y, curvature=10.0)
        for _ in range(2):
            optimiser.zero_grad()
            half(module).backward()
            optimiser.step()
        first = Verdict.UNDECIDED if momentum else Verdict.PROVED
        assert [report.in_range for report in monitor.reports] == [first, Verdict.PROVED]
        assert monitor.reports[0].note == ("the step before the first one watched is not known" if momentum else "")

    def test_groups_with_settings_of_their_own(self) -> None:
        module = network()
        groups = [{"params": module[0].parameters(), "lr": 0.02}, {"params": module[2].parameters()}]
        optimiser = torch.optim.SGD(groups, lr=0.01)
        monitor = Monitor(optimiser, module, X, Y, curvature=10.0)
        half(module).backward()
        optimiser.step()
        assert monitor.reports[0].in_range is Verdict.UNDECIDED
        assert "differs between parameter groups" in monitor.reports[0].note

    def test_a_step_into_the_region_started_outside(self) -> None:
        module = network()
        optimiser = torch.optim.SGD(module.parameters(), lr=0.01)
        start = convert(module, (3,)).read()
        half(module).backward()
        gradient = convert(module, (3,)).read_gradient()
        region = Ball(start - 0.01 * gradient, 0.005 * float(np.linalg.norm(gradient)))
        monitor = Monitor(optimiser, module, X, Y, curvature=10.0, region=region)
        optimiser.step()
        assert (monitor.reports[0].inside, monitor.reports[0].in_range) == (Verdict.PROVED, Verdict.UNDECIDED)

    @pytest.mark.parametrize("given", ["all", "free"])
    def test_frozen_parameters_are_constants(self, given: str) -> None:
        module = network()
        module[0].weight.requires_grad_(False)
        free = [p for p in module.parameters() if given == "all" or p.requires_grad]
        optimiser = torch.optim.SGD(free, lr=0.01, momentum=0.5)
        monitor = Monitor(optimiser, module, X, Y, curvature=10.0)
        for step in range(4):
            if step == 3:
                module[0].weight.data.mul_(0.9)
            optimiser.zero_grad()
            half(module).backward()
            optimiser.step()
        expected = [Verdict.PROVED] * 3 + [Verdict.UNDECIDED]
        assert [report.in_range for report in monitor.reports] == expected


def closed(optimiser: Any, module: nn.Module) -> Any:
    optimiser.zero_grad()
    loss = half(module)
    loss.backward()
    return loss


class TestCertifiedRuns:
    def test_a_parameter_that_is_frozen_from_the_start_is_a_constant(self) -> None:
        module = network()
        before = module[2].bias.requires_grad_(False).clone()
        optimiser = CertifiedMomentum(module, X, Y)
        losses = [float(optimiser.step(lambda: closed(optimiser, module)).detach()) for _ in range(3)]
        assert {record.verdict for record in optimiser.records} == {Verdict.PROVED}
        assert losses == sorted(losses, reverse=True)
        assert torch.equal(module[2].bias, before)
        with torch.no_grad():
            module[2].bias.add_(1.0)
        with pytest.raises(InputError, match="frozen parameters of the module were changed"):
            optimiser.step()

    def test_a_parameter_that_is_frozen_later_is_refused(self) -> None:
        module = network()
        optimiser = CertifiedMomentum(module, X, Y)
        before = module[0].weight.requires_grad_(False).clone()
        with pytest.raises(InputError, match=r"0\.weight: the parameter is frozen"):
            optimiser.step()
        assert torch.equal(before, module[0].weight)

    @pytest.mark.parametrize("rule", RULES)
    def test_a_scheduler_is_refused(self, rule: str) -> None:
        optimiser = CertifiedMomentum(network(), X, Y, rule=rule, **RULES[rule])
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimiser, 0.5)
        optimiser.step()
        scheduler.step()
        with pytest.raises(InputError, match="the rule chooses the steps"):
            optimiser.step()

    @pytest.mark.parametrize("name", ["rule", "eta", "tau", "lr"])
    def test_settings_changed_by_hand_are_refused(self, name: str) -> None:
        optimiser = CertifiedMomentum(network(), X, Y)
        optimiser.param_groups[0][name] = 0.5
        with pytest.raises(InputError, match=name):
            optimiser.step()

    @pytest.mark.parametrize("loss", [None, "0.5", torch.ones(2), 1j, torch.tensor(True), [0.5, 0.5]])
    def test_a_closure_without_a_loss(self, loss: Any) -> None:
        with pytest.raises(InputError, match="must return its loss"):
            CertifiedMomentum(network(), X, Y).step(lambda: loss)

    def test_a_closure_that_moves_the_weights(self) -> None:
        module = network()
        optimiser = CertifiedMomentum(module, X, Y)

        def closure() -> Any:
            optimiser.zero_grad()
            loss = half(module)
            loss.backward()
            with torch.no_grad():
                module[0].bias.add_(1.0)
            return loss

        with pytest.raises(InputError, match="changed outside"):
            optimiser.step(closure)
        assert optimiser.records == []

    @pytest.mark.parametrize("rule", RULES)
    @pytest.mark.parametrize("how", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["copy", "pickle"])  # noqa: S301 -- its own bytes
    def test_a_copy_goes_on_as_the_original(self, how: Any, rule: str) -> None:
        optimiser = CertifiedMomentum(network(), X, Y, rule=rule, **RULES[rule])
        for _ in range(2):
            optimiser.step()
        other = how(optimiser)
        for each in (optimiser, other):
            each.step()
            each.step()
        assert np.array_equal(other.correspondence.read(), optimiser.correspondence.read())
        assert other.records == optimiser.records
        other.step()
        assert not np.array_equal(other.correspondence.read(), optimiser.correspondence.read())
        other_activation(other.mapped.module)
        with pytest.raises(InputError, match="were replaced"):
            other.step()

    def test_a_module_copied_with_its_optimiser_stays_with_it(self) -> None:
        module = network()
        other_module, other = copy.deepcopy((module, CertifiedMomentum(module, X, Y)))
        other.step()
        assert np.array_equal(convert(other_module, (3,)).read(), other.session.weights)
        assert not np.array_equal(convert(module, (3,)).read(), other.session.weights)

    def test_a_monitor_is_not_copied_but_its_optimiser_is(self) -> None:
        module = network()
        optimiser = torch.optim.SGD(module.parameters(), lr=0.01)
        monitor = Monitor(optimiser, module, X, Y)
        for how in (copy.deepcopy, copy.copy, pickle.dumps):
            with pytest.raises(InputError, match="make a new Monitor"):
                how(monitor)
        copy.deepcopy(optimiser).step()
        assert monitor.reports == []


DAMAGES: dict[str, Callable[[Any], Any]] = {
    "-1": lambda value: torch.full_like(value, -1) if value.dtype != torch.bool else value,
    "nan": lambda value: value.double() * float("nan"),
    "huge": lambda value: value.double() + 1e300,
    "other shape": lambda value: torch.zeros((3, 2), dtype=value.dtype),
    "scalar": lambda value: torch.tensor(0.5, dtype=torch.float64),
    "array": lambda value: value.numpy(),
    "complex": lambda value: value.to(torch.complex128),
    "none": lambda value: None,
    "text": lambda value: "0.5",
}


class TestDamagedStates:
    @pytest.mark.parametrize("rule", RULES)
    @pytest.mark.parametrize("damage", DAMAGES)
    def test_nothing_false_is_proved_after_it(self, damage: str, rule: str) -> None:
        module = network()
        optimiser = CertifiedMomentum(module, X, Y, rule=rule, **RULES[rule])
        for _ in range(2):
            optimiser.step()
        names = list(optimiser.state_dict()["session"])
        assert "w" in names
        for name in names:
            state = optimiser.state_dict()
            state["session"][name] = DAMAGES[damage](state["session"][name])
            other_module = copy.deepcopy(module)
            other = CertifiedMomentum(other_module, X, Y, rule=rule, **RULES[rule])
            try:
                other.load_state_dict(state)
            except InputError:
                assert len(other.records) == 0
                other.step()  # as before the refusal
            else:
                try:
                    other.step()
                except InputError as error:
                    assert "changed outside" in str(error)
                    continue
            assert other.session.error_upper >= other.mapped.problem.error_enclosure(other.session.weights)[0]

    @pytest.mark.parametrize(
        "state",
        [
            None,
            3,
            {},
            {"session": {}},
            {"state": {}, "param_groups": []},
            torch.optim.SGD(network().parameters(), lr=0.1).state_dict(),
        ],
    )
    def test_no_state_at_all(self, state: Any) -> None:
        with pytest.raises(InputError):
            CertifiedMomentum(network(), X, Y).load_state_dict(state)

    def test_an_incomplete_state(self) -> None:
        optimiser = CertifiedMomentum(network(), X, Y, rule="fixed", eta=0.02, tau=0.01)
        for name in ("session", "settings", "state", "param_groups"):
            state = optimiser.state_dict()
            del state[name]
            with pytest.raises(InputError):
                optimiser.load_state_dict(state)
        for name in ("w", "index", "undecided"):
            state = optimiser.state_dict()
            del state["session"][name]
            with pytest.raises(InputError):
                optimiser.load_state_dict(state)
        optimiser.step()

    @pytest.mark.parametrize(
        "groups", [None, [], [3], [{}], [{"eta": "a", "tau": 0.0}], [{"eta": 0.1, "tau": 0.1}] * 2]
    )
    def test_damaged_groups(self, groups: Any) -> None:
        optimiser = CertifiedMomentum(network(), X, Y)
        state = {**optimiser.state_dict(), "param_groups": groups}
        with pytest.raises(InputError):
            optimiser.load_state_dict(state)
        optimiser.step()

    def test_settings_of_another_run(self) -> None:
        optimiser = CertifiedMomentum(network(), X, Y, rule="fixed", eta=0.02, tau=0.01)
        for eta, tau in ((0.01, 0.01), (0.02, 0.005)):
            other = CertifiedMomentum(network(), X, Y, rule="fixed", eta=eta, tau=tau)
            with pytest.raises(InputError, match="belongs to another optimiser"):
                optimiser.load_state_dict(other.state_dict())

    def test_the_state_of_another_module(self) -> None:
        optimiser = CertifiedMomentum(network(), X, Y)
        wider = CertifiedMomentum(nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)).double(), X, Y)
        with pytest.raises(InputError):
            optimiser.load_state_dict(wider.state_dict())
        same_shape = CertifiedMomentum(nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double(), X, Y)
        optimiser.load_state_dict(same_shape.state_dict())
        with pytest.raises(InputError, match="changed outside"):
            optimiser.step()
