"""The command group: commands are imported when they are called, errors become one line and an exit code."""

from __future__ import annotations

import importlib
import io
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from verify import __version__
from verify.cli.failures import Interrupted, close_streams, report_failure
from verify.cli.usage import Command, nearest, usage_error
from verify.outcomes import InputError

NAME = "dagverify"

COMMANDS = {
    "campaign": "Falsification: random networks at the edge of their admissible ranges.",
    "certify": "Prove a statement and write it as a certificate.",
    "check": "Assumptions, gradients, Hessian bound and admissible ranges: the whole answer.",
    "converge": "Train, and prove that a minimum has been reached.",
    "explain": "What dominates the Hessian bound, and which change buys how much.",
    "gradients": "Backpropagation of the network: its formulas, their proof, a numerical check.",
    "init": "A new spec file from data, or the examples.",
    "lint": "Structure of spec files only, without loading data.",
    "range": "Hessian bound and the admissible range of each theorem.",
    "recommend": "Which learning rate and momentum are safe, without a region.",
    "report": "What is proved, as an HTML page for people.",
    "recheck": "Confirm a certificate by recomputing everything that it claims.",
    "sweep": "Training at every pair of learning rates and momenta, each step decided.",
    "test": "Property tests of monotone error decrease.",
    "train": "Training with a proof of every step's decrease.",
}
"""Name and one-line help; the command ``name`` is ``command`` in the module ``verify.cli.name``."""


class LazyGroup(click.Group):
    """A command group that imports a command's module only to run it, and answers errors with one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import and return a command."""
        return Command.of(importlib.import_module(f"verify.cli.{name}").command) if name in COMMANDS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; the error for an unknown one names the nearest."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise InputError("no such command", command=args[0], remedy=nearest(args[0], list(COMMANDS)))
        return super().resolve_command(ctx, args)

    def main(  # type: ignore[override]  # click's overloads tell the two modes apart
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        *,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line; in standalone mode leave with the exit code."""
        if not standalone_mode:
            return super().main(args, prog_name, standalone_mode=False, **extra)
        words = list(sys.argv[1:] if args is None else args)
        _prepare_streams()
        try:
            code = super().main(words, prog_name or NAME, standalone_mode=False, **extra)
        except click.UsageError as error:
            code = report_failure(usage_error(error), words, debug=words[:1] == ["--debug"])
        except (Exception, KeyboardInterrupt) as error:
            code = report_failure(error, words, debug=words[:1] == ["--debug"])
        close_streams()
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command; libraries' warnings are neither shown nor, where the user asked for that, errors."""
        try:
            Path.cwd()
        except OSError as error:
            raise InputError(
                "the working directory cannot be used",
                where=os.environ.get("PWD", "."),
                reason=error.strerror,
                remedy="change to a folder that exists",
            ) from None
        with warnings.catch_warnings():
            warnings.simplefilter("default" if ctx.params["debug"] else "ignore")
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt as error:
                raise Interrupted from error  # click would write a line of its own
            except EOFError as error:
                raise RuntimeError("end of a file") from error  # click would take it for an interrupt


def _prepare_streams() -> None:
    """Occupy the standard descriptors that are closed, and let stdout take every character."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


@click.group(
    cls=LazyGroup,
    name=NAME,
    no_args_is_help=False,
    epilog="\b\nExamples:\n  dagverify init --examples examples/\n  dagverify check examples/xor_skip.toml",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name=NAME)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """Prove that backpropagation with momentum decreases a network's error, and for which settings.

    SPEC is a TOML file that describes a network with skip connections, its data and a region of weights.

    Exit codes: 0 proved, 1 refuted, 2 bad input or usage, 3 undecided, 70 an error of dagverify's own, 74 the answer
    could not be written, 130 interrupted.
    """
    # Most products here are of small matrices, on which BLAS threads only wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
