"""Search directions that combine the gradient with the previous direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class PolakRibiere:
    """d = -g + beta d_previous with beta = max(0, g.(g - g_previous) / |g_previous|^2).

    Restarts along -g when the combination is no descent direction.
    """

    gradient: np.ndarray | None = None
    direction: np.ndarray | None = None

    def next(self, gradient: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the direction d, (P,), and its part that comes from momentum, d + g."""
        momentum = np.zeros_like(gradient)
        if self.gradient is not None and self.direction is not None:
            squared = float(self.gradient @ self.gradient)
            beta = max(0.0, float(gradient @ (gradient - self.gradient)) / squared) if squared > 0 else 0.0
            candidate = beta * self.direction
            if np.all(np.isfinite(candidate)) and float(gradient @ (candidate - gradient)) < 0:
                momentum = candidate
        self.gradient, self.direction = gradient, momentum - gradient
        return self.direction, momentum
