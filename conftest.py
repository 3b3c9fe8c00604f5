"""Doctests of a part whose extra is not installed are not collected."""

import importlib.util

collect_ignore_glob = (
    [] if importlib.util.find_spec("torch") else ["verify/torch/*", "verify/importers/torch/*", "tests/zoo/modules.py"]
)
