"""The modules of tests/zoo through ONNX, by both of PyTorch's exporters: what imports, what is trained, what is proved.

    OPENBLAS_NUM_THREADS=1 python benchmarks/onnx_zoo.py [--only NAME] [--out benchmarks/onnx_zoo.md]

Needs the extras `torch` and `onnx`, and onnxscript for the newer exporter.

An ONNX file holds the outputs, not the loss: mean squared error and cross-entropy are compared with the error of
`verify.from_torch`; for other losses the outputs are, as half their square. The newer exporter writes batch
normalisation as in evaluation, whatever the mode of the module: hence the differences of modules in training.

Rows that the file of `--out` holds already are kept; `--only` tries one again.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
import verify
from tests.zoo.modules import ZOO, Entry
from verify.graph.problem import GraphProblem

COLUMNS = ("module", "exporter", "trained by rule", "named besides", "error against from_torch", "guarded", "certified")
STEPS = 3
EXPORTERS = ("TorchScript", "dynamo")
NAMES = [name.replace("_", " ") for name in ZOO]
LOSSES = {"mse": "mse", "cross_entropy": "softmax-cross-entropy"}


def exported(entry: Entry, exporter: str, path: Path) -> dict[str, np.ndarray]:
    """Write the module's file; return its inputs by the names in it."""
    inputs = entry.inputs if isinstance(entry.inputs, tuple) else (entry.inputs,)
    names = [f"input_{k}" for k in range(len(inputs))]
    options: dict[str, Any] = {"input_names": names}
    if exporter == "TorchScript":
        mode = torch.onnx.TrainingMode.PRESERVE
        options |= {"dynamo": False, "opset_version": 17, "training": mode, "do_constant_folding": False}
    else:
        options |= {"dynamo": True, "opset_version": 20, "external_data": False, "optimize": False}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        torch.onnx.export(entry.module, inputs, path, **options)
    return {name: part.detach().numpy() for name, part in zip(names, inputs, strict=True)}


def steps(problem: GraphProblem, rule: str) -> str:
    """Return how many steps are proved."""
    try:
        run = verify.train(problem, steps=STEPS, rule=rule)
    except verify.DagverifyError as error:
        return str(error).partition(";")[0][:80]
    names = [verdict.name for verdict in run.verdicts]
    ended = "" if len(names) == STEPS else f"; {run.stopped}"
    return f"{names.count('PROVED')} of {len(names)} PROVED{ended}"


def row(name: str, exporter: str, folder: Path) -> tuple[str, ...]:
    """Return the table's row of a module."""
    entry = ZOO[name]()
    path = folder / f"{name}.onnx"
    shown = name.replace("_", " ")
    loss = LOSSES.get(entry.loss) if isinstance(entry.loss, str) else None
    with torch.enable_grad():
        outputs = entry.module(*(entry.inputs if isinstance(entry.inputs, tuple) else (entry.inputs,)))
    if not isinstance(outputs, torch.Tensor):
        return shown, exporter, "", "", "several outputs: the loss of the module takes them all", "", ""
    inputs = exported(entry, exporter, path)
    targets: Any = entry.targets.numpy() if loss else np.zeros(tuple(outputs.shape))
    theirs = entry.loss if loss else lambda found, wanted: 0.5 * found.square().sum()
    reference = verify.from_torch(ZOO[name]().module, entry.inputs, entry.targets, theirs)
    given: dict[str, Any] = {"loss": loss or "half-squared-error", "reduction": "mean" if loss else "sum"}
    try:
        found = verify.from_onnx(path, inputs, targets, **given)
        rule = f"{found.size} of {reference.size}"
        missing = sorted({block.label for block in reference.blocks} - {block.label for block in found.blocks})
        named = [label for label in missing if label in _stored(path)]
        if named:
            found = verify.from_onnx(path, inputs, targets, train=named, **given)
    except verify.InputError as error:
        return shown, exporter, "", "", str(error).replace(str(path), "")[:160], "", ""
    ours, expected = (problem.error(problem.initial_weights) for problem in (found, reference))
    off = f"{abs(ours - expected) / abs(expected):.1e}"
    certified = steps(found, "certified") if entry.smooth else "has kinks"
    return shown, exporter, rule, ", ".join(named), off, steps(found, "guarded"), certified


def _stored(path: Path) -> set[str]:
    import onnx

    return {tensor.name for tensor in onnx.load(path).graph.initializer}


def table(rows: Sequence[tuple[str, ...]], command: str) -> str:
    """Return the document."""
    lines = [
        "# The zoo through ONNX",
        "",
        f"    {command}",
        "",
        *(__doc__ or "").split("\n\n")[3].strip().split("\n"),
        "",
    ]
    lines += [f"PyTorch {torch.__version__}; {STEPS} steps of each rule.", "", f"| {' | '.join(COLUMNS)} |"]
    lines += ["|---" * len(COLUMNS) + "|", *(f"| {' | '.join(cells)} |" for cells in rows)]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    rows = rows_of(options.out)
    with tempfile.TemporaryDirectory() as folder:
        for name in options.only or ZOO:
            for exporter in EXPORTERS:
                key = (name.replace("_", " "), exporter)
                if key in rows and not options.only:
                    continue
                rows[key] = row(name, exporter, Path(folder))
                print(" | ".join(rows[key]), flush=True)
                if options.out is not None:
                    found = [rows[shown, each] for shown in NAMES for each in EXPORTERS if (shown, each) in rows]
                    options.out.write_text(table(found, "python benchmarks/onnx_zoo.py --out benchmarks/onnx_zoo.md"))
    return 0


def rows_of(path: Path | None) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the rows that an earlier run wrote, by module and exporter."""
    lines = path.read_text().splitlines() if path is not None and path.exists() else []
    cells = [tuple(cell.strip() for cell in line[1:-1].split(" | ")) for line in lines if line.startswith("| ")]
    return {(found[0], found[1]): found for found in cells if found[0] in NAMES}


if __name__ == "__main__":
    sys.exit(main())
