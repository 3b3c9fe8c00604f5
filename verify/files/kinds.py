"""Which files there are: how large an input may be, and by what an output is recognised as one of ours."""

from __future__ import annotations

import stat
from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True)
class InputKind:
    """A kind of file that is read.

    Parameters
    ----------
    name : str
        With its article.
    limit : int
        Bytes from which on a file is refused.
    remedy : str
        What to give instead of something that is no such file.
    smaller : str
        What to do about one that is too large.
    """

    name: str
    limit: int
    remedy: str
    smaller: str


SPEC = InputKind(
    "a spec",
    32 * MIB,
    "give the path of a TOML spec file",
    'keep the data in an .npz file and name it: source = "npz:data.npz"',
)
BASELINE = InputKind(
    "a baseline",
    32 * MIB,
    "write it with: dagverify check SPEC --json > last.json",
    "write it with: dagverify check SPEC --json > last.json",
)
CERTIFICATE = InputKind(
    "a certificate",
    1024 * MIB,
    "give a file that dagverify certify wrote, or the folder of a run",
    "certify with fewer samples",
)
CSV = InputKind(
    "a table of comma-separated values",
    256 * MIB,
    "give the path of a .csv file with a line of column names",
    "store the numbers in an .npz file (numpy.savez)",
)
PARQUET = InputKind(
    "a Parquet table",
    2048 * MIB,
    "give the path of a .parquet file",
    "store the numbers in an npy folder, which is memory-mapped",
)
CAMPAIGN = InputKind("a campaign", 4096 * MIB, "give a file that is new or holds a campaign", "give another file")
RUN_DESCRIPTION = InputKind(
    "the description of a run", MIB, "give the folder that dagverify train wrote", "start again in another folder"
)
RUN_RESULT = InputKind(
    "the result of a run", MIB, "give the folder that dagverify train wrote", "start again in another folder"
)
RUN_LINES = InputKind(
    "the steps of a run", 4096 * MIB, "give the folder that dagverify train wrote", "train in several runs"
)
RUN_WEIGHTS = InputKind(
    "the weights of a run", 2**40, "give the folder that dagverify train wrote", "train in several runs"
)
NPZ = InputKind(
    "an archive of arrays",
    2048 * MIB,
    "give the path of an .npz file (numpy.savez)",
    'use source = "npy:folder", which is memory-mapped',
)
NPY = InputKind(
    "an array", 2**46, "give a folder that holds x.npy and y.npy (numpy.save)", "give an array of fewer samples"
)

ONNX = InputKind("an ONNX model", 1024 * MIB, "give the path of an .onnx file", "use a smaller network")
ONNX_DATA = InputKind(
    "the numbers of an ONNX model", 2048 * MIB, "keep it in the folder of the .onnx file", "use a smaller network"
)


@dataclass(frozen=True)
class OutputKind:
    """A kind of file that is written.

    Parameters
    ----------
    name : str
        With its article.
    begins : tuple of bytes
        What the file begins with; one of them.
    mark : bytes
        What stands near its beginning or its end and says that it is ours.
    """

    name: str
    begins: tuple[bytes, ...]
    mark: bytes

    def recognises(self, beginning: bytes, end: bytes) -> bool:
        """Whether a file with this beginning and end is one of ours, or empty.

        Examples
        --------
        >>> COQ_PROOF.recognises(b"(* The step from the weights Before to the weights After", b"")
        True
        >>> COQ_PROOF.recognises(b"Theorem mine : True.", b"Qed.")
        False
        """
        if not beginning:
            return True
        return beginning.startswith(self.begins) and (self.mark in beginning or self.mark in end)


JUNIT_MARK = "<!-- dagverify -->"
PICTURE_MARK = "dagverify"
PAGE_MARK = '<meta name="generator" content="dagverify report">'
NEW_FILE = OutputKind("a new file", (), b"")
"""Nothing that stands there already is replaced."""
JUNIT = OutputKind("a JUnit report", (b"<?xml",), JUNIT_MARK.encode())
SARIF = OutputKind("a SARIF report", (b"{",), b'"name": "dagverify"')
CERTIFICATE_FILE = OutputKind("a certificate", (b"{",), b'"format": "dagverify-certificate"')
COQ_PROOF = OutputKind("a Coq proof of a step", (b"(* The step from the weights Before",), b"weights After")
PICTURE = OutputKind(
    "a picture",
    (b"\x89PNG", b"%PDF", b'<?xml version="1.0" encoding="utf-8" standalone="no"?>\n<!DOCTYPE svg'),
    PICTURE_MARK.encode(),
)
PAGE = OutputKind("a report page", (b"<!doctype html>",), PAGE_MARK.encode())


def kind_of(mode: int) -> str:
    """Return in words what an `st_mode` is.

    Examples
    --------
    >>> kind_of(stat.S_IFIFO), kind_of(stat.S_IFDIR)
    ('named pipe', 'directory')
    """
    words = {
        stat.S_IFREG: "file",
        stat.S_IFDIR: "directory",
        stat.S_IFLNK: "symbolic link",
        stat.S_IFIFO: "named pipe",
        stat.S_IFSOCK: "socket",
        stat.S_IFCHR: "device",
        stat.S_IFBLK: "device",
    }
    return words.get(stat.S_IFMT(mode), "special file")
