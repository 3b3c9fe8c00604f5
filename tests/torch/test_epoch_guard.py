"""The guard of an epoch: what counts is proved, what does not goes back whole, interrupted runs go on the same."""

from __future__ import annotations

import functools
import io
import itertools
import random
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402 -- only where torch is installed
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from verify import InputError, Verdict, from_torch  # noqa: E402
from verify.importers.torch.capture import capture  # noqa: E402
from verify.torch import EpochGuard, whole_error  # noqa: E402
from verify.torch.held_numbers import held_numbers  # noqa: E402
from verify.torch.ordered_data import OrderedData  # noqa: E402
from verify.torch.whole_error import WholeError  # noqa: E402

SAMPLES = 26
SCALES = {0: 1.0}
CAPTURED: dict[str, Any] = {}
"""Programs by what they compute: capturing one takes most of a second."""


@pytest.fixture(autouse=True)
def captured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def remembered(objective: Any, arguments: Any) -> Any:
        key = repr((objective, objective.criterion, whole_error.form(arguments)))
        if key not in CAPTURED:
            CAPTURED[key] = capture(objective, arguments)
        return CAPTURED[key]

    monkeypatch.setattr(whole_error, "capture", remembered)


def samples() -> tuple[Any, Any]:
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(SAMPLES, 3, generator=generator)
    return x, (x[:, 0] > x[:, 1]).long()


def network(*between: nn.Module) -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 4), *between, nn.Tanh(), nn.Linear(4, 2))


class Run:
    """A training that can be interrupted: SGD with momentum, a scheduler, dropout and shuffled batches."""

    def __init__(self, lr: float = 0.1, make: Any = torch.optim.SGD, **options: Any) -> None:
        torch.manual_seed(3)
        self.module = network(nn.BatchNorm1d(4), nn.Dropout(0.1))
        self.loader = DataLoader(
            TensorDataset(*samples()), batch_size=8, shuffle=True, generator=torch.Generator().manual_seed(7)
        )
        momentum = {"momentum": 0.9} if make is torch.optim.SGD else {}
        self.optimizer = make(self.module.parameters(), lr=lr, **momentum)
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, 2, 0.5)
        self.guard = EpochGuard(
            self.optimizer, self.module, self.loader, "cross_entropy", scheduler=self.scheduler, chunk=16, **options
        )

    def epoch(self) -> None:
        for x, y in self.loader:
            self.optimizer.zero_grad()
            nn.functional.cross_entropy(self.module(x), y).backward()
            self.optimizer.step()
        self.scheduler.step()

    def train(self, epochs: int) -> Run:
        for _ in self.guard.epochs(epochs):
            self.epoch()
        return self

    def weights(self) -> np.ndarray:
        return torch.cat([value.reshape(-1).double() for value in self.module.state_dict().values()]).numpy()


def error_of(module: nn.Module) -> tuple[float, float]:
    """E in evaluation mode by the other door, of all samples at once."""
    training = module.training
    problem = from_torch(module.eval(), *samples(), loss="cross_entropy")
    module.train(training)
    lower, upper = problem.error_enclosure(problem.initial_weights)
    return lower, upper


def test_every_epoch_that_counts_is_proved_to_have_lowered_the_error() -> None:
    run = Run()
    bounds = [run.guard.error]
    for _ in run.guard.epochs(4):
        run.epoch()
        if run.guard.reports:
            bounds.append(run.guard.error)
    bounds.append(run.guard.error)
    own = error_of(run.module)
    assert run.guard.error[0] <= own[1] and own[0] <= run.guard.error[1]
    assert run.guard.accepted == 4 and run.module.training
    assert all(later[1] <= earlier[1] for earlier, later in itertools.pairwise(bounds))
    for report in run.guard.reports:
        assert report.accepted == (report.verdict is Verdict.PROVED) == (report.change[1] < 0)


@pytest.mark.parametrize("make", [torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop])
def test_a_learning_rate_that_is_too_large_is_brought_back(make: Any) -> None:
    run = Run(lr=100.0, make=make).train(2)
    rejected = [report for report in run.guard.reports if not report.accepted]
    assert rejected and run.guard.accepted == 2
    assert run.guard.factor == 0.5 ** len(rejected)
    assert run.scheduler.base_lrs == [100.0 * run.guard.factor]


def test_a_learning_rate_grows_back_to_what_it_was() -> None:
    run = Run(lr=0.05, recover=2)
    rejected = run.guard.judge()  # without a step
    assert not rejected.accepted and rejected.rates == (0.025,) and run.scheduler.base_lrs == [0.025]
    run.train(2)
    streak = list(itertools.takewhile(lambda report: report.accepted, reversed(run.guard.reports)))
    assert len(streak) == 2 and run.guard.factor == 1.0 and run.scheduler.base_lrs == [0.05]
    run.train(4)
    assert run.guard.factor <= 1.0 and run.scheduler.base_lrs[0] <= 0.05


