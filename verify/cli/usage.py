"""Mistakes on the command line as errors of one line: what, where, ``name=value``, the remedy."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping
from typing import Any

import click

from verify.outcomes import InputError

FILES_OF_EXAMPLES = "The files of the examples are written by: dagverify init --examples examples/"
_EXAMPLES = re.compile(r"\n*\x08\n(Examples?:\n.*)\Z", re.DOTALL)
_TYPED = f"{__name__}.typed"
"""Where a context holds the words of its command line."""
_IN_PARENTHESES = re.compile(r"\((.*)\)", re.DOTALL)


class Command(click.Command):
    """A command whose mistakes name value and remedy, and whose help ends with its examples."""

    @classmethod
    def of(cls, command: click.Command) -> Command:
        """Return the same command as one of this kind."""
        text = inspect.cleandoc(command.help or "")
        examples = _EXAMPLES.search(text)
        before = text[: examples.start()] if examples else text
        if examples and " examples/" in examples[1]:
            before += f"\n\n{FILES_OF_EXAMPLES}"
        return cls(
            command.name,
            callback=command.callback,
            params=command.params,
            help=before,
            epilog=f"\b\n{examples[1]}" if examples else None,
        )

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments.

        Raises
        ------
        InputError
            If one is missing, unknown, empty or of the wrong kind.
        """
        raw: Mapping[str, Any] = {}
        ctx.meta[_TYPED] = tuple(args)
        try:
            raw = self.make_parser(ctx).parse_args(list(args))[0]
            for parameter in self.params:
                given = raw.get(parameter.name or "")
                if given == "" or (isinstance(given, list | tuple) and "" in given):
                    raise _refused(parameter, "", ctx)
            rest = super().parse_args(ctx, args)
        except click.UsageError as error:
            raise usage_error(error, raw, ctx) from None
        for parameter in self.params:
            value = ctx.params.get(parameter.name or "")
            values = value if isinstance(value, tuple) else (value,)
            if any(isinstance(each, float) and not math.isfinite(each) for each in values):
                raise _refused(parameter, raw.get(parameter.name or "", value), ctx)
        return rest


def usage_error(
    error: click.UsageError, raw: Mapping[str, Any] | None = None, ctx: click.Context | None = None
) -> InputError:
    """Return click's error in the words of this package.

    Parameters
    ----------
    error : click.UsageError
    raw : mapping, optional
        What stood on the command line, by parameter.
    ctx : click.Context, optional
        Where it happened, if `error` does not know.
    """
    ctx = error.ctx or ctx
    where = ctx.command_path if ctx is not None else "dagverify"
    see = f"see {where} --help"
    if isinstance(error, click.MissingParameter):
        return InputError(error.format_message().rstrip("."), where=where, remedy=see)
    if isinstance(error, click.BadParameter) and error.param is not None and ctx is not None:
        return _refused(error.param, (raw or {}).get(error.param.name or "", "?"), ctx)
    if isinstance(error, click.NoSuchOption):
        known = [name for parameter in ctx.command.params for name in parameter.opts] if ctx is not None else []
        options = [name for name in [*known, "--help"] if name.startswith("--")]
        return InputError(
            "no such option", where=where, option=error.option_name, remedy=nearest(error.option_name, options)
        )
    if isinstance(error, click.BadOptionUsage):
        remedy = f"write {error.option_name} VALUE" if "requires" in error.message else f"write {error.option_name}"
        return InputError("option and value do not fit", where=where, option=error.option_name, remedy=remedy)
    extra = _IN_PARENTHESES.search(error.message)
    if "unexpected extra argument" in error.message and extra is not None:
        return InputError("unexpected argument", where=where, argument=extra[1], remedy=f"leave it out, {see}")
    return InputError(error.format_message().rstrip("."), where=where, remedy=see)


def nearest(word: str, allowed: list[str]) -> str:
    """Return the remedy for a misspelt word: the closest allowed one, else all of them.

    Examples
    --------
    >>> nearest("chek", ["check", "lint"]), nearest("zzz", ["check", "lint"])
    ("did you mean 'check'?", 'use one of check, lint')
    """
    import difflib

    close = difflib.get_close_matches(word[:100], allowed, n=1)
    return f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(allowed)}"


def _typed_name(option: click.Parameter, ctx: click.Context) -> str:
    """Return the name of an option as it stood on the command line last, where its value counts."""
    typed = (word.partition("=")[0] for word in reversed(ctx.meta.get(_TYPED, ())))
    return next((word for word in typed if word in option.opts), option.opts[-1])


def _refused(parameter: click.Parameter, value: Any, ctx: click.Context) -> InputError:
    is_option = parameter.param_type_name == "option"
    name = _typed_name(parameter, ctx) if is_option else (parameter.name or "").upper()
    if isinstance(value, list | tuple) and value:
        value = next((each for each in value if not _converts(parameter, each, ctx)), value[-1])
    what, remedy = _wanted(parameter.type, value)
    label = name.lstrip("-").lower().replace("-", "_")
    return InputError(what, where=f"{ctx.command_path} {name}", remedy=remedy, **{label: value})


def _converts(parameter: click.Parameter, value: Any, ctx: click.Context) -> bool:
    """Whether one value of an option that is given several times is allowed."""
    try:
        found = parameter.type(value, parameter, ctx)
    except click.UsageError:
        return False
    return not isinstance(found, float) or math.isfinite(found)


def _wanted(kind: click.ParamType, value: Any) -> tuple[str, str]:
    """Return what is wrong with a value for a parameter of this kind, and what to give instead."""
    if isinstance(kind, click.Choice):
        choices = [str(choice) for choice in kind.choices]
        return "unknown value", nearest(str(value), choices) if value else f"use one of {', '.join(choices)}"
    if isinstance(kind, click.IntRange):
        bounds = [f"at least {kind.min}"] if kind.min is not None else []
        bounds += [f"at most {kind.max}"] if kind.max is not None else []
        return "not a whole number that is allowed", f"give a whole number of {' and '.join(bounds)}"
    if isinstance(kind, click.types.FloatParamType):
        return "not a finite number", "give a number such as 0.1"
    if isinstance(kind, click.Path):
        return ("an empty path" if value == "" else "not a path that can be used"), "give the path of a file"
    return "not allowed", "give another value"
