"""The page made of the evidence: what the template shows is plain data, escaped where it is written."""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata, resources
from typing import TYPE_CHECKING, Any

from verify import __version__
from verify.escaping import WHOLE, page_text
from verify.files.kinds import PAGE_MARK
from verify.outcomes import InputError

if TYPE_CHECKING:
    from jinja2 import Template

    from verify.reports.evidence import Evidence

_LIBRARIES = ("numpy", "scipy", "python-flint", "networkx", "hypothesis")


def require_libraries() -> None:
    """Raise an error that names the extra when what makes the page is not installed.

    Raises
    ------
    InputError
    """
    import importlib.util

    missing = [name for name in ("jinja2", "matplotlib") if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            "the page of a report needs jinja2 and matplotlib",
            remedy="pip install 'dagverify[report]'",
            missing=", ".join(missing),
        )


def render(evidence: Evidence) -> str:
    """Return the page of the evidence."""
    require_libraries()
    from markupsafe import Markup

    from verify.reports.page.view import view_of

    style = Markup(_text("style.css"))
    return _template().render(view=view_of(evidence), style=style, mark=Markup(PAGE_MARK), versions=_versions())


def _text(name: str) -> str:
    return (resources.files("verify.reports.page") / name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    from verify.plotting.style import MARKS, key_attributes
    from verify.reports.page import glossary

    def shown(value: Any) -> Any:
        return value if isinstance(value, Markup) else page_text(str(value), WHOLE)

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=shown, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(term=glossary.term, marked=glossary.marked, term_id=glossary.term_id)
    environment.globals.update(key_attributes=key_attributes, marks=MARKS)
    return environment.from_string(_text("report.html"))


def _versions() -> list[tuple[str, str]]:
    found = [("dagverify", __version__), ("Python", platform.python_version())]
    return found + [(name, metadata.version(name)) for name in _LIBRARIES]
