"""The command ``dagverify``."""

from __future__ import annotations

from verify.cli.app import main

__all__ = ["main"]
