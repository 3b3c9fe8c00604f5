"""Rigorous error, gradient and segment bound on PyTorch's tensors beside NumPy's, and the memory that they take.

    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 python benchmarks/tensors.py --out benchmarks/tensors.md

Needs the extra `torch`; Linux, for the peak of memory. The modules are convolutional ones of tests/zoo, with more
images of the same size. Every figure is the least processor time of a few calls on one thread, NumPy's and the tensors'
in turn; the self-test of the device, before and after every call on tensors, is part of it. *width* is the width of the
enclosure, or the decrease that the bound promises, in units of NumPy's.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
import verify
import verify.torch
from tests.zoo.modules import ZOO
from verify.graph.problem import GraphProblem

NETWORKS = ("preactivation_resnet", "max_pool_network")
REPEATS = 2
LENGTH = 1e-3
CHUNK = 250


def network(name: str, images: int) -> GraphProblem:
    """Return a module of the zoo with as many random images."""
    entry = ZOO[name]()
    torch.manual_seed(1)
    classes = torch.randint(0, 3, (images,))
    return verify.from_torch(entry.module, torch.randn(images, 2, 8, 8), classes, loss=entry.loss)


def least(calls: list[Callable[[], Any]]) -> list[tuple[float, Any]]:
    """Return the least processor time of each call, and its answer; the calls take turns."""
    answers = [call() for call in calls]
    spent = [[] for _ in calls]
    for _ in range(REPEATS):
        for times, call in zip(spent, calls, strict=True):
            start = time.process_time()
            call()
            times.append(time.process_time() - start)
    return [(min(times), answer) for times, answer in zip(spent, answers, strict=True)]


def compared(name: str, images: int) -> list[str]:
    """Return the rows of a network: NumPy beside tensors of the processor."""
    problem = network(name, images)
    w = problem.initial_weights
    step = -problem.gradient(w)
    asked: dict[str, tuple[Callable[[], Any], Callable[[], Any], Callable[[Any], float]]] = {
        "error": (
            lambda: problem.error_enclosure(w), lambda: verify.torch.error_enclosure(problem), lambda e: e[1] - e[0],
        ),
        "gradient": (
            lambda: problem.gradient_enclosure(w), lambda: verify.torch.gradient_enclosure(problem),
            lambda g: float(np.max(g.rad)),
        ),
        "segment bound": (
            lambda: verify.segment_bound(problem, w, step, LENGTH),
            lambda: verify.torch.segment_bound(problem, w, step, LENGTH), lambda s: float(s.decrease),
        ),
    }  # fmt: skip
    rows = []
    for what, (on_numpy, on_tensors, width) in asked.items():
        (plain, one), (there, other) = least([on_numpy, on_tensors])
        relative = f"{width(other) / width(one):.3f}" if width(one) else "no bound on either"
        rows.append(f"| {name} | {what} | {plain:.3f} | {there:.3f} | {there / plain:.2f} | {relative} |")
        print(rows[-1], file=sys.stderr)
    return rows


def memory(images: int) -> str:
    """Return a row: how far the process's memory rises over what it is before, chunk by chunk and at once."""
    problem = network("preactivation_resnet", images)
    data = sum(value.nbytes for value in problem.constants.values())
    peaks = []
    for chunk in (CHUNK, images):
        verify.torch.error_enclosure(problem, chunk=CHUNK)
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")
        before = status("VmRSS")
        start = time.process_time()
        verify.torch.error_enclosure(problem, chunk=chunk)
        peaks.append((status("VmHWM") - before, time.process_time() - start))
    (parts, seconds), (whole, _) = peaks
    return f"| {images} | {data / 1e6:.1f} | {parts / 1e3:.0f} | {whole / 1e3:.0f} | {seconds / images * 1e6:.0f} |"


def status(field: str) -> int:
    """Return a field of the process's status, in kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def main() -> None:
    """Print the tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--samples", type=int, nargs="+", default=[500, 2000, 4000])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = [row for name in NETWORKS for row in compared(name, options.images)]
    held = [memory(images) for images in options.samples]
    versions = f"PyTorch {torch.__version__}, NumPy {np.__version__}, {options.images} images, one thread."
    of_memory = (
        f"Memory of the rigorous error of {NETWORKS[0]}, over what the process held before: in chunks of {CHUNK} "
        "images, and at once."
    )
    text = "\n".join([
        "# Tensors", "", *__doc__.splitlines(), "", versions, "",
        "| network | what | NumPy, s | tensors, s | ratio | width |", "|---|---|---|---|---|---|", *rows, "",
        of_memory, "",
        "| images | data, MB | chunks, MB | at once, MB | microseconds an image |", "|---|---|---|---|---|", *held, "",
    ])  # fmt: skip
    if options.out is None:
        print(text)
    else:
        options.out.write_text(text)


if __name__ == "__main__":
    main()
