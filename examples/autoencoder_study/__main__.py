"""Run the study, or go on with it, and write its tables and pictures.

python -m examples.autoencoder_study           # the smallest version, seconds
python -m examples.autoencoder_study --full    # all of it, resumable; with --tables only the tables of what is there
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from examples.autoencoder_study import pictures, records
from examples.autoencoder_study.cells import FULL, SMALL, Plan, Record, answers, measured, plain, tuned
from examples.autoencoder_study.tables import tables

FOLDER = Path(__file__).resolve().parent


def main(arguments: list[str] | None = None) -> int:
    """Run what is missing; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m examples.autoencoder_study", description=__doc__)
    parser.add_argument("--full", action="store_true", help="all data sets, codes and seeds")
    parser.add_argument("--out", type=Path, help="folder to write (default: results/ here, without --full build/)")
    parser.add_argument("--tables", action="store_true", help="run nothing, write tables and pictures of what is there")
    chosen = parser.parse_args(arguments)
    plan = FULL if chosen.full else SMALL
    out = chosen.out or (FOLDER / "results" if chosen.full else Path("build/autoencoder_study"))
    out.mkdir(parents=True, exist_ok=True)
    path = out / "cells.jsonl"
    if not chosen.tables:
        run(plan, path)
    found = measured_so_far(plan, path)
    command = "python -m examples.autoencoder_study" + (" --full" if chosen.full else "")
    (out / "tables.md").write_text(tables(found, len(list(plan.cells())), command), encoding="utf-8")
    for written in (out / "tables.md", *pictures.draw(found, out)):
        print(written)
    return 0


def run(plan: Plan, path: Path) -> None:
    """Measure the cells that the file of records lacks."""
    known = plain(plan)
    rates = {record["tuning"]: record["rates"] for record in records.read(path, known) if "tuning" in record}
    found = {record["cell"]: record for record in measured_so_far(plan, path)}
    cells = list(plan.cells())
    for number, cell in enumerate(cells, 1):
        if cell.key in found and answers(found[cell.key], cell):
            continue
        network = f"{cell.setting.name} / {cell.kind}"
        if network not in rates:
            rates[network] = tuned(cell, plan.tuning_steps)
            records.append(path, known, {"tuning": network, "rates": rates[network]})
        print(f"{number} of {len(cells)}: {cell.key}", file=sys.stderr, flush=True)
        records.append(path, known, measured(cell, plan, rates[network]))


def measured_so_far(plan: Plan, path: Path) -> list[Record]:
    """Return the latest record of each of the plan's cells that was measured, in the plan's order."""
    found = {record["cell"]: record for record in records.read(path, plain(plan)) if "cell" in record}
    return [found[cell.key] for cell in plan.cells() if cell.key in found]


if __name__ == "__main__":
    sys.exit(main())
