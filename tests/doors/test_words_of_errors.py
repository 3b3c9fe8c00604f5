"""Every error that the package raises on purpose says what, with a value, and what to do about it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.sources import sources

ERRORS = {
    "InputError",
    "NotCoveredError",
    "OutsideDomainError",
    "OverBudgetError",
    "UnconfirmedError",
    "UndecidedHessianError",
}
INNER = {
    "ArithmeticDomainError": "of operands inside a bound: who called it knows what to do, and says it or is undecided",
    "NoRuleError": "becomes a reason of the checker's answer",
    "NotPositiveError": "is caught where a proof is tried again over positive numbers",
    "OutputError": "of stdout and stderr themselves",
    "ReadError": "of a certificate: becomes a reason of the checker's answer, or gets its remedy where it is read",
    "TailUnknownError": "is caught where tails are asked for",
    "TooLargeError": "is caught where a proof is tried at smaller shapes",
    "UndecidedComparisonError": "is caught where a comparison is tried again with more digits",
}
"""Errors of which the rule does not hold, and why."""
ALLOWED = {
    (
        "verify/analysis/explain.py",
        "error.what",
    ): "one more effect of a table, without what to do about a change of its own",
    ("verify/properties/drawn_graphs.py", ""): "every one is caught where it is drawn again",
    ("verify/budget.py", "takes too long"): "`time_limit` adds the remedy of the innermost limit that has one",
    ("verify/cli/usage.py", "error.format_message().rstrip('.')"): "click's own sentence, which holds name and value",
    ("verify/properties/drawn_graphs.py", "'"): "is caught: something else is drawn",
    ("verify/graph/movements.py", "what"): "the place names the operation, and the kink is no number",
    ("verify/certificates/checker/hessian.py", "too many weights"): "becomes a reason of the checker's answer",
    ("verify/certificates/checker/hessian.py", "too many products"): "becomes a reason of the checker's answer",
}
"""Calls that lack a value or a remedy, by a part of their first argument, and why."""


def lacking(source: str) -> Iterator[str]:
    """Yield the first arguments of the errors in a program's text that lack a value or a remedy."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in ERRORS:
            given = {keyword.arg for keyword in node.keywords}
            has_value = bool(given - {"where", "remedy"})  # None, which stands for **values, among them
            if node.args and not (has_value and "remedy" in given):
                yield ast.unparse(node.args[0])


def test_every_error_has_a_value_and_a_remedy() -> None:
    found = [(place, what) for place, text in sources(rf"\b({'|'.join(ERRORS)})\(") for what in lacking(text)]
    reasons = {key for key in ALLOWED for each in found if key[0] == each[0] and key[1] in each[1]}
    bare = [each for each in found if not any(each[0] == place and part in each[1] for place, part in ALLOWED)]
    assert bare == [], "say name=value and the remedy, or here why not"
    assert set(ALLOWED) == reasons, "reasons for what is no more"


def test_every_class_of_errors_is_judged() -> None:
    defined = {
        node.name
        for _, text in sources(r"^class \w+\(.*Error\b")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef)
        and any(getattr(base, "id", "") in {"DagverifyError", *ERRORS, *INNER} for base in node.bases)
    }
    assert defined - {"InputError", "HostileEnvironment"} == (ERRORS | set(INNER)) - {"InputError"}


def test_what_makes_errors_asks_for_the_remedy() -> None:
    """A function that returns an error takes its remedy from who calls it, or has one for all; it has no default."""
    bare = [
        (place, node.name)
        for place, text in sources(r"-> InputError:")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
        and ast.unparse(node.returns or ast.Constant(None)) == "InputError"
        and "remedy" in [each.arg for each in node.args.args[len(node.args.args) - len(node.args.defaults) :]]
    ]
    assert bare == []


@pytest.mark.parametrize(
    "call",
    [
        'InputError("no")',
        'InputError("no", where="here", value=1)',
        'InputError("no", remedy="do")',
        'outcomes.InputError("no", where=w, remedy="do")',
        'NotCoveredError("no", kind=k)',
        'InputError("no", **values)',
    ],
)
def test_what_is_lacking_is_seen(call: str) -> None:
    assert list(lacking(call)) == ["'no'"]


@pytest.mark.parametrize(
    "call", ['InputError("no", value=1, remedy="do")', 'InputError("no", remedy="do", **values)', "ValueError(1)"]
)
def test_what_is_complete_passes(call: str) -> None:
    assert list(lacking(call)) == []
