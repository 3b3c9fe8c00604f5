"""Three reports as people get them: their size, what the page takes beyond the analyses, and pictures of them.

    OPENBLAS_NUM_THREADS=1 python benchmarks/reports.py --out benchmarks/reports.md

With --pictures FOLDER it also photographs each page with Chromium: light and dark, 360 and 1280 pixels wide. The exit
code is 1 where a page is larger or slower than wanted, or an answer or all parts together have not the verdict that
they should have.
"""

from __future__ import annotations

import argparse
import base64
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import verify  # noqa: E402
from tests.reports.chromium import open_browser, show  # noqa: E402
from verify.certificates.document import write_document  # noqa: E402
from verify.training.run_folder import RunFolder  # noqa: E402
from verify.training.session import Session  # noqa: E402
from verify.training.train import make_rule  # noqa: E402

LARGEST, LONGEST = 5 * 2**20, 10.0
STEPS = 100
HEAD = """# Reports

    OPENBLAS_NUM_THREADS=1 python benchmarks/reports.py --out benchmarks/reports.md

Wanted of each page: under 5 MB (5,242,880 bytes), and at most 10 s beyond the analyses. Seconds are those of the
processor; training, and writing the certificates, come before both. "page" is everything that is done once the analyses
are: loading matplotlib, drawing, writing, escaping. The analyses of the run are mostly the independent checker's, which
evaluates the error at the weights of every step in Arb.

| report | holds | answer | all parts | analyses (s) | page (s) | size (kB) |
|---|---|---|---|---|---|---|
"""


def trained(spec: Path, folder: Path) -> dict[str, Any]:
    """Train, and certify a first step; return what a report is to show of both."""
    problem = verify.load_problem(spec)
    session = Session(problem, make_rule("certified", problem=problem))
    run = RunFolder(folder / "run", "steps")
    run.start(session, {"rule": "certified", "eta": None, "tau": None})
    run.run(session, STEPS)
    write_document(verify.certify(problem, "step"), folder / "step.json")
    return {"run": folder / "run", "certificates": [folder / "step.json"]}


@dataclass(frozen=True)
class Report:
    """What is to be reported, and the answer that it should have.

    Parameters
    ----------
    spec : str
        A file of the examples.
    words : str
        What the page holds beside the answer.
    answer : Verdict
        Of the question, and of all parts together.
    prepare : callable
        From the spec file and an empty folder to further arguments of `verify.report`.
    """

    spec: str
    words: str
    answer: verify.Verdict
    prepare: Callable[[Path, Path], dict[str, Any]] = lambda spec, folder: {}


REPORTS = (
    Report(
        "digits_autoencoder",
        f"a run of {STEPS} steps with certificates, a certificate of a step, a test of 25 steps",
        verify.Verdict.PROVED,
        trained,
    ),
    Report(
        "digits_convolution",
        "a test of 5 steps, in at most 600 s",
        verify.Verdict.PROVED,
        lambda spec, folder: {"examples": 5, "seconds": 600.0},
    ),
    Report("relu_fails", "a test", verify.Verdict.REFUTED),
)


def measured(table: Path | None) -> dict[str, str]:
    """Return the rows of a table by their specs: those that are not measured again stay."""
    text = table.read_text(encoding="utf-8") if table is not None and table.exists() else ""
    return {row.split(".toml")[0][2:]: row for row in text.splitlines() if ".toml |" in row}


def photograph(page: Path, folder: Path) -> None:
    """Write pictures of the whole page."""
    browser = open_browser()
    try:
        browser.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
        for scheme in ("light", "dark"):
            for width in (360, 1280):
                show(browser, page, width=width, scheme=scheme)
                taken = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
                (folder / f"{page.stem}-{scheme}-{width}.png").write_bytes(base64.b64decode(taken["data"]))
    finally:
        browser.quit()


def main() -> int:
    """Make the reports; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--only", nargs="*", default=[each.spec for each in REPORTS], help="the other rows stay")
    options = parser.parse_args()
    rows, good = measured(options.out), True
    for each in REPORTS:
        if each.spec not in options.only:
            continue
        spec = ROOT / "examples" / f"{each.spec}.toml"
        with tempfile.TemporaryDirectory() as place:
            arguments = each.prepare(spec, Path(place))
            start = time.process_time()
            found = verify.report(spec, **arguments)
            analysed = time.process_time()
            page = found.html()
            seconds = time.process_time() - analysed
        size = len(page.encode("utf-8"))
        good = good and size < LARGEST and seconds < LONGEST
        good = good and found.answer.verdict is found.verdict is each.answer
        rows[each.spec] = (
            f"| {each.spec}.toml | {each.words} | {found.answer.verdict.value} | {found.verdict.value} "
            f"| {analysed - start:.1f} | {seconds:.2f} | {size / 1000:.0f} |"
        )
        print(rows[each.spec], flush=True)
        if options.pictures is not None:
            options.pictures.mkdir(parents=True, exist_ok=True)
            path = options.pictures.resolve() / f"{each.spec}.html"
            path.write_text(page, encoding="utf-8")
            photograph(path, options.pictures)
    if options.out is not None:
        options.out.write_text(
            HEAD + "\n".join(rows[each.spec] for each in REPORTS if each.spec in rows) + "\n", encoding="utf-8"
        )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
