"""The reference names what is public, once each, and the command line's page all commands."""

from __future__ import annotations

import importlib
import importlib.util
import re

import pytest

import verify
import verify.sklearn
import verify.strategies
import verify.testing
from docs.build_site import ROOT, commands_page
from verify.cli.app import COMMANDS

PUBLIC = sorted((ROOT / "docs" / "reference").glob("*.md"))
INSIDE = sorted((ROOT / "docs" / "reference" / "inside").glob("*.md"))
NEEDS = {
    r"verify\.(torch|from_torch|importers\.torch)\b": "torch",
    r"verify\.torch\.lightning\b": "pytorch_lightning",
    r"verify\.torch\.hugging_face\b": "transformers",
}
"""Names, and the library without which they cannot be imported."""


def named(page) -> list[str]:
    return re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), re.M)


def test_every_public_name_is_on_one_page() -> None:
    names = [name for page in PUBLIC for name in named(page)]
    wanted = {f"verify.{name}" for name in {*verify.__all__, *verify._OPTIONAL} if name != "__version__"}
    wanted |= {f"verify.testing.{name}" for name in verify.testing.__all__}
    wanted |= {f"verify.strategies.{name}" for name in verify.strategies.__all__}
    wanted |= {f"verify.sklearn.{name}" for name in verify.sklearn.__all__}
    torch_names = re.search(
        r"__all__ = \[(.*?)\]", (ROOT / "verify/torch/__init__.py").read_text(encoding="utf-8"), re.S
    )
    wanted |= {f"verify.torch.{name}" for name in re.findall(r'"(\w+)"', torch_names[1])}
    assert wanted <= set(names), f"add a line '::: NAME' to a page of docs/reference: {sorted(wanted - set(names))}"
    assert len(names) == len(set(names))


@pytest.mark.parametrize("page", INSIDE, ids=lambda page: page.stem)
def test_modules_on_the_pages_exist(page) -> None:
    for name in named(page):
        assert (ROOT / (name.replace(".", "/") + ".py")).is_file() or (ROOT / name.replace(".", "/")).is_dir(), name


@pytest.mark.parametrize("page", PUBLIC, ids=lambda page: page.stem)
def test_public_names_say_what_they_are(page) -> None:
    for name in named(page):
        if all(importlib.util.find_spec(library) for start, library in NEEDS.items() if re.match(start, name)):
            module, _, attribute = name.rpartition(".")
            found = getattr(importlib.import_module(module), attribute)
            assert (found.__doc__ or "").strip(), name


def test_every_command_is_on_the_page_of_commands() -> None:
    page = commands_page()
    assert re.findall(r"^## dagverify (\w+)$", page, re.M) == list(COMMANDS)
    assert page.count("Usage: dagverify") == len(COMMANDS) + 1
