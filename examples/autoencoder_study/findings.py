"""What the records say in sentences, also where skip connections do not help."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from examples.autoencoder_study import training
from examples.autoencoder_study.comparisons import LEAST_IS_BEST, Comparison
from examples.autoencoder_study.networks import KINDS, SKIPS

Record = dict[str, Any]
Compared = dict[tuple[str, str, str], Comparison]
"""By setting, other network and metric."""
SHARE = 0.8
"""Of the pairs, from which on one says that the one or the other network is better."""
FEWEST = 5
"""Pairs, below which nothing is said."""


def findings(records: Sequence[Record], by_rule: dict[str, Compared], titles: dict[str, str]) -> str:
    """Return the list of findings, in Markdown."""
    lines = [
        *(line for rule, found in by_rule.items() for line in _comparisons(rule, found, titles)),
        *_curvatures(records),
        *_against_pca(records),
        *_proofs(records),
    ]
    return "".join(f"- {line}\n" for line in lines)


def _comparisons(rule: str, found: Compared, titles: dict[str, str]) -> Iterator[str]:
    found = {key: each for key, each in found.items() if len(each.differences) >= FEWEST}
    if not found:
        yield f"{rule}: fewer than {FEWEST} pairs so far, nothing is said of skips."
    for other in KINDS[1:]:
        better, worse, open_ = ([] for _ in range(3))
        for metric in LEAST_IS_BEST:
            places: dict[str, list[str]] = {"better": [], "worse": [], "open": []}
            for setting in dict.fromkeys(key[0] for key in found):
                if (comparison := found.get((setting, other, metric))) is not None:
                    places[_outcome(comparison)].append(setting)
            for words, kept in (("better", better), ("worse", worse), ("open", open_)):
                if places[words]:
                    kept.append(f"{titles[metric]} ({'; '.join(places[words])})")
        parts = [("helps", better), ("harms", worse), ("does neither", open_)]
        said = "; ".join(f"**{verb}**: {', '.join(kept)}" for verb, kept in parts if kept)
        if said:
            yield f"{rule}, skips against {other}: {said}."


def _outcome(comparison: Comparison) -> str:
    """Say whether the network with skips wins or loses so large a share of the pairs that it counts."""
    pairs, losses = len(comparison.differences), int(np.sum(comparison.differences < 0))
    if comparison.wins >= SHARE * pairs:
        return "better"
    return "worse" if losses >= SHARE * pairs else "open"


def _curvatures(records: Sequence[Record]) -> Iterator[str]:
    for key, where in (("start", "first"), ("end", "last")):
        values = {
            (record["setting"], record["seed"], record["kind"]): record["curvature"][key]
            for record in records
            if record.get("curvature", {}).get(key) is not None
        }
        for other in KINDS[1:]:
            ratios = [
                values[setting, seed, SKIPS] / values[setting, seed, other]
                for setting, seed, kind in values
                if kind == SKIPS and (setting, seed, other) in values
            ]
            if ratios:
                yield (
                    f"L about the {where} weights, skips over {other}: {np.median(ratios):.2g} times "
                    f"[{min(ratios):.2g}, {max(ratios):.2g}], {len(ratios)} pairs; the largest tau is 1/L."
                )


def _against_pca(records: Sequence[Record]) -> Iterator[str]:
    for rule in (training.CERTIFIED, training.ADAM):
        counts = [
            f"{kind} {sum(record['runs'][rule]['error'] < record['pca']['error'] for record in group)} of {len(group)}"
            for kind in KINDS
            if (group := [record for record in records if record["kind"] == kind])
        ]
        yield f"{rule}: a smaller test error than PCA of equal code size: {', '.join(counts)}."


def _proofs(records: Sequence[Record]) -> Iterator[str]:
    certified = [record["runs"][training.CERTIFIED] for record in records]
    steps, proved = (sum(run["steps"] for run in certified), sum(run["verdicts"].get("PROVED", 0) for run in certified))
    yield f"certified: {proved} of {steps} steps PROVED, {sum(run['increases'] for run in certified)} increases."
    for rule in (training.HEAVY_BALL, training.ADAM):
        runs = [record["runs"][rule] for record in records]
        yield (
            f"{rule}: E rose at {sum(run['increases'] for run in runs)} of {sum(run['steps'] for run in runs)} steps."
        )
    constant = [record["runs"][training.CONSTANT] for record in records if training.CONSTANT in record["runs"]]
    if constant:
        refuted = sum(run["verdicts"].get("REFUTED", 0) for run in constant)
        travelled = np.median([run["travelled"] for run in constant])
        yield (
            f"constant (eta, tau) from the range about the first weights: {refuted} of "
            f"{sum(run['steps'] for run in constant)} steps REFUTED; the weights travel {travelled:.2g} (median), "
            "far out of the ball for which the range is proved, so each step is decided by itself."
        )
