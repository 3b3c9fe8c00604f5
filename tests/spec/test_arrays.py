"""NumPy files: what is sound is read bit for bit, what is hostile is refused before it is read."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.lib import format as npy_format

from verify.files import arrays
from verify.files.arrays import map_npy, read_npz
from verify.files.stored_table import StoredTable
from verify.outcomes import InputError


def npy_bytes(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def header_only(shape: tuple[int, ...], descr: str = "<f8") -> bytes:
    stream = io.BytesIO()
    npy_format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def write_zip(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i8", "u1", "?", ">f8"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_reads_what_numpy_saved(tmp_path: Path, dtype: str, save) -> None:
    x = np.arange(12).reshape(3, 4).astype(dtype)
    save(tmp_path / "d.npz", x=x, y=np.asfortranarray(x))
    found = read_npz(tmp_path / "d.npz", ("x", "y"))
    np.testing.assert_array_equal(found["x"], x, strict=True)
    np.testing.assert_array_equal(found["y"], x, strict=True)


def test_optional_array_may_be_absent(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=np.ones(3))
    assert set(read_npz(tmp_path / "d.npz", ("x", "y"), optional=("y",))) == {"x"}
    with pytest.raises(InputError, match=r"array missing.*key='y', found=\['x'\]"):
        read_npz(tmp_path / "d.npz", ("x", "y"))


def test_memory_map_is_not_read_into_memory(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(6.0).reshape(2, 3))
    mapped = map_npy(tmp_path / "x.npy")
    assert isinstance(mapped, StoredTable)
    assert not mapped[:].flags.writeable
    np.testing.assert_array_equal(mapped, np.arange(6.0).reshape(2, 3))


class Bomb:
    fired = False

    def __reduce__(self):
        return (setattr, (Bomb, "fired", True))


def test_pickles_are_refused_unopened(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=np.array([Bomb()], dtype=object))
    with pytest.raises(InputError, match=r"pickled objects are not read.*dtype='object'"):
        read_npz(tmp_path / "d.npz", ("x",))
    np.save(tmp_path / "x.npy", np.array([Bomb()], dtype=object))
    with pytest.raises(InputError, match="pickled objects"):
        map_npy(tmp_path / "x.npy")
    (tmp_path / "raw.npz").write_bytes(b"\x80\x04.")
    with pytest.raises(InputError, match=r"not a readable .npz"):
        read_npz(tmp_path / "raw.npz", ("x",))
    assert not Bomb.fired


@pytest.mark.parametrize("dtype", [complex, "U3", "M8[s]", np.longdouble, [("a", "f8")]])
def test_other_kinds_of_entries_are_refused(tmp_path: Path, dtype) -> None:
    np.savez(tmp_path / "d.npz", x=np.zeros(2, dtype=dtype))
    with pytest.raises(InputError, match="not an array of real numbers"):
        read_npz(tmp_path / "d.npz", ("x",))


@pytest.mark.parametrize("shape", [(10**12,), (2**40, 2**40), (4,), (-1,)])
def test_header_must_agree_with_the_content(tmp_path: Path, shape: tuple[int, ...]) -> None:
    lying = header_only(shape) + bytes(24)
    with pytest.raises(InputError, match=r"header does not agree.*claimed=.*available=24"):
        read_npz(write_zip(tmp_path / "d.npz", x=lying), ("x",))
    (tmp_path / "x.npy").write_bytes(lying)
    with pytest.raises(InputError, match="header does not agree"):
        map_npy(tmp_path / "x.npy")


def test_zip_bomb_is_refused_before_it_is_inflated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "MAX_ARRAY_BYTES", 2**20)
    bomb = write_zip(tmp_path / "d.npz", x=npy_bytes(np.zeros(2**18)))
    assert bomb.stat().st_size < 2**12
    with pytest.raises(InputError, match=r"too large.*bytes=2097280"):
        read_npz(bomb, ("x",))


def test_bomb_that_understates_its_size_is_refused(tmp_path: Path) -> None:
    content = npy_bytes(np.zeros(2**16))
    path = write_zip(tmp_path / "d.npz", x=content)
    raw = path.read_bytes()
    assert raw.count(struct.pack("<I", len(content))) == 2
    path.write_bytes(raw.replace(struct.pack("<I", len(content)), struct.pack("<I", 1024)))
    with pytest.raises(InputError, match="Bad CRC-32"):
        read_npz(path, ("x",))


def test_every_truncation_is_an_input_error(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "d.npz", x=np.random.default_rng(0).normal(size=20))
    whole = (tmp_path / "d.npz").read_bytes()
    for length in range(len(whole)):
        (tmp_path / "cut.npz").write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"not a readable .npz"):
            read_npz(tmp_path / "cut.npz", ("x",))


def test_every_flipped_byte_is_an_error_or_harmless(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=20)
    np.savez_compressed(tmp_path / "d.npz", x=x)
    whole = bytearray((tmp_path / "d.npz").read_bytes())
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 0x55
        (tmp_path / "bad.npz").write_bytes(changed)
        try:
            found = read_npz(tmp_path / "bad.npz", ("x",))["x"]
        except InputError:
            continue
        np.testing.assert_array_equal(found, x)


@pytest.mark.parametrize("name", ["absent.npz", "."])
def test_missing_file_and_directory(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"no such file|not a file: kind='directory'"):
        read_npz(tmp_path / name, ("x",))
