"""Softmax and log-sum-exp as vertices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from verify.graph.tensor import Tensor
from verify.layers.layer import Layer, Parameters
from verify.operations import log_sum_exp, softmax


@final
@dataclass(frozen=True)
class SoftmaxLayer(Layer):
    """Probabilities along the last axis."""

    name: ClassVar[str] = "softmax"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        return h.apply(softmax.Softmax())


@final
@dataclass(frozen=True)
class LogSumExpLayer(Layer):
    """The logarithm of the sum of exponentials along the last axis, which is left out."""

    name: ClassVar[str] = "logsumexp"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        return h.apply(log_sum_exp.LogSumExp())
