"""What `check` asks about a problem and a setting, as wide as its theorems prove it and no wider."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from verify.analysis.range_row import RangeRow
from verify.assumptions.question import ERROR, decreasing_words, region_words, scope_words
from verify.outcomes import Verdict
from verify.theorems.optimizers import Optimizer

if TYPE_CHECKING:
    from verify.assumptions.small_momentum import Setting
    from verify.bounds.regions import Region


def question_of(region: Region, setting: Setting | Optimizer | None, rows: Sequence[RangeRow], verdict: Verdict) -> str:
    """Return the question in words.

    Parameters
    ----------
    region : Region
    setting : Setting, Optimizer or None
        The setting asked, or an optimizer that no theorem speaks of. For mu the energy V decreases, not the error.
    rows : sequence of RangeRow
        Theorems `weight_decay` and `horizon` widen the question from the steps inside the region, if they are proved
        for the setting asked.
    verdict : Verdict
        The answer; only a proof is about more than the region.
    """
    if isinstance(setting, Optimizer):
        steps_of = f"every step of {setting.kind} with {setting.words}"
        return f"does {steps_of} that stays {region_words(region)} decrease {ERROR}?"
    if setting is None:
        return f"with the settings below, does {scope_words(region)} decrease {ERROR}?"
    lasting = {row.theorem: row for row in rows if row.verdict is verdict is Verdict.PROVED}
    horizon = lasting.get("horizon")
    steps = None if horizon is None else horizon.numbers["steps"]
    scope = scope_words(
        region,
        for_ever="weight_decay" in lasting or (horizon is not None and steps is None),
        steps=steps,
        from_rest=setting.mu is not None or setting.from_rest,
        previous_step=setting.previous_step,
        ahead=setting.nesterov,
        since_rest=setting.from_rest,
    )
    return f"does {scope} decrease {decreasing_words(setting.theorem)}?"
