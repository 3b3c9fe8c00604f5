"""The callback for Hugging Face's Trainer, in runs of the real Trainer with real models made from their configs."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("accelerate")
from torch import nn  # noqa: E402

import verify  # noqa: E402
from verify import InputError, Verdict  # noqa: E402
from verify.torch.hugging_face import TrainerMonitor, own_loss  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

torch.manual_seed(0)
DATA = {
    "input_ids": torch.randint(0, 11, (4, 5)),
    "attention_mask": torch.tensor([[1] * 5, [1] * 3 + [0] * 2, [1] * 5, [1] * 4 + [0]]),
    "labels": torch.tensor([0, 1, 2, 1]),
}
X, Y = torch.randn(6, 2), torch.randn(6, 1)


def bert(dropout: float = 0.0) -> Any:
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=11, hidden_size=4, num_hidden_layers=1, num_attention_heads=2, intermediate_size=4, num_labels=3,
        max_position_embeddings=5, hidden_dropout_prob=dropout, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    return transformers.BertForSequenceClassification(config)


class Regression(nn.Module):
    """A module of one's own as the Trainer takes it: it returns its loss by name."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))

    def forward(self, x: Any, labels: Any) -> dict[str, Any]:
        outputs = self.net(x)
        return {"loss": nn.functional.mse_loss(outputs, labels), "outputs": outputs}


def trained(model: Any, data: dict[str, Any], callback: Any, folder: Any, batch: int = 6, **settings: Any) -> Any:
    rows = [{name: values[row] for name, values in data.items()} for row in range(len(data["labels"]))]
    arguments = transformers.TrainingArguments(
        str(folder), num_train_epochs=3, per_device_train_batch_size=batch, report_to=[], use_cpu=True,
        save_strategy="no", logging_strategy="no", disable_tqdm=True, remove_unused_columns=False, **settings,
    )  # fmt: skip
    trainer = transformers.Trainer(model, arguments, train_dataset=rows, callbacks=[callback] if callback else None)
    trainer.train()
    return trainer


def test_every_step_of_a_transformer_is_decided_and_logged(tmp_path: Any) -> None:
    callback = TrainerMonitor(DATA)
    trainer = trained(bert(), DATA, callback, tmp_path, batch=2, optim="sgd", learning_rate=1e-2)
    assert len(callback.reports) == 6
    assert {report.verdict for report in callback.reports} == {Verdict.PROVED}
    assert all("a mini-batch, 2 of the 4 samples" in report.note for report in callback.reports)
    logged = [entry for entry in trainer.state.log_history if "dagverify/verdict" in entry]
    assert [entry["step"] for entry in logged] == [1, 2, 3, 4, 5, 6]
    for entry, report in zip(logged, callback.reports, strict=True):
        assert entry["dagverify/verdict"] == 1
        assert entry["dagverify/change_lower"] <= report.change[0]
        assert entry["dagverify/change_upper"] >= report.change[1]


@pytest.mark.parametrize("optim", ["sgd", "adamw_torch"])
def test_a_module_of_ones_own_with_the_trainers_default_settings(optim: str, tmp_path: Any) -> None:
    data = {"x": X, "labels": Y}
    watched, plain = Regression().eval(), Regression()  # the Trainer sets the mode
    callback = TrainerMonitor({"labels": Y, "x": X})
    trained(watched, data, callback, tmp_path, optim=optim)
    trained(plain, data, None, tmp_path, optim=optim)
    assert [report.verdict for report in callback.reports] == [Verdict.PROVED] * 3
    assert all(torch.equal(a, b) for a, b in zip(watched.parameters(), plain.parameters(), strict=True))
    assert not watched._forward_pre_hooks


def test_a_loss_of_ones_own_is_held_against_that_of_the_model(tmp_path: Any) -> None:
    callback = TrainerMonitor(
        {"x": X, "labels": Y}, Y, loss=lambda outputs, targets: 0.5 * (outputs["outputs"] - targets).square().mean()
    )
    trained(Regression(), {"x": X, "labels": Y}, callback, tmp_path, optim="sgd", max_grad_norm=0.0)
    assert [report.multiple for report in callback.reports] == [2.0] * 3


def test_it_stops_at_the_first_increase(tmp_path: Any) -> None:
    callback = TrainerMonitor({"x": X, "labels": Y}, stop_on_increase=True)
    settings = {"optim": "sgd", "learning_rate": 50.0, "max_grad_norm": 0.0, "lr_scheduler_type": "constant"}
    trainer = trained(Regression(), {"x": X, "labels": Y}, callback, tmp_path, **settings)
    assert [report.verdict for report in callback.reports][-1] is Verdict.REFUTED
    assert trainer.state.global_step == len(callback.reports) == 1


@pytest.mark.parametrize("kind", ["GPT2", "Llama"])
def test_language_models_import_with_their_own_loss(kind: str) -> None:
    torch.manual_seed(1)
    short = {"GPT2": {"n_embd": 4, "n_layer": 1, "n_head": 2, "resid_pdrop": 0, "embd_pdrop": 0, "attn_pdrop": 0}}
    usual = {"hidden_size": 4, "intermediate_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=7, bos_token_id=None, eos_token_id=None, use_cache=False, **short.get(kind, usual)
    )
    model = getattr(transformers, "GPT2LMHeadModel" if kind == "GPT2" else f"{kind}ForCausalLM")(config)
    ids = torch.randint(0, 7, (2, 4))
    problem = verify.from_torch(model, {"input_ids": ids, "labels": ids}, None, loss=own_loss)
    assert problem.size == sum(parameter.numel() for parameter in model.parameters())
    assert [verdict.name for verdict in verify.train(problem, steps=1, rule="guarded").verdicts] == ["PROVED"]


def test_dropout_is_refused_with_its_remedy(tmp_path: Any) -> None:
    with pytest.raises(InputError, match="dropout"):
        trained(bert(dropout=0.1), DATA, TrainerMonitor(DATA), tmp_path)


def test_inputs_without_names_are_one_line() -> None:
    with pytest.raises(InputError, match="inputs by name"):
        TrainerMonitor(DATA["input_ids"])
