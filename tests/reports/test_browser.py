"""Pages in a browser: quiet, legible in light and dark, at every width, by keyboard and for a screen reader.

They need Chromium and selenium; `make report-tests`, a part of `make test`, installs both and runs them in one process.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reports.chromium import MISSING, open_browser, show
from tests.reports.pages import page
from tests.reports.test_page import SECTIONS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(MISSING != "", reason=f"NOT TESTED: the pages in a browser, for want of {MISSING}"),
]

CSS, TAG = "css selector", "tag name"
TAB, ENTER = "\ue004", "\ue007"
"""Names and keys as the WebDriver protocol has them."""

KINDS = pytest.mark.parametrize("kind", ("proved", "refuted", "hostile"))
SCHEMES = pytest.mark.parametrize("scheme", ("light", "dark"))

CONTRAST = """
const channel = v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
const numbers = text => (text.match(/[\\d.]+/g) || []).map(Number);
const poor = [];
for (const element of document.body.querySelectorAll('*')) {
  const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  if (!own || !element.getClientRects().length) continue;
  const style = getComputedStyle(element);
  let back = element, colour = null;
  while (back && !colour) {
    const found = numbers(getComputedStyle(back).backgroundColor);
    if (found.length === 3) colour = found;
    back = back.parentElement;
  }
  const inPicture = element.namespaceURI.endsWith('svg');
  const front = numbers(inPicture ? style.fill : style.color);
  const [a, b] = [light(front), light(colour || [255, 255, 255])].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  if (!(ratio >= 4.5)) poor.push([element.tagName, element.textContent.trim().slice(0, 40), ratio]);
}
return poor;
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    driver = open_browser()
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    for kind in ("proved", "refuted", "hostile"):
        (folder / f"{kind}.html").write_text(page(kind), encoding="utf-8")
    return folder


def requests(browser: Any) -> list[str]:
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]


@KINDS
def test_no_request_leaves_and_nothing_complains(kind: str, browser: Any, pages: Path) -> None:
    requests(browser), browser.get_log("browser")
    show(browser, pages / f"{kind}.html")
    assert requests(browser) == [(pages / f"{kind}.html").as_uri()]
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.querySelectorAll('script, iframe, img, object, form').length") == 0
    found = {each.get_attribute("id") for each in browser.find_elements(TAG, "section")}
    assert found >= SECTIONS


def test_a_request_would_be_seen(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "loud.html").write_text("<!doctype html><img src='other.png'>", encoding="utf-8")
    requests(browser)
    show(browser, tmp_path / "loud.html")
    assert (tmp_path / "other.png").as_uri() in requests(browser)


def test_the_policy_stops_what_would_run(browser: Any, pages: Path, tmp_path: Path) -> None:
    """The page is quiet even if something got through the escaping."""
    text = page("proved").replace("<main", "<script>document.title = 'ran'</script><img src='other.png'><main", 1)
    (tmp_path / "forged.html").write_text(text, encoding="utf-8")
    browser.get_log("browser")
    show(browser, tmp_path / "forged.html")
    assert browser.title != "ran"
    stopped = [entry["message"] for entry in browser.get_log("browser")]
    assert len(stopped) == 2 and all("Content Security Policy" in each for each in stopped)


@KINDS
@SCHEMES
def test_every_text_has_contrast(kind: str, scheme: str, browser: Any, pages: Path) -> None:
    show(browser, pages / f"{kind}.html", scheme=scheme)
    assert browser.execute_script(CONTRAST) == []


def test_poor_contrast_would_be_seen(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "grey.html").write_text("<!doctype html><body style='background:#fff'><p style='color:#999'>a")
    show(browser, tmp_path / "grey.html")
    assert [each[:2] for each in browser.execute_script(CONTRAST)] == [["P", "a"]]


@KINDS
@pytest.mark.parametrize("width", (320, 360, 768, 1280, 2560))
def test_nothing_is_wider_than_the_window(kind: str, width: int, browser: Any, pages: Path) -> None:
    show(browser, pages / f"{kind}.html", width=width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


SMALL_TEXT = """
const found = [];
for (const text of document.querySelectorAll('figure svg text, .network svg text')) {
  if (text.getClientRects().length && text.getBoundingClientRect().width) {
    const size = parseFloat(getComputedStyle(text).fontSize) * text.ownerSVGElement.getScreenCTM().a;
    if (size < arguments[0]) found.push([text.textContent, size]);
  }
}
return found;
"""
LEAST_PIXELS = 10.5
"""Height of letters in pictures: 8 pt, the smallest that books set in tables."""


@pytest.mark.parametrize("width", (360, 768, 1280))
def test_letters_in_pictures_can_be_read(width: int, browser: Any, pages: Path) -> None:
    show(browser, pages / "proved.html", width=width)
    assert browser.execute_script(SMALL_TEXT, LEAST_PIXELS) == []
    assert len(browser.execute_script(SMALL_TEXT, 100)) > 20


def test_by_keyboard(browser: Any, pages: Path) -> None:
    show(browser, pages / "proved.html")
    body = browser.find_element(TAG, "body")
    body.send_keys(TAB)
    first = browser.switch_to.active_element
    assert first.text.startswith("Skip to") and first.get_attribute("href").endswith("#main")
    cards = browser.find_elements(CSS, ".card")
    assert cards and not any(card.is_displayed() for card in cards)
    vertices = browser.find_elements(CSS, ".network svg a")
    assert len(vertices) == len(cards)
    for vertex, card in zip(vertices, cards, strict=True):
        browser.execute_script("arguments[0].focus()", vertex)
        assert browser.switch_to.active_element == vertex
        vertex.send_keys(ENTER)
        assert [each.is_displayed() for each in cards].count(True) == 1 and card.is_displayed()
    assert not browser.find_element(CSS, ".hint").is_displayed()
    browser.find_element(CSS, ".card:target .back a").click()
    assert not any(card.is_displayed() for card in cards)


def test_tooltips_open_on_focus_within_the_window(browser: Any, pages: Path) -> None:
    content = "return getComputedStyle(arguments[0], '::after').content"
    for width in (360, 1280):
        show(browser, pages / "proved.html", width=width)
        for term in browser.find_elements(CSS, "main a.term")[:12]:
            assert browser.execute_script(content, term) == "none"
            browser.execute_script("arguments[0].focus({focusVisible: true})", term)
            assert term.get_attribute("data-tip")[:20] in browser.execute_script(content, term)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width


@KINDS
def test_what_a_screen_reader_meets(kind: str, browser: Any, pages: Path) -> None:
    show(browser, pages / f"{kind}.html")
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    shown = [node for node in nodes if not node.get("ignored")]
    roles = [node["role"]["value"] for node in shown]
    for landmark in ("banner", "navigation", "main", "contentinfo"):
        assert roles.count(landmark) == 1, landmark
    for node in shown:
        if node["role"]["value"] in ("link", "image", "img", "region", "heading", "DisclosureTriangle"):
            assert node.get("name", {}).get("value", "").strip(), node["role"]["value"]


@KINDS
def test_in_print_everything_is_shown(kind: str, browser: Any, pages: Path) -> None:
    show(browser, pages / f"{kind}.html", media="print", scheme="dark")
    assert browser.execute_script(CONTRAST) == []
    assert all(card.is_displayed() for card in browser.find_elements(CSS, ".card"))
    assert not browser.find_element(TAG, "nav").is_displayed()
    paper = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"])
    assert paper.startswith(b"%PDF") and len(paper) < 5 * 2**20
