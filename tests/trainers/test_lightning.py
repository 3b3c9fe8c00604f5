"""The callback for Lightning, in runs of the real Trainer, and the log in TensorBoard's files, read back by it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
lightning = pytest.importorskip("pytorch_lightning")
tensorboard = pytest.importorskip("tensorboard")
from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402
from torch.utils.tensorboard import SummaryWriter  # noqa: E402

from verify import Ball, InputError, Verdict  # noqa: E402
from verify.torch import CertifiedMomentum, TensorBoardLog  # noqa: E402
from verify.torch.lightning import LightningMonitor  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

torch.manual_seed(0)
X, Y = torch.randn(8, 2, dtype=torch.float64), torch.randn(8, 1, dtype=torch.float64)


class Net(lightning.LightningModule):
    def __init__(self, make: Any = lambda module: torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9)) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.net = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
        self.make, self.batches = make, 0

    def forward(self, x: Any) -> Any:
        return self.net(x)

    def training_step(self, batch: Any, _: int) -> Any:
        self.batches += 1
        x, y = batch
        loss = nn.functional.mse_loss(self(x), y)
        self.log("loss", loss)
        return loss

    def validation_step(self, batch: Any, _: int) -> None:
        self.log("validation", nn.functional.mse_loss(self(batch[0]), batch[1]))

    def configure_optimizers(self) -> Any:
        return self.make(self)


def fit(net: Net, callback: Any = None, batch: int = 8, epochs: int = 3, folder: Path | None = None) -> Any:
    loader = DataLoader(TensorDataset(X, Y), batch_size=batch)
    trainer = lightning.Trainer(
        max_epochs=epochs,
        callbacks=[] if callback is None else [callback],
        accelerator="cpu",
        precision="64-true",
        logger=lightning.loggers.CSVLogger(folder) if folder else False,
        log_every_n_steps=1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(net, loader, loader)
    return trainer


def test_every_step_is_decided_and_logged(tmp_path: Path) -> None:
    net = Net()
    writer = SummaryWriter(str(tmp_path / "tensorboard"))
    callback = LightningMonitor(X, Y, loss="mse", submodule="net", callbacks=(TensorBoardLog(writer),))
    fit(net, callback, folder=tmp_path)
    writer.close()
    assert [report.verdict for report in callback.reports] == [Verdict.PROVED] * 3
    assert [report.multiple for report in callback.reports] == [1.0] * 3
    (table,) = tmp_path.glob("**/metrics.csv")
    with table.open() as file:
        shown = [row for row in csv.DictReader(file) if row["dagverify/verdict"]]
    events = _events(tmp_path / "tensorboard")
    assert len(shown) == len(callback.reports)
    for row, report in zip(shown, callback.reports, strict=True):
        assert float(row["dagverify/verdict"]) == 1
        assert float(row["dagverify/change_upper"]) >= report.change[1]
        assert float(row["dagverify/change_lower"]) <= report.change[0]
    assert {tag.removeprefix("dagverify/") for tag in events} == {
        "verdict", "change_lower", "change_upper", "error_upper"
    }  # fmt: skip
    for tag, of in (("error_upper", lambda r: r.error_upper), ("change_upper", lambda r: r.change[1])):
        for (step, value), report in zip(events[f"dagverify/{tag}"], callback.reports, strict=True):
            assert step == report.index
            assert value >= of(report)
    assert all(value <= r.change[0] for (_, value), r in zip(events["dagverify/change_lower"], callback.reports))  # noqa: B905
    assert not net.net._forward_pre_hooks


def _events(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder))
    read.Reload()
    return {tag: [(event.step, event.value) for event in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


def test_the_run_is_the_same_with_and_without_it() -> None:
    watched, plain = Net(), Net()
    fit(watched, LightningMonitor(X, Y, loss="mse", submodule="net"), batch=4)
    fit(plain, batch=4)
    assert all(torch.equal(a, b) for a, b in zip(watched.parameters(), plain.parameters(), strict=True))


def test_the_lightning_module_itself_is_judged_on_batches() -> None:
    callback = LightningMonitor(X, Y, loss="mse")

    class Plain(Net):
        def training_step(self, batch: Any, _: int) -> Any:
            loss = nn.functional.mse_loss(self(batch[0]), batch[1])
            self.log("loss", loss)
            return loss

    fit(Plain(), callback, batch=4)
    assert len(callback.reports) == 6
    assert {report.verdict for report in callback.reports} <= {Verdict.PROVED, Verdict.REFUTED}
    assert all("a mini-batch, 4 of the 8 samples" in report.note for report in callback.reports)


def test_an_attribute_of_ones_own_that_changes_is_said() -> None:
    callback = LightningMonitor(X, Y, loss="mse")
    fit(Net(), callback)
    assert {report.verdict for report in callback.reports} == {Verdict.UNDECIDED}
    assert "the attribute batches was changed" in callback.reports[0].note


def test_it_stops_at_the_first_increase() -> None:
    callback = LightningMonitor(X, Y, loss="mse", submodule="net", stop_on_increase=True)
    trainer = fit(Net(lambda module: torch.optim.SGD(module.parameters(), lr=5.0)), callback, epochs=50)
    assert [report.verdict for report in callback.reports][-1] is Verdict.REFUTED
    assert Verdict.REFUTED not in [report.verdict for report in callback.reports[:-1]]
    assert trainer.global_step == len(callback.reports) < 50


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"submodule": "nets"}, "no such part"),
        ({"optimizer": 1}, "no such optimizer"),
        ({"loss": "mae"}, "unknown loss"),
        ({"region": Ball([0.0], 1.0)}, "region"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_cannot_be_watched_is_one_line(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as refused:
        fit(Net(), LightningMonitor(X, Y, **{"loss": "mse", "submodule": "net", **options}))
    assert "\n" not in str(refused.value)


def certified(module: Any) -> Any:
    return CertifiedMomentum(module.net, X, Y, loss="mse")


def test_certified_steps_are_taken_by_the_trainer() -> None:
    net = Net(certified)
    optimizer = fit(net, batch=8).optimizers[0]
    assert [record.verdict for record in optimizer.records] == [Verdict.PROVED] * 3


def test_certified_steps_refuse_batches_and_schedulers() -> None:
    with pytest.raises(InputError, match="closure's loss is not the error"):
        fit(Net(certified), batch=4)

    def scheduled(module: Any) -> Any:
        optimizer = CertifiedMomentum(module.net, X, Y, loss="mse", rule="fixed", eta=0.1, tau=0.05)
        return {"optimizer": optimizer, "lr_scheduler": torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)}

    with pytest.raises(InputError, match="lr of the parameter group was changed"):
        fit(Net(scheduled))
