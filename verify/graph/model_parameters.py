"""Where the parameters of a problem stand in the model that it was imported from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, final

import numpy as np


class ModelParameters(Protocol):
    """Reads and sets the parameters of one kind of model, by the labels that a problem gives them."""

    def read(self, model: Any, labels: Sequence[str]) -> Mapping[str, Any]:
        """Return the parameters by label, each an array of the problem's shape."""

    def write(self, model: Any, parts: Mapping[str, np.ndarray]) -> None:
        """Set the parameters by label, rounded to the model's own format."""


@final
class ModuleParameters:
    """Those of a PyTorch module: a label is a parameter's name."""

    def read(self, model: Any, labels: Sequence[str]) -> dict[str, np.ndarray]:
        parameters = dict(model.named_parameters())
        return {label: parameters[label].detach().cpu().double().numpy() for label in labels}

    def write(self, model: Any, parts: Mapping[str, np.ndarray]) -> None:
        parameters = dict(model.named_parameters())
        for label, part in parts.items():
            data = parameters[label].data
            data.copy_(data.new_tensor(part, dtype=data.double().dtype))
