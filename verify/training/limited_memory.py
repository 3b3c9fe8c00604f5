"""Quasi-Newton directions from the last steps: L-BFGS (Liu, Nocedal, Math. Program. 45 (1989) 503-528)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from verify.outcomes import InputError
from verify.training.state import SavedState

MEMORY = 10
HISTORY = ("memory_steps", "memory_changes")
"""What a memory that is not empty saves."""
_LEAST_COSINE = 1e-10
"""A pair counts only if the gradient's change points along the step by more than this share of their lengths: the
inverse Hessian then stays positive definite in float64."""


@dataclass
class LimitedMemory:
    """Pairs of a step s and the gradient's change y along it, newest last.

    Examples
    --------
    >>> memory = LimitedMemory()
    >>> memory.add(np.array([1.0, 0.0]), np.array([4.0, 0.0]))
    >>> memory.direction(np.array([8.0, 0.0]))
    array([-2., -0.])
    """

    steps: list[np.ndarray] = field(default_factory=list)
    changes: list[np.ndarray] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.steps)

    def add(self, step: np.ndarray, change: np.ndarray) -> None:
        """Remember a pair if it shows positive curvature, and forget the oldest one beyond `MEMORY`."""
        with np.errstate(all="ignore"):
            product, scale = float(step @ change), float(np.linalg.norm(step)) * float(np.linalg.norm(change))
        if np.isfinite(product) and product > _LEAST_COSINE * scale > 0:
            self.steps = [*self.steps, step][-MEMORY:]
            self.changes = [*self.changes, change][-MEMORY:]

    def direction(self, gradient: np.ndarray) -> np.ndarray:
        """Return minus the pairs' inverse Hessian times the gradient; minus the gradient without pairs."""
        q = gradient.copy()
        shares = []
        for s, y in zip(reversed(self.steps), reversed(self.changes), strict=True):
            share = float(s @ q) / float(s @ y)
            shares.append(share)
            q -= share * y
        if self.steps:
            s, y = self.steps[-1], self.changes[-1]
            q *= float(s @ y) / float(y @ y)
        for s, y, share in zip(self.steps, self.changes, reversed(shares), strict=True):
            q += s * (share - float(y @ q) / float(s @ y))
        return -q

    def clear(self) -> None:
        """Forget all pairs."""
        self.steps, self.changes = [], []

    def state(self) -> dict[str, np.ndarray]:
        """Return what `restore` needs to go on exactly as before."""
        if not self.steps:
            return {}
        return {"memory_steps": np.array(self.steps), "memory_changes": np.array(self.changes)}

    def restore(self, saved: SavedState) -> None:
        """Take over what `state` returned.

        Raises
        ------
        InputError
            If it cannot be the state of a memory.
        """
        self.clear()
        if not set(HISTORY) & set(saved.content):
            return
        steps, changes = (saved.vectors(name, MEMORY) for name in HISTORY)
        if len(steps) == len(changes):
            for step, change in zip(steps, changes, strict=True):
                self.add(step, change)
        if len(self.steps) != len(steps):
            raise InputError(
                "the pairs show no positive curvature",
                where=HISTORY[0],
                pairs=len(steps),
                remedy="start again in another folder",
            )
