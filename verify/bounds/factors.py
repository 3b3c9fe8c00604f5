"""The parameters of a linear map with what bounds the rounding errors of its products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from verify.bounds.taylor_rounding import Approximation, enlarged, row_norm, row_sum

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from verify.architecture import LinearMap


@dataclass(frozen=True)
class Factor:
    """Parameters of a linear map, with upper bounds of its largest row sum and of its rows' largest Euclidean norm."""

    values: np.ndarray | None
    row_sum: float
    row_norm: float

    @classmethod
    def of(cls, linear: LinearMap, values: np.ndarray | None) -> Factor:
        """Return the factor with its bounds filled in; values are None where the map has no parameters."""
        norm = np.inf if values is None else row_norm(linear, values)
        return cls(values, row_sum(linear, values), norm)

    def in_format(self, dtype: DTypeLike) -> Factor:
        """Return the same parameters, rounded; the bounds are those of the exact ones."""
        values = None if self.values is None else self.values.astype(dtype, copy=False)
        return Factor(values, self.row_sum, self.row_norm)

    def term(self, x: Approximation) -> tuple[float, float, float]:
        """Return the product with x as `summed_error` takes it, by Cauchy-Schwarz where that is sharper."""
        if x.value.dtype == np.float64 or self.row_sum == 0.0:
            return self.row_sum, x.largest, x.error
        return self.row_sum, min(x.largest, enlarged(self.row_norm * x.row_norm / self.row_sum)), x.error
