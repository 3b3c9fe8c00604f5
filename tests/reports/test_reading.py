"""The reader of pages sees what it must see: each kind of active part, and markup that needs repair."""

from __future__ import annotations

import pytest

from tests.reports.reading import active_parts, read_page


@pytest.mark.parametrize(
    "part",
    [
        "<script>1</script>",
        "<p onclick='x'>a</p>",
        "<img src='x'>",
        "<a href='https://example.org'>a</a>",
        "<a href='javascript:x'>a</a>",
        "<svg><a xlink:href='x'>a</a></svg>",
        "<style>p { background: url(x) }</style>",
        "<style>@import 'x';</style>",
        "<link rel='stylesheet' href='x.css'>",
        "<meta http-equiv='Refresh' content='0; x'>",
        "<p style='color: red'>a</p>",
        "<form></form>",
    ],
)
def test_active_parts_are_seen(part: str) -> None:
    assert active_parts(read_page(f"<!doctype html><html><body>{part}</body></html>"))


def test_a_quiet_page_has_none() -> None:
    page = read_page("<!doctype html><html><body><a href='#a'>a</a><svg><path d='M 1 1'/></svg></body></html>")
    assert active_parts(page) == [] and page.text == "a"


@pytest.mark.parametrize("text", ["<p><b>a</p></b>", "<p>a", "<p id='a' id='b'>a</p>", "<!-- a -->"])
def test_markup_that_needs_repair_is_refused(text: str) -> None:
    with pytest.raises(AssertionError):
        read_page(text)
