"""Inputs: what is no regular file or too large is refused at once, whoever reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import verify
from tests.files.faults import SPECIAL, at_most
from verify import InputError
from verify.baseline.reading import read_baseline
from verify.campaign.run import run_campaign
from verify.certificates.document import read_document
from verify.certificates.run_checker import check_run
from verify.certificates.run_files import read_link, read_subject, read_weights
from verify.files import kinds
from verify.files.arrays import map_npy, read_npz
from verify.files.kinds import SPEC
from verify.files.reading import read_bytes, read_text

SECONDS = 5.0

READERS: dict[str, tuple[Callable[[Path], object], kinds.InputKind]] = {
    "spec": (verify.load_problem, kinds.SPEC),
    "baseline": (read_baseline, kinds.BASELINE),
    "certificate": (read_document, kinds.CERTIFICATE),
    "certificate to check": (verify.check_certificate, kinds.CERTIFICATE),
    "link of a chain": (read_link, kinds.CERTIFICATE),
    "subject of a run": (read_subject, kinds.CERTIFICATE),
    "weights of a run": (lambda path: read_weights(path, 1), kinds.RUN_WEIGHTS),
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


@pytest.mark.parametrize("name", ["run.json", "steps.jsonl", "result.json", "weights.f64", "checkpoint.npz"])
@pytest.mark.parametrize("kind", ["named pipe", "device"])
def test_a_run_is_rechecked_without_hanging(tmp_path: Path, name: str, kind: str) -> None:
    problem = verify.load_problem("examples/xor_skip.toml")
    from verify.training.run_folder import RunFolder
    from verify.training.session import Session
    from verify.training.train import make_rule

    session, folder = Session(problem, make_rule("guarded")), RunFolder(tmp_path / "run", "steps")
    folder.start(session, {})
    folder.run(session, 1)
    (tmp_path / "run" / name).unlink()
    SPECIAL[kind](tmp_path / "run" / name)
    with at_most(SECONDS):
        if name == "checkpoint.npz":
            assert "checkpoint.npz: missing or unreadable" in check_run(tmp_path / "run")["reasons"]
        else:
            with pytest.raises(InputError, match=f"{name}: not a file: kind='{kind}'"):
                check_run(tmp_path / "run")


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