def test_what_is_taken_back_goes_back_whole() -> None:
    run = Run().train(1)
    weights, rates = run.weights(), [group["lr"] for group in run.optimizer.param_groups]
    buffers = [state["momentum_buffer"].clone() for state in run.optimizer.state.values()]
    draws = torch.get_rng_state(), run.loader.generator.get_state(), random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002 -- the one to be set back
    with torch.no_grad():
        for parameter in run.module.parameters():
            parameter.mul_(30.0)
        run.module[1].running_mean.add_(1.0)
    for buffer in (state["momentum_buffer"] for state in run.optimizer.state.values()):
        buffer.zero_()
    run.scheduler.step()
    next(iter(run.loader))
    random.random()
    np.random.rand()  # noqa: NPY002 -- the one to be set back
    run.module.eval()
    report = run.guard.judge()
    assert report.verdict is Verdict.REFUTED and not report.accepted and report.change[0] > 0
    assert np.array_equal(run.weights(), weights) and run.module.training
    assert [group["lr"] for group in run.optimizer.param_groups] == [rate / 2 for rate in rates] == list(report.rates)
    after = [state["momentum_buffer"] for state in run.optimizer.state.values()]
    assert all(torch.equal(old, new) for old, new in zip(buffers, after, strict=True))
    assert run.scheduler.last_epoch == 1
    assert torch.equal(torch.get_rng_state(), draws[0]) and torch.equal(run.loader.generator.get_state(), draws[1])
    assert random.getstate() == draws[2] and np.array_equal(np.random.get_state()[1], draws[3])  # noqa: NPY002


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_taken_back(value: float) -> None:
    run = Run().train(1)
    with torch.no_grad():
        run.module[0].weight[0, 0] = value
    report = run.guard.judge()
    assert report.verdict is Verdict.UNDECIDED and not report.accepted
    assert np.isfinite(run.weights()).all()


def test_no_step_is_no_fall() -> None:
    run = Run()
    assert not run.guard.judge().accepted


def test_training_is_not_disturbed() -> None:
    """With nothing to take back, the weights are those of training without a guard, bit for bit."""
    guarded = Run(lr=0.05).train(2)
    assert all(report.accepted for report in guarded.guard.reports)
    plain = Run(lr=0.05)
    for _ in range(2):
        plain.epoch()
    assert np.array_equal(plain.weights(), guarded.weights())


def test_an_interrupted_run_goes_on_the_same() -> None:
    whole = Run(lr=3.0).train(3)
    first = Run(lr=3.0).train(1)
    first.epoch()  # killed in the middle of an epoch
    file = io.BytesIO()
    torch.save(first.guard.state_dict(), file)
    file.seek(0)
    torch.manual_seed(99)
    later = Run(lr=1.0)
    torch.rand(3)
    later.guard.load_state_dict(torch.load(file, weights_only=True))
    assert later.guard.accepted == 1
    later.train(3)
    assert np.array_equal(later.weights(), whole.weights()) and later.guard.error == whole.guard.error
    assert later.guard.factor == whole.guard.factor


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"accepted": -1}, "whole number"),
        ({"accepted": True}, "whole number"),
        ({"factor": 2.0}, "factor"),
        ({"streak": -1}, "in a row"),
        ({"fingerprints": ["0"]}, "other data"),
        ({"extra": 1}, "not the state"),
    ],
)
def test_a_state_is_checked(change: dict[str, Any], words: str) -> None:
    run = Run()
    with pytest.raises(InputError, match=words):
        run.guard.load_state_dict({**run.guard.state_dict(), **change})


def test_nothing_is_believed_of_a_state() -> None:
    run = Run()
    state = run.guard.state_dict()
    state["checkpoint"]["numbers"]["parameter 0.weight"] = torch.zeros(4, 3)
    run.guard.load_state_dict(state)
    own = error_of(run.module)
    assert run.guard.error[0] <= own[1] and own[0] <= run.guard.error[1]


def test_it_gives_up_where_nothing_falls() -> None:
    run = Run(shrink=2.0**-30)
    assert len(list(run.guard.epochs(1))) == 2
    assert run.guard.accepted == 0


