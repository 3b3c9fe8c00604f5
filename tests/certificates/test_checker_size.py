"""The checker stays small enough to be read in one sitting."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

from verify.certificates import checker

MOST_LINES = 843
"""34 of them are the five ranges of a setting, two of which bound many steps from rest too; nine bound a matrix."""
MOST_LINES_OF_GRAPHS = 1070
"""Of the reader of graphs, the sweeps that differentiate them, and all operations with their derivatives, each in a
small file. A third of it are the derivatives, which minima and balls need."""
GRAPHS = ("graph.py", "derivatives.py")
MOST_LINES_OF_A_FILE = 110
LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def code_lines(source: str) -> int:
    """Lines that are neither blank nor a comment nor part of a docstring."""
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            docstrings |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in LAYOUT:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - docstrings)


def test_count_leaves_out_blank_lines_comments_and_docstrings() -> None:
    beginning = '"""One\n\ntwo."""\n\n# three\nx = (\n    1,  # four\n)\n\n\n'
    assert code_lines(beginning) == 3
    assert code_lines(beginning + 'def f():\n    """Five."""\n    return """a\n    b"""\n') == 6


def test_checker_can_be_read_in_one_sitting() -> None:
    folder = Path(checker.__file__).parent
    files = [file for file in folder.glob("*.py") if file.name not in GRAPHS]
    assert sum(code_lines(file.read_text(encoding="utf-8")) for file in files) <= MOST_LINES


def test_the_operations_can_be_read_one_by_one() -> None:
    folder = Path(checker.__file__).parent
    counts = [code_lines(file.read_text(encoding="utf-8")) for file in (folder / "operations").glob("*.py")]
    assert max(counts) <= MOST_LINES_OF_A_FILE
    counts += [code_lines((folder / name).read_text(encoding="utf-8")) for name in GRAPHS]
    assert sum(counts) <= MOST_LINES_OF_GRAPHS
