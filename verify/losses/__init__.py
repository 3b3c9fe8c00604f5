"""Losses: one file each, found by name in `LOSSES`."""

import importlib
import pkgutil

from verify.losses.loss import LOSSES, REDUCTIONS, Loss
from verify.outcomes import InputError

__all__ = ["LOSSES", "REDUCTIONS", "Loss", "loss"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")


def loss(name: str | Loss, **options: float) -> Loss:
    """Return a loss by name.

    Parameters
    ----------
    name : str or Loss
        A key of `LOSSES`; a loss is returned as it is.
    **options
        Fields of its class.

    Raises
    ------
    InputError
        If there is none of this name, or it has no such option.

    Examples
    --------
    >>> loss("huber", delta=2.0)
    Huber(delta=2.0)
    """
    if isinstance(name, Loss):
        return name
    if name not in LOSSES:
        raise InputError("unknown loss", remedy=f"use one of {', '.join(sorted(LOSSES))}", loss=name)
    try:
        return LOSSES[name](**options)
    except TypeError:
        raise InputError(
            "the loss has no such option", loss=name, options=sorted(options), remedy="leave it out"
        ) from None
