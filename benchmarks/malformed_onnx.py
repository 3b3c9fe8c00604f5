"""ONNX files that are damaged, hostile or of another kind: each is answered by one line, in little time and memory.

    OPENBLAS_NUM_THREADS=1 python benchmarks/malformed_onnx.py [--files 200] [--first 0] [--seed 0] [--replay NUMBER]

Needs the extra `onnx`. A file that is still a model of the network may be imported. Prints one line for each answer
that is neither, and the figures at the end.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from malformed_onnx_files import KINDS, X, made

sys.path.insert(0, str(Path(__file__).parents[1]))
import verify
from verify.importers.onnx import problem as importer

SECONDS, BYTES = 10.0, 2**30


def answer(content: bytes, folder: Path) -> str:
    """Return how a file is answered: "refused", "imported", or what else happened."""
    path = folder / "net.onnx"
    path.write_bytes(content)
    try:
        problem = verify.from_onnx(path, X, np.zeros((len(X), 2)), external_data=True)
    except verify.InputError as error:
        text = str(error)
        if "\n" in text or len(text) > 4000 or not text.isprintable():
            return f"refused in other form: {text[:200]!r}"
        return "refused"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:200]!r}"
    return "imported" if np.isfinite(problem.error(problem.initial_weights)) else "imported without an error"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--replay", type=int)
    parser.add_argument("--in-process", action="store_true", help="without a child process, to look for the reason")
    options = parser.parse_args()
    if options.in_process:
        from tests.importers.onnx.models import InProcess

        importer.Child = InProcess  # type: ignore[assignment, misc]
    numbers = range(options.first, options.first + options.files) if options.replay is None else [options.replay]
    counts: Counter[str] = Counter()
    slowest, bad = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers:
            kind = KINDS[number % len(KINDS)]
            content = made(kind, random.Random(f"{options.seed}-{number}"))
            before = time.process_time() + _children()
            found = answer(content, Path(folder))
            spent = time.process_time() + _children() - before
            slowest = max(slowest, spent)
            usual = found in ("refused", "imported") and spent <= SECONDS
            counts[found if usual else "otherwise"] += 1
            if not usual or options.replay is not None:
                bad += not usual
                print(f"{number} {kind}: {found} ({spent:.1f} s)", flush=True)
                if options.replay is not None:
                    with contextlib.suppress(Exception):
                        (Path.cwd() / "replay.onnx").write_bytes(content)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    figures = ", ".join(f"{counts[name]} {name}" for name in ("refused", "imported", "otherwise"))
    print(f"{len(numbers)} files of {len(KINDS)} kinds, seed {options.seed}: {figures};", end=" ")
    print(f"slowest {slowest:.1f} s of processor time, largest child {memory / 2**20:.0f} MiB")
    return 1 if bad or memory > BYTES else 0


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
