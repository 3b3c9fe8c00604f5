"""What all tables of a spec file share: closed keys, exact types, exact numbers."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

LARGEST_EXPONENT = 1023
"""Of a float64; what has more bits is refused as not finite."""


def _exact(value: Any) -> Any:
    """Refuse a whole number that would be read as another one: JSON and TOML have no limit for them, float64 has."""
    if type(value) is int and value.bit_length() <= LARGEST_EXPONENT and int(float(value)) != value:
        raise PydanticCustomError(
            "inexact",
            "not exactly a float64 number",
            {"value": value, "remedy": f"write {float(value)!r}, or scale it"},
        )
    return value


EXACTLY = BeforeValidator(_exact)


class Closed(BaseModel):
    """Base of all tables: exact types, finite numbers, no unknown key."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, table: Any) -> Any:
        if isinstance(table, dict):
            allowed = [field.alias or name for name, field in cls.model_fields.items()]
            for key in table:
                if key not in allowed:
                    raise PydanticCustomError("unknown_key", "unknown key", {"key": key, "allowed": allowed})
        return table
