"""The independent checker: it believes nothing in a certificate that it did not recompute. See README.md beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import flint

from verify.arithmetic.environment import certified_environment
from verify.certificates import document
from verify.certificates.checker.claims import CHECKS, PRECISIONS
from verify.certificates.checker.graph import GraphSubject, NoRuleError, read_any_subject
from verify.certificates.document import ReadError
from verify.outcomes import DagverifyError, Verdict

SUBJECT = {"model", "objective", "data", "weights"}
STATEMENT = {"format", "version", "tool", "kind", "theorem", "arithmetic", "hypotheses", "region", "claim"}
Content = dict[str, Any]


@certified_environment(products=False)
def check_certificate(certificate: str | Path | Content, expected: Content | None = None) -> Content:
    """Recompute a certificate from its data and weights.

    Parameters
    ----------
    certificate : path or dict
        File, or its parsed content.
    expected : dict, optional
        ``model``, ``objective``, ``data`` and ``weights`` that the certificate must be about, in the
        certificate's own form.

    Returns
    -------
    dict
        ``verdict`` (a `Verdict` name: PROVED when everything was confirmed, else UNDECIDED), ``reasons`` (list of
        str, empty when proved), ``kind``, ``theorem``.

    Raises
    ------
    InputError
        If the certificate is malformed or about something else than it says.
    """
    content = certificate if isinstance(certificate, dict) else document.read_document(certificate)
    reasons: list[str] = []
    try:
        with flint.ctx.workprec(PRECISIONS[0]):
            _check_statement(document.fields(content, "certificate", SUBJECT | STATEMENT))
            subject: Any = read_any_subject(content)
            for name, value in (expected or {}).items():
                if canonical(content[name]) != canonical(value):
                    reasons.append(f"the certificate is about another {name}")
            if isinstance(subject, GraphSubject) and content["kind"] in document.OF_ERRORS_NOT_NEGATIVE:
                raise NoRuleError("its error may be negative, which this kind excludes", kind=content["kind"])
            needed, checks = CHECKS[content["kind"]]
            claim = document.fields(content["claim"], "claim", needed)
            for check in checks:
                judgements = [] if reasons else check(subject, content["region"], claim)
                reasons += [reason for is_confirmed, reason in judgements if is_confirmed is not True]
    except NoRuleError as error:
        reasons.append(str(error))
    except DagverifyError:
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError, MemoryError, RecursionError) as error:
        raise ReadError("certificate cannot be evaluated", reason=f"{type(error).__name__}: {error}") from error
    verdict = Verdict.UNDECIDED if reasons else Verdict.PROVED
    return {"verdict": verdict.value, "reasons": reasons, "kind": content["kind"], "theorem": content["theorem"]}


def canonical(field: Any) -> tuple[str, list[str]]:
    """Text of a field whatever the order of its keys, and the order of the nodes, which orders the weights."""
    return json.dumps(field, sort_keys=True), list(field.get("nodes", {}) if isinstance(field, dict) else {})


def _check_statement(content: dict[str, Any]) -> None:
    kind, tool = content["kind"], content["tool"]
    if kind not in CHECKS or not isinstance(tool, str) or not re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", tool):
        raise ReadError("unknown kind, or unreadable version of the tool", where="kind, tool", kind=kind, tool=tool)
    fixed = {"format": document.FORMAT, "version": document.VERSION, **document.statement(kind, content["claim"])}
    for name, value in fixed.items():
        if content[name] != value or type(content[name]) is not type(value):
            raise ReadError("another format, or altered", where=name, found=content[name], expected=value)
