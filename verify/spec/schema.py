"""The published JSON Schema of the spec file.

Run ``python -m verify.spec.schema`` after a change of the models: it rewrites ``spec.schema.json``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SCHEMA_FILE = Path(__file__).with_name("spec.schema.json")


def spec_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a spec file, generated from the models."""
    from verify.spec.models import SpecFile

    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **SpecFile.model_json_schema(by_alias=True),
        "title": "dagverify spec file",
    }


def schema_text() -> str:
    """Return the schema as it is published."""
    return json.dumps(spec_schema(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
