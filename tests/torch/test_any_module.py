"""Monitor and certified steps on modules as people write them, with their losses, and what they say of other losses."""

from __future__ import annotations

import copy
import logging
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402, N812 -- only where torch is installed
from torch import nn  # noqa: E402

from verify import InputError, Verdict  # noqa: E402
from verify.arithmetic import arb  # noqa: E402
from verify.importers.torch.problem import from_torch  # noqa: E402
from verify.torch import CertifiedMomentum, Monitor  # noqa: E402

LABELS = torch.tensor([0, 1, 2, 0, 1, 2])


@dataclass
class Case:
    """A module, data, a loss as the toolkit takes it and as the training loop writes it."""

    module: nn.Module
    x: Any
    y: Any
    loss: Any
    smooth: bool = True

    def value(self, rows: Any = slice(None), module: nn.Module | None = None) -> Any:
        criterion = {"cross_entropy": F.cross_entropy, "mse": F.mse_loss}.get(self.loss, self.loss)
        return criterion((module or self.module)(self.x[rows]), self.y[rows])


class TransformerBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.norm, self.mlp, self.head = nn.LayerNorm(4), nn.Sequential(nn.Linear(4, 6), nn.GELU()), nn.Linear(6, 3)

    def forward(self, x: Any) -> Any:
        x = x + self.attention(x, x, x, need_weights=False)[0]
        return self.head(self.mlp(self.norm(x)).mean(1))


class LastOutput(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.LSTM(2, 3, batch_first=True), nn.Linear(3, 1)

    def forward(self, x: Any) -> Any:
        return self.head(self.cell(x)[0][:, -1])


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.mix, self.head = nn.Embedding(5, 4), nn.Linear(4, 4), nn.Linear(4, 5, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, ids: Any) -> Any:
        return self.head(torch.tanh(self.mix(self.tokens(ids)))).transpose(1, 2)


def convolution(*, train: bool) -> nn.Module:
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)
    )  # fmt: skip
    net(torch.randn(6, 1, 4, 4))
    return net.train(train)


def relu_cnn() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3))


CASES: dict[str, Callable[[], Case]] = {
    "transformer": lambda: Case(TransformerBlock(), torch.randn(6, 3, 4), LABELS, "cross_entropy"),
    "lstm": lambda: Case(LastOutput(), torch.randn(6, 3, 2), torch.randn(6, 1), "mse"),
    "batch norm": lambda: Case(convolution(train=False), torch.randn(6, 1, 4, 4), LABELS, nn.CrossEntropyLoss(), False),
    "relu": lambda: Case(relu_cnn(), torch.randn(6, 1, 4, 4), LABELS, "cross_entropy", smooth=False),
    "tied": lambda: Case(Tied(), torch.randint(0, 5, (6, 3)), torch.randint(0, 5, (6, 3)), F.cross_entropy),
}


def made(name: str, dtype: Any = torch.float64) -> Case:
    torch.manual_seed(0)
    case = CASES[name]()
    case.module.to(dtype)
    case.x = case.x.to(dtype) if case.x.is_floating_point() else case.x
    case.y = case.y.to(dtype) if case.y.is_floating_point() else case.y
    return case


def watched(
    case: Case, make: Callable[..., Any], step: Callable[[int], Any], steps: int = 3, **options: Any
) -> Monitor:
    optimiser = make(case.module.parameters())
    with Monitor(optimiser, case.module, case.x, case.y, loss=case.loss, **options) as monitor:
        for index in range(steps):
            optimiser.zero_grad()
            step(index).backward()
            optimiser.step()
    return monitor


def adam(parameters: Any) -> Any:
    return torch.optim.Adam(parameters, lr=0.01)


def momentum(parameters: Any) -> Any:
    return torch.optim.SGD(parameters, lr=0.05, momentum=0.9)


