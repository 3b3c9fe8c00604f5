"""The command ``dagverify``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verify.cli.app import main

__all__ = ["main"]


def __getattr__(name: str) -> Any:
    """Import the command group when it is first asked for, so that `entry` can answer an early Ctrl-C."""
    if name == "main":
        from verify.cli.app import main

        return main
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
