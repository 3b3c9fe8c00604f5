"""A run's chain of certificates: every link is confirmed, begins where the last one ended, no step is left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flint
import numpy as np

from verify import workers
from verify.arithmetic.environment import as_users_code, certified_environment
from verify.certificates import document, run_files
from verify.certificates.checker import canonical, check_certificate
from verify.certificates.checker.claims import PRECISIONS
from verify.certificates.checker.functions import rational
from verify.certificates.checker.graph import Graph
from verify.certificates.checker.network import Network
from verify.certificates.document import ReadError
from verify.certificates.run_checker.checkpoint import compare_checkpoint
from verify.certificates.run_checker.evaluation import Evaluation, evaluate
from verify.certificates.run_checker.records import RunRecords
from verify.certificates.run_files import RunFiles
from verify.files.kinds import RUN_WEIGHTS
from verify.files.reading import input_size
from verify.outcomes import InputError, Verdict

SHOWN_REASONS = 20
_REMEDY = "train again with --certificates, and leave the files of the run as they are"
_OWN = re.compile(r"[0-9]{6}\.json|subject\.json|\..*\.tmp")


@certified_environment()
def check_run(
    path: str | Path,
    expected: dict[str, Any] | None = None,
    *,
    jobs: workers.Workers = 1,
    announce: Callable[[str], None] = lambda message: None,
) -> dict[str, Any]:
    """Recompute a run's chain of certificates from its data and the weights of its steps.

    Parameters
    ----------
    path : path
        Folder of the run.
    expected : dict, optional
        ``model``, ``objective``, ``data`` and initial ``weights`` that the run must be about, in a certificate's form.
    jobs : int or str
        Processes, or the address of a Dask scheduler.
    announce : callable
        Told what is being done.

    Returns
    -------
    dict
        ``verdict`` (PROVED when everything was confirmed, else UNDECIDED), ``reasons`` (list of str, empty when
        proved), ``kind`` ("run"), ``unit`` ("step", or "epoch" of a run that was guarded by epochs), ``steps``,
        ``certificates``, ``ahead``: how many of the steps were certified before they were taken, ``under_theorem``: how
        many of these are proved to have had the momentum that the theorem allows, so that it speaks of the stored
        weights; the decrease of all of them is confirmed directly; ``not_confirmed``: what the files say beside that
        and was not computed again, by file.

    Raises
    ------
    InputError
        If a file is malformed, or the folder holds no run with certificates.
    """
    check = _RunCheck(RunFiles(path), expected or {}, jobs, as_users_code(announce))
    try:
        reasons = list(check.reasons())
    except ReadError as error:
        raise error.advised(_REMEDY) from None
    except (ArithmeticError, LookupError, TypeError, ValueError, MemoryError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise ReadError(
            "the run cannot be evaluated", where=str(path), reason=f"{type(error).__name__}: {error}"
        ) from error
    hidden = len(reasons) - SHOWN_REASONS
    return {
        "verdict": (Verdict.UNDECIDED if reasons else Verdict.PROVED).value,
        "reasons": reasons[:SHOWN_REASONS] + ([f"and {hidden} more reasons"] if hidden > 0 else []),
        "kind": "run",
        "theorem": None,
        "unit": check.unit,
        **check.counts,
        "not_confirmed": check.not_confirmed,
    }


class _RunCheck:
    def __init__(
        self, files: RunFiles, expected: dict[str, Any], jobs: workers.Workers, announce: Callable[[str], None]
    ) -> None:
        self.files, self.expected, self.jobs, self.announce = files, expected, jobs, announce
        self.not_confirmed: list[str] = []
        self.unit = "step"
        self.counts = {"steps": 0, "certificates": 0, "ahead": 0, "under_theorem": 0}

    def reasons(self) -> Iterator[str]:
        """Yield why the run is not confirmed."""
        records = RunRecords.read(self.files)
        self.unit = records.unit
        self.content, self.digest = run_files.read_subject(self.files.subject)
        model = self.content["model"]
        is_graph = isinstance(model, dict) and "graph" in model
        size = (Graph(model) if is_graph else Network(model)).size
        rows = len(records.lines) + 1
        weights = run_files.read_weights(self.files.weights, size, rows)
        if (found := input_size(self.files.weights, RUN_WEIGHTS)) != 8 * size * rows:
            yield f"{self.files.weights.name}: {found // (8 * size)} rows of weights for {rows - 1} steps"
        if len(weights) == 0 or not np.all(np.isfinite(weights)):
            yield f"{self.files.weights.name}: weights are missing or no finite numbers"
            return
        steps = min(len(records.lines), len(weights) - 1)
        self.counts["steps"] = len(records.lines)
        yield from records.compare_subject(self.content, weights[0])
        yield from self._compare_expected(weights[0])
        links = self._links()
        yield from self._compare_links(links, weights, records)
        ahead = _ahead(links, steps)
        self.counts.update(certificates=len(links), ahead=len(ahead))
        if is_graph and ahead:
            yield "steps are certified ahead, which the checker has no rule for with a graph of operations"
            return
        gradients = [*ahead, steps] if records.claims_small_gradient and not is_graph else ahead
        evaluation = evaluate(self.content, weights[: steps + 1], gradients, self.jobs, self.announce)
        yield from records.compare_steps(evaluation, weights[: steps + 1])
        for link in links:
            if link["kind"] == "horizon" and link["first"] <= steps:
                yield from self._confirm_ahead(link, weights[: steps + 1], evaluation)
        yield from compare_checkpoint(self.files, len(records.lines), weights[steps])
        yield from records.compare_result(evaluation, weights[: steps + 1])
        self.not_confirmed = records.not_confirmed(len(ahead))

    def _compare_expected(self, start: np.ndarray) -> Iterator[str]:
        found = {**self.content, "weights": [value.hex() for value in start.tolist()]}
        for name, value in self.expected.items():
            if canonical(found[name]) != canonical(value):
                yield f"the run is about another {name}"

    def _links(self) -> list[dict[str, Any]]:
        return [run_files.read_link(path) for _, path in self.files.links()]

    def _compare_links(self, links: list[dict[str, Any]], weights: np.ndarray, records: RunRecords) -> Iterator[str]:
        folder = self.files.certificates
        for name in sorted(each.name for each in folder.iterdir()):
            if not _OWN.fullmatch(name):
                yield f"{folder.name}/{name}: foreign file"
            elif name[0].isdigit() and int(name[:6]) >= len(links):
                yield f"{folder.name}/{len(links):06d}.json: missing, though {name} is there"
        end = 0
        for index, link in enumerate(links):
            where, first, last = f"{folder.name}/{index:06d}.json", link["first"], link["last"]
            if link["subject_sha256"] != self.digest:
                yield f"{where}: about another model, objective or data"
            if first != end:
                yield f"{where}: starts at step {first}, the certificate before it ended at {end}"
            if first >= len(weights) or link["weights_sha256"] != run_files.weights_digest(weights[first]):
                yield f"{where}: does not start at the weights of step {first}"
            yield from records.compare_link(link, where, last_of_chain=index == len(links) - 1)
            end = last
        if end < len(records.lines):
            yield f"steps {end + 1} to {len(records.lines)} are covered by no certificate"

    def _confirm_ahead(self, link: dict[str, Any], weights: np.ndarray, evaluation: Evaluation) -> Iterator[str]:
        first, last = link["first"], min(link["last"], len(weights) - 1)
        self.announce(f"confirming the certificate of steps {first + 1} to {link['last']}")
        answer = check_certificate(
            {
                "format": document.FORMAT,
                "version": document.VERSION,
                **{name: link[name] for name in ("tool", "kind", "theorem", "hypotheses", "arithmetic")},
                **self.content,
                "weights": [value.hex() for value in weights[first].tolist()],
                "region": link["region"],
                "claim": link["claim"],
            }
        )
        yield from (f"steps {first + 1} to {link['last']}: {reason}" for reason in answer["reasons"])
        if link["claim"]["steps"] != link["last"] - first:
            yield f"steps {first + 1} to {link['last']}: the claim is about {link['claim']['steps']} steps"
        radius = rational(document.number(link["region"]["radius"], "region.radius"))
        eta, tau = (rational(document.number(link["claim"][name], f"claim.{name}")) for name in ("eta", "tau"))
        with flint.ctx.workprec(PRECISIONS[0]):
            for step in range(first, last):
                if evaluation.momentum_within(step, weights, eta, tau):
                    self.counts["under_theorem"] += 1
                if not evaluation.distance(weights[first], weights[step + 1]) <= radius:
                    yield f"step {step + 1}: the weights left the ball that was certified"


def _ahead(links: list[dict[str, Any]], steps: int) -> list[int]:
    """Steps, counted from 0, that a link of kind ``horizon`` covers."""
    spans = [range(link["first"], min(link["last"], steps)) for link in links if link["kind"] == "horizon"]
    return sorted({step for span in spans for step in span})
