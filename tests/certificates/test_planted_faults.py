"""Faults planted in the prover: each is rejected by the checker or seen by an oracle, never confirmed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import verify
from tests.certificates.conftest import make_problem, residual_nodes
from verify.analysis import certify as prover
from verify.analysis.certify import UnconfirmedError, certify
from verify.certificates import curvature_claim, horizon_search
from verify.theorems.ranges import RANGES

Plant = Callable[[pytest.MonkeyPatch], None]


def wrapped(name: str, owner: Any, change: Callable[..., Any]) -> Plant:
    """Replace `owner.name` by `change(honest, *arguments)`."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        honest = getattr(owner, name)
        patch.setattr(owner, name, lambda *args, **kwargs: change(honest, *args, **kwargs))

    return plant


def described(change: Callable[[dict[str, Any]], None]) -> Plant:
    """A description of the problem that is not the problem's."""

    def altered(honest: Any, *args: Any) -> Any:
        description = honest(*args)
        change(description)
        return description

    return wrapped("describe", prover, altered)


def curvature_times(factor: float) -> Plant:
    """Both of the prover's ways to a bound scaled: a lost factor, edge or |g''|."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        honest = curvature_claim.CurvatureClaims.recomputed
        patch.setattr(curvature_claim.CurvatureClaims, "proved", lambda self, region: 0.0)
        patch.setattr(curvature_claim.CurvatureClaims, "recomputed", lambda self, region: factor * honest(self, region))

    return plant


def smaller_region(honest: Any, self: Any, region: Any) -> float:
    return honest(self, verify.Ball(region.center, region.radius / 2))


def start_with(**changes: Callable[[float], float]) -> Plant:
    """Bounds at the centre that are not bounds."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        honest = horizon_search.Start.of

        def altered(problem: Any, w: Any) -> Any:
            start = honest(problem, w)
            return dataclasses.replace(
                start, **{name: change(getattr(start, name)) for name, change in changes.items()}
            )

        patch.setattr(horizon_search.Start, "of", altered)

    return plant


def gain_plus(factor: float) -> Plant:
    def plant(patch: pytest.MonkeyPatch) -> None:
        honest = type(RANGES["sharp"]).gain
        patch.setattr(
            type(RANGES["sharp"]),
            "gain",
            lambda self, L, eta, tau: math.nextafter(factor * honest(self, L, eta, tau), 9),
        )

    return plant


def drop_identity(description: dict[str, Any]) -> None:
    description["model"]["nodes"]["h2"]["inputs"].pop()


def drop_bias(description: dict[str, Any]) -> None:
    description["model"]["nodes"]["y"]["bias"] = False


def other_activation(description: dict[str, Any]) -> None:
    description["model"]["nodes"]["h1"]["activation"] = "softplus"


def swapped_targets(description: dict[str, Any]) -> None:
    description["data"]["targets"].reverse()


def half_the_data(description: dict[str, Any]) -> None:
    description["data"]["inputs"].pop()


def sum_for_mean(description: dict[str, Any]) -> None:
    description["objective"]["reduction"] = "sum"


def less_weight_decay(description: dict[str, Any]) -> None:
    description["objective"]["weight_decay"] = (0.0).hex()


def rounded_weights(description: dict[str, Any]) -> None:
    description["weights"] = [float(f"{float.fromhex(text):.3g}").hex() for text in description["weights"]]


FAULTS: dict[str, tuple[str, Plant]] = {
    "bound without its rounding": ("region", curvature_times(1 - 2.0**-50)),
    "bound without a factor of two": ("region", curvature_times(0.5)),
    "bound of a smaller region": ("region", wrapped("recomputed", curvature_claim.CurvatureClaims, smaller_region)),
    "bound without its rounding, horizon": ("horizon", curvature_times(1 - 2.0**-50)),
    "bound halved, weight decay": ("weight_decay", curvature_times(0.5)),
    "gain rounded up": ("region", gain_plus(1)),
    "gain doubled": ("weight_decay", gain_plus(2)),
    "gain rounded up, horizon": ("horizon", gain_plus(1.001)),
    "E(w0) from below": ("horizon", start_with(error_upper=lambda e: math.nextafter(e * (1 - 1e-13), 0))),
    "E(w0) from above as the lower bound": ("horizon", start_with(error_lower=lambda e: e * 1.01)),
    "gradient norm too small": ("horizon", start_with(gradient_upper=lambda g: g * (1 - 1e-12))),
    "gradient norm too large from below": ("horizon", start_with(gradient_lower=lambda g: g * 1.01)),
    "E_inf of another ball": (
        "horizon",
        wrapped("error_lower_bound", horizon_search, lambda honest, e, g, r, L: honest(e, g, r / 2, L)),
    ),
    "E_inf without curvature": (
        "horizon",
        wrapped("error_lower_bound", horizon_search, lambda honest, e, g, r, L: honest(e, g, r, 2.0**-30)),
    ),
    "one step too many": (
        "horizon",
        wrapped("_largest_steps", horizon_search, lambda honest, *a: 2 * honest(*a) + 1),
    ),
    "decrease doubled": ("horizon", wrapped("total_decrease", horizon_search, lambda honest, f: 2 * honest(f))),
    "sublevel radius rounded down": (
        "weight_decay",
        wrapped("BoundedWeights", prover, lambda honest, radius: honest(radius * (1 - 1e-9))),
    ),
    "decrease of the step doubled": (
        "step",
        wrapped(
            "decide_decrease", prover, lambda honest, *a: dataclasses.replace(honest(*a), upper=2 * honest(*a).lower)
        ),
    ),
    "lost skip edge": ("step", described(drop_identity)),
    "lost bias": ("region", described(drop_bias)),
    "another activation": ("region", described(other_activation)),
    "targets in another order": ("region", described(swapped_targets)),
    "a sample lost": ("region", described(half_the_data)),
    "sum for mean": ("weight_decay", described(sum_for_mean)),
    "weight decay left out": ("weight_decay", described(less_weight_decay)),
    "weights rounded to three digits": ("horizon", described(rounded_weights)),
}

