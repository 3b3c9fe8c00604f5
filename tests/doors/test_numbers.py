"""A number from outside is taken exactly or refused: at every place where numbers enter, in every form they come in."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import verify
from tests.public_calls import sample
from verify.activations import activation
from verify.arithmetic import arb
from verify.arithmetic.floats import exact_float, float64_array, fraction
from verify.arithmetic.intervals import Interval
from verify.bounds.attack import attack_hessian
from verify.outcomes import InputError
from verify.theorems import convergence, direction_aware, horizon, ranges, weight_decay
from verify.training.session import Session
from verify.training.train import make_rule

BETWEEN: dict[str, Any] = {
    "whole": 2**53 + 1,
    "int64": np.int64(2**62 + 1),
    "uint64": np.uint64(2**64 - 1),
    "below int64": np.int64(-(2**53) - 1),
    "longdouble": np.longdouble(1) + np.longdouble(2) ** -60,
    "fraction": Fraction(1, 3),
    "decimal": Decimal("0.1"),
    "huge": 2**1024,
    "tiny": Fraction(1, 2**1075),
}
"""Between two float64 numbers, or beyond them all."""
EXACT: dict[str, Any] = {
    "whole": 2**60,
    "int64": np.int64(2**62),
    "uint64": np.uint64(2**63),
    "longdouble": np.longdouble(0.1),
    "single": np.float32(0.1),
    "half": np.float16(0.1),
    "fraction": Fraction(3, 8),
    "decimal": Decimal("0.375"),
}

SCALARS: dict[str, Callable[[Any], Any]] = {
    "Ball": lambda x: verify.Ball([0.0], x).radius,
    "BoundedWeights": lambda x: verify.BoundedWeights(x).radius,
    "BlockBall": lambda x: verify.BlockBall([0.0], {"y": x}, {"y": slice(0, 1)}).radii["y"],
    "weight decay": lambda x: verify.Problem(sample().architecture, [[1.0]], [[1.0]], weight_decay=x).weight_decay,
    "eta": lambda x: verify.Setting(x, tau=0.0).eta,
    "tau": lambda x: verify.Setting(0.1, tau=x).tau,
    "mu": lambda x: verify.Setting(0.1, mu=x).mu,
    "eta of a rule": lambda x: make_rule("fixed", x, 0.0).eta,
    "length of a segment": lambda x: verify.segment_bound(sample().problem, sample().w, sample().w, x).length,
    "level": lambda x: verify.hessian_bound(sample().problem, level=x) and x,
    "level of an attack": lambda x: attack_hessian(sample().problem, points=1, ascents=0, level=x) and x,
    "tolerance": lambda x: Session(sample().problem, make_rule("guarded"), gradient_tolerance=x).gradient_tolerance,
}
ARRAYS: dict[str, Callable[[Any], Any]] = {
    "data": lambda a: verify.Problem(sample().architecture, np_or_list(a, (2, 1)), [[1.0], [1.0]]).inputs.ravel(),
    "targets": lambda a: verify.Problem(sample().architecture, [[1.0], [1.0]], np_or_list(a, (2, 1))).targets.ravel(),
    "weights": lambda a: sample().problem.check_weights(a) * 1.0,
    "initial weights": lambda a: (
        verify.Problem(sample().architecture, [[1.0]], [[1.0]], initial_weights=a).initial_weights
    ),
    "centre": lambda a: verify.Ball(a, 1.0).center,
    "intervals": lambda a: Interval.point(a).mid,
    "ends": lambda a: Interval.from_bounds(a, a).mid,
    "balls": lambda a: [float(ball) for ball in arb.exact(a)],
    "range of an activation": lambda a: activation("identity").range(0, a, a)[1],
    "parts": lambda a: sample().architecture.unflatten(a) and np.array(a, dtype=np.float64),
}
SHAPES: dict[str, Callable[[Any], Any]] = {
    "array": lambda x: np.array([x, x]),
    "array of objects": lambda x: np.array([x, 1], dtype=object),
    "list": lambda x: [x, x],
    "list with floats": lambda x: [0.5, x],
}


def np_or_list(values: Any, shape: tuple[int, int]) -> Any:
    return values.reshape(shape) if isinstance(values, np.ndarray) else [[value] for value in values]


@pytest.mark.parametrize("form", BETWEEN)
@pytest.mark.parametrize("name", SCALARS)
def test_a_number_that_is_no_float64_is_refused(name: str, form: str) -> None:
    with pytest.raises(InputError, match="not exactly a float64 number"):
        SCALARS[name](BETWEEN[form])


@pytest.mark.parametrize("form", EXACT)
@pytest.mark.parametrize("name", SCALARS)
def test_a_number_that_is_a_float64_is_taken(name: str, form: str) -> None:
    taken = SCALARS[name](EXACT[form])
    assert fraction(taken, name) == fraction(EXACT[form], name)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", BETWEEN)
@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_with_a_number_that_is_no_float64_is_refused(name: str, form: str, shape: str) -> None:
    given = SHAPES[shape](BETWEEN[form])
    with pytest.raises(InputError, match="not exactly a float64 number"):
        ARRAYS[name](given)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", EXACT)
@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_of_float64_numbers_is_taken(name: str, form: str, shape: str) -> None:
    given = SHAPES[shape](EXACT[form])
    assert [fraction(x, name) for x in ARRAYS[name](given)] == [fraction(x, name) for x in given]


@pytest.mark.parametrize(
    "wrong", ["1.0", None, True, 1j, [1.0], Decimal("NaN"), Decimal("sNaN"), Decimal("1e99999999")]
)
def test_what_is_no_number_is_no_number(wrong: Any) -> None:
    with pytest.raises(InputError):
        exact_float(wrong, "x")
    with pytest.raises(InputError):
        float64_array(np.array([wrong, 2], dtype=object), "x")


@pytest.mark.parametrize("special", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.longdouble])
def test_infinities_come_through_to_the_check_that_names_them(special: float, kind: Any) -> None:
    assert np.array_equal(float64_array(np.array([kind(special)]), "x"), [special], equal_nan=True)
    with pytest.raises(InputError, match="finite"):
        sample().problem.check_weights([kind(special), kind(1.0)])
    with pytest.raises(InputError, match="finite"):
        verify.Ball([0.0], kind(special))


EXTENDED = np.longdouble(2) + np.longdouble(2) ** -60
THEOREMS: dict[str, Callable[[Any], Any]] = {
    "sharp": lambda L: ranges.momentum_range(L, 0.75)[1],
    "triangle": lambda L: ranges.momentum_range(L, 0.25, "triangle")[1],
    "heavy_ball": lambda L: ranges.momentum_range(L, 0.25, "heavy_ball")[1],
    "eta": ranges.eta_limit,
    "gain": lambda L: ranges.gain(L, 0.25, 0.125),
    "lower bound": lambda L: horizon.error_lower_bound(1.0, 1.0, 0.5, L),
    "horizon": lambda L: -horizon.horizon(L, 0.5, 0.0, 0.25, 0.125, 3.0, 4).required_radius,
    "largest eta": lambda L: horizon.largest_eta(L, 0.5, 0.0, 3.0, 7)[0],
    "weight decay": lambda L: weight_decay.weight_decay(L, 2.0, 0.25, 0.25, 0.125, 4.5).gain,
    "gradient": lambda L: -convergence.gradient_bound(L, 0.5, 0.0, 0.25, 0.0, 4),
    "direction": lambda L: direction_aware.momentum_limit(L, 0.5, (-1.0, 1.0)),
}


@pytest.mark.parametrize("name", THEOREMS)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_theorem_takes_the_number_itself(name: str, sign: int) -> None:
    """In extended precision and as the fraction that it is; on the safe side of the neighbour that a larger L has."""
    L = np.longdouble(2) + sign * np.longdouble(2) ** -60
    exact = Fraction(2) + sign * Fraction(1, 2**60)
    assert THEOREMS[name](L) == THEOREMS[name](exact)
    assert THEOREMS[name](L) >= THEOREMS[name](float(np.nextafter(2.0, 3.0)))


def test_the_momentum_of_an_extended_number_is_admitted_exactly() -> None:
    exact = Fraction(2) + Fraction(1, 2**60)
    limit = Fraction(verify.momentum_range(EXTENDED, 0.75)[1])
    assert exact * (Fraction(3, 4) + limit) <= 2
    assert Fraction(verify.momentum_range(2.0, 0.75)[1]) * exact + Fraction(3, 4) * exact > 2


SPEC = """
output = "y"
weight_decay = {weight_decay}
[data]
x = [[{x}], [2]]
y = [{y}, 1]
scale = {scale}
[nodes.x]
width = 1
[nodes.y]
width = 1
activation = "identity"
inputs = ["x"]
[weights]
w = [{w}, 1]
[region]
kind = "ball"
radius = {radius}
[momentum]
eta = {eta}
tau = {tau}
"""
USUAL = {"weight_decay": 0, "x": 1, "y": 1, "scale": 1, "w": 1, "radius": 1, "eta": 1, "tau": 0}


@pytest.mark.parametrize("key", USUAL)
def test_a_whole_number_of_a_spec_file_is_taken_exactly_or_refused(key: str, tmp_path: Path) -> None:
    spec = tmp_path / "spec.toml"
    spec.write_text(SPEC.format(**{**USUAL, key: 2**60}), encoding="utf-8")
    verify.load_problem(spec)
    spec.write_text(SPEC.format(**{**USUAL, key: 2**60 + 1}), encoding="utf-8")
    with pytest.raises(InputError, match=rf"spec\.toml:\d+: .*{key}.*: not exactly a float64 number"):
        verify.load_problem(spec)


@pytest.mark.parametrize("key", ["x", "y", "w"])
@pytest.mark.parametrize("scale", ['"none"', '"minmax"', '"standard"', "1e16"])
def test_whole_numbers_of_a_file_are_not_rounded_before_they_are_scaled(key: str, scale: str, tmp_path: Path) -> None:
    arrays = {"x": np.array([[1], [2]]), "y": np.array([1, 2])}
    weights = np.array([1, 1])
    (weights if key == "w" else arrays[key])[0] = 2**62 + 1
    np.savez(tmp_path / "data.npz", **arrays)
    np.savez(tmp_path / "w.npz", w=weights)
    text = SPEC.format(**{**USUAL, "scale": scale})
    text = text.replace("x = [[1], [2]]\ny = [1, 1]", 'source = "npz:data.npz"').replace("w = [1, 1]", 'npz = "w.npz"')
    (tmp_path / "spec.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="not exactly a float64 number: value=4611686018427387905"):
        verify.load_problem(tmp_path / "spec.toml")
