"""Peak memory of training on memory-mapped data: 2,000,000 x 64 samples (1.9 GiB on disk) by default.

    OPENBLAS_NUM_THREADS=1 python benchmarks/training_memory.py [--samples 2000000] [--folder FOLDER] [--out FILE]

The data are written in blocks, then a child process trains three steps of each rule in a run folder, with its address
space for data limited to 10**9 bytes, so that reading the files into memory would fail. Mapped pages belong to the
kernel's cache: the figure is the largest anonymous memory (RssAnon) seen.
"""

from __future__ import annotations

import argparse
import json
import shlex
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
import json, re, resource, sys, threading, time
resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[2]),) * 2)
peak = 0
def watch():
    global peak
    while True:
        status = open("/proc/self/status").read()
        peak = max(peak, 1024 * int(re.search(r"RssAnon:\\s+(\\d+)", status)[1]))
        time.sleep(0.01)
threading.Thread(target=watch, daemon=True).start()
import pathlib, verify
from verify.training.run_folder import RunFolder
from verify.training.session import Session
from verify.training.train import make_rule
rule, problem = sys.argv[3], verify.load_problem(sys.argv[1])
settings = {"eta": 0.01, "tau": 0.005} if rule == "fixed" else {}
session = Session(problem, make_rule(rule, **settings))
folder = RunFolder(pathlib.Path(sys.argv[1]).parent / rule)
folder.start(session, {"rule": rule, **settings})
result = folder.run(session, 3)
print(json.dumps({"proved": result["verdicts"]["PROVED"], "error": result["error"], "peak": peak}))
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
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    table = ["| rule | samples | steps proved | E | peak memory (MB) |", "|---" * 5 + "|"]
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        write_data(folder, options.samples)
        for rule in ("certified", "guarded", "fixed"):
            arguments = [sys.executable, "-c", CHILD, str(folder / "spec.toml"), str(LIMIT), rule]
            done = subprocess.run(arguments, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise SystemExit(done.stderr)
            run = json.loads(done.stdout)
            megabytes = run["peak"] / 1e6
            table.append(f"| {rule} | {options.samples:,} | {run['proved']}/3 | {run['error']:.4g} | {megabytes:.0f} |")
            print(table[-1], flush=True)
    if options.out:
        command = f"OPENBLAS_NUM_THREADS=1 python {shlex.join(sys.argv)}"
        content = [
            "# Memory of training on mapped data",
            "",
            f"    {command}",
            "",
            str(__doc__).split("\n\n")[2],
            *table,
        ]
        options.out.write_text("\n".join(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