REFUSED_BY_THE_READER = {"lost bias", "targets in another order", "a sample lost"}
"""Their descriptions contradict themselves."""

SETTINGS: dict[str, dict[str, Any]] = {
    "region": {},
    "step": {},
    "weight_decay": {},
    "horizon": {"eta": 1e-3, "radius": 0.02},
}


@pytest.fixture(autouse=True)
def no_bound_of_the_prover(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checker's bound is the one at stake here."""
    monkeypatch.setattr(curvature_claim.CurvatureClaims, "proved", lambda self, region: 0.0)


def fault_problem() -> verify.Problem:
    return make_problem(residual_nodes(), weight_decay=0.125)


def is_the_problems_own(certificate: dict[str, Any], problem: verify.Problem) -> bool:
    """Oracle beside the checker: the certificate holds this problem's description."""
    from verify.certificates.description import describe

    return verify.check_certificate(certificate, describe(problem, problem.initial_weights))["verdict"] == "PROVED"


@pytest.fixture(scope="module")
def honest() -> dict[str, dict[str, Any]]:
    """The certificates without a fault, all of them confirmed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curvature_claim.CurvatureClaims, "proved", lambda self, region: 0.0)
        problem = fault_problem()
        certificates = {kind: certify(problem, kind, confirm=False, **SETTINGS[kind]) for kind in SETTINGS}
    assert all(is_the_problems_own(certificate, problem) for certificate in certificates.values())
    return certificates


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_is_never_confirmed(
    name: str, honest: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, plant = FAULTS[name]
    problem = fault_problem()
    plant(monkeypatch)
    if name in REFUSED_BY_THE_READER:
        with pytest.raises(verify.InputError, match="disagree"):
            certify(problem, kind, confirm=False, **SETTINGS[kind])
        return
    certificate = certify(problem, kind, confirm=False, **SETTINGS[kind])
    monkeypatch.undo()
    assert certificate != honest[kind], "the fault changes nothing"
    assert not is_the_problems_own(certificate, problem)


def test_faults_are_many() -> None:
    assert len(FAULTS) >= 20


def test_certify_itself_refuses_what_the_checker_does_not_confirm(monkeypatch: pytest.MonkeyPatch) -> None:
    curvature_times(0.5)(monkeypatch)
    with pytest.raises(UnconfirmedError, match="did not confirm"):
        certify(fault_problem(), "region")


def test_decrease_claimed_is_below_the_exact_recursion(monkeypatch: pytest.MonkeyPatch) -> None:
    """Oracle for `total_decrease`: the same recursion in exact fractions."""
    found = horizon_search.HorizonFound(
        horizon_search.Start(1.0, 1.0, 0.75, 0.75), 1.0, 3.0, 0.0, 0.01, 0.005, 0.008, steps=6
    )
    way, total, reach = Fraction(0), Fraction(0), Fraction(0.01) + Fraction(0.005)
    for _ in range(6):
        least = Fraction(0.75) - 3 * way
        total += Fraction(0.008) * least**2
        way += reach * (Fraction(0.75) + 3 * way)
    claimed = horizon_search.total_decrease(found)
    assert total * (1 - Fraction(1, 2**40)) < Fraction(claimed) <= total


def test_weights_of_the_description_are_copied_exactly() -> None:
    problem = fault_problem()
    from verify.certificates.description import describe

    texts = describe(problem, problem.initial_weights)["weights"]
    assert np.array_equal([float.fromhex(text) for text in texts], problem.initial_weights)