class TestTheWholeError:
    def whole(self, module: nn.Module, data: Any = None, chunk: int = 10, **options: Any) -> WholeError:
        return WholeError(module, OrderedData(None, data or samples(), chunk), **{"loss": "cross_entropy", **options})

    @pytest.mark.parametrize("chunk", [7, 26])
    def test_chunks_add_up_to_the_whole(self, chunk: int) -> None:
        module = network()
        found, own = self.whole(module, chunk=chunk).range(), error_of(module)
        assert found[0] <= own[1] and own[0] <= found[1]
        assert found[1] - found[0] < 1e-12

    def test_sums_and_decay_are_part_of_it(self) -> None:
        module = network()
        found = self.whole(module, reduction="sum", weight_decay=0.5).range()
        problem = from_torch(module, *samples(), loss="cross_entropy", reduction="sum", weight_decay=0.5)
        own = problem.error_enclosure(problem.initial_weights)
        assert found[0] <= own[1] and own[0] <= found[1] and found[1] - found[0] < 1e-10

    def test_a_loss_of_ones_own(self) -> None:
        module = network()
        found = self.whole(module, loss=nn.CrossEntropyLoss()).range()
        own = error_of(module)
        assert found[0] <= own[1] and own[0] <= found[1]

    def test_it_follows_buffers(self) -> None:
        module = network(nn.BatchNorm1d(4))
        whole = self.whole(module)
        whole.range()
        module.train()(samples()[0])
        found, own = whole.range(), error_of(module)
        assert found[0] <= own[1] and own[0] <= found[1] and found[1] - found[0] < 1e-12

    def test_a_changed_module_is_noticed(self) -> None:
        module = network(nn.Softplus(beta=1.0))
        whole = self.whole(module)
        whole.range()
        module[1].beta = 2.0
        with pytest.raises(InputError, match="another error"):
            whole.range()
        module[1] = nn.Linear(4, 4)
        with pytest.raises(InputError, match="replaced"):
            whole.range()

    def test_a_hair_of_a_number_that_is_no_buffer_is_noticed(self) -> None:
        """Less than rounding explains, but more than E fell: it would be called PROVED while E rose."""

        class Shifted(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.layer, self.shift = nn.Linear(3, 1).double(), torch.zeros(1, dtype=torch.float64)

            def forward(self, x: Any) -> Any:
                return self.layer(x) - self.shift

        torch.manual_seed(1)
        module, x, y = Shifted(), samples()[0].double(), torch.ones(SAMPLES, 1, dtype=torch.float64)
        whole = WholeError(module, OrderedData(None, (x, y), 10), "mse")
        before = whole.range()
        slope = 2 * float((module(x) - y).detach().mean())
        hair = (before[1] - before[0]) / slope
        with torch.no_grad():
            module.layer.bias -= 4 * hair
        module.shift = module.shift - 24 * hair
        CAPTURED.clear()
        assert WholeError(module, OrderedData(None, (x, y), 10), "mse").range()[0] > before[1]
        with pytest.raises(InputError, match="another error"):
            whole.range()

    @pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(weight=torch.tensor([1.0, 20.0])), "cross_entropy"])
    def test_weights_are_noticed_where_every_chunk_has_one_class(self, loss: Any) -> None:
        x, y = samples()
        y = torch.arange(SAMPLES) // 13
        if loss == "cross_entropy":
            y[20:] = -100
        with pytest.raises(InputError, match="no mean over the samples"):
            WholeError(network(), OrderedData(None, (x, y), 13), loss).range()

    def test_changed_data_are_noticed(self) -> None:
        x, y = samples()
        whole = self.whole(network(), (x, y))
        whole.range()
        x[17, 0] += 1.0
        with pytest.raises(InputError, match="not those that they were"):
            whole.range()

    def test_changed_numbers_of_large_arrays_are_noticed(self) -> None:
        x, y = np.ones((SAMPLES, 60)), np.ones((SAMPLES, 1))
        data = OrderedData(
            DataLoader(TensorDataset(torch.arange(SAMPLES)), collate_fn=lambda items: (x[: len(items)], y)),
            None,
            SAMPLES,
        )
        list(data.chunks())
        x[13, 30] += 1e-12
        with pytest.raises(InputError, match="not those that they were"):
            list(data.chunks())

    def test_items_changed_at_random_are_noticed(self) -> None:
        class Noisy(torch.utils.data.Dataset):
            def __len__(self) -> int:
                return SAMPLES

            def __getitem__(self, index: int) -> Any:
                return samples()[0][index] + torch.rand(()), samples()[1][index]

        whole = WholeError(network(), OrderedData(DataLoader(Noisy()), None, 10), "cross_entropy")
        whole.range()
        torch.rand(1)
        with pytest.raises(InputError, match="random changes"):
            whole.range()

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"loss": lambda out, y: nn.functional.cross_entropy(out, y) ** 2}, "no mean over the samples"),
            ({"loss": nn.CrossEntropyLoss(reduction="sum")}, "no mean over the samples"),
            ({"weight": torch.ones(2)}, "mean is not over samples"),
            ({"weight_decay": -1.0}, "weight decay"),
            ({"loss": "unknown"}, "unknown loss"),
        ],
    )
    def test_losses_that_are_no_mean_are_refused(self, options: dict[str, Any], words: str) -> None:
        with pytest.raises(InputError, match=words):
            self.whole(network(), **options).range()


