"""Which multiple of a gradient another one is: what common losses and reductions would make of it, then any number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

import numpy as np

from verify.importers.torch.criteria import HALF_SQUARED_ERROR

_LARGEST_DENOMINATOR = 1000
"""Multiples with smaller denominators are recognised as fractions; others are known up to rounding only."""

_LARGEST_SHOWN = 100
"""Multiples with larger denominators are shown as decimals."""

Multiples = Mapping[str, Fraction]
"""Multiples by the loss that has them."""


def known_multiples(loss: str | None, reduction: str, samples: int, entries: int) -> Multiples:
    """Return which multiples of a loss's gradient other common losses have.

    Parameters
    ----------
    loss : str or None
        A key of `criteria.LOSSES`; None for a function.
    reduction : {"mean", "sum"}
    samples, entries : int
        Samples, and numbers or labels that are averaged over.

    Examples
    --------
    >>> known_multiples("half-squared-error", "mean", 4, 4)["nn.MSELoss with one output"]
    Fraction(2, 1)
    """
    outputs = Fraction(entries, samples)
    words = "one output" if outputs == 1 else f"{outputs} outputs"
    if loss in (HALF_SQUARED_ERROR, "mse"):
        # every one of them is a multiple of S = the sum of all squared errors
        factor = {
            f"nn.MSELoss with {words}": Fraction(1, entries),
            "nn.MSELoss with reduction='sum'": Fraction(1),
            "the sum over the samples": Fraction(1, 2),
            "the mean over the samples": Fraction(1, 2 * samples),
        }
        own = Fraction(1, 2) if loss == HALF_SQUARED_ERROR else Fraction(1)
        if reduction == "mean":
            own /= samples if loss == HALF_SQUARED_ERROR else entries
        return {
            name if "MSE" in name or loss == HALF_SQUARED_ERROR else f"half the squared error as {name}": other / own
            for name, other in factor.items()
        }
    if loss is None:
        return {"the sum over the samples": Fraction(samples), "the mean over the samples": Fraction(1, samples)}
    if reduction == "mean":
        return {"reduction='sum'": Fraction(entries)}
    return {"reduction='mean'": Fraction(1, entries)}


def candidates(known: Multiples, best: float, expected: Fraction) -> Iterator[tuple[Fraction, str]]:
    """Return the multiples that a gradient may be, with words about each: the same, what is common, then any.

    Parameters
    ----------
    known : mapping of str to Fraction
    best : float
        The multiple that fits best.
    expected : Fraction
        That of the step before: in float32 several fractions may explain a step.
    """
    yield Fraction(1), ""
    for name, multiple in known.items():
        yield multiple, f"{times(multiple)} (as {name} has)"
    yield expected, times(expected)
    if np.isfinite(best):
        for multiple in (Fraction(best).limit_denominator(_LARGEST_DENOMINATOR), Fraction(best)):
            if multiple != 0:
                yield multiple, times(multiple)


def times(multiple: Fraction) -> str:
    """Say that a step used a multiple of the gradient."""
    return f"the step used {shown(multiple)} times this error's gradient"


def shown(multiple: Fraction) -> str:
    """Return a multiple as a short text."""
    return str(multiple) if multiple.denominator <= _LARGEST_SHOWN else f"{float(multiple):.6g}"


def other_gradient(source: str, off: float) -> str:
    """Say that a step used another gradient, and how much of it is not along this error's."""
    return (
        f"the step did not use this error's gradient but that of {source} "
        f"({off:.2g} of its length is not along this error's)"
    )
