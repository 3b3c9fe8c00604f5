"""The independent checker: it believes nothing in a certificate that it did not recompute. See README.md beside it."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import flint

from verify.certificates import document
from verify.certificates.checker.claims import CHECKS, PRECISIONS, Subject
from verify.certificates.checker.network import Network
from verify.outcomes import DagverifyError, InputError, Verdict

__all__ = ["check_certificate"]

_FIELDS = {
    "format", "version", "tool", "kind", "theorem", "arithmetic", "hypotheses",
    "model", "objective", "data", "weights", "region", "claim",
}  # fmt: skip


def check_certificate(
    certificate: str | Path | dict[str, Any], expected: dict[str, Any] | None = None
) -> dict[str, Any]:
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
    try:
        with flint.ctx.workprec(PRECISIONS[0]):
            subject = _subject(content)
            claim = content["claim"]
            if not isinstance(claim, dict):
                raise InputError("claim must be an object", where="claim")
            if content["kind"] == "step" and "next" in claim:
                claim = {**claim, "next": _weights(claim["next"], subject.network, "claim.next")}
            reasons = list(CHECKS[content["kind"]](subject, claim))
    except DagverifyError:
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError, MemoryError, RecursionError) as error:
        raise InputError("certificate cannot be evaluated", reason=f"{type(error).__name__}: {error}") from error
    for name, value in (expected or {}).items():
        if content.get(name) != value:
            reasons.append(f"the certificate is about another {name}")
    return {
        "verdict": (Verdict.UNDECIDED if reasons else Verdict.PROVED).value,
        "reasons": reasons,
        "kind": content["kind"],
        "theorem": content["theorem"],
    }


def _subject(content: dict[str, Any]) -> Subject:
    if set(content) != _FIELDS:
        wrong = sorted(set(content) ^ _FIELDS)
        raise InputError("missing or unknown fields", where="certificate", fields=wrong)
    kind = content["kind"]
    if content["format"] != document.FORMAT or content["version"] != document.VERSION or kind not in CHECKS:
        raise InputError(
            "no certificate of this format", format=content["format"], version=content["version"], kind=kind
        )
    for name, fixed in document.statement(kind).items():
        if content[name] != fixed:
            raise InputError("the statement was altered", where=name, found=content[name], expected=fixed)
    if not isinstance(content["tool"], str) or not re.fullmatch(r"\d+\.\d+\.\d+", content["tool"]):
        raise InputError("unreadable version of the tool", where="tool", tool=content["tool"])
    network = Network(content["model"])
    inputs, targets = _data(content["data"], network)
    divisor, weight_decay = _objective(content["objective"], len(inputs))
    weights = _weights(content["weights"], network, "weights")
    region = content["region"]
    if (region is None) != (kind == "step") or not (region is None or isinstance(region, dict)):
        raise InputError("a region stands in every kind but a step", where="region", kind=kind)
    return Subject(network, inputs, targets, divisor, weight_decay, weights, region)


def _data(data: Any, network: Network) -> tuple[list[list[float]], list[list[float]]]:
    if not isinstance(data, dict) or set(data) != {"inputs", "targets", "sha256"}:
        raise InputError("data need inputs, targets and sha256", where="data")
    inputs = document.float64_table(data["inputs"], "data.inputs")
    targets = inputs if data["targets"] == "inputs" else document.float64_table(data["targets"], "data.targets")
    widths = [sum(network.vertices[n].width for n in names) for names in (network.inputs, network.outputs)]
    if len(inputs) != len(targets) or [len(inputs[0]), len(targets[0])] != widths:
        raise InputError("shapes of data and model disagree", where="data", model=widths)
    if document.table_digest([inputs, targets]) != data["sha256"]:
        raise InputError("data and their hash disagree", where="data.sha256")
    return inputs, targets


def _objective(objective: Any, samples: int) -> tuple[int, Any]:
    if not isinstance(objective, dict) or set(objective) != {"loss", "reduction", "weight_decay"}:
        raise InputError("objective needs loss, reduction and weight_decay", where="objective")
    if objective["loss"] != "half-squared-error" or objective["reduction"] not in ("mean", "sum"):
        raise InputError("unknown objective", where="objective", objective=objective)
    weight_decay = document.number(objective["weight_decay"], "objective.weight_decay")
    if weight_decay < 0:
        raise InputError("weight decay must not be negative", where="objective.weight_decay")
    return (samples if objective["reduction"] == "mean" else 1), weight_decay


def _weights(texts: Any, network: Network, where: str) -> list[float]:
    weights = document.float64_list(texts, where)
    if len(weights) != network.size:
        raise InputError("wrong number of weights", where=where, found=len(weights), expected=network.size)
    if not all(map(math.isfinite, weights)):
        raise InputError("weights must be finite", where=where)
    return weights
