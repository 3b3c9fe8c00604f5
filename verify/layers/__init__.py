"""Layers as practitioners name them, written as formulas of operations: nothing else needs to know them.

Those that a spec file can name are classes, found by name in `LAYERS`: one file each.
"""

import importlib
import pkgutil

from verify.layers.layer import LAYERS, Layer

__all__ = ["LAYERS", "Layer"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
