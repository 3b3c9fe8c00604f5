"""Rule ``clipped`` as an optimiser of PyTorch: SGD with momentum that is cut where the theorem needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, final

import torch
from torch import nn

from verify.arithmetic.environment import certified_environment
from verify.outcomes import InputError
from verify.theorems.ranges import RANGES

_SHARED = ("lr", "momentum", "curvature")
_INWARD = 1 - 2.0**-40
"""A share of the theorem's limit that no rounding of two norms in float64 takes away."""


@final
class ClippedMomentum(torch.optim.Optimizer):
    """D_{k+1} = -lr g_k + min(momentum, tau |g_k|/|D_k|) D_k from D_0 = 0, norms over all weights; two norms a step.

    It is SGD with momentum wherever |momentum D_k| <= tau |g_k|. With tau the largest of theorem ``from_rest`` for the
    learning rate and the curvature L, an exact step with the gradient of the full batch decreases the error wherever
    the curvature is at most L along the way, however large the momentum is. The theorem asks for (lr, tau) in its range
    at every step by itself, so schedulers may change lr between steps. Nothing is proved of the stored floats:
    `Monitor` decides the steps that were taken.

    That theorem needs one error for all steps. With ``batches`` tau is that of theorem ``sharp``, at most lr, which
    holds for every previous step: then every step may use the gradient of another mini-batch, and lowers the error of
    its own batch wherever that error's curvature is at most L. `EpochGuard` judges the error of all data.

    Parameters
    ----------
    params : iterable of parameters, or of dicts
        Groups differ in ``weight_decay`` alone: the theorem has one learning rate for all weights.
    lr : float
        At most 1/curvature.
    momentum : float
        mu >= 0, for example 0.9.
    curvature : float
        L: an upper bound of the Hessian's norm of the error, weight decay included, for example
        ``verify.hessian_bound(problem, region).value``.
    batches : bool
        Whether steps use different mini-batches; L then bounds the curvature of every batch's error.
    weight_decay : float
        Added to the gradient, as by `torch.optim.SGD`.

    Attributes
    ----------
    coefficient : float or None
        By which the last step multiplied its momentum; below ``momentum`` where it was cut.

    Raises
    ------
    InputError
        If a setting is out of range, or the groups differ in more than weight decay.

    Examples
    --------
    >>> w = nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.float64))
    >>> optimizer = ClippedMomentum([w], lr=0.02, momentum=0.9, curvature=1.0)
    >>> for _ in range(40):
    ...     optimizer.zero_grad()
    ...     (0.5 * w.square().sum()).backward()
    ...     optimizer.step()
    >>> bool(w.detach().norm() < 0.05), round(optimizer.coefficient, 6)
    (True, 0.735)
    """

    @certified_environment(products=False)
    def __init__(
        self,
        params: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
        lr: float,
        momentum: float,
        curvature: float,
        *,
        batches: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "curvature": curvature, "weight_decay": weight_decay}
        self.coefficient: float | None = None
        self._theorem = "sharp" if batches else "from_rest"
        self._limits: dict[tuple[float, float], float] = {}
        super().__init__(params, defaults)
        self._settings()

    def __getstate__(self) -> dict[str, Any]:
        own = {"coefficient": self.coefficient, "_theorem": self._theorem, "_limits": dict(self._limits)}
        return {**super().__getstate__(), **own}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters; the training starts again from rest, as the theorem needs it."""
        super().add_param_group(param_group)
        self.state.clear()

    @torch.no_grad()
    @certified_environment(products=False)
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step.

        Parameters
        ----------
        closure : callable, optional
            Clears gradients, computes the loss, calls backward and returns the loss.

        Raises
        ------
        InputError
            If a setting is out of the theorem's range, or the gradient is not finite; then nothing has moved.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        lr, momentum, tau = self._settings()
        parameters = [p for group in self.param_groups for p in group["params"]]
        if any(not p.requires_grad for p in parameters if self.state.get(p)):
            self.state.clear()  # a momentum term without those entries is no multiple of the last step: from rest again
        moving = [p for p in parameters if p.requires_grad]
        gradients = self._gradients(moving)
        steps = [self.state[p].get("step") for p in moving]
        size, last = _length(gradients), _length([step for step in steps if step is not None])
        if not size < float("inf"):
            raise InputError("the gradient is not finite", norm=size, remedy="use a smaller learning rate")
        limit = tau * size
        self.coefficient = momentum if momentum * last <= limit else limit / last
        for parameter, gradient, step in zip(moving, gradients, steps, strict=True):
            change = gradient.mul(-lr) if step is None else step.mul(self.coefficient).add_(gradient, alpha=-lr)
            parameter.add_(change)
            self.state[parameter]["step"] = change
        return loss

    def _gradients(self, moving: list[nn.Parameter]) -> list[torch.Tensor]:
        decays = {id(p): float(group["weight_decay"]) for group in self.param_groups for p in group["params"]}
        found = []
        for parameter in moving:
            own = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.to_dense()
            decay = decays[id(parameter)]
            found.append(own.add(parameter, alpha=decay) if decay else own)
        return found

    def _settings(self) -> tuple[float, float, float]:
        """Return learning rate, momentum and tau, all of them checked."""
        given = {tuple(_number(group[name], name) for name in _SHARED) for group in self.param_groups}
        if len(given) > 1:
            names = "lr, momentum or curvature differs between parameter groups"
            raise InputError(
                names,
                remedy="the theorem has one of each for all weights: give them once",
                groups=len(self.param_groups),
            )
        ((lr, momentum, curvature),) = given
        if not 0 <= momentum < float("inf"):
            raise InputError(
                "momentum must be a number, not negative", momentum=momentum, remedy="give a finite momentum >= 0"
            )
        for group in self.param_groups:
            if not 0 <= _number(group["weight_decay"], "weight_decay") < float("inf"):
                raise InputError(
                    "weight decay must be a number, not negative",
                    weight_decay=group["weight_decay"],
                    remedy="give a finite weight_decay >= 0",
                )
        if (lr, curvature) not in self._limits:
            self._limits = {(lr, curvature): RANGES[self._theorem].momentum_limit(curvature, lr)}
        return lr, momentum, self._limits[lr, curvature] * _INWARD


def _number(value: Any, name: str) -> float:
    number = value.item() if isinstance(value, torch.Tensor) and value.numel() == 1 else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise InputError("not a number", where=name, value=value, remedy="give a finite number")
    return float(number)


def _length(tensors: list[torch.Tensor]) -> float:
    """Return the Euclidean norm of all entries together, with sums in float64."""
    squares = [torch.linalg.vector_norm(tensor, dtype=torch.float64).item() ** 2 for tensor in tensors]
    return float(sum(squares)) ** 0.5
