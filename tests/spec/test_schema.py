"""The published JSON Schema is the one of the models, and tells good spec files from bad ones."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from verify.spec.schema import SCHEMA_FILE, schema_text, spec_schema

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))


def test_published_schema_is_up_to_date() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "run: python -m verify.spec.schema"


def test_schema_is_a_valid_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(spec_schema())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_valid(path: Path) -> None:
    jsonschema.validate(tomllib.loads(path.read_text(encoding="utf-8")), spec_schema())


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize(
    "change",
    [
        ("width = 1", "widht = 1"),
        ("radius = 0.1", "radius = -0.1"),
        ('kind = "ball"', 'kind = "cube"'),
        ('kind = "identity"', 'kind = "identity", offset = 1'),
        ("tau = 0.05", 'tau = "much"'),
        ("tau = 0.05", "tau = 0.05\nmu = 0.5"),
        ("tau = 0.05", ""),
        ('activation = "tanh"', "activation = 3"),
        ("y = [1.0, 0.0]", 'source = "npz:d.npz"'),
    ],
)
def test_bad_files_are_refused(write_spec: Callable[..., Path], change: tuple[str, str]) -> None:
    schema = spec_schema()
    jsonschema.validate(tomllib.loads(write_spec().read_text()), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(write_spec(change).read_text()), schema)
