"""Everything that a report shows about a spec file: its answer, a property test, a run, certificates."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verify.analysis.check import DEFAULT_SECONDS, CheckReport, check
from verify.arithmetic.environment import as_users_code, certified_environment
from verify.budget import OverBudgetError, time_limit
from verify.files.kinds import PAGE, SPEC
from verify.files.reading import read_bytes
from verify.files.writing import write_file
from verify.outcomes import InputError, Verdict
from verify.properties.suite import SuiteReport, run_suite
from verify.reports.certificate_evidence import CertificateEvidence, read_certificate
from verify.reports.run_evidence import RunEvidence, read_run
from verify.spec.question import Question
from verify.spec.specification import Specification, load_specification
from verify.training.run_records import subject

if TYPE_CHECKING:
    from os import PathLike

DEFAULT_EXAMPLES = 25
MOST_EXAMPLES = 10**6
_FEWEST_SECONDS = 10.0


@dataclass(frozen=True)
class Evidence:
    """What `report` gathered; `html` is the page.

    Parameters
    ----------
    specification : Question
        What it is about: a spec file, or a target of the command line.
    answer : CheckReport
        Of `check`.
    test : SuiteReport or None
        Of `run_suite`; None where it was left out or took too long.
    test_reason : str or None
        Why there is no test.
    examples : int
        Steps of the test; 0 where there is none to take.
    seed : int
    run : RunEvidence or None
    certificates : tuple of CertificateEvidence
    hashes : dict of str to str
        SHA-256 of what the answer is about.
    """

    specification: Question
    answer: CheckReport
    test: SuiteReport | None
    test_reason: str | None
    examples: int
    seed: int
    run: RunEvidence | None
    certificates: tuple[CertificateEvidence, ...]
    hashes: dict[str, str]

    @property
    def verdict(self) -> Verdict:
        """The conjunction of the answer, the test, the certificates and the run, as far as they were asked for."""
        found = [self.answer.verdict, *(each.verdict for each in self.certificates)]
        if self.examples:
            found.append(Verdict.UNDECIDED if self.test is None else self.test.verdict)
        if self.run is not None:
            found.append(self.run.verdict)
        return Verdict.weakest(found)

    def to_json(self) -> dict[str, Any]:
        """Return everything but the page as plain data."""
        return {
            "name": self.answer.name,
            "verdict": self.verdict.value,
            "check": self.answer.to_json(),
            "test": None if self.test is None else self.test.to_json(),
            "test_reason": self.test_reason,
            "run": None if self.run is None else self.run.to_json(),
            "certificates": [each.to_json() for each in self.certificates],
            "hashes": self.hashes,
        }

    def html(self) -> str:
        """Return the page: one file that needs no other and no network.

        Raises
        ------
        InputError
            If jinja2 or matplotlib is not installed.
        """
        from verify.reports.page.render import render

        return render(self)

    def write(self, path: str | PathLike[str], *, force: bool = False) -> None:
        """Write the page to a file that is new or an older report, with `force` to any regular file.

        Raises
        ------
        InputError
            If it cannot or must not be written.
        """
        write_file(Path(path), self.html(), PAGE, force=force)

    def _repr_html_(self) -> str:
        return self.answer._repr_html_()


@certified_environment()
def report(
    spec: str | PathLike[str] | Question,
    *,
    run: str | PathLike[str] | None = None,
    certificates: Iterable[str | PathLike[str]] = (),
    examples: int = DEFAULT_EXAMPLES,
    seed: int = 0,
    seconds: float | None = DEFAULT_SECONDS,
    progress: Callable[[str], None] = lambda message: None,
) -> Evidence:
    """Gather what is proved about a spec file, as a page for people who decide, audit or compare.

    Parameters
    ----------
    spec : path or Question
        A spec file, or what `load_specification` returned.
    run : path, optional
        Folder of a training run of this network: what it records, and what of that is proved again.
    certificates : iterable of path
        Each is recomputed by the independent checker.
    examples : int
        Steps of the property test; 0 leaves it out.
    seed : int
        Of everything random.
    seconds : float or None
        Processor time for check and test; what exceeds its share is undecided.
    progress : callable
        Called with what is being done.

    Returns
    -------
    Evidence

    Raises
    ------
    InputError
        If something given cannot be used, or is about another network.

    Examples
    --------
    >>> evidence = report("examples/xor_skip.toml", examples=5)
    >>> evidence.verdict.value, evidence.test.monotone.violations, evidence.html()[:15]
    ('PROVED', 0, '<!doctype html>')
    """
    if isinstance(examples, bool) or not isinstance(examples, int) or not 0 <= examples <= MOST_EXAMPLES:
        raise InputError("not a number of steps", examples=examples, remedy=f"use 0 to {MOST_EXAMPLES}")
    announce = as_users_code(progress)
    specification = spec if isinstance(spec, Question) else load_specification(Path(spec))
    problem, asked = specification.problem, specification.asked
    hashes = _hashes(specification)
    found_certificates = []
    for path in certificates:
        announce("recomputing a certificate")
        found_certificates.append(read_certificate(Path(path), problem))
    found_run = None if run is None else read_run(Path(run), problem, announce=announce)
    started = time.process_time()
    answer = check(problem, asked, seed=seed, seconds=seconds, progress=announce)
    test, reason = None, None
    if examples:
        left = math.inf if seconds is None else max(_FEWEST_SECONDS, seconds - (time.process_time() - started))
        try:
            with time_limit(left, "the property test"):
                test = run_suite(
                    problem, asked, examples=examples, seed=seed, curvature=answer.curvature, announce=announce
                )
        except OverBudgetError as error:
            reason = error.reason
        except InputError as error:
            reason, examples = f"not tested: {error.what}", 0
    return Evidence(specification, answer, test, reason, examples, seed, found_run, tuple(found_certificates), hashes)


def _hashes(specification: Question) -> dict[str, str]:
    """Return the hashes of the spec file, as `sha256sum` gives it, and of what it stands for."""
    identity = subject(specification.problem, specification.problem.initial_weights)
    found = {
        "network": identity["architecture"],
        "data": identity["data_sha256"],
        "initial weights": identity["initial_weights_sha256"],
    }
    if not isinstance(specification, Specification):
        return found
    content = read_bytes(specification.path, SPEC)
    return {"spec file": hashlib.sha256(content).hexdigest(), **found}