@pytest.mark.parametrize("name", CASES)
class TestMonitor:
    @pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
    def test_verdicts_are_those_of_exact_arithmetic(self, name: str, dtype: Any) -> None:
        case = made(name, dtype)
        weights: list[np.ndarray] = []
        optimiser = torch.optim.SGD(case.module.parameters(), lr=0.5, momentum=0.9)
        monitor = Monitor(optimiser, case.module, case.x, case.y, loss=case.loss)
        weights.append(monitor.correspondence.read())
        for _ in range(3):
            optimiser.zero_grad()
            case.value().backward()
            optimiser.step()
            weights.append(monitor.correspondence.read())
        assert {report.multiple for report in monitor.reports} == {1.0}
        for report, before, after in zip(monitor.reports, weights[:-1], weights[1:], strict=True):
            with arb.precision(200):
                change = arb.bounds(monitor.problem.error_in_arb(after) - monitor.problem.error_in_arb(before))
            assert report.verdict is (Verdict.PROVED if change[1] <= 0 else Verdict.REFUTED)
            assert report.change[0] <= change[0]
            assert change[1] <= report.change[1]

    def test_a_loss_that_is_twice_as_large_is_said(self, name: str, caplog: pytest.LogCaptureFixture) -> None:
        case = made(name)
        monitor = watched(case, adam, lambda index: (2 if index else 1) * case.value())
        assert [report.multiple for report in monitor.reports] == [1, 2, 2]
        assert all("2 times this error's gradient" in report.note for report in monitor.reports[1:])
        told = [record for record in caplog.records if record.name == "verify.torch"]
        assert [(record.levelno, "2 times" in record.getMessage()) for record in told] == [(logging.WARNING, True)]

    def test_a_mini_batch_is_told_from_another_loss(self, name: str, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "verify.torch")
        case = made(name)
        rows = torch.tensor([4, 0, 3])
        losses = [
            lambda: case.value(rows),
            lambda: 3 * case.value(rows),
            lambda: case.value(rows) + case.module(case.x[rows]).square().mean(),
            lambda: case.value() + case.module(case.x).square().mean(),
        ]
        monitor = watched(case, momentum, lambda index: losses[index](), len(losses))
        notes = [report.note for report in monitor.reports]
        assert notes[0].startswith("the step used the gradient of a mini-batch, 3 of the 6 samples;")
        assert "a mini-batch, 3 of the 6 samples, 3 times it: another loss or reduction" in notes[1]
        assert "did not use this error's gradient" in notes[2]
        assert "another loss" in notes[3]
        assert {report.multiple for report in monitor.reports} == {None}
        levels = [record.levelno for record in caplog.records if "gradient" in record.getMessage()]
        assert levels == [logging.INFO] + 3 * [logging.WARNING]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("rule", ["certified", "guarded"])
def test_every_certified_step_is_proved(name: str, rule: str) -> None:
    case = made(name)
    if rule == "certified" and not case.smooth:
        pytest.skip("steps along a kink are decided after the fact")
    optimiser = CertifiedMomentum(case.module, case.x, case.y, loss=case.loss, rule=rule)

    def closure() -> Any:
        optimiser.zero_grad()
        loss = case.value()
        loss.backward()
        return loss

    losses = [float(optimiser.step(closure).detach()) for _ in range(3)]
    assert [record.verdict for record in optimiser.records] == [Verdict.PROVED] * 3
    assert all(after < before for before, after in pairwise(losses))
    with pytest.raises(InputError, match="closure's loss is not the error"):
        optimiser.step(lambda: 2 * case.value())


