"""Guarded epochs: what counts is proved, what does not is taken back, the same run comes out again bit for bit."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import verify
from tests.networks import residual_nodes
from tests.training.conftest import small_problem
from verify import InputError, Problem, Verdict
from verify.calculus.batches import batches_of
from verify.certificates.run_checker import check_run
from verify.cli import main
from verify.training.backoff import BackOff
from verify.training.epoch_rule import EpochRule, epoch_rule
from verify.training.evaluation import error_range
from verify.training.run_folder import RunFolder
from verify.training.session import Session

SPEC = Path(__file__).parents[2] / "examples" / "xor_decay.toml"
TOO_LARGE = {"eta": 64.0, "mu": 0.5, "recover": 2}


@pytest.fixture(scope="module")
def problem() -> Problem:
    return small_problem(residual_nodes("tanh", "identity"))


def rule_of(problem: Problem, batch: int = 2, **settings: Any) -> EpochRule:
    return epoch_rule(problem, batch, **{"eta": 0.1, **settings})


def enclosure_falls(problem: Problem, before: np.ndarray, after: np.ndarray) -> bool:
    return error_range(problem, after)[1] < error_range(problem, before)[0]


def test_an_epoch_is_sgd_with_momentum_over_every_batch(problem: Problem) -> None:
    """The state carries v over from one epoch to the next."""
    session = Session(problem, rule_of(problem, eta=0.0625, mu=0.5, seed=3))
    w, v = problem.initial_weights, np.zeros(problem.size)
    for epoch in range(2):
        record = session.step()
        assert record is not None and record.eta == 0.0625
        for number in np.random.default_rng((3, epoch)).permutation(3):
            v = 0.5 * v + batches_of(problem, 2)[int(number)].gradient(w)
            w = w - 0.0625 * v
        assert np.array_equal(session.weights, w)


@pytest.mark.parametrize("settings", [{"eta": 0.25}, {"eta": 0.1, "mu": 0.9}, TOO_LARGE])
def test_the_error_of_all_data_falls_over_every_epoch(problem: Problem, settings: dict[str, Any]) -> None:
    session, rows = Session(problem, rule_of(problem, **settings)), [problem.initial_weights]
    while len(rows) < 7 and (record := session.step()) is not None:
        assert record.verdict is Verdict.PROVED and record.decrease > 0
        rows.append(session.weights)
        assert error_range(problem, rows[-2])[1] - record.decrease >= error_range(problem, rows[-1])[0]
    assert len(rows) == 7
    assert all(enclosure_falls(problem, *pair) for pair in itertools.pairwise(rows))


def test_a_learning_rate_that_is_too_large_is_brought_back(problem: Problem) -> None:
    record = Session(problem, rule_of(problem, **TOO_LARGE)).step()
    assert record is not None and "taken back" in record.evidence
    assert record.eta < 64.0 and np.log2(record.eta).is_integer()


def test_it_grows_back_to_what_it_was_and_not_beyond(problem: Problem) -> None:
    rule = rule_of(problem, eta=0.125, recover=2)
    rule.backoff.set(0.25, 0, "")
    session = Session(problem, rule)
    rates = [record.eta for _ in range(7) if (record := session.step()) is not None]
    assert [rate / 0.125 for rate in rates] == [0.25, 0.25, 0.5, 0.5, 1.0, 1.0, 1.0]


def test_retries_start_from_rest(problem: Problem) -> None:
    """Momentum that points uphill would outlast every learning rate."""
    rule = rule_of(problem, eta=0.01, mu=0.5)
    rule.velocity = -1e6 * problem.gradient(problem.initial_weights)
    record = Session(problem, rule).step()
    assert record is not None and record.evidence.endswith("taken back 1 times")


def test_where_nothing_falls_it_stops(problem: Problem) -> None:
    uphill = [Uphill(problem)]
    session = Session(problem, EpochRule(uphill, 0.1))  # type: ignore[arg-type]
    assert session.step() is None and "does not provably fall" in str(session.stopped)
    assert np.array_equal(session.weights, problem.initial_weights)


class Uphill:
    """Its gradient is that of minus the error."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.size = problem, problem.size

    def gradient(self, w: np.ndarray) -> np.ndarray:
        return -self.problem.gradient(w)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_step_that_is_no_number_is_taken_back(problem: Problem, bad: float) -> None:
    class Broken(Uphill):
        def gradient(self, w: np.ndarray) -> np.ndarray:
            return np.full(self.size, bad)

    session = Session(problem, EpochRule([Broken(problem)], 0.1))  # type: ignore[list-item]
    assert session.step() is None and session.index == 0


