"""Files are opened in `verify.files`, which looks at them first; whatever opens or makes one elsewhere has a reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.sources import sources

METHODS = {"open", "fdopen", "read_text", "read_bytes", "write_text", "write_bytes"}
"""Methods of a path, and functions of `os`, that open a file."""
FUNCTIONS = {
    "load": {"np", "numpy", "torch", "onnx"},
    "fromfile": {"np", "numpy"},
    "memmap": {"np", "numpy"},
    "ZipFile": {"zipfile"},
    "mkstemp": {"tempfile"},
    "mkdtemp": {"tempfile"},
    "NamedTemporaryFile": {"tempfile"},
    "TemporaryDirectory": {"tempfile"},
}
"""Functions that open or make a file, and the modules that they belong to."""
ELSEWHERE = {
    ("verify/certificates/coq/compiler.py", "TemporaryDirectory"): "what Coq compiles, in a folder of its own",
    ("verify/certificates/coq/compiler.py", "write_text"): "in this folder",
    ("verify/cli/app.py", "open"): "os.devnull in the place of a closed stream",
    ("verify/cli/output.py", "open"): "os.devnull in the place of a stream that takes nothing",
    ("verify/cli/failures.py", "mkstemp"): "the report of an internal error, wherever there is room",
    ("verify/cli/failures.py", "fdopen"): "this report",
    ("verify/cli/init.py", "read_bytes"): "the package's own examples",
    ("verify/importers/onnx/child.py", "open"): "os.devnull in the place of the child's stdout",
    ("verify/importers/onnx/child.py", "fdopen"): "this stdout itself, for the answers",
    ("verify/reports/page/render.py", "read_text"): "the package's own template",
    ("verify/spec/schema.py", "write_text"): "of the package's own source, not at run time",
    ("verify/workers/processes.py", "fdopen"): "memory for what workers are prepared with",
    ("verify/workers/processes.py", "open"): "this memory, in a worker",
    ("dagverify_pytest/pyproject.py", "read_text"): "pytest has read it before",
}


def opened(source: str) -> Iterator[str]:
    """Yield what opens a file in a program's text."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name("open" as name):
                    yield name
                case ast.Attribute(ast.Name(owner), name) if owner in FUNCTIONS.get(name, ()):
                    yield name
                case ast.Attribute(ast.Name("reading"), _):
                    pass  # of verify.files
                case ast.Attribute(_, name) if name in METHODS:
                    yield name


def test_no_file_is_opened_elsewhere() -> None:
    found = {
        (place, name)
        for place, source in sources(rf"\b({'|'.join([*METHODS, *FUNCTIONS])})\(")
        for name in opened(source)
        if not place.startswith("verify/files/")
    }
    assert found - set(ELSEWHERE) == set(), "open it with verify.files, or say here why not"
    assert set(ELSEWHERE) - found == set(), "reasons for what is no more"


def test_openers_are_seen() -> None:
    seen = "open(p); p.open('rb'); os.open(p, 0); np.load(p); zipfile.ZipFile(p); p.read_bytes()"
    assert sorted(opened(seen)) == ["ZipFile", "load", "open", "open", "open", "read_bytes"]
    assert list(opened("read_text(path, SPEC); reading.read_text(p); json.loads(text); stream.write(b)")) == []
