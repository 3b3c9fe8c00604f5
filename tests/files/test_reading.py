"""Inputs: what is no regular file or too large is refused at once, whoever reads it."""

from __future__ import annotations

import copy
import io
import os
import pickle
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import verify
from tests.files.faults import SPECIAL, at_most
from verify import InputError
from verify.baseline.reading import read_baseline
from verify.campaign.run import run_campaign
from verify.certificates.document import read_document
from verify.certificates.run_files import read_link, read_subject, read_weights
from verify.files import kinds
from verify.files.arrays import map_npy, read_npz
from verify.files.kinds import CSV, SPEC
from verify.files.reading import open_input, read_bytes, read_text
from verify.files.stored_table import StoredTable
from verify.spec.csv_table import CsvTable
from verify.training.checkpoint import read_checkpoint
from verify.training.recorded_lines import read_lines

SECONDS = 5.0

READERS: dict[str, tuple[Callable[[Path], object], kinds.InputKind]] = {
    "spec": (verify.load_problem, kinds.SPEC),
    "baseline": (read_baseline, kinds.BASELINE),
    "certificate": (read_document, kinds.CERTIFICATE),
    "certificate to check": (verify.check_certificate, kinds.CERTIFICATE),
    "link of a chain": (read_link, kinds.CERTIFICATE),
    "subject of a run": (read_subject, kinds.CERTIFICATE),
    "weights of a run": (lambda path: read_weights(path, 1), kinds.RUN_WEIGHTS),
    "steps of a run": (lambda path: read_lines(path, 1), kinds.RUN_LINES),
    "checkpoint of a run": (lambda path: read_checkpoint(path, 1), kinds.NPZ),
    "table": (CsvTable, kinds.CSV),
    "npz": (lambda path: read_npz(path, ("w",)), kinds.NPZ),
    "npy": (map_npy, kinds.NPY),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", SPECIAL)
def test_special_files_are_refused_at_once(tmp_path: Path, reader: str, kind: str) -> None:
    path = tmp_path / "given"
    SPECIAL[kind](path)
    with at_most(SECONDS), pytest.raises(InputError, match=f"given: not a file: kind='{kind}'; ") as caught:
        READERS[reader][0](path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("reader", READERS)
def test_a_pipe_that_takes_the_place_of_a_file_that_was_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str
) -> None:
    path = tmp_path / "given"
    path.write_bytes(b"{}")
    looked = Path.stat

    def changed(self: Path, **options: Any) -> os.stat_result:
        status = looked(self, **options)
        if self == path and stat.S_ISREG(status.st_mode):
            path.unlink()
            os.mkfifo(path)
        return status

    monkeypatch.setattr(Path, "stat", changed)
    with at_most(SECONDS), pytest.raises(InputError, match="given: not a file: kind='named pipe'; "):
        READERS[reader][0](path)


def test_a_pipe_in_the_place_of_a_table_that_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.arange(6.0))
    for table in (map_npy(path), np.load(path, mmap_mode="r")):
        path.unlink()
        os.mkfifo(path)
        with at_most(SECONDS):
            if isinstance(table, np.memmap):
                assert StoredTable.of_map(table) is None
            else:
                for again in (copy.copy, lambda known: pickle.loads(pickle.dumps(known))):  # noqa: S301 -- made here
                    with pytest.raises(InputError, match=r"x\.npy: not a file: kind='named pipe'"):
                        again(table)
        path.unlink()
        np.save(path, np.arange(6.0))


@pytest.mark.parametrize("reader", READERS)
def test_large_files_are_refused_by_their_size(tmp_path: Path, reader: str) -> None:
    """The files are sparse: reading one would take far longer than looking at its size."""
    read, kind = READERS[reader]
    if kind.limit > 2**43:
        pytest.skip("larger than files can be")
    path = tmp_path / "given"
    path.write_bytes(b"")
    try:
        with path.open("r+b") as stream:
            stream.truncate(kind.limit + 1)
    except OSError:
        pytest.skip("the file system holds no file of this size")
    with at_most(SECONDS), pytest.raises(InputError, match=f"too large for .*bytes={kind.limit + 1}, limit="):
        read(path)


@pytest.mark.parametrize("reader", READERS)
def test_missing_files_are_named(tmp_path: Path, reader: str) -> None:
    with pytest.raises(InputError, match="given: no such file: "):
        READERS[reader][0](tmp_path / "given")


@pytest.mark.parametrize("kind", SPECIAL)
def test_a_campaign_does_not_hang(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "given"
    SPECIAL[kind](path)
    with at_most(SECONDS), pytest.raises(InputError, match="not a regular file: kind="):
        run_campaign(path, networks=1, steps=1, workers=1)


def test_data_and_weights_of_a_spec_may_be_reached_through_links(tmp_path: Path) -> None:
    path = tmp_path / "real.npz"
    np.savez(path, w=np.arange(3.0))
    (tmp_path / "link.npz").symlink_to(path)
    assert read_npz(tmp_path / "link.npz", ("w",))["w"].tolist() == [0.0, 1.0, 2.0]


def test_no_more_is_read_than_the_size_that_was_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "given"
    path.write_bytes(b"abc")
    assert read_bytes(path, SPEC) == b"abc"
    assert read_bytes(Path("/proc/self/maps"), SPEC) == b"", "its size is 0"


def test_what_is_no_text_has_a_line(tmp_path: Path) -> None:
    path = tmp_path / "given"
    path.write_bytes(b"one\ntwo \xff")
    with pytest.raises(InputError, match=r"given:2: not UTF-8 text: byte='0xff', offset=8"):
        read_text(path, SPEC)


def _first_line(stream: Any) -> str:
    with io.TextIOWrapper(stream, encoding="utf-8") as text:
        return text.readline()


class TestAFileWhoseReadingFails:
    """Memory of a process is a regular file of which address 0 cannot be read."""

    PATH = Path("/proc/self/mem")
    MESSAGE = r"/proc/self/mem: cannot read the file: reason='Input/output error'"

    @pytest.mark.parametrize(
        "read",
        [
            lambda stream: stream.read(),
            lambda stream: stream.read(10),
            lambda stream: stream.readline(),
            lambda stream: next(iter(stream)),
            lambda stream: stream.readinto(bytearray(5)),
            _first_line,
        ],
    )
    def test_every_way_of_reading_names_it(self, read: Callable[[Any], object]) -> None:
        with open_input(self.PATH, CSV) as stream, pytest.raises(InputError, match=self.MESSAGE):
            read(stream)

    @pytest.mark.parametrize("reader", READERS)
    def test_every_reader_names_it(self, reader: str) -> None:
        with pytest.raises(InputError, match=str(self.PATH)):
            READERS[reader][0](self.PATH)
