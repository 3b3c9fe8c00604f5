"""Whole numbers in files: of any length and in any notation they are read or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from verify.baseline.reading import read_baseline
from verify.certificates.document import read_document
from verify.outcomes import InputError
from verify.spec.document import read_document as read_spec
from verify.whole_numbers import LARGEST, oversized, whole_number

SPEC = """output = "y"
data = {x = [[0.0]], y = [[0.0]]}
nodes.x = {width = 1}
nodes.y = {width = WIDTH, activation = "tanh", inputs = ["x"], bias = BIAS}
region = {kind = KIND, radius = 0.1}
weights = {seed = SEED}
"""
VALUES = {"WIDTH": "1", "BIAS": "true", "KIND": '"ball"', "SEED": "0"}
LONG = ["0x" + "f" * 6000, "0o" + "7" * 9000, "0b" + "1" * 9000, "9" * 4000, "9" * 20]


def _spec(path: Path, **changed: str) -> Path:
    text = SPEC
    for name, value in {**VALUES, **changed}.items():
        text = text.replace(name, value)
    path.write_text(text)
    return path


@pytest.mark.parametrize("key", VALUES)
@pytest.mark.parametrize("literal", LONG, ids=["hexadecimal", "octal", "binary", "decimal", "twenty digits"])
def test_a_long_number_is_refused_where_it_stands(key: str, literal: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_spec(_spec(tmp_path / "s.toml", **{key: literal}))
    text = str(caught.value)
    assert "whole number too large" in text
    assert text.startswith(f"{tmp_path / 's.toml'}:")
    assert "\n" not in text
    assert len(text) < 400


def test_the_largest_is_read(tmp_path: Path) -> None:
    assert read_spec(_spec(tmp_path / "s.toml", SEED=str(LARGEST))).content.weights.seed == LARGEST


@pytest.mark.parametrize("digits", [20, 5000])
def test_json_is_bounded_too(digits: int, tmp_path: Path) -> None:
    file = tmp_path / "j.json"
    file.write_text('{"name": ' + "9" * digits + "}")
    for reader in (read_baseline, read_document):
        with pytest.raises(InputError, match="whole number too large"):
            reader(file)


@pytest.mark.parametrize("value", [LARGEST, -LARGEST])
def test_the_bound_itself_is_read(value: int) -> None:
    assert whole_number(str(value)) == value
    assert oversized([value]) is None
    with pytest.raises(InputError):
        whole_number(str(value * 10))
    assert oversized({"a": [value * 10]}) == ("a", 0)


def test_an_error_can_show_any_number() -> None:
    assert "a number too long to show" in str(InputError("refused", value=16**6000))
