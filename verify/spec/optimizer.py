"""The setting of a spec file that is judged: the theorem's numbers, ``[momentum]``, or the user's, ``[optimizer]``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.assumptions.small_momentum import Setting
    from verify.spec.document import Document
    from verify.spec.models import OptimizerTable
    from verify.theorems.optimizers import Optimizer


def judged(document: Document) -> tuple[Setting | None, Optimizer | None]:
    """Return the theorem's numbers of a spec file, and the user's where the file gives these.

    Raises
    ------
    InputError
        If the setting or its weight decay is given twice, or no theorem's numbers mean the optimizer's steps.
    """
    from verify.assumptions.small_momentum import Setting
    from verify.theorems.optimizers import Optimizer

    content = document.content
    table = content.optimizer
    if table is None:
        with document.located("momentum"):
            return (None if content.momentum is None else Setting(**content.momentum.model_dump())), None
    with document.located("optimizer"):
        if content.momentum is not None:
            raise InputError("the setting is given twice", lr=table.lr, remedy="keep [optimizer] or [momentum]")
        if content.weight_decay and coupled_weight_decay(table):
            raise InputError(
                "weight decay is given twice",
                optimizer=table.weight_decay,
                file=content.weight_decay,
                remedy="keep one: their sum if the loss and the optimizer both have it",
            )
        optimizer = Optimizer(
            table.lr,
            table.momentum,
            table.dampening,
            table.nesterov,
            table.weight_decay,
            table.kind,
            table.convention,
        )
        return (Setting.of(optimizer) if optimizer.is_proved else None), optimizer


def coupled_weight_decay(table: OptimizerTable | None) -> float:
    """Return the weight decay that an optimizer adds to the gradient; adamw shrinks the weights beside it."""
    return 0.0 if table is None or table.kind == "adamw" else table.weight_decay
