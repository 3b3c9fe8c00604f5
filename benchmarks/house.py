"""The package's size and shape at two revisions: lines, files, walks through the graph, names that mean two things.

    python benchmarks/house.py --before 02e287b --out benchmarks/house.md

Read from git with Python's own parser, nothing is imported. Lines of code leave out blank lines, comments and
docstrings. A walk is a function that loops over a graph's vertices in an order in which values flow: `.order` of an
architecture, or the steps of a graph of operations. A name means two things if classes in two modules bear it; the
checker, which has its own implementation of the vocabulary, counts by itself.
"""

from __future__ import annotations

import argparse
import ast
import io
import subprocess
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ORDERS = {"order", "_order", "steps", "_steps", "instructions"}
"""Attributes that hold vertices or operations in the order of evaluation."""
LONGEST = 350
CHECKER = "verify/certificates/checker"


@dataclass
class House:
    """What was counted at one revision."""

    lines: dict[str, int] = field(default_factory=dict)
    walks: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    classes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def twofold(self) -> list[str]:
        """Names of classes that stand in several modules of the prover, or of the checker."""
        found = set()
        for name, files in self.classes.items():
            of_checker = {file for file in files if file.startswith(CHECKER)}
            if len(of_checker) > 1 or len(set(files) - of_checker) > 1:
                found.add(name)
        return sorted(found)

    def rows(self) -> dict[str, str]:
        """Return the figures by name."""
        files = len(self.lines)
        total = sum(self.lines.values())
        operations = len([name for name in self.lines if _is_kind(name, "operations")])
        losses = len([name for name in self.lines if _is_kind(name, "losses")])
        layers = len([name for name in self.lines if _is_kind(name, "layers")])
        walks = {name: found for name, found in self.walks.items() if not name.startswith(CHECKER)}
        return {
            "files": str(files),
            "lines of code": str(total),
            "lines of code a file": f"{total / files:.0f}",
            f"files of more than {LONGEST} lines of code": str(sum(n > LONGEST for n in self.lines.values())),
            "files of operations, layers, losses": f"{operations}, {layers}, {losses}",
            "functions that walk through the graph, the checker's left out": str(sum(map(len, walks.values()))),
            "files with such a function": str(len(walks)),
            "names of classes that mean two things": f"{len(self.twofold)} ({', '.join(self.twofold) or 'none'})",
        }


def _is_kind(path: str, folder: str) -> bool:
    parent, _, name = path.rpartition("/")
    return parent == f"verify/{folder}" and not name.startswith("_")


def house(revision: str) -> House:
    """Count at a revision."""
    found = House()
    for path, text in sources(revision):
        tree = ast.parse(text)
        found.lines[path] = lines_of_code(text, tree)
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef) and any(map(_is_order, _iterated(function))):
                found.walks[path].append(function.name)
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.classes[node.name].append(path)
    return found


def sources(revision: str) -> Iterator[tuple[str, str]]:
    """Yield path and text of the package's modules."""
    listed = _git("ls-tree", "-r", "--name-only", revision, "verify").split()
    for path in listed:
        if path.endswith(".py"):
            yield path, _git("show", f"{revision}:{path}")


def lines_of_code(text: str, tree: ast.Module) -> int:
    """Return the lines that hold a token of code."""
    skipped = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    empty = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines = Counter(
        line
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in empty
        for line in range(token.start[0], token.end[0] + 1)
    )
    return len(set(lines) - skipped)


def _iterated(function: ast.FunctionDef) -> Iterator[ast.expr]:
    inner = {
        id(each)
        for node in ast.walk(function)
        if isinstance(node, ast.FunctionDef) and node is not function
        for each in ast.walk(node)
    }
    for node in ast.walk(function):
        if id(node) in inner:
            continue
        if isinstance(node, ast.For | ast.comprehension):
            yield node.iter


def _is_order(iterated: ast.expr) -> bool:
    while isinstance(iterated, ast.Call) and iterated.args:
        iterated = iterated.args[0]
    if isinstance(iterated, ast.Subscript):
        iterated = iterated.value
    return isinstance(iterated, ast.Attribute) and iterated.attr in ORDERS


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Print the table of two revisions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", required=True, help="revision")
    parser.add_argument("--after", default="HEAD", help="revision")
    parser.add_argument("--walks", action="store_true", help="list the functions, too")
    parser.add_argument("--out", type=Path, help="where the table goes; default: stdout")
    given = parser.parse_args()
    before, after = house(given.before), house(given.after)
    lines = ["# The house before and after", "", f"    python benchmarks/house.py --before {given.before}", ""]
    lines += ["| | before | after |", "|---|---|---|"]
    old, new = before.rows(), after.rows()
    lines += [f"| {name} | {old[name]} | {new[name]} |" for name in old]
    if given.walks:
        lines += ["", *(f"{path}: {', '.join(names)}" for path, names in sorted(after.walks.items()))]
    text = "\n".join(lines) + "\n"
    if given.out is None:
        print(text, end="")
    else:
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
