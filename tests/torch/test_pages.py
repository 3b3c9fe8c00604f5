"""Every block of the pages that needs PyTorch is run, with the others of its page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.blocks import page_blocks, pages
from tests.docs.test_pages import run_page

pytest.importorskip("torch")


@pytest.mark.parametrize("page", [page for page in pages() if any(block.needs_torch for block in page_blocks(page))])
def test_blocks_do_what_the_page_says(page: str, tmp_path: Path) -> None:
    run_page(page, tmp_path, "--torch")
