"""The tables of the study, in Markdown, made of the file of records alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from examples.autoencoder_study import training
from examples.autoencoder_study.comparisons import LEAST_IS_BEST, SIGNIFICANT, Comparison, compared, holm, value_of
from examples.autoencoder_study.findings import SHARE, Compared, findings
from examples.autoencoder_study.networks import KINDS
from verify.outcomes import Verdict

Record = dict[str, Any]
_ORDER = (Verdict.PROVED, Verdict.UNDECIDED, Verdict.REFUTED)
COMPARED = (training.CERTIFIED, training.HEAVY_BALL, training.ADAM)
TITLES = {
    "train_error": "E, training",
    "error": "E, test",
    "psnr": "PSNR",
    "psnr_hvs_m": "PSNR-HVS-M",
    "ssim": "SSIM",
    "accuracy": "accuracy",
    "steps_to": "steps to PCA's half",
}


def tables(records: Sequence[Record], cells: int, command: str) -> str:
    """Return the page of all tables, of the records of some of so many cells."""
    seeds = max((record["seed"] + 1 for record in records), default=0)
    by_rule = {rule: _compared_by(records, rule) for rule in COMPARED}
    found = findings(records, by_rule, TITLES)
    parts = [
        f"# Results of the study\n\n    {command}\n\n{len(records)} of {cells} cells. Medians over {seeds} seeds where "
        "nothing else is said, in brackets least and greatest. [The study](../README.md) says what the words mean.\n",
        f"## Findings\n\nHelps and harms: in at least {SHARE:.0%} of the pairs; the next table says how sure it is.\n\n"
        + found,
        "## Do skip connections help?\n\n" + _comparisons(by_rule),
        "## What is proved\n\n" + _proofs(records),
        *(f"## {setting}\n\n" + _quality(records, setting, seeds) for setting in _settings(records)),
    ]
    return "\n".join(parts)


def _compared_by(records: Sequence[Record], rule: str) -> Compared:
    """Return the comparisons of one rule, by setting, other network and metric."""
    return {
        (setting, other, metric): comparison
        for setting in _settings(records)
        for other in KINDS[1:]
        for metric in LEAST_IS_BEST
        if (comparison := compared(records, setting, rule, metric, other)) is not None
    }


def _settings(records: Sequence[Record]) -> list[str]:
    return list(dict.fromkeys(record["setting"] for record in records))


def _comparisons(by_rule: dict[str, Compared]) -> str:
    text = (
        "Median of the paired differences, positive where the network with skips is better; pairs that it wins; p of "
        "the exact paired permutation test, corrected by Holm for all comparisons of one rule, and bold where it is at "
        f"most {SIGNIFICANT}; five pairs cannot reach that.\n"
    )
    header = ["data", "against", "pairs", *(TITLES[metric] for metric in LEAST_IS_BEST)]
    for rule, found in by_rule.items():
        corrected = dict(zip(found, holm([each.p for each in found.values()]), strict=True))
        rows = [
            [*place, str(len(found[*place, "error"].differences))]
            + [_compared(found[*place, metric], corrected[*place, metric]) for metric in LEAST_IS_BEST]
            for place in dict.fromkeys(key[:2] for key in found)
        ]
        text += f"\n### {rule}\n\n" + _table(header, rows)
    return text


def _compared(comparison: Comparison, p: float) -> str:
    text = f"{comparison.median:+.3g} ({comparison.wins}, p {p:.2g})"
    return f"**{text}**" if p <= SIGNIFICANT else text


def _proofs(records: Sequence[Record]) -> str:
    header = [
        *("data", "code", "network", "parameters", "L, start", "L, end", "largest tau (eta = 1/L)"),
        *("certified: proved", "its proved decrease", "of its decrease"),
        *("constant: proved, undecided, refuted", "heavy ball: increases", "Adam: increases"),
    ]
    rows = []
    for group in _groups(record for record in records if "curvature" in record):
        first = group[0]
        certified = [record["runs"][training.CERTIFIED] for record in group]
        constant = [record["runs"][training.CONSTANT]["verdicts"] for record in group]
        proved = sum(run["verdicts"].get(Verdict.PROVED.name, 0) for run in certified)
        taken = sum(run["steps"] for run in certified)
        gained = [run["curve"]["0"] - run["train_error"] for run in certified]
        rows.append(
            [
                *(first["setting"], str(first["code"]), first["kind"], str(first["parameters"])),
                *(_known([record["curvature"][key] for record in group]) for key in ("start", "end", "tau_max")),
                f"{proved} of {taken}",
                _range([run["decrease"] for run in certified]),
                _range([run["decrease"] / gain for run, gain in zip(certified, gained, strict=True)]),
                _verdicts(constant),
                *(
                    f"{sum(record['runs'][rule]['increases'] for record in group)} of "
                    f"{sum(record['runs'][rule]['steps'] for record in group)}"
                    for rule in (training.HEAVY_BALL, training.ADAM)
                ),
            ]
        )
    return _table(header, rows)


def _verdicts(counted: Sequence[Record]) -> str:
    return ", ".join(str(sum(each.get(verdict.name, 0) for each in counted)) for verdict in _ORDER)


def _quality(records: Sequence[Record], setting: str, all_seeds: int) -> str:
    header = ["code", "network", "rule", *TITLES.values(), "seconds"]
    rows, shown = [], set[int]()
    chosen = [record for record in records if record["setting"] == setting]
    for group in _groups(chosen):
        code = group[0]["code"]
        if code not in shown:
            shown.add(code)
            pca = [record["pca"] for record in group]
            numbers = [_range([each[metric] for each in pca]) if metric in pca[0] else "-" for metric in TITLES]
            rows.append([str(code), "PCA", "", *numbers, "-"])
        for rule in (rule for rule in training.RULES if rule in group[0]["runs"]):
            runs = [record["runs"][rule] for record in group if rule in record["runs"]]
            numbers = [
                _steps(runs) if metric == "steps_to" else _range([run[metric] for run in runs]) for metric in TITLES
            ]
            seeds = "" if len(runs) == all_seeds else f", {len(runs)} of {all_seeds} seeds"
            rows.append([str(code), group[0]["kind"], rule + seeds, *numbers, _range([run["seconds"] for run in runs])])
    return _table(header, rows)


def _steps(runs: Sequence[Record]) -> str:
    reached = [run for run in runs if run["steps_to"] is not None]
    if not reached:
        return "never"
    text = _range([value_of(run, "steps_to") for run in reached])
    return text if len(reached) == len(runs) else f"{text}, {len(reached)} of {len(runs)} runs"


def _known(values: Sequence[float | None]) -> str:
    found = [value for value in values if value is not None]
    if not found:
        return "-"
    return _range(found) if len(found) == len(values) else f"{_range(found)}, {len(found)} of {len(values)} seeds"


def _groups(records: Iterator[Record] | Sequence[Record]) -> list[list[Record]]:
    """Return the records by setting, code and network, each group being all its seeds."""
    groups: dict[tuple[str, int, int], list[Record]] = {}
    order: dict[str, int] = {}
    for record in records:
        order.setdefault(record["setting"], len(order))
        groups.setdefault((record["setting"], record["code"], KINDS.index(record["kind"])), []).append(record)
    return [groups[key] for key in sorted(groups, key=lambda key: (order[key[0]], *key[1:]))]


def _range(values: Sequence[float]) -> str:
    return f"{np.median(values):.3g} [{min(values):.3g}, {max(values):.3g}]"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)
