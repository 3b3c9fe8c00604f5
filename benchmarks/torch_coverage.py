"""Which operations of PyTorch an imported module may use: each is imported in a small module, or missing, and why.

    python benchmarks/torch_coverage.py [--only NAME] [--out benchmarks/torch_coverage.md]

Needs the extra `torch`. Imported means that error and gradient of the graph agree with PyTorch's own at three points.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))
from torch_coverage_case import MISSING, REFUSED, Applied, Case
from torch_coverage_cases import cases

from verify.importers.torch.problem import from_torch
from verify.outcomes import InputError


def reason(case: Case) -> str:
    """Return why a case is not imported, empty if it is."""
    torch.manual_seed(1)
    module = Applied(case.function, case.shape) if case.module is None else case.module()
    inputs = torch.randn(3, 4) if case.inputs is None else case.inputs
    try:
        targets = torch.randn(module(inputs).shape) if case.targets is None else case.targets
        from_torch(module, inputs, targets, case.loss)
    except InputError as error:
        return " ".join(str(error).split())
    except RuntimeError as error:
        return f"PyTorch itself: {str(error).splitlines()[0]}"
    return ""


def rows_of(path: Path | None) -> dict[str, str]:
    """Return the rows that an earlier run wrote, by operation."""
    lines = path.read_text().splitlines() if path is not None and path.exists() else []
    rows = [line for line in lines if line.startswith("| ") and not line.startswith("| group")]
    return {line.split(" | ")[1]: line for line in rows}


def text_of(rows: dict[str, str], path: Path | None) -> str:
    """Return the table as Markdown."""
    counted = [row for row in rows.values() if not row.startswith(f"| {REFUSED}")]
    imported = sum(row.endswith("| imported |") for row in counted)
    command = shlex.join(["python", "benchmarks/torch_coverage.py", *([] if path is None else ["--out", str(path)])])
    head = f"# Operations of PyTorch\n\n    {command}\n\nPyTorch {torch.__version__}. "
    head += f"{imported} of {len(counted)} imported, beside those that are refused by design.\n\n"
    return head + "\n".join(["| group | operation | |", "|---|---|---|", *sorted(rows.values())]) + "\n"


def main() -> None:
    """Print the table, or write it after every row; operations that stand in the file already are not tried again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rows = rows_of(arguments.out)
    for name, case in cases().items():
        if name in rows or arguments.only not in (None, name):
            continue
        why = reason(case)
        words = f"{MISSING[name]}: {why}" if why and name in MISSING else why
        rows[name] = f"| {case.group} | {name} | {words[:240].replace('|', '/') or 'imported'} |"
        print(rows[name], file=sys.stderr, flush=True)
        if arguments.out is not None:
            arguments.out.write_text(text_of(rows, arguments.out))
    if arguments.out is None:
        print(text_of(rows, None))


if __name__ == "__main__":
    main()
