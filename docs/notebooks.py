"""The gallery's notebooks as pages: each is executed, and shows what it then printed and drew."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent / "gallery"
SECONDS = 300
"""For a cell; a notebook takes some seconds, a kernel that hangs would otherwise hold the build for ever."""


class NotebookError(AssertionError):
    """A notebook does not run, or complains."""


def text_of(path: Path) -> str:
    """Return the prose of a notebook: its Markdown cells."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def page_of(path: Path) -> tuple[str, dict[str, bytes]]:
    """Execute a notebook with an empty folder as its place, and return its page and the files that the page shows.

    Parameters
    ----------
    path : Path
        Its outputs, if it holds any, are made anew.

    Returns
    -------
    page : str
        Markdown.
    files : dict of str to bytes
        Pictures, by their address relative to the page.

    Raises
    ------
    NotebookError
        If a cell fails, or writes to standard error: a warning on a page is a fault of the page.
    """
    import nbformat
    from nbclient.exceptions import CellExecutionError
    from nbconvert import MarkdownExporter
    from nbconvert.preprocessors import ExecutePreprocessor

    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryDirectory() as settings:
        os.environ["IPYTHONDIR"] = settings
        try:
            quiet = ["--IPKernelApp.log_level=ERROR"]
            execute = ExecutePreprocessor(timeout=SECONDS, kernel_name="python3", extra_arguments=quiet)
            execute.preprocess(notebook, {"metadata": {"path": place}})
        except CellExecutionError as error:
            raise NotebookError(f"{path.name}: {error}") from error
        finally:
            del os.environ["IPYTHONDIR"]
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "stream" and output.name == "stderr":
                raise NotebookError(f"{path.name}: a cell complains: {output.text}")
    page, resources = MarkdownExporter().from_notebook_node(notebook, {"output_files_dir": f"{path.stem}_files"})
    return page, resources["outputs"]