class TestTrainingLoops:
    def test_groups_and_schedulers(self) -> None:
        case = made("lstm")
        groups = [{"params": case.module.cell.parameters(), "lr": 0.1}, {"params": case.module.head.parameters()}]
        optimiser = torch.optim.SGD(groups, lr=0.05, momentum=0.5)
        scheduler = torch.optim.lr_scheduler.StepLR(optimiser, 1, 0.5)
        with Monitor(optimiser, case.module, case.x, case.y, loss="mse") as monitor:
            for _ in range(3):
                optimiser.zero_grad()
                case.value().backward()
                optimiser.step()
                scheduler.step()
        assert [report.multiple for report in monitor.reports] == [1, 1, 1]
        assert {report.verdict for report in monitor.reports} == {Verdict.PROVED}

    @pytest.mark.parametrize("make", [momentum, lambda p: torch.optim.LBFGS(p, max_iter=3)], ids=["SGD", "L-BFGS"])
    def test_closures(self, make: Any) -> None:
        case = made("relu")
        optimiser = make(case.module.parameters())

        def closure() -> Any:
            optimiser.zero_grad()
            loss = case.value()
            loss.backward()
            return loss

        with Monitor(optimiser, case.module, case.x, case.y, loss=case.loss) as monitor:
            returned = [optimiser.step(closure), optimiser.step(closure=closure)]
        assert [report.multiple for report in monitor.reports] == [1, 1]
        assert float(returned[1].detach()) < float(returned[0].detach())

    @pytest.mark.parametrize("decay", [0.0, 0.1])
    @pytest.mark.parametrize("kind", ["SGD", "Adam", "AdamW"])
    def test_weight_decay_of_the_error_and_of_the_optimiser(self, kind: str, decay: float) -> None:
        case = made("relu")
        monitor = watched(
            case,
            lambda p: getattr(torch.optim, kind)(p, lr=0.01, weight_decay=0.1),
            lambda _: case.value(),
            steps=2,
            weight_decay=decay,
        )
        same = kind == "AdamW" or decay == 0.1
        assert {report.multiple for report in monitor.reports} == ({1.0} if same else {None})

    def test_accumulated_mini_batches(self) -> None:
        case = made("tied")
        halves = [slice(0, 3), slice(3, 6)], [slice(0, 2), slice(2, 4)]
        monitor = watched(case, momentum, lambda index: sum(case.value(rows) / 2 for rows in halves[index]), steps=2)
        assert monitor.reports[0].multiple == 1
        assert "the gradient of 2 mini-batches, 4 of the 6 samples" in monitor.reports[1].note

    def test_inputs_that_are_not_the_data(self) -> None:
        case = made("lstm")
        monitor = watched(case, momentum, lambda _: F.mse_loss(case.module(case.x + 0.1), case.y), steps=1)
        assert "that of other inputs than the data given" in monitor.reports[0].note

    def test_a_copied_or_saved_module_is_not_watched(self) -> None:
        case = made("relu")
        optimiser = momentum(case.module.parameters())
        with Monitor(optimiser, case.module, case.x, case.y, loss=case.loss) as monitor:
            for other in (copy.deepcopy(case.module), pickle.loads(pickle.dumps(case.module))):  # noqa: S301 -- its own bytes
                case.value(module=other).backward()
            Monitor(momentum(case.module.parameters()), case.module, case.x, case.y, loss=case.loss).detach()
            case.value().backward()
            optimiser.step()
        assert [report.multiple for report in monitor.reports] == [1]
        assert not case.module._forward_pre_hooks

    def test_running_statistics_may_change_in_training_mode(self) -> None:
        case = made("batch norm")
        case.module.train()
        monitor = watched(case, momentum, lambda _: case.value())
        assert [report.multiple for report in monitor.reports] == [1, 1, 1]
        assert Verdict.UNDECIDED not in {report.verdict for report in monitor.reports}

    def test_a_theorem_on_an_imported_module(self) -> None:
        case = made("tied")
        optimiser = torch.optim.SGD(case.module.parameters(), lr=0.01, momentum=0.5)
        with Monitor(optimiser, case.module, case.x, case.y, loss=case.loss, curvature=10.0) as monitor:
            for index in range(4):
                optimiser.zero_grad()
                (case.value() if index < 3 else case.value(slice(0, 3))).backward()
                optimiser.step()
        assert [report.in_range for report in monitor.reports] == [Verdict.PROVED] * 3 + [Verdict.UNDECIDED]
        assert "a mini-batch, 3 of the 6 samples" in monitor.reports[3].note

    def test_several_inputs_by_name(self) -> None:
        class Sum(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.layer = nn.Linear(2, 1)

            def forward(self, a: Any, *, b: Any) -> Any:
                return torch.tanh(self.layer(a)) * b

        torch.manual_seed(0)
        module, y = Sum(), torch.randn(4, 1)
        x = {"a": torch.randn(4, 2), "b": torch.randn(4, 1)}
        optimiser = momentum(module.parameters())
        with Monitor(optimiser, module, x, y, loss="mse") as monitor:
            for rows, names in ((slice(None), "ab"), (slice(0, 2), "ab"), (slice(0, 2), "ba")):
                optimiser.zero_grad()
                F.mse_loss(module(**{name: x[name][rows] for name in names}), y[rows]).backward()
                optimiser.step()
        assert monitor.reports[0].multiple == 1
        assert all("a mini-batch, 2 of the 4 samples" in report.note for report in monitor.reports[1:])


class Switched(nn.Module):
    """Its function depends on its mode, on a number and on a constant tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.scale, self.shift = nn.Linear(2, 1), 1.0, torch.zeros(1)
        self.frozen = nn.Parameter(torch.ones(1), requires_grad=False)

    def forward(self, x: Any) -> Any:
        return self.layer(x) * self.scale * self.frozen + self.shift + (0.5 if self.training else 0.0)


CHANGES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "mode": (lambda m: m.eval(), "modes of layers"),
    "number": (lambda m: setattr(m, "scale", 2.0), "attribute scale was changed"),
    "tensor": (lambda m: m.shift.add_(1), "attribute shift was changed"),
    "frozen": (lambda m: m.frozen.data.add_(1), "frozen parameters of the module were changed"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_the_function_depends_on_may_not_change(name: str) -> None:
    torch.manual_seed(0)
    change, words = CHANGES[name]
    module, x, y = Switched().double(), torch.randn(4, 2, dtype=torch.float64), torch.randn(4, 1, dtype=torch.float64)
    certified = CertifiedMomentum(module, x, y, loss="mse", rule="guarded")
    certified.step()
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1)
    monitor = Monitor(optimiser, module, x, y, loss="mse")
    for _ in range(2):
        optimiser.zero_grad()
        F.mse_loss(module(x), y).backward()
        optimiser.step()
        change(module)
    assert [report.verdict for report in monitor.reports] == [Verdict.PROVED, Verdict.UNDECIDED]
    assert words in monitor.reports[1].note
    with pytest.raises(InputError, match=words):
        certified.step()


class TestCertifiedStates:
    @pytest.mark.parametrize(("rule", "taken"), [("certified", 1), ("certified", 3), ("guarded", 3)])
    def test_saved_and_loaded_it_goes_on_as_before(self, rule: str, taken: int, tmp_path: Any) -> None:
        case, other = made("tied"), made("tied")
        first, again = (CertifiedMomentum(c.module, c.x, c.y, loss=c.loss, rule=rule) for c in (case, other))
        for _ in range(taken):
            first.step()
        torch.save({"module": case.module.state_dict(), "optimiser": first.state_dict()}, tmp_path / "state.pt")
        first.step()
        state = torch.load(tmp_path / "state.pt", weights_only=True)
        other.module.load_state_dict(state["module"])
        again.load_state_dict(state["optimiser"])
        again.step()
        assert np.array_equal(again.correspondence.read(), first.correspondence.read())
        assert again.records[-1] == first.records[-1]

    def test_a_copy_goes_on_as_the_original(self) -> None:
        case = made("relu")
        optimiser = CertifiedMomentum(case.module, case.x, case.y, loss=case.loss, rule="guarded")
        optimiser.step()
        for other in (copy.deepcopy(optimiser), pickle.loads(pickle.dumps(optimiser))):  # noqa: S301 -- its own bytes
            other.step()
            assert other.records[-1].verdict is Verdict.PROVED
        optimiser.step()
        assert np.array_equal(other.correspondence.read(), optimiser.correspondence.read())


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown loss": ({"loss": "mae"}, "unknown loss"),
    "no loss": ({"loss": 3}, "a loss is a name"),
    "labels without a loss": ({}, "loss='cross_entropy'"),
    "options of a function": ({"loss": F.cross_entropy, "label_smoothing": 0.1}, "options belong to a loss by name"),
    "reduction": ({"loss": "cross_entropy", "reduction": "max"}, "unknown reduction"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_one_line(name: str) -> None:
    options, words = REFUSED[name]
    case = made("relu")
    with pytest.raises(InputError, match=words) as error:
        CertifiedMomentum(case.module, case.x, case.y, **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("compiled", [torch.compile, torch.jit.script], ids=["compile", "jit"])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiled_modules_are_refused_with_their_remedy(compiled: Any, whole: bool) -> None:
    own = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    module = compiled(own) if whole else nn.Sequential(compiled(own), nn.Linear(2, 2))
    x = torch.ones(3, 2)
    for door in (from_torch, CertifiedMomentum, partial(Monitor, momentum(own.parameters()))):
        with pytest.raises(InputError, match=r"the module is compiled by .*give the one that was compiled") as refused:
            door(module, x, x, loss="mse")
        assert "\n" not in str(refused.value)
    if whole:
        with Monitor(momentum(module.parameters()), own, x, x, loss="mse") as monitor:
            monitor.optimizer.step()
        assert [report.verdict for report in monitor.reports] == [Verdict.PROVED]


def test_parameters_that_share_memory_are_refused() -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2), nn.Linear(2, 2)).double()
    module[2].weight = nn.Parameter(module[0].weight.data.T)
    with pytest.raises(InputError, match="share memory"):
        CertifiedMomentum(module, torch.ones(3, 2), torch.ones(3, 2), loss="mse")
