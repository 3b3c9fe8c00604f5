"""The command group: commands are imported when they are called, errors become one line and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from verify import __version__
from verify.outcomes import DagverifyError

COMMANDS = {
    "campaign": "Falsification: random networks at the edge of their admissible ranges.",
    "certify": "Prove a statement and write it as a certificate.",
    "check": "Assumptions, gradients, Hessian bound and admissible ranges: the whole answer.",
    "explain": "What dominates the Hessian bound, and which change buys how much.",
    "gradients": "Backpropagation of the network: its formulas, their proof, a numerical check.",
    "lint": "Structure of spec files only, without loading data.",
    "range": "Hessian bound and the admissible range of each theorem.",
    "recheck": "Confirm a certificate by recomputing everything that it claims.",
    "test": "Property tests of monotone error decrease.",
    "train": "Training with a proof of every step's decrease.",
}
"""Name and one-line help; the command ``name`` is ``command`` in the module ``verify.cli.name``."""

BAD_INPUT = 2
INTERRUPTED = 130


class LazyGroup(click.Group):
    """A command group that imports a command's module only to run it, and answers errors with one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import and return a command."""
        if name not in COMMANDS:
            return None
        return importlib.import_module(f"verify.cli.{name}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; the error for an unknown one names the nearest."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            remedy = f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(COMMANDS)}"
            raise click.UsageError(f"no such command: command={args[0]!r}; {remedy}", ctx)
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
        try:
            code = super().main(args, prog_name, standalone_mode=False, **extra)
        except click.ClickException as error:
            _stop(_usage_text(error))
        except (click.Abort, KeyboardInterrupt):
            _stop("interrupted", INTERRUPTED)
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command; everything that goes wrong is one line on stderr and exit code 2."""
        try:
            with warnings.catch_warnings():
                if not sys.warnoptions and not ctx.params["debug"]:
                    warnings.simplefilter("ignore")
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, KeyboardInterrupt):
            raise
        except BrokenPipeError:
            sys.stderr.close()
            raise click.exceptions.Exit(BAD_INPUT) from None
        except DagverifyError as error:
            if ctx.params["debug"]:
                raise
            _stop(str(error))
        except MemoryError:
            _stop("not enough memory; make the problem smaller or the layers narrower")
        except Exception as error:
            if ctx.params["debug"]:
                raise
            _stop(f"internal error: {type(error).__name__}: {error}; --debug shows the traceback")


def _usage_text(error: click.ClickException) -> str:
    text = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    return f"{text}; see {context.command_path} --help" if context is not None and ";" not in text else text


def _stop(text: str, code: int = BAD_INPUT) -> NoReturn:
    error_line(text)
    sys.exit(code)


def error_line(text: str) -> None:
    """Write an error to stderr as one line, whatever characters the text holds."""
    line = " ".join(text.split())
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)
    click.echo(f"error: {shown}", err=True)


@click.group(
    cls=LazyGroup,
    name="dagverify",
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="dagverify")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """Prove that backpropagation with momentum decreases a network's error, and for which settings.

    SPEC is a TOML file that describes a network with skip connections, its data and a region of weights.

    Exit codes: 0 proved, 1 refuted, 2 bad input or usage, 3 undecided.

    \b
    Example:
      dagverify check examples/digits_autoencoder.toml
    """
    # Most products here are of small matrices, on which BLAS threads only wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
