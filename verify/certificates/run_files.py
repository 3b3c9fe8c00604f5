"""The files by which a training run is certified, as the run writes them and the checker reads them.

``run.json`` names what is trained; ``weights.f64`` holds the weights before the first and after every step, row by
row, as little-endian float64; ``steps.jsonl`` has one line for every step; ``certificates/subject.json`` holds model,
objective and data once for all; ``certificates/000000.json``, ``000001.json``, ... are the links of a chain: each is
about the steps from the row ``first`` to the row ``last``, and starts where the one before ended. A link of kind

- ``horizon`` was made before its steps (theorem `horizon`): the next ``last - first`` steps with (eta, tau) stay in a
  ball around the weights and the error falls;
- ``steps`` was made after them: the error falls by what is claimed at each.

``checkpoint.npz`` binds the files together: it holds the weights ``w``, the number of steps ``index``, the state of the
rule, the length ``lines`` of ``steps.jsonl`` at that moment and the hash of these bytes, the hash of ``run.json``, and
the ``digest`` of all this. Hashes show damage, not fraud: what is claimed is computed again.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from verify.certificates import document
from verify.certificates.document import ReadError
from verify.files.kinds import CERTIFICATE, RUN_WEIGHTS
from verify.files.reading import open_input, read_bytes, text_of

_DIGESTED_ROWS = 4096
SUBJECT_FORMAT, LINK_FORMAT, VERSION = "dagverify-run-subject", "dagverify-run-certificate", 1
KINDS = ("steps", "horizon")
_STATEMENTS = {
    "steps": {"theorem": None, "hypotheses": [], "arithmetic": document.ARITHMETIC},
    "horizon": document.statement("horizon"),
}
LINK_FIELDS = {"format", "version", "tool", "kind", "theorem", "hypotheses", "arithmetic", "subject_sha256"} | {
    "first",
    "last",
    "weights_sha256",
    "region",
    "claim",
}


LINE_FIELDS = {
    "step",
    "error",
    "error_range",
    "error_upper",
    "gradient_norm",
    "eta",
    "tau",
    "eta_until",
    "verdict",
    "decrease",
    "evidence",
    "weight_norm",
    "distance",
    "remaining_radius",
    "weights_sha256",
}
RESULT_FIELDS = {
    "verdict",
    "steps",
    "stopped",
    "verdicts",
    "error",
    "error_upper",
    "proved_decrease",
    "weight_norm",
    "weights_sha256",
    "arithmetic",
}
SUBJECT_FIELDS = {
    "name",
    "architecture",
    "reduction",
    "weight_decay",
    "samples",
    "data_sha256",
    "initial_weights_sha256",
    "region",
}
GRADIENT_TOLERANCE = "gradient tolerance"
"""Why a run stopped that claims |grad E| <= ``settings.gradient_tolerance``."""


class RunFiles:
    """Where the files of a run are.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.description = self.path / "run.json"
        self.lines = self.path / "steps.jsonl"
        self.weights = self.path / "weights.f64"
        self.checkpoint = self.path / "checkpoint.npz"
        self.result = self.path / "result.json"
        self.certificates = self.path / "certificates"
        self.subject = self.certificates / "subject.json"

    def link(self, index: int) -> Path:
        """Return the file of a link of the chain."""
        return self.certificates / f"{index:06d}.json"

    def links(self) -> Iterator[tuple[int, Path]]:
        """Yield the links that stand there without a gap, from the first on."""
        index = 0
        while (path := self.link(index)).exists():
            yield index, path
            index += 1


def link(kind: str, tool: str, subject_sha256: str, first: int, last: int, weights: np.ndarray) -> dict[str, Any]:
    """Return a link of the chain without region and claim; `weights` are those before its first step."""
    return {
        "format": LINK_FORMAT,
        "version": VERSION,
        "tool": tool,
        "kind": kind,
        **_STATEMENTS[kind],
        "subject_sha256": subject_sha256,
        "first": first,
        "last": last,
        "weights_sha256": weights_digest(weights),
    }


