"""Running the command in the same process."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from verify.cli import main


@pytest.fixture
def dagverify() -> Callable[..., Result]:
    """Return a function that runs the command line of its arguments."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run
