"""Search directions that combine the gradient with the previous direction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from verify.arithmetic.lengths import length
from verify.training.state import SavedState

Factor = Callable[[np.ndarray, np.ndarray, np.ndarray], float]
"""beta from the gradient, the previous gradient and the previous direction."""

_LEAST_FACTOR = 0.01


def polak_ribiere(gradient: np.ndarray, previous: np.ndarray, direction: np.ndarray) -> float:
    """Return max(0, g.(g - g_previous) / |g_previous|^2): good with steps shorter than the best along the line."""
    squared = float(previous @ previous)
    return max(0.0, float(gradient @ (gradient - previous)) / squared) if squared > 0 else 0.0


def hager_zhang(gradient: np.ndarray, previous: np.ndarray, direction: np.ndarray) -> float:
    """Return the factor of CG_DESCENT (Hager, Zhang, SIAM J. Optim. 16 (2005) 170-192): good with Newton's length.

    With y = g - g_previous: (y - 2 d_previous |y|^2 / (d_previous.y)) . g / (d_previous.y), bounded below by
    -1 / (|d_previous| min(0.01, |g_previous|)).
    """
    change = gradient - previous
    bend = float(direction @ change)
    if not bend > 0:
        return 0.0
    factor = (float(change @ gradient) - 2 * float(change @ change) * float(direction @ gradient) / bend) / bend
    least = length(direction) * min(_LEAST_FACTOR, length(previous))
    return max(factor, -1.0 / least) if least > 0 else 0.0


class Directions(ABC):
    """Combines each gradient with what it remembers of the steps before."""

    history: ClassVar[tuple[str, ...]]
    """The arrays that `state` saves once there was a step."""

    @abstractmethod
    def next(self, w: np.ndarray, gradient: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return a direction d of descent at w, (P,), and its part that comes from memory, d + g."""

    def forget(self) -> bool:
        """Forget what would make the next direction another than -g; whether that can help."""
        return False

    @abstractmethod
    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays that `restore` needs to go on exactly as before."""

    @abstractmethod
    def restore(self, saved: SavedState) -> None:
        """Take over what `state` returned."""


@final
@dataclass
class ConjugateDirections(Directions):
    """d = -g + beta d_previous; restarts along -g when the combination is no descent direction.

    Parameters
    ----------
    factor : callable
        `polak_ribiere` or `hager_zhang`.
    """

    history: ClassVar[tuple[str, ...]] = ("gradient", "direction")
    factor: Factor
    gradient: np.ndarray | None = None
    direction: np.ndarray | None = None

    def next(self, w: np.ndarray, gradient: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        momentum = np.zeros_like(gradient)
        if self.gradient is not None and self.direction is not None:
            with np.errstate(all="ignore"):
                candidate = self.factor(gradient, self.gradient, self.direction) * self.direction
                falls = float(gradient @ (candidate - gradient)) < 0
            if falls and np.all(np.isfinite(candidate)):
                momentum = candidate
        self.gradient, self.direction = gradient, momentum - gradient
        return self.direction, momentum

    def state(self) -> dict[str, np.ndarray]:
        if self.gradient is None or self.direction is None:
            return {}
        return {"gradient": self.gradient, "direction": self.direction}

    def restore(self, saved: SavedState) -> None:
        found = (saved.vector(name) if name in saved.content else None for name in self.history)
        self.gradient, self.direction = found