def read_link(path: Path) -> dict[str, Any]:
    """Read a link and check its form.

    Raises
    ------
    InputError
        If it is malformed.
    """
    content, where = document.read_document(path), str(path)
    if set(content) != LINK_FIELDS:
        raise ReadError("missing or unknown fields", where=where, expected=sorted(LINK_FIELDS))
    kind, version, first, last = (content[name] for name in ("kind", "version", "first", "last"))
    if content["format"] != LINK_FORMAT or type(version) is not int or version != VERSION or kind not in KINDS:
        raise ReadError("no certificate of this format", where=where, format=content["format"], kind=kind)
    for name, fixed in _STATEMENTS[kind].items():
        if content[name] != fixed:
            raise ReadError("the statement was altered", where=f"{where}: {name}", expected=fixed)
    if not (type(first) is int and type(last) is int and 0 <= first < last):
        raise ReadError("steps must be counted by whole numbers", where=where, first=first, last=last)
    if not isinstance(content["claim"], dict):
        raise ReadError("unreadable claim", where=where, claim=content["claim"])
    return content


def read_subject(path: Path) -> tuple[dict[str, Any], str]:
    """Read ``subject.json``; return model, objective and data, and the file's hash.

    Raises
    ------
    InputError
        If it is missing or malformed.
    """
    text = read_bytes(path, CERTIFICATE)
    content = document.parse_document(text_of(text, path, CERTIFICATE), str(path))
    names = {"model", "objective", "data"}
    if set(content) != names | {"format", "version"} or content["format"] != SUBJECT_FORMAT:
        raise ReadError("no subject of a run", where=str(path), expected=sorted(names))
    if type(content["version"]) is not int or content["version"] != VERSION:
        raise ReadError("unknown version", where=str(path), version=content["version"])
    return {name: content[name] for name in names}, hashlib.sha256(text).hexdigest()


def read_weights(path: Path, size: int, most: int | None = None) -> np.ndarray:
    """Read the complete rows of ``weights.f64``, at most `most`, as an array, (rows, size).

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    with open_input(path, RUN_WEIGHTS) as stream:
        content = bytearray(stream.read(-1 if most is None else most * size * 8))
    rows = len(content) // (size * 8)
    return np.frombuffer(content, dtype="<f8", count=rows * size).reshape(rows, size)


def weights_digest(weights: np.ndarray) -> str:
    """Return the SHA-256 of weights as they stand in ``weights.f64``."""
    return hashlib.sha256(np.ascontiguousarray(weights, dtype="<f8").tobytes()).hexdigest()


def bytes_digest(content: bytes) -> np.ndarray:
    """Return the SHA-256 of bytes as it stands in a checkpoint."""
    return digest_array(hashlib.sha256(content))


def digest_array(digest: Any) -> np.ndarray:
    """Return what a SHA-256 object has come to, as it stands in a checkpoint."""
    return np.frombuffer(digest.digest(), dtype=np.uint8)


def checkpoint_digest(state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the SHA-256 of a checkpoint's arrays but ``digest``: names, types, shapes and numbers."""
    digest = hashlib.sha256()
    for name in sorted(set(state) - {"digest"}):
        array = np.asarray(state[name])
        digest.update(repr((name, array.dtype.str, array.shape)).encode("utf-8"))
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest_array(digest)


def array_digest(tables: Iterable[Any]) -> str:
    """`document.table_digest` of NumPy arrays, read in parts: they may be memory-mapped."""
    digest = hashlib.sha256()
    for table in tables:
        digest.update(struct.pack("<qq", *table.shape))
        for first in range(0, len(table), _DIGESTED_ROWS):
            digest.update(np.ascontiguousarray(table[first : first + _DIGESTED_ROWS], dtype="<f8").tobytes())
    return digest.hexdigest()


def constants_digest(constants: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 of named arrays: labels, shapes and numbers, in the order of the labels."""
    arrays = {label: np.asarray(array, dtype="<f8") for label, array in constants.items()}
    return document.arrays_digest((label, array.shape, array.tobytes()) for label, array in arrays.items())


def model_digest(model: dict[str, Any]) -> str:
    """Return the fingerprint of a network from the field ``model`` of a certificate."""
    if "graph" in model:
        return document.graph_digest(model["graph"])
    canonical = ["dagverify architecture 1", list(model["nodes"].items()), model["outputs"]]
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
