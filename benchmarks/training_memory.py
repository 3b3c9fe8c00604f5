"""Peak memory of training on memory-mapped data: 2,000,000 x 64 samples (1.9 GiB on disk) by default.

    OPENBLAS_NUM_THREADS=1 python benchmarks/training_memory.py [--samples 2000000] [--folder FOLDER]

The data are written in blocks, then a child process trains three certified steps with its address space for data
limited, so that reading the files into memory would fail. Mapped pages belong to the kernel's cache: the figure is the
largest anonymous memory (RssAnon) seen.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

WIDTH = 64
LIMIT = 10**9
SPEC = """name = "large"
output = "y"
[data]
source = "npy:."
[nodes.x]
width = 64
[nodes.h]
width = 8
activation = "tanh"
inputs = ["x"]
[nodes.y]
width = 1
activation = "sigmoid"
inputs = ["h", "x"]
"""
CHILD = """
import re, resource, sys, threading, time
resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[2]),) * 2)
peak = 0
def watch():
    global peak
    while True:
        status = open("/proc/self/status").read()
        peak = max(peak, 1024 * int(re.search(r"RssAnon:\\s+(\\d+)", status)[1]))
        time.sleep(0.01)
threading.Thread(target=watch, daemon=True).start()
import verify
run = verify.train(verify.load_problem(sys.argv[1]), steps=3)
print(len(run.steps), {v.name for v in run.verdicts}, run.errors.tolist(), peak)
"""


def write_data(folder: Path, samples: int, block: int = 50_000) -> None:
    rng = np.random.default_rng(0)
    x = np.lib.format.open_memmap(folder / "x.npy", mode="w+", dtype=np.float64, shape=(samples, WIDTH))
    y = np.lib.format.open_memmap(folder / "y.npy", mode="w+", dtype=np.float64, shape=(samples, 1))
    for start in range(0, samples, block):
        rows = rng.standard_normal((min(block, samples - start), WIDTH))
        x[start : start + block] = rows
        y[start : start + block] = rows[:, :1] > 0
    (folder / "spec.toml").write_text(SPEC, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=2_000_000)
    parser.add_argument("--folder", type=Path, help="where the temporary files go")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        write_data(folder, options.samples)
        arguments = [sys.executable, "-c", CHILD, str(folder / "spec.toml"), str(LIMIT)]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    peak = int(done.stdout.split()[-1])
    print(json.dumps({"samples": options.samples, "peak_bytes": peak, "limit_bytes": LIMIT}), done.stdout.strip())


if __name__ == "__main__":
    main()
