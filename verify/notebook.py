"""Answers as small tables of HTML, for notebooks: what `_repr_html_` returns."""

from __future__ import annotations

import html
from collections.abc import Iterable

from verify.escaping import page_text

_STYLES = {"PROVED": "✓", "REFUTED": "✕", "UNDECIDED": "?"}
_SHOWN_ROWS = 40
_CELL = 300
_TOP = ' style="text-align:left;vertical-align:top;padding-right:1em"'


def table(title: str, rows: Iterable[tuple[str, str]], verdict: str | None = None) -> str:
    """Return a table of two columns with a caption; every text is escaped, long ones are shortened.

    Parameters
    ----------
    title : str
        What the table is about.
    rows : iterable of (name, value)
        More than forty are counted, not shown.
    verdict : str, optional
        Shown behind the title, with a sign of its own beside the word.

    Examples
    --------
    >>> table("net <1>", [("L", "2.5")], "PROVED")[:84]
    '<table class="dagverify"><caption style="text-align:left"><b>net &lt;1&gt;</b>: ✓ PR'
    """
    listed = [(name, value) for name, value in rows]
    shown = listed[:_SHOWN_ROWS]
    if len(listed) > len(shown):
        shown.append(("...", f"{len(listed) - len(shown)} more"))
    answer = "" if verdict is None else f": {_STYLES.get(verdict, '')} {_text(verdict)}"
    body = "".join(
        f'<tr><th scope="row"{_TOP}>{_text(name)}</th><td{_TOP}>{_text(value)}</td></tr>' for name, value in shown
    )
    caption = f'<caption style="text-align:left"><b>{_text(title)}</b>{answer}</caption>'
    return f'<table class="dagverify">{caption}<tbody>{body}</tbody></table>'


def _text(text: str) -> str:
    return html.escape(page_text(text, _CELL))
