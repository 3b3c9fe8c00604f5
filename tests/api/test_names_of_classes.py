"""A name means one thing: no two modules of the package have classes of the same name.

The independent checker has its own implementation of the vocabulary, so its names count by themselves.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import verify

PACKAGE = Path(verify.__file__).parent
CHECKER = PACKAGE / "certificates" / "checker"


def twofold(texts: dict[str, str]) -> dict[str, list[str]]:
    """Names of public classes that stand in several modules, with these modules."""
    modules = defaultdict(list)
    for module, text in texts.items():
        for name in set(re.findall(r"^class ([A-Za-z]\w*)", text, re.MULTILINE)):
            modules[name].append(module)
    return {name: sorted(found) for name, found in modules.items() if len(found) > 1}


def test_names_mean_one_thing() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    assert len(texts) > 500
    checker = {str(path): text for path, text in texts.items() if path.is_relative_to(CHECKER)}
    package = {str(path): text for path, text in texts.items() if not path.is_relative_to(CHECKER)}
    assert checker
    assert twofold(package) == {}
    assert twofold(checker) == {}


def test_a_second_meaning_is_found() -> None:
    texts = {"a": "class Row:\n    pass\n", "b": "class _Row: ...\nclass Rows: ...\n", "c": "import a\nclass Row(A):\n"}
    assert twofold(texts) == {"Row": ["a", "c"]}
