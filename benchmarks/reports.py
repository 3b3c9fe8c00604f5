"""Three reports as people get them: their size, what the page takes beyond the analyses, and pictures of them.

    OPENBLAS_NUM_THREADS=1 python benchmarks/reports.py --out benchmarks/reports.md

With --pictures FOLDER it also photographs each page with Chromium: light and dark, 360 and 1280 pixels wide. The exit
code is 1 where a page is larger or slower than wanted, or has not the answer that it should have.
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
processor; training, and writing the certificate, come before both. "page" is everything that is done once the analyses
are: drawing, writing, escaping. A run that kept no certificates of its steps is recorded, not proved again, so all
parts together are UNDECIDED; so they are where the test did not end within the 180 s that a report has by default.

| report | holds | answer | all parts | analyses (s) | page (s) | size (kB) |
|---|---|---|---|---|---|---|
"""


def trained(spec: Path, folder: Path) -> dict[str, Any]:
    """Train, and certify a first step; return what a report is to show of both."""
    problem = verify.load_problem(spec)
    session = Session(problem, make_rule("certified", problem=problem))
    run = RunFolder(folder / "run")
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
    prepare : callable
        From the spec file and an empty folder to further arguments of `verify.report`.
    """

    spec: str
    words: str
    answer: verify.Verdict
    prepare: Callable[[Path, Path], dict[str, Any]] = lambda spec, folder: {}


REPORTS = (
    Report("digits_autoencoder", f"a run of {STEPS} steps, a certificate, a test", verify.Verdict.PROVED, trained),
    Report("digits_convolution", "a test", verify.Verdict.PROVED),
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
        good = good and size < LARGEST and seconds < LONGEST and found.answer.verdict is each.answer
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
