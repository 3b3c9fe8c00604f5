"""Definitions of the Coq files as formulas: read from their text, evaluated in exact arithmetic."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

_TOKEN = re.compile(r"\s*(<=|[\w']+|[-+*/^(<)])")
_OPERATIONS: tuple[dict[str, Callable[[Any, Any], Any]], ...] = (
    {"<=": operator.le, "<": operator.lt},
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": operator.truediv},
)


@dataclass(frozen=True)
class Definition:
    """``Definition name (parameters : R) : ... := body.``"""

    parameters: tuple[str, ...]
    body: str


def read_definitions(*files: Path) -> dict[str, Definition]:
    """The definitions of these files whose parameters are numbers and whose value is a number or an inequality."""
    found = re.compile(r"^Definition ([\w']+) ((?:\([^)]*\) )*): (?:R|Prop) :=\s*([^.]*)\.$", re.MULTILINE)
    return {
        name: Definition(tuple(re.findall(r"\b(?!R\b|nat\b)\w+", parameters)), body)
        for path in files
        for name, parameters, body in found.findall(path.read_text(encoding="utf-8"))
    }


class Formula:
    """A term of Coq's real numbers, evaluated while it is read.

    Parameters
    ----------
    text : str
        The term.
    values : dict
        A number for each variable, a Python function for each function; definitions are unfolded.
    definitions : dict
        What names beyond `values` mean.
    """

    def __init__(self, text: str, values: dict[str, Any], definitions: dict[str, Definition]) -> None:
        tokens = _TOKEN.findall(text)
        if "".join(tokens) != re.sub(r"\s", "", text):
            raise ValueError(f"not a formula: {text}")
        self._tokens: list[str] = [*tokens, "end"]
        self._values, self._definitions = values, definitions
        self.value = self._level(0)
        if self._tokens != ["end"]:
            raise ValueError(f"not understood: {' '.join(self._tokens)}")

    def _level(self, level: int) -> Any:
        if level == len(_OPERATIONS):
            return self._sign()
        value = self._level(level + 1)
        while self._tokens[0] in _OPERATIONS[level]:
            operation = _OPERATIONS[level][self._tokens.pop(0)]
            value = operation(value, self._level(level + 1))
        return value

    def _sign(self) -> Any:
        """Coq binds a sign and an inverse more tightly than products: ``- a * b`` is ``(- a) * b``."""
        if self._tokens[0] == "-":
            self._tokens.pop(0)
            return -self._sign()
        if self._tokens[0] == "/":
            self._tokens.pop(0)
            return 1 / self._sign()
        value = self._application()
        if self._tokens[0] == "^":
            self._tokens.pop(0)
            value = value ** int(self._application())
        return value

    def _application(self) -> Any:
        head = self._atom()
        if not callable(head):
            return head
        return head(*self._arguments())

    def _arguments(self) -> Iterator[Any]:
        while re.match(r"[\w'(]", self._tokens[0]) and self._tokens[0] != "end":
            yield self._atom()

    def _atom(self) -> Any:
        token = self._tokens.pop(0)
        if token == "(":
            value = self._level(0)
            if self._tokens.pop(0) != ")":
                raise ValueError("parenthesis is not closed")
            return value
        if token.isdigit():
            return Fraction(token)
        return self._values[token] if token in self._values else self._unfold(token)

    def _unfold(self, name: str) -> Callable[..., Any]:
        definition = self._definitions[name]

        def call(*arguments: Any) -> Any:
            given = dict(zip(definition.parameters, arguments, strict=True))
            return Formula(definition.body, self._values | given, self._definitions).value

        return call if definition.parameters else call()
