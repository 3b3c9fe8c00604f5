"""What a case of the coverage table is: a small module with an operation, data and a loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

Function = Callable[[torch.Tensor], torch.Tensor]


class Applied(nn.Module):
    """A function, or a module, of what a dense layer returns, in any shape."""

    def __init__(self, function: Function | nn.Module, shape: tuple[int, ...] = (3, 4)) -> None:
        super().__init__()
        self.layer, self.function, self.shape = nn.Linear(4, torch.Size(shape).numel()), function, shape

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self.layer(x[0]).reshape(self.shape))


@dataclass
class Case:
    """A group of the survey, a module's function, and the loss; targets are random unless given."""

    group: str
    function: Any
    shape: tuple[int, ...] = (3, 4)
    loss: Any = "mse"
    targets: Any = None
    inputs: Any = None
    module: Any = None


IMAGE, SEQUENCE, VOLUME = (2, 3, 4, 6), (2, 5, 4), (1, 2, 4, 4, 4)
LINEAR, PARAMETERS, PRODUCTS = "linear, no parameters", "parameter times activation", "activation times activation"
SMOOTH, KINKED, COUPLED, SHAPES, LOSSES = "smooth elementwise", "with kinks", "coupled", "shapes", "losses"
REFUSED = "refused by design"
MISSING = {
    "ctc": "PyTorch has no form of it that export traces; write its recursion with logsumexp",
    "erfinv": "an inverse function is no formula of the vocabulary; precompute it where it is of data",
}
"""Why an operation has no rule."""
LABELS = torch.tensor([0, 2, 1])
