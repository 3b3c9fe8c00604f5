"""The operations of a certificate's graph, defined anew entry by entry: one small file for each kind.

They are found by name in `RULES`. Nothing here imports the prover's operations; a name that no file defines is no error
but a reason not to confirm.
"""

import importlib
import pkgutil

from verify.certificates.checker.operations.rule import RULES, Rule

__all__ = ["RULES", "Rule"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
