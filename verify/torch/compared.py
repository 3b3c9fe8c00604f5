"""Which gradient the optimiser was given: this error's, a multiple, that of a mini-batch, or another.

The gradients that the parameters hold are compared with those of the error by PyTorch's own differentiation in float64
(`reference`). No verdict rests on it: it tells the user that the loss that is trained is not the one that is judged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, final

import numpy as np
import torch

from verify.torch.forward_calls import MOST_CALLS, ForwardCalls
from verify.torch.multiples import Multiples, candidates, other_gradient, shown
from verify.torch.parameter_vector import ROUNDOFF, ParameterVector, array_of
from verify.torch.reference import ReferenceGradient

SOME_OTHER = "a mini-batch or of another loss, or one that was clipped or left over"
HIDDEN = "rounding hides which gradient the step used"

_ROUNDOFFS = 2**10
"""Two gradients are the same if they differ by fewer roundoffs of their length: sums of moderate length."""
_NOISES = 32
"""Or by fewer than so many differences between float32 and float64, where much cancels."""
_COARSE = 1e-2
"""Relative difference below which short formats such as TF32 may be the cause."""
_RESOLUTION = 1e-3
_COUPLED = ("SGD", "Adam", "Adamax", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta", "ASGD", "ClippedMomentum")
"""Optimisers that add weight decay to the gradient, unless they say that it is decoupled."""
_FAILURES = (RuntimeError, ValueError, TypeError, LookupError)


@final
@dataclass(frozen=True)
class Compared:
    """What is known of the gradient that a step was given.

    Parameters
    ----------
    multiple : Fraction or None
        c where it is c times the gradient of the error, up to rounding.
    words : str
        Which gradient it is; empty where it is the error's own, or none was compared.
    source : str
        What else the gradient may be of.
    of_batch : bool
        It is that of the same loss on a mini-batch.
    """

    multiple: Fraction | None
    words: str = ""
    source: str = SOME_OTHER
    of_batch: bool = False


@final
class GradientWatch:
    """Compares the gradient of every step.

    Parameters
    ----------
    mapping : ParameterVector
    reference : ReferenceGradient or None
        None where the module cannot be copied: then nothing is compared.
    decay : array, shape (P,)
        Factors of the error's own weight decay.
    known : callable
        From a number of samples to `multiples.known_multiples`.
    calls : ForwardCalls
    """

    def __init__(
        self,
        mapping: ParameterVector,
        reference: ReferenceGradient | None,
        decay: np.ndarray,
        known: Callable[[int], Multiples],
        calls: ForwardCalls,
    ) -> None:
        self.mapping, self.reference, self.decay, self.known, self.calls = mapping, reference, decay, known, calls
        self._expected = Fraction(1)
        self._given: np.ndarray | None = None

    def collect(self) -> None:
        """Remember the gradients that the parameters hold now; only the first ones of a step count."""
        if self._given is None:
            parameters = self.mapping.parameters.items()
            held = {key: torch.zeros_like(p) if p.grad is None else p.grad for key, p in parameters}
            self._given = self.mapping.flatten({key: array_of(gradient) for key, gradient in held.items()})

    def forget(self) -> None:
        """Drop what was collected for a step."""
        self._given = None
        self.calls.take()

    def compare(self, w: np.ndarray, optimizer: torch.optim.Optimizer) -> Compared:
        """Answer for the step from w, (P,), with the gradients collected."""
        given, calls, reference = self._given, self.calls.take(), self.reference
        self._given = None
        if given is None or reference is None or not np.all(np.isfinite(w)):
            return Compared(None)
        try:
            own = reference.gradient(w) + self.decay * w
        except _FAILURES:
            return Compared(None)
        free = ~self.mapping.frozen()
        used = np.where(free, self._used(given, w, optimizer), 0.0)
        if not np.any(given[free]):
            return Compared(None, "the step used no gradient" if np.any(own[free]) else "")
        own = np.where(free, own, 0.0)
        found = self._matched(reference, used, own, w, self.known(reference.samples.count), self._expected)
        if found is not None:
            if found.multiple is not None:
                self._expected = found.multiple
            return found
        return self._other(reference, used, own, w, calls, free)

    def _matched(
        self,
        reference: ReferenceGradient,
        used: np.ndarray,
        own: np.ndarray,
        w: np.ndarray,
        known: Multiples,
        expected: Fraction,
    ) -> Compared | None:
        """Return the multiple that explains the gradient up to rounding, or None."""
        with np.errstate(all="ignore"):
            best = float(used @ own) / float(own @ own)
        length, rounding = float(np.linalg.norm(used)), _ROUNDOFFS * ROUNDOFF[self.mapping.dtype]
        options = list(candidates(known, best, expected))
        for noise in (lambda: 0.0, lambda: self._noise(reference, w)):
            allowed = rounding * length + noise()
            for multiple, words in options:
                if np.linalg.norm(used - float(multiple) * own) <= allowed:
                    hidden = allowed > _RESOLUTION * length
                    return Compared(None, HIDDEN) if hidden else Compared(multiple, words)
        return None

    def _noise(self, reference: ReferenceGradient, w: np.ndarray) -> float:
        """Return how far rounding alone may carry a gradient of the parameters' format, roughly."""
        share = ROUNDOFF[self.mapping.dtype] / ROUNDOFF[torch.float32]
        try:
            return _NOISES * share * reference.single_precision_error(w)
        except _FAILURES:
            return 0.0

    def _other(
        self,
        reference: ReferenceGradient,
        used: np.ndarray,
        own: np.ndarray,
        w: np.ndarray,
        calls: list[tuple[Any, Any]],
        free: np.ndarray,
    ) -> Compared:
        with np.errstate(all="ignore"):
            off = float(np.linalg.norm(used - float(used @ own) / float(own @ own) * own) / np.linalg.norm(used))
        found = self._from_batches(reference, used, w, calls, free)
        if found.words:
            return found
        if off < _COARSE and found.source == SOME_OTHER:
            words = (
                f"the step used this error's gradient up to {off:.2g} of its length: coarse arithmetic, or another loss"
            )
            return Compared(None, words)
        return Compared(None, other_gradient(found.source, off), found.source)

    def _from_batches(
        self,
        reference: ReferenceGradient,
        used: np.ndarray,
        w: np.ndarray,
        calls: list[tuple[Any, Any]],
        free: np.ndarray,
    ) -> Compared:
        """Say what the gradient is of, with words where it is that of the samples that the module was called with."""
        samples = reference.samples
        if not 0 < len(calls) <= MOST_CALLS:
            return Compared(None)
        rows = [samples.places(call) for call in calls]
        chosen = [places for places in rows if places is not None]
        if len(chosen) < len(rows):
            return Compared(None, source="other inputs than the data given, as they are")
        count = sum(map(len, chosen))
        if len(chosen) == 1 and count == samples.count:
            return Compared(None, source="another loss, or one that was clipped entry by entry or left over")
        batches = "a mini-batch" if len(chosen) == 1 else f"{len(chosen)} mini-batches"
        source = f"{batches}, {count} of the {samples.count} samples"
        try:
            own = sum(reference.gradient(w, places) for places in chosen) / len(chosen) + self.decay * w
        except _FAILURES:
            return Compared(None, source=source)
        found = self._matched(reference, used, np.where(free, own, 0.0), w, self.known(len(chosen[0])), Fraction(1))
        if found is None or found.multiple is None:
            return Compared(None, source=f"{source}, of another loss, or clipped or left over")
        times = "" if found.multiple == 1 else f", {shown(found.multiple)} times it: another loss or reduction"
        return Compared(None, f"the step used the gradient of {source}{times}", source, found.multiple == 1)

    def _used(self, given: np.ndarray, w: np.ndarray, optimizer: torch.optim.Optimizer) -> np.ndarray:
        """Return the gradients given with what the optimiser itself adds to them."""
        settings = {id(parameter): group for group in optimizer.param_groups for parameter in group["params"]}
        parts = self.mapping.unflatten(w)
        added = {}
        for key, parameter in self.mapping.parameters.items():
            group = settings.get(id(parameter), {})
            coupled = type(optimizer).__name__ in _COUPLED and not group.get("decoupled_weight_decay")
            decay = float(group.get("weight_decay") or 0.0) if coupled else self._own_decay(key)
            added[key] = decay * parts[key]
        sign = -1.0 if any(group.get("maximize") for group in optimizer.param_groups) else 1.0
        return sign * given + self.mapping.flatten(added)

    def _own_decay(self, key: Any) -> float:
        """Return the error's own weight decay of a parameter: the optimiser's is no part of its gradient."""
        return float(self.mapping.unflatten(self.decay)[key].flat[0]) if self.decay.any() else 0.0