class TestRuns:
    def folder(self, problem: Problem, path: Path, steps: int, *, resume: bool = False) -> tuple[Session, dict]:
        session, folder = Session(problem, rule_of(problem, **TOO_LARGE)), RunFolder(path, "steps", 3)
        settings = {"rule": "epoch", "batch": 2, **TOO_LARGE}
        if resume:
            folder.resume(session, settings)
        else:
            folder.start(session, settings)
        return session, folder.run(session, steps, every=1)

    def test_replay_and_resumption_give_the_same_bytes(self, problem: Problem, tmp_path: Path) -> None:
        names = ("steps.jsonl", "weights.f64", "checkpoint.npz", "result.json")
        for name in ("one", "two"):
            self.folder(problem, tmp_path / name, 5)
        whole = [(tmp_path / "one" / name).read_bytes() for name in names]
        assert [(tmp_path / "two" / name).read_bytes() for name in names] == whole
        for steps in (2, 5):
            self.folder(problem, tmp_path / "parts", steps, resume=steps > 2)
        parts = [(tmp_path / "parts" / name).read_bytes() for name in names]
        assert parts[:2] == whole[:2] and parts[3] == whole[3]

    def test_a_run_is_rechecked_and_says_what_is_not_confirmed(self, problem: Problem, tmp_path: Path) -> None:
        self.folder(problem, tmp_path / "run", 4)
        answer = check_run(tmp_path / "run")
        assert (answer["verdict"], answer["unit"], answer["steps"]) == ("PROVED", "epoch", 4)
        assert any("a step is an epoch of mini-batches" in text for text in answer["not_confirmed"])

    @pytest.mark.parametrize(
        ("name", "value"), [("rule_epoch", 2), ("rule_factor", 2.0), ("rule_factor", 0.0), ("rule_streak", -1)]
    )
    def test_a_state_is_checked(self, problem: Problem, name: str, value: float) -> None:
        session = Session(problem, rule_of(problem))
        session.step()
        state = dict(session.state())
        Session(problem, rule_of(problem)).restore(state)
        with pytest.raises(InputError):
            Session(problem, rule_of(problem)).restore({**state, name: np.array(value, dtype=state[name].dtype)})


class TestCommand:
    def run(self, *arguments: Any) -> Result:
        return CliRunner().invoke(main, ["train", str(SPEC), *map(str, arguments)])

    def test_guarded_epochs(self, tmp_path: Path) -> None:
        options = ("--batch", 2, "--guard", "epoch", "--eta", 0.5, "--mu", 0.5, "--out", tmp_path / "run")
        result = self.run(*options, "--steps", 2)
        assert result.exit_code == 0 and "did every epoch decrease the error?: PROVED" in result.stdout
        answer = json.loads(self.run(*options, "--steps", 4, "--resume", "--json").stdout)
        assert (answer["rule"], answer["steps"], answer["recorded_steps"], answer["verdict"]) == (
            "epoch",
            4,
            2,
            "PROVED",
        )
        other = self.run(*options, "--steps", 6, "--recover", 1, "--resume")
        assert other.exit_code == 2 and "recover" in other.stderr

    def test_networks_of_the_whole_vocabulary(self, tmp_path: Path) -> None:
        spec = tmp_path / "net.toml"
        spec.write_text(
            'name = "two-classes"\nloss = "softmax-cross-entropy"\n'
            "data = {x = [[0, 0], [0, 1], [1, 0], [1, 1]], y = [0, 1, 1, 0]}\n"
            "nodes.x = {width = 2}\n"
            'nodes.h = {width = 3, activation = "relu", inputs = ["x"]}\n'
            'nodes.y = {width = 2, activation = "identity", inputs = ["h"]}\n',
            encoding="utf-8",
        )
        arguments = ["train", str(spec), "--batch", "2", "--guard", "epoch", "--eta", "0.1", "--steps", "2"]
        result = CliRunner().invoke(main, [*arguments, "--out", str(tmp_path / "run"), "--json"])
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["verdicts"]["PROVED"] == 2

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (("--guard", "epoch"), "needs --batch"),
            (("--batch", 2), "need --guard epoch"),
            (("--recover", 2), "need --guard epoch"),
            (("--batch", 2, "--guard", "epoch", "--rule", "fixed", "--eta", 1), "leave out --rule"),
            (("--batch", 2, "--guard", "epoch", "--eta", -1), "eta > 0"),
            (("--batch", 2, "--guard", "epoch", "--eta", 1, "--mu", 1), "mu < 1"),
            (("--batch", 2, "--guard", "epoch", "--eta", 1, "--tau", 1), "neither tau"),
            (("--batch", 2, "--guard", "epoch", "--eta", 1, "--shrink", 1), "between 0 and 1"),
            (("--batch", 2, "--guard", "epoch", "--eta", 1, "--certificates", "horizon", "--out", "r"), "certify"),
        ],
    )
    def test_bad_options(self, options: tuple[Any, ...], words: str, tmp_path: Path) -> None:
        result = self.run(*options, *(() if "--out" in options else ("--out", tmp_path / "run")))
        assert result.exit_code == 2 and words in result.stderr, result.output
        assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"eta": np.nan}, "eta > 0"),
        ({"mu": -0.5}, "mu < 1"),
        ({"seed": -1}, "seed"),
        ({"shrink": 0.0}, "between 0 and 1"),
        ({"recover": 0}, "grows back"),
        ({"recover": True}, "grows back"),
        ({"batch": 0}, "positive integer"),
        ({"batch": []}, "needs a batch"),
        ({"batch": [None]}, "other weights"),
        ({"batch": None}, "needs batch and eta"),
        ({"epochs": {"speed": 1}}, "unknown setting"),
        ({"tau": 0.5}, "neither tau"),
    ],
)
def test_settings_are_checked(problem: Problem, settings: dict[str, Any], words: str) -> None:
    own = {name: settings[name] for name in ("seed", "shrink", "recover") if name in settings}
    rest = {name: value for name, value in settings.items() if name not in own}
    with pytest.raises(InputError, match=words):
        verify.train(problem, rule="epoch", **{"batch": 2, "eta": 0.1, "epochs": own, **rest})


def test_batches_belong_to_their_rule(problem: Problem) -> None:
    with pytest.raises(InputError, match="rule 'epoch' only"):
        verify.train(problem, batch=2)


def test_a_factor_never_exceeds_one() -> None:
    backoff = BackOff(0.7, recover=1)
    for _ in range(3):
        backoff.rejected()
    product = 1.0
    for _ in range(6):
        product *= backoff.accepted()
    assert backoff.factor == 1.0 and abs(product * 0.7**3 - 1) < 1e-12
