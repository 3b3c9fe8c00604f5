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
from torch_coverage_case import REFUSED, Applied, Case
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


def table(only: str | None) -> str:
    """Return the table as Markdown."""
    rows, found = ["| group | operation | |", "|---|---|---|"], {True: 0, False: 0}
    for name, case in sorted(cases().items(), key=lambda item: item[1].group):
        if only is None or name == only:
            why = reason(case)
            if case.group != REFUSED:
                found[not why] += 1
            print(f"{case.group}: {name}: {why or 'imported'}", file=sys.stderr, flush=True)
            rows.append(f"| {case.group} | {name} | {why[:200].replace('|', '/') or 'imported'} |")
    counted = f"{found[True]} of {sum(found.values())} imported, beside those that are refused by design."
    return "\n".join([counted, "", *rows]) + "\n"


def main() -> None:
    """Print the table or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    text = table(arguments.only)
    if arguments.out is None:
        print(text)
    else:
        command = shlex.join(["python", "benchmarks/torch_coverage.py", "--out", str(arguments.out)])
        arguments.out.write_text(f"# Operations of PyTorch\n\n    {command}\n\nPyTorch {torch.__version__}. {text}")


if __name__ == "__main__":
    main()
