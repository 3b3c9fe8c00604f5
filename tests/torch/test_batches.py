"""A batch at every step of the monitor and the certified optimiser: what is proved is proved of its error."""

from __future__ import annotations

import copy
from typing import Any

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402 -- only where torch is installed

import verify  # noqa: E402
from verify import InputError, Problem, Verdict  # noqa: E402
from verify.torch import CertifiedMomentum, Monitor, convert  # noqa: E402

BATCHES = (slice(0, 4), slice(4, 8), slice(8, 12))


def module_of(*, smooth: bool = True) -> Any:
    torch.manual_seed(2)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh() if smooth else nn.ReLU(), nn.Linear(4, 2)).double()


def data() -> tuple[Any, Any]:
    """Every sample with two targets: no batch has an error of zero anywhere."""
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    return x.repeat_interleave(2, 0), torch.arange(12) % 2


def half_squared(module: Any, x: Any, y: Any) -> Problem:
    """The batch's problem by the door of the classical class: nothing is captured."""
    known = convert(module, (3,))
    return Problem(known.architecture, x.numpy(), y.numpy(), initial_weights=known.read())


def test_the_monitor_speaks_of_the_batch() -> None:
    """Each report against the enclosures of the batch's error by another door; one capture for each shape."""
    module, (x, y) = module_of(smooth=False), data()
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1)
    with Monitor(optimiser, module, x[:4], y[:4], loss="cross_entropy") as monitor:
        for rows in BATCHES[1:]:
            monitor.set_batch(x[rows], y[rows])
            problem = verify.from_torch(module, x[rows], y[rows], loss="cross_entropy")
            before = problem.error_enclosure(problem.read(module))
            optimiser.zero_grad()
            nn.functional.cross_entropy(module(x[rows]), y[rows]).backward()
            optimiser.step()
            after = problem.error_enclosure(problem.read(module))
            report = monitor.reports[-1]
            assert report.verdict is Verdict.PROVED and report.multiple == 1.0
            assert report.change[0] <= after[1] - before[0] and after[0] - before[1] <= report.change[1] < 0
            assert report.error_upper >= after[0]
        assert len(monitor.mapped._programs) == 1


def test_a_step_for_another_batch_is_told_apart() -> None:
    module, (x, _) = module_of(), data()
    y = torch.ones(12, 2, dtype=torch.float64)
    optimiser = torch.optim.SGD(module.parameters(), lr=0.5)
    with Monitor(optimiser, module, x, y) as monitor:
        monitor.set_batch(x[:4], y[:4])
        (module(x[4:]) - y[4:]).square().sum().backward()
        optimiser.step()
    assert "other inputs than the data given" in monitor.reports[0].note


@pytest.mark.parametrize("rule", ["certified", "guarded"])
def test_certified_steps_lower_the_error_of_their_batch(rule: str) -> None:
    module, (x, labels) = module_of(smooth=rule == "certified"), data()
    y = nn.functional.one_hot(labels, 2).double()
    optimiser = CertifiedMomentum(module, x[:4], y[:4], rule=rule)
    for number, rows in enumerate(BATCHES, 1):
        optimiser.set_batch(x[rows], y[rows])
        problem = half_squared(module, x[rows], y[rows])
        before, start = problem.error_enclosure(problem.initial_weights), problem.initial_weights
        optimiser.step()
        after = problem.error_enclosure(convert(module, (3,)).read())
        assert len(optimiser.records) == number and not (convert(module, (3,)).read() == start).all()
        assert optimiser.records[-1].verdict is Verdict.PROVED and after[1] < before[0]
        assert before[1] - optimiser.records[-1].decrease >= after[0]
    assert optimiser.session.index == 3 and copy.deepcopy(optimiser).session.index == 3


def test_a_run_that_stopped_on_one_batch_goes_on_with_another() -> None:
    module, (x, _) = module_of(), data()
    optimiser = CertifiedMomentum(module, x[:4], module(x[:4]).detach(), rule="certified")
    optimiser.step()
    assert optimiser.stopped is not None and not optimiser.records
    optimiser.set_batch(x[4:], torch.ones(8, 2, dtype=torch.float64))
    optimiser.step()
    assert optimiser.stopped is None and optimiser.records[0].verdict is Verdict.PROVED


def test_what_cannot_be_judged_by_batches_is_refused() -> None:
    module, (x, _) = module_of(), data()
    optimiser = torch.optim.SGD(module.parameters(), lr=0.5)
    with (
        Monitor(optimiser, module, x, x[:, :2], curvature=1.0) as monitor,
        pytest.raises(InputError, match="one error for all steps"),
    ):
        monitor.set_batch(x[:4], x[:4, :2])
    certified = CertifiedMomentum(module, x, x[:, :2], rule="guarded")
    with torch.no_grad():
        module[0].weight[0, 0] += 1.0
    with pytest.raises(InputError, match="changed outside"):
        certified.set_batch(x[:4], x[:4, :2])
