"""Quasi-Newton directions of steps as they were taken: every step adds its pair to a limited memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, final

import numpy as np

from verify.training.directions import Directions
from verify.training.limited_memory import HISTORY, LimitedMemory
from verify.training.state import SavedState


@final
@dataclass
class SecantDirections(Directions):
    """d = -H g with the inverse Hessian H of L-BFGS; -g where that is no direction of descent.

    Examples
    --------
    >>> directions = SecantDirections()
    >>> directions.next(np.array([2.0, 0.0]), np.array([8.0, 0.0]))[0]
    array([-8., -0.])
    >>> directions.next(np.array([1.0, 0.0]), np.array([4.0, 0.0]))[0]
    array([-1., -0.])
    """

    history: ClassVar[tuple[str, ...]] = ("weights", "gradient", *HISTORY)
    memory: LimitedMemory = field(default_factory=LimitedMemory)
    weights: np.ndarray | None = None
    gradient: np.ndarray | None = None

    def next(self, w: np.ndarray, gradient: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.weights is not None and self.gradient is not None:
            self.memory.add(w - self.weights, gradient - self.gradient)
        self.weights, self.gradient = w.copy(), gradient.copy()
        with np.errstate(all="ignore"):
            direction = self.memory.direction(gradient)
            falls = float(gradient @ direction) < 0
        if not (falls and np.all(np.isfinite(direction))):
            self.memory.clear()
            direction = -gradient
        return direction, direction + gradient

    def forget(self) -> bool:
        known = bool(self.memory)
        self.memory.clear()
        self.weights = self.gradient = None
        return known

    def state(self) -> dict[str, np.ndarray]:
        if self.weights is None or self.gradient is None:
            return {}
        none = np.zeros((0, self.weights.size))
        return {
            "weights": self.weights,
            "gradient": self.gradient,
            **(self.memory.state() or dict.fromkeys(HISTORY, none)),
        }

    def restore(self, saved: SavedState) -> None:
        self.memory.clear()
        found = (saved.vector(name) if name in saved.content else None for name in ("weights", "gradient"))
        self.weights, self.gradient = found
        if any(np.size(saved.content[name]) for name in HISTORY if name in saved.content):
            self.memory.restore(saved)
