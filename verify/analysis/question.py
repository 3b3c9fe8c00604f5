"""What `check` asks about a problem and a setting, as wide as its theorems prove it and no wider."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from verify.analysis.range_row import RangeRow
from verify.assumptions.question import ENERGY, ERROR, scope_words
from verify.outcomes import Verdict

if TYPE_CHECKING:
    from verify.assumptions.small_momentum import Setting
    from verify.bounds.regions import Region


def question_of(region: Region, setting: Setting | None, rows: Sequence[RangeRow], verdict: Verdict) -> str:
    """Return the question in words.

    Parameters
    ----------
    region : Region
    setting : Setting or None
        The setting asked. For mu the energy V decreases, not the error.
    rows : sequence of RangeRow
        Theorems `weight_decay` and `horizon` widen the question from the steps inside the region, if they are proved
        for the setting asked.
    verdict : Verdict
        The answer; only a proof is about more than the region.
    """
    if setting is None:
        return f"with the settings below, does {scope_words(region)} decrease {ERROR}?"
    lasting = {row.theorem: row for row in rows if row.verdict is verdict is Verdict.PROVED}
    horizon = lasting.get("horizon")
    steps = None if horizon is None else horizon.numbers["steps"]
    scope = scope_words(
        region,
        for_ever="weight_decay" in lasting or (horizon is not None and steps is None),
        steps=steps,
        from_rest=setting.mu is not None,
    )
    return f"does {scope} decrease {ERROR if setting.mu is None else ENERGY}?"
