"""Reading and writing certificates: strict JSON, exact numbers, atomic files.

This is all that the prover and the checker share.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
import sys
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from verify.files.kinds import CERTIFICATE, CERTIFICATE_FILE
from verify.files.reading import read_text
from verify.files.writing import write_file
from verify.outcomes import InputError
from verify.whole_numbers import whole_number

FORMAT = "dagverify-certificate"
VERSION = 1

FREE_ENTRIES = 2**21
"""Entries of edge matrices, of some 50 bytes each, that every certificate may ask for."""

ENTRIES_PER_NUMBER = 1024
"""Entries for each weight and datum. A dense edge has one a weight; a convolution, which shares its weights, has more:
one of 3 x 3 from 28 x 28 pixels to 4 channels has 2.1 million, which the 784 pixels of one sample carry."""

REMEDY = "write the certificate again with dagverify certify, and leave it as it is"

ARITHMETIC = "exact reals on the float64 data and weights given"
_STAYS = "the step from w to w + D stays in the region"
_SMALL = "the momentum term is at most tau |grad E(w)|"
_FROM_REST = [
    "the training starts at rest, without a previous step",
    "the momentum term is b D, with b >= 0 and all weights of the last step D, and b |D| is at most tau |grad E(w)|",
]
_STATEMENTS: dict[str, tuple[str | None, list[str]]] = {
    "region": ("sharp", [_STAYS, _SMALL]),
    "from_rest": ("from_rest", [*_FROM_REST, f"{_STAYS}, as all steps before it did"]),
    "restart": ("restart", [_STAYS, f"{_SMALL} and does not point uphill: its product with grad E(w) is at most 0"]),
    "heavy_ball": (
        "heavy_ball",
        [
            "the step is D' = mu D - eta grad E(w), with the claim's eta and mu and the last step D",
            "the step from w to w + D' stays in the region",
        ],
    ),
    "nesterov": (
        "nesterov",
        [
            "the step is D' = mu D - eta grad E(y) with y = w + mu D, the claim's eta and mu and the last step D",
            "w, y and w + D' are in the region",
        ],
    ),
    "step": (None, []),
    "horizon": ("horizon", [f"{_SMALL} at every step"]),
    "from_rest_horizon": ("from_rest", _FROM_REST),
    "weight_decay": ("weight_decay", [f"{_SMALL} at every step"]),
    "from_rest_weight_decay": ("from_rest", _FROM_REST),
    "minimum": ("local_minimum", [f"{_SMALL} at every step"]),
}
KINDS = tuple(_STATEMENTS)
OF_ERRORS_NOT_NEGATIVE = frozenset({"horizon", "from_rest_horizon", "weight_decay", "from_rest_weight_decay"})
"""Kinds whose theorem supposes E >= 0, which holds of half squared errors, and not of every graph of operations."""


_CITED = (
    "converges: Theorem 3.2 of Absil, Mahony and Andrews, SIAM J. Optim. 16 (2005) 531-547, on descent methods for "
    "analytic functions, which is cited and not proved here"
)


class ReadError(InputError):
    """A certificate that cannot be read: all that helps is to write it again."""

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = REMEDY, **values: Any) -> None:
        super().__init__(what, where=where, remedy=remedy, **values)


def statement(kind: str, claim: Any = None) -> dict[str, Any]:
    """Theorem (a step needs none: two errors are compared), hypotheses left to the reader, arithmetic.

    The claim that the weights converge rests on a theorem of the literature, a hypothesis too.
    """
    theorem, hypotheses = _STATEMENTS[kind]
    cited = [_CITED] if isinstance(claim, dict) and claim.get("converges") is True else []
    return {"theorem": theorem, "hypotheses": [*hypotheses, *cited], "arithmetic": ARITHMETIC}


_LARGEST = Fraction(sys.float_info.max)
_NEGATIVE_ZERO = (-0.0).hex()
_HEX_FLOAT = re.compile(r"-?0x[01]\.[0-9a-f]{1,13}p[+-][0-9]{1,4}")
_RATIONAL = re.compile(r"-?[0-9]{1,4000}(/[1-9][0-9]{0,3999})?")


def number(text: Any, where: str) -> Fraction:
    """Read an exact number: a string as `float.hex()` writes it, or a rational ``"p/q"``.

    Raises
    ------
    InputError
        If the text is anything else; decimal fractions, nan and infinities have no place in a certificate.

    Examples
    --------
    >>> number("0x1.8000000000000p-1", "radius"), number("2/3", "eta")
    (Fraction(3, 4), Fraction(2, 3))
    """
    if isinstance(text, str) and len(text) < 9000:
        if _HEX_FLOAT.fullmatch(text):
            try:
                value = float.fromhex(text)
            except OverflowError:
                raise ReadError("number overflows float64", where=where, value=text) from None
            if value.hex() == text:
                return Fraction(value)
        if _RATIONAL.fullmatch(text):
            return Fraction(text)
    raise InputError("not an exact number", where=where, remedy="write float.hex() or 'p/q'", value=text)


def float64(text: Any, where: str) -> float:
    """Read a number that must be a float64 exactly; -0.0 keeps its sign, so that what was hashed is what is read.

    Raises
    ------
    InputError
        If the number is no float64.

    Examples
    --------
    >>> float64("-0x0.0p+0", "data"), float64("1/4", "eta")
    (-0.0, 0.25)
    """
    value = number(text, where)
    if text == _NEGATIVE_ZERO:
        return -0.0
    nearest = float(value) if abs(value) <= _LARGEST else 0.0
    if Fraction(nearest) != value:
        raise ReadError("number is no float64", where=where, value=text)
    return nearest


def positive(text: Any, where: str) -> Fraction:
    """Read an exact number above 0."""
    value = number(text, where)
    if value <= 0:
        raise ReadError("number must be positive", where=where, value=text)
    return value


def float64_list(texts: Any, where: str, length: int | None = None) -> list[float]:
    """Read a list of float64 numbers, of the given length."""
    if not isinstance(texts, list):
        raise ReadError("not a list of numbers", where=where, value=texts)
    if length is not None and len(texts) != length:
        raise ReadError("number of weights and model disagree", where=where, weights=len(texts), model=length)
    return [float64(text, f"{where}[{index}]") for index, text in enumerate(texts)]


def float64_table(rows: Any, where: str) -> list[list[float]]:
    """Read a table of float64 numbers whose rows have equal lengths."""
    if not isinstance(rows, list) or not rows:
        raise ReadError("not a table of numbers with at least one row", where=where, value=rows)
    table = [float64_list(row, f"{where}[{index}]") for index, row in enumerate(rows)]
    lengths = {len(row) for row in table}
    if len(lengths) != 1:
        raise ReadError("rows have different lengths", where=where, lengths=sorted(lengths))
    return table


def table_digest(tables: Iterable[Sequence[Sequence[float]]]) -> str:
    """SHA-256 of tables of float64 numbers: each one's shape and its little-endian bytes, row by row."""
    digest = hashlib.sha256()
    for table in tables:
        digest.update(struct.pack("<qq", len(table), len(table[0])))
        for row in table:
            digest.update(struct.pack(f"<{len(row)}d", *row))
    return digest.hexdigest()


