"""Each convention's own recursion, run in exact fractions, takes the steps of the theorem's numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import pytest

from verify.outcomes import InputError, Verdict
from verify.theorems.optimizers import CONVENTIONS, KINDS, Optimizer
from verify.theorems.ranges import RANGES

STEPS = 6
START, ZERO = Fraction(3, 2), Fraction(0)
Step = Callable[..., tuple[Fraction, Fraction]]


def gradient(w: Fraction, decay: Fraction = ZERO) -> Fraction:
    """Of a function that is no quadratic: w^4/4 + w^2, with weight decay."""
    return w**3 + 2 * w + decay * w


def torch(
    w: Fraction, v: Fraction, lr: Fraction, momentum: Fraction, decay: Fraction = ZERO
) -> tuple[Fraction, Fraction]:
    v = momentum * v + gradient(w, decay)
    return w - lr * v, v


def keras(
    w: Fraction, v: Fraction, lr: Fraction, momentum: Fraction, decay: Fraction = ZERO
) -> tuple[Fraction, Fraction]:
    v = momentum * v - lr * gradient(w, decay)
    return w + v, v


def ema(
    w: Fraction, v: Fraction, lr: Fraction, momentum: Fraction, decay: Fraction = ZERO
) -> tuple[Fraction, Fraction]:
    v = momentum * v + (1 - momentum) * gradient(w, decay)
    return w - lr * v, v


def torch_nesterov(w: Fraction, v: Fraction, lr: Fraction, momentum: Fraction) -> tuple[Fraction, Fraction]:
    g = gradient(w)
    v = momentum * v + g
    return w - lr * (g + momentum * v), v


def keras_nesterov(w: Fraction, v: Fraction, lr: Fraction, momentum: Fraction) -> tuple[Fraction, Fraction]:
    g = gradient(w)
    v = momentum * v - lr * g
    return w + momentum * v - lr * g, v


def sutskever_nesterov(w: Fraction, v: Fraction, lr: Fraction, momentum: Fraction) -> tuple[Fraction, Fraction]:
    v = momentum * v - lr * gradient(w + momentum * v)
    return w + v, v


PLAIN: dict[str, Step] = {"torch": torch, "keras": keras, "ema": ema, "sutskever": keras}
NESTEROV: dict[str, Step] = {"torch": torch_nesterov, "keras": keras_nesterov, "sutskever": sutskever_nesterov}


def trajectory(step: Step, lr: float, momentum: float) -> list[Fraction]:
    w, v, found = START, Fraction(0), [START]
    for _ in range(STEPS):
        w, v = step(w, v, Fraction(lr), Fraction(momentum))
        found.append(w)
    return found


@pytest.mark.parametrize("name", sorted(CONVENTIONS))
@pytest.mark.parametrize(("lr", "momentum"), [(0.125, 0.75), (0.1, 0.9), (0.03, 0.5)])
def test_the_steps_are_those_of_the_heavy_ball(name: str, lr: float, momentum: float) -> None:
    optimizer = Optimizer(lr, momentum, convention=name)  # type: ignore[arg-type]
    w, before, found = START, START, [START]
    for _ in range(STEPS):
        w, before = w - optimizer.exact_eta * gradient(w) + Fraction(momentum) * (w - before), w
        found.append(w)
    assert found == trajectory(PLAIN[name], lr, momentum)
    assert optimizer.theorem == "heavy_ball"
    assert 0 <= Fraction(optimizer.eta) - optimizer.exact_eta <= Fraction(math.ulp(optimizer.eta))


@pytest.mark.parametrize("name", sorted(NESTEROV))
@pytest.mark.parametrize(("lr", "momentum"), [(0.125, 0.75), (0.1, 0.9)])
def test_nesterovs_steps_are_those_of_the_theorem(name: str, lr: float, momentum: float) -> None:
    optimizer = Optimizer(lr, momentum, nesterov=True, convention=name)  # type: ignore[arg-type]
    eta, mu = optimizer.exact_eta, Fraction(momentum)
    w, step = START, Fraction(0)
    found = [w]
    for _ in range(STEPS):
        step = mu * step - eta * gradient(w + mu * step)
        w += step
        found.append(w + mu * step if CONVENTIONS[name].stores_ahead else w)
    assert found == trajectory(NESTEROV[name], lr, momentum)
    assert optimizer.theorem == "nesterov"


def test_dampening_is_another_first_step() -> None:
    w, v = START, gradient(START)  # torch: the first buffer is the gradient, without dampening
    first = w - Fraction(1, 8) * v
    v = Fraction(1, 2) * v + Fraction(1, 2) * gradient(first)
    second = first - Fraction(1, 8) * v
    damped = trajectory(torch, 0.0625, 0.5)
    assert first != damped[1]
    assert second != damped[2]
    with pytest.raises(InputError, match="the first step has no dampening") as refused:
        Optimizer(0.125, 0.5, dampening=0.5)
    assert "lr = 0.0625" in str(refused.value)
    assert Optimizer(0.125, dampening=0.5) == Optimizer(0.125, dampening=0.5, convention="torch")


@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize("name", sorted(CONVENTIONS))
def test_weight_decay_is_a_part_of_the_error_or_refused(name: str, momentum: float) -> None:
    """Keras subtracts lr weight_decay w from the weights, whatever the momentum; PyTorch adds it to the gradient."""
    lr, decay = Fraction(1, 8), Fraction(1, 4)
    w = other = START
    v = motion = Fraction(0)
    for _ in range(STEPS):
        force = gradient(w)
        if name == "keras":
            v = Fraction(momentum) * v - lr * force
            w = w - lr * decay * w + v
        else:
            w, v = PLAIN[name](w, v, lr, Fraction(momentum), decay)
        eta = lr * (1 - Fraction(momentum)) if CONVENTIONS[name].averages else lr
        motion = Fraction(momentum) * motion - eta * gradient(other, decay)
        other += motion
    given = {"lr": 0.125, "momentum": momentum, "weight_decay": 0.25, "convention": name}
    if w == other:
        assert "E includes it" in Optimizer(**given).notes[-1]  # type: ignore[arg-type]
    else:
        with pytest.raises(InputError, match=r"beside the momentum.*L2\(c\)"):
            Optimizer(**given)  # type: ignore[arg-type]
    assert (w == other) == (name != "keras" or momentum == 0)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"lr": 0.0}, "lr"),
        ({"lr": math.nan}, "lr"),
        ({"lr": 0.1, "momentum": 1.0}, "below 1"),
        ({"lr": 0.1, "momentum": -0.1}, "momentum"),
        ({"lr": 0.1, "nesterov": True}, "needs momentum"),
        ({"lr": 0.1, "momentum": 0.9, "nesterov": True, "dampening": 0.1}, "no dampening"),
        ({"lr": 0.1, "momentum": 0.9, "nesterov": True, "convention": "ema"}, "average"),
        ({"lr": 0.1, "momentum": 0.9, "dampening": 0.1, "convention": "keras"}, "no dampening"),
        ({"lr": 0.1, "momentum": 0.9, "dampening": 1.5}, "no gradient"),
        ({"lr": 0.1, "kind": "lion"}, "unknown optimizer"),
        ({"lr": 0.1, "convention": "jax"}, "unknown convention"),
    ],
)
def test_what_no_theorem_means_is_refused(numbers: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words) as refused:
        Optimizer(**numbers)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("L", [0.3, 2.0, 7.7, 1e6])
@pytest.mark.parametrize("name", sorted(CONVENTIONS))
@pytest.mark.parametrize("momentum", [0.0, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("nesterov", [False, True])
def test_the_largest_numbers_are_proved_and_the_next_are_not(
    L: float, name: str, momentum: float, nesterov: bool
) -> None:
    if nesterov and (name == "ema" or momentum == 0):
        return

    def proved(lr: float, size: float) -> bool:
        other = Optimizer(lr, size, nesterov=nesterov and size > 0, convention=name)  # type: ignore[arg-type]
        return RANGES[other.theorem].contains(L, other.eta, other.momentum) is Verdict.PROVED

    optimizer = Optimizer(1.0, momentum, nesterov=nesterov, convention=name)  # type: ignore[arg-type]
    lr = optimizer.largest_lr(L)
    assert lr is not None
    assert proved(lr, momentum)
    assert not proved(lr * (1 + 2**-50), momentum)
    largest = Optimizer(lr, momentum, nesterov=nesterov, convention=name).largest_momentum(L)  # type: ignore[arg-type]
    if momentum and name != "ema":
        assert largest is not None
        assert largest >= momentum
        assert proved(lr, largest)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "sgd"])
def test_of_other_optimizers_nothing_is_claimed(kind: str) -> None:
    optimizer = Optimizer(0.001, kind=kind)  # type: ignore[arg-type]
    assert not optimizer.is_proved
    assert "nothing is proved" in optimizer.notes[0]
    assert "eta" not in optimizer.to_json()