def test_arguments_are_checked() -> None:
    module, (x, y) = network(), samples()
    optimizer, loader = torch.optim.SGD(module.parameters(), lr=0.1), DataLoader(TensorDataset(x, y))

    class Endless(torch.utils.data.IterableDataset):
        def __iter__(self) -> Any:
            return iter([])

    for arguments, options, words in (
        ((None, module, loader), {}, "not a PyTorch optimiser"),
        ((optimizer, None, loader), {}, "not a PyTorch module"),
        ((optimizer, module, x), {}, "not a DataLoader"),
        ((optimizer, module, DataLoader(Endless())), {}, "by number"),
        ((optimizer, module, loader), {"shrink": 1.0}, "between 0 and 1"),
        ((optimizer, module, loader), {"recover": 0}, "grows back"),
        ((optimizer, module, loader), {"chunk": 0}, "positive integer"),
        ((optimizer, module, loader), {"also": (1,)}, "cannot be set back"),
        ((optimizer, module, loader), {"data": (x, y[:3])}, "common number"),
        ((optimizer, network(), loader), {}, "not the module's"),
    ):
        with pytest.raises(InputError, match=words):
            EpochGuard(*arguments, "cross_entropy", **options)


class TestNumbersThatTheLossHolds:
    """A number that a loss holds is no parameter: a drift that rounding hides may be more than E fell."""

    def whole(self, loss: Any) -> WholeError:
        x = samples()[0].double()
        CAPTURED.clear()
        torch.manual_seed(1)
        whole = WholeError(nn.Linear(3, 1).double(), OrderedData(None, (x, x[:, :1]), 13), loss)
        whole.range()
        return whole

    @pytest.mark.parametrize("kind", ["captured", "tensor"])
    def test_the_last_bit_is_noticed(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(whole_error, "capture", capture)
        scale = torch.ones((), dtype=torch.float64) if kind == "tensor" else 1.0
        whole = self.whole(lambda outputs, targets: scale * nn.functional.mse_loss(outputs, targets))
        assert whole.range() == whole.range()
        scale *= 1.0 + 2.0**-52
        for _ in range(2):  # an error that is caught does not make the other loss the one that was captured
            with pytest.raises(InputError, match="another error"):
                whole.range()

    @pytest.mark.parametrize(
        "kind", ["captured", "default", "global", "attribute", "class", "partial", "slot", "inner"]
    )
    def test_wherever_a_function_holds_a_number_it_is_seen(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        scale, hair = 1.0, 1.0 + 2.0**-52

        class Scaled:
            scale = 1.0

            def __call__(self, outputs: Any) -> Any:
                return self.scale * outputs

        class Slotted:
            __slots__ = ("scale",)

        def default(outputs: Any, by: float = 1.0) -> Any:
            return by * outputs

        slotted, object_, partial = Slotted(), Scaled(), functools.partial(default, by=1.0)
        slotted.scale = 1.0
        functions = {
            "captured": lambda outputs: scale * outputs,
            "default": default,
            "global": lambda outputs: SCALES[0] * outputs,
            "attribute": object_,
            "class": object_,
            "partial": partial,
            "slot": lambda outputs: slotted.scale * outputs,
            "inner": lambda outputs: (lambda: default(outputs))(),
        }
        before = held_numbers(functions[kind])
        assert held_numbers(functions[kind]) == before
        match kind:
            case "captured":
                scale = hair
            case "default" | "inner":
                default.__defaults__ = (hair,)
            case "global":
                monkeypatch.setitem(SCALES, 0, hair)
            case "attribute":
                object_.scale = hair
            case "class":
                Scaled.scale = hair
            case "partial":
                partial.keywords["by"] = hair
            case "slot":
                slotted.scale = hair
        assert held_numbers(functions[kind]) != before

    def test_a_penalty_of_the_modules_own_weights_follows_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(whole_error, "capture", capture)
        x = samples()[0].double()
        torch.manual_seed(1)
        module = nn.Linear(3, 1).double()

        def loss(outputs: Any, targets: Any) -> Any:
            return nn.functional.mse_loss(outputs, targets) + 0.5 * module.weight.square().sum()

        whole = WholeError(module, OrderedData(None, (x, x[:, :1]), SAMPLES), loss)
        for _ in range(2):
            low, high = whole.range()
            value = float(loss(module(x), x[:, :1]).detach())
            assert low - 1e-12 <= value <= high + 1e-12 and high - low < 1e-12
            with torch.no_grad():
                module.weight.mul_(2.0)

    def test_a_loss_may_keep_what_it_returned(self) -> None:
        kept: list[int] = []

        def loss(outputs: Any, targets: Any) -> Any:
            kept.append(len(kept))
            return nn.functional.mse_loss(outputs, targets)

        whole = self.whole(loss)
        assert whole.range() == whole.range()
