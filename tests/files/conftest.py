"""What takes long is computed once for all tests of a module: they are about the files that it is written to."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from verify.certificates.coq import Compilation
from verify.outcomes import Verdict

SLOW = {
    "verify.analysis.any_direction": "examine_any_direction",
    "verify.analysis.certify": "certify",
    "verify.analysis.check": "check",
    "verify.analysis.converge": "converge",
    "verify.analysis.one_step": "one_step_ranges",
    "verify.bounds.curvature": "examine_curvature",
    "verify.reports.evidence": "report",
}
"""Functions that the commands import when they run, by module."""

LATE = ("verify.campaign.figures", "verify.campaign.run")
"""What a command imports late: a test that has no rights any more cannot."""


@pytest.fixture(scope="module", autouse=True)
def computed_once() -> Iterator[None]:
    """Answer the second question about a network as the first, if it is asked in the same words; start no Coq."""
    with pytest.MonkeyPatch.context() as patched:
        for module, name in SLOW.items():
            patched.setattr(f"{module}.{name}", _once(getattr(importlib.import_module(module), name)))
        for module in LATE:
            importlib.import_module(module)
        compilation = Compilation(Verdict.UNDECIDED, "not compiled")
        patched.setattr("verify.certificates.coq.compile_proof", lambda text: compilation)
        yield


def _once(compute: Callable[..., Any]) -> Callable[..., Any]:
    known: dict[tuple[Any, ...], Any] = {}

    def answer(subject: Any, *arguments: Any, **options: Any) -> Any:
        if options.get("drive") is not None:  # it writes itself
            return compute(subject, *arguments, **options)
        words = (getattr(subject, "name", None), *(each for each in arguments if isinstance(each, str)))
        if words not in known:
            known[words] = compute(subject, *arguments, **options)
        return known[words]

    return answer
