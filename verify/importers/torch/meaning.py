"""What a module's functions mean in exact real arithmetic, where PyTorch computes something else than it documents."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import torch
import torch.nn.functional as F  # noqa: N812 -- its usual name
from torch.overrides import TorchFunctionMode

from verify.outcomes import InputError

LEAST_THRESHOLD = 20.0
"""Of softplus, PyTorch's own: beyond it the identity is computed, at most exp(-20) = 2.1e-9 from log(1 + exp(x)).
That is less than rounding to float32 does there. A lower one makes another function, not only a faster one."""


def single(module: torch.nn.Module) -> bool:
    """Return whether no number of a module is longer than float32, so that a cast to float32 rounds none of them."""
    numbers = [*module.parameters(), *module.buffers()]
    return all(number.dtype is not torch.float64 for number in numbers)


def _softshrink(x: torch.Tensor, lambd: float = 0.5) -> torch.Tensor:
    return x - x.clamp(-lambd, lambd)


def _hardshrink(x: torch.Tensor, lambd: float = 0.5) -> torch.Tensor:
    raise InputError("hardshrink jumps at its threshold", threshold=lambd, remedy="use softshrink")


def _gaussian_nll(
    outputs: torch.Tensor,
    targets: torch.Tensor,
    var: Any,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> torch.Tensor:
    """Return the loss without PyTorch's look at the variances; those below eps count as eps."""
    spread = var if isinstance(var, torch.Tensor) else torch.full_like(outputs, float(var))
    if spread.shape != outputs.shape and spread.shape == outputs.shape[:-1]:
        spread = spread.unsqueeze(-1)
    spread = spread.clamp(min=eps)
    terms = 0.5 * (spread.log() + (outputs - targets).square() / spread)
    terms = terms + 0.5 * math.log(2 * math.pi) if full else terms
    return {"mean": terms.mean, "sum": terms.sum}.get(reduction, lambda: terms)()


def _hardsigmoid(x: torch.Tensor, inplace: bool = False) -> torch.Tensor:
    return (x + 3).clamp(0, 6) / 6


def _softplus(x: torch.Tensor, beta: float = 1.0, threshold: float = LEAST_THRESHOLD) -> torch.Tensor:
    if threshold < LEAST_THRESHOLD:
        return F.softplus(x, beta, threshold)
    scaled = beta * x
    return torch.logaddexp(scaled, torch.zeros_like(scaled)) / beta


class Rewritten(TorchFunctionMode):
    """A float64 copy of a module computes what the module does.

    Functions that PyTorch takes apart into comparisons, whatever the decompositions are, are written in another way. A
    cast to float32 of what depends on parameters rounds nothing in a float32 module, and is left out.

    Parameters
    ----------
    casts : bool
        Whether to leave out casts to float32: the module is `single`.
    """

    FUNCTIONS: ClassVar[dict[Any, Callable[..., Any]]] = {
        F.softshrink: _softshrink,
        F.hardshrink: _hardshrink,
        torch.hardshrink: _hardshrink,
        F.gaussian_nll_loss: _gaussian_nll,
    }

    def __init__(self, casts: bool) -> None:
        super().__init__()
        self.casts = casts

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        options = kwargs or {}
        if self.casts and args and self._rounds_nothing(args[0]):
            if function is torch.Tensor.float:
                return args[0]
            args = tuple(map(_kept_long, args))
            options = {name: _kept_long(value) for name, value in options.items()}
        return self.FUNCTIONS.get(function, function)(*args, **options)

    def _rounds_nothing(self, value: Any) -> bool:
        """Return whether a value is a float64 tensor that the module itself has in float32."""
        return isinstance(value, torch.Tensor) and value.dtype is torch.float64 and value.requires_grad


class Documented(Rewritten):
    """The same, and functions that PyTorch cuts short for speed are computed as they are documented.

    The derivative of hardsigmoid, 1/6, is one of float32 in PyTorch's own gradients of any precision.
    """

    FUNCTIONS: ClassVar[dict[Any, Callable[..., Any]]] = {
        **Rewritten.FUNCTIONS,
        F.softplus: _softplus,
        F.hardsigmoid: _hardsigmoid,
    }

    def _rounds_nothing(self, value: Any) -> bool:
        return super()._rounds_nothing(value) or kept_by_cast(value, torch.float32)


def kept_by_cast(value: Any, dtype: torch.dtype | None) -> bool:
    """Return whether a value is a float64 tensor all of whose numbers another format of real numbers holds."""
    if dtype is None or not dtype.is_floating_point:
        return False
    if not (isinstance(value, torch.Tensor) and value.dtype is torch.float64):
        return False
    try:
        return torch.equal(value.to(dtype).to(torch.float64), value)
    except RuntimeError:  # under torch.vmap there are no numbers to compare
        return False


def _kept_long(value: Any) -> Any:
    return torch.float64 if value is torch.float32 else value
