"""The vocabulary of networks: one file for each operation, found by name in `OPERATIONS`."""

import importlib
import pkgutil

from verify.operations.operation import OPERATIONS, LinearOperation, Operation

__all__ = ["OPERATIONS", "LinearOperation", "Operation"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
