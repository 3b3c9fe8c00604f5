"""Prove that backpropagation with momentum decreases the error of a network with skip connections."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "DagverifyError": "verify.outcomes",
    "Finding": "verify.outcomes",
    "InputError": "verify.outcomes",
    "Verdict": "verify.outcomes",
}

__all__ = ["__version__", *_PUBLIC]  # noqa: PLE0604 -- the names are the keys of _PUBLIC, all of them strings


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that ``import verify`` costs next to nothing (PEP 562)."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'verify' has no attribute {name!r}")
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


if TYPE_CHECKING:
    from verify.outcomes import DagverifyError, Finding, InputError, Verdict
