"""Operations that onnx's reference evaluator rounds to float32, or does not know with these options, in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from onnx.reference.op_run import OpRun
from onnx.reference.ops import op_conv_transpose

Array = np.ndarray[Any, Any]

_erf = np.vectorize(math.erf, otypes=[np.float64])


class Erf(OpRun):
    """The evaluator's own rounds to float32."""

    def _run(self, x: Array) -> tuple[Array]:
        return (_erf(x),)


class Gelu(OpRun):
    """The evaluator's own is made of literals in float32."""

    def _run(self, x: Array, approximate: str | None = None) -> tuple[Array]:
        if approximate == "tanh":
            return (0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),)
        return (0.5 * x * (1 + _erf(x / math.sqrt(2))),)


class HardSwish(OpRun):
    """The evaluator's own has a sixth in float32."""

    def _run(self, x: Array) -> tuple[Array]:
        return (x * np.clip(x / 6 + 0.5, 0, 1),)


class RMSNormalization(OpRun):
    """The evaluator's own rounds the mean square to float32."""

    def _run(
        self, x: Array, scale: Array, axis: int = -1, epsilon: float = 1e-5, stash_type: int | None = None
    ) -> tuple[Array]:
        axes = tuple(range(axis % x.ndim, x.ndim))
        return (x / np.sqrt(np.mean(x * x, axis=axes, keepdims=True) + epsilon) * scale,)


class ConvTranspose(op_conv_transpose.ConvTranspose):
    """The evaluator's own fails with several groups: here it does one after the other."""

    op_domain = ""

    def _run(self, x: Array, kernel: Array, shift: Array | None = None, group: int = 1, **options: Any) -> tuple[Array]:  # type: ignore[override]
        parts = []
        for own, weights in zip(np.split(x, group, axis=1), np.split(kernel, group), strict=True):
            parts += super()._run(own, weights, group=1, **options)
        whole = np.concatenate(parts, axis=1)
        return (whole if shift is None else whole + shift.reshape((-1, *(1,) * (whole.ndim - 2))),)


IN_FLOAT64 = [Erf, Gelu, HardSwish, RMSNormalization, ConvTranspose]