def arrays_digest(arrays: Iterable[tuple[str, tuple[int, ...], bytes]]) -> str:
    """SHA-256 of named arrays of float64 numbers: labels, shapes, little-endian bytes, by labels."""
    digest = hashlib.sha256()
    for label, shape, content in sorted(arrays, key=lambda array: array[0]):
        digest.update(json.dumps([label, list(shape)]).encode("ascii"))
        digest.update(content)
    return digest.hexdigest()


def graph_digest(graph: Any) -> str:
    """SHA-256 of a graph of operations as it stands in a certificate: `verify.graph.graph.Graph.fingerprint`."""
    return hashlib.sha256(json.dumps(graph, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()


def read_document(path: str | Path) -> dict[str, Any]:
    """Read a certificate file as strict JSON.

    Raises
    ------
    InputError
        If the file is missing, not regular, too large, no UTF-8, no JSON object, repeats a key, or holds a number
        literal with a fraction or exponent, nan or infinity.
    """
    return parse_document(read_text(Path(path), CERTIFICATE), str(path))


def parse_document(text: str, where: str = "certificate", *, decimals: bool = False) -> dict[str, Any]:
    """Parse strict JSON text; see `read_document`. With `decimals`, finite number literals stand for float64."""

    def refuse_number(literal: str) -> Any:
        raise ReadError("numbers with fractions must be exact strings", where=where, value=literal)

    def finite(literal: str) -> float:
        if math.isfinite(value := float(literal)):
            return value
        raise ReadError("number overflows float64", where=where, value=literal)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            keys = [key for key, _ in pairs]
            raise ReadError("duplicate key", where=where, key=next(k for k in keys if keys.count(k) > 1))
        return result

    def bounded_integer(literal: str) -> int:
        try:
            return whole_number(literal)
        except InputError as error:
            raise error.at(where) from None

    try:
        document = json.loads(
            text,
            object_pairs_hook=unique,
            parse_float=finite if decimals else refuse_number,
            parse_constant=refuse_number,
            parse_int=bounded_integer,
        )
    except json.JSONDecodeError as error:
        raise ReadError("no valid JSON", where=f"{where}:{error.lineno}", reason=error.msg) from None
    except RecursionError:
        raise ReadError("JSON is nested too deeply", where=where, characters=len(text)) from None
    if not isinstance(document, dict):
        raise ReadError("no JSON object", where=where, type=type(document).__name__)
    return document


def document_text(document: dict[str, Any]) -> str:
    """Return a certificate as it stands in a file."""
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def write_document(document: dict[str, Any], path: str | Path, *, force: bool = False) -> None:
    """Write a certificate to a file that is new or an older certificate, with `force` to any regular file.

    Raises
    ------
    InputError
        If it cannot or must not be written.
    """
    write_file(Path(path), document_text(document), CERTIFICATE_FILE, force=force)


class SizedEdge(Protocol):
    """An edge before its terms are written out."""

    width_in: int
    width_out: int
    row: int


def check_sizes(edges: Iterable[SizedEdge], numbers: int) -> None:
    """Refuse a network whose edge matrices are out of proportion to the numbers that come with it.

    Parameters
    ----------
    edges : iterable
        Each needs a matrix of `width_in` times `width_out` entries, and as many looks as `width_out` times the places
        of its kernel (`row`).
    numbers : int
        Weights and data in the file.

    Raises
    ------
    InputError
    """
    entries = sum(edge.width_out * max(edge.width_in, edge.row) for edge in edges)
    limit = FREE_ENTRIES + ENTRIES_PER_NUMBER * numbers
    if entries > limit:
        raise InputError(
            "the network is too large for the weights and data that come with it",
            where="model",
            entries=entries,
            limit=limit,
            numbers=numbers,
            remedy="certify with more samples or narrower layers",
        )


def fields(data: Any, where: str, needed: set[str], optional: set[str] = frozenset()) -> dict[str, Any]:  # type: ignore[assignment]
    """Return an object that has these fields and no others."""
    if not isinstance(data, dict) or not needed <= set(data) <= needed | optional:
        raise ReadError("missing or unknown fields", where=where, expected=sorted(needed), optional=sorted(optional))
    return data
