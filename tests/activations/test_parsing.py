"""Formulas: what is read, and what is refused, quickly, with the position in one line."""

from __future__ import annotations

import builtins
import time
from pathlib import Path

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from verify.activations import X, activation
from verify.activations.parsing import FUNCTIONS, LONGEST_FORMULA, parse_formula
from verify.outcomes import InputError

ACCEPTED = {
    "x": X,
    "  x + 1 ": X + 1,
    "-x": -X,
    "+x": X,
    "0.1*x": X / 10,
    "1e-3*x": X / 1000,
    ".5*x": X / 2,
    "2.*x": 2 * X,
    "x**3/3 - x": X**3 / 3 - X,
    "x**0": sympy.Integer(1),
    "x*tanh(log(1+exp(x)))": X * sympy.tanh(sympy.log(1 + sympy.exp(X))),
    "log1p(exp(x))": sympy.log(1 + sympy.exp(X)),
    "sigmoid(2*x)": 1 / (1 + sympy.exp(-2 * X)),
    "softplus(-x)": sympy.log(1 + sympy.exp(-X)),
    "arctan(x)": sympy.atan(X),
    "atan(x)": sympy.atan(X),
    "relu(x-1)": sympy.Max(X - 1, 0),
    "max(x, 0.01*x)": sympy.Max(X, X / 100),
    "min(x, 6)": sympy.Min(X, 6),
    "abs(2*x+1)": sympy.Abs(2 * X + 1),
    "sqrt(1+x**2)": sympy.sqrt(1 + X**2),
    "x/(1+abs(x))": X / (1 + sympy.Abs(X)),
    "sin(x)*cos(x)*erf(x)": sympy.sin(X) * sympy.cos(X) * sympy.erf(X),
    "1/(2+sin(x))": 1 / (2 + sympy.sin(X)),
}

REFUSED = {
    "empty": "",
    "blank": "   ",
    "attribute": "x.real",
    "dunder attribute": "x.__class__.__bases__",
    "import": "__import__('os').system('touch hacked')",
    "eval": "eval(x)",
    "exec": "exec(x)",
    "open": "open(x)",
    "unknown function": "foo(x)",
    "factorial": "factorial(10**7)",
    "unknown name": "y+1",
    "other variable": "X",
    "constant by name": "pi*x",
    "power tower": "9**9**9",
    "large exponent": "x**17",
    "negative exponent": "x**-1",
    "real exponent": "x**0.5",
    "variable exponent": "2**x",
    "nested powers": "(x**16)**16",
    "number explosion": "((9**16)**16)**16*x",
    "lambda": "lambda x: x",
    "conditional": "x if x else 1",
    "comparison": "x<1",
    "chained comparison": "0<x<1",
    "boolean": "x and 1",
    "not": "not x",
    "true": "True*x",
    "none": "None",
    "string": "'x'",
    "f-string": "f'{x}'",
    "bytes": "b'x'",
    "list": "[x]",
    "tuple": "(x, 1)",
    "set": "{x}",
    "dict": "{x: 1}",
    "comprehension": "[x for x in x]",
    "subscript": "x[0]",
    "slice": "x[1:2]",
    "walrus": "(x:=1)",
    "assignment": "x=1",
    "two statements": "x;x",
    "newline": "x\n+1",
    "comment": "x#1",
    "star argument": "tanh(*x)",
    "keyword argument": "tanh(x=x)",
    "two arguments": "tanh(x, x)",
    "no argument": "tanh()",
    "one argument of two": "max(x)",
    "call of a call": "tanh(x)(x)",
    "function without call": "tanh",
    "floor division": "x//2",
    "modulo": "x%2",
    "matrix product": "x@x",
    "bit operation": "x^2",
    "invert": "~x",
    "shift": "x<<9",
    "complex": "1j*x",
    "hexadecimal": "0x10*x",
    "binary": "0b1*x",
    "underscored number": "1_000*x",
    "long number": "1" * 30 + "*x",
    "large decimal exponent": "1e400*x",
    "not a number": "nan*x",
    "infinity": "inf*x",
    "cyrillic x": "\u0445",
    "fullwidth x": "\uff58",
    "look-alike function": "t\u0430nh(x)",
    "superscript": "x\u00b2",
    "minus sign": "x\u22121",
    "zero width": "x\u200b",
    "null byte": "x\x00",
    "unbalanced": "(x",
    "empty parentheses": "()",
    "deep parentheses": "(" * 200 + "x" + ")" * 200,
    "deep calls": "tanh(" * 60 + "x" + ")" * 60,
    "deep signs": "-" * 300 + "x",
    "long sum": "x+" * 190 + "x",
    "too long": "x+" * 5000 + "x",
    "division by zero": "x/0",
    "division by a zero sum": "1/(x-x)",
    "pole": "1/x",
    "poles": "1/sin(x)",
    "cancelled pole": "x/x",
    "logarithm of a negative": "log(x)",
    "logarithm undone": "exp(log(x))",
    "root of a negative": "sqrt(x)",
    "root undone": "sqrt(x)**2",
    "root at its end": "sqrt(x**2)",
    "root of minus one": "sqrt(-1)*x",
    "logarithm of zero": "0*log(0)",
    "kink of a curve": "relu(x**2-1)",
    "kink of a kink": "relu(relu(x)-1)",
    "curved maximum": "max(x, x**3)",
}


@pytest.mark.parametrize("text", ACCEPTED)
def test_accepted(text: str) -> None:
    assert sympy.simplify(parse_formula(text).expression - ACCEPTED[text]) == 0
    assert activation({"expr": text}).name == text


@pytest.mark.parametrize("label", REFUSED)
def test_refused_in_one_line_and_quickly(label: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    start = time.perf_counter()
    with pytest.raises(InputError) as caught:
        activation({"expr": REFUSED[label]})
    assert time.perf_counter() - start < 2.0
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("x.real", 2),
        ("1+foo(x)", 3),
        ("x + y", 5),
        ("tanh(x)+2**x", 12),
        ("x+\u0445", 3),
        ("  x//2", 3),
        ("1+x**99", 6),
        ("x+'a'", 3),
    ],
)
def test_the_position_is_named(text: str, position: int) -> None:
    with pytest.raises(InputError, match=rf"position {position}: "):
        parse_formula(text)


@pytest.mark.parametrize("part", ["log(x)", "x-3", "sin(x)"])
def test_the_undefined_part_is_named(part: str) -> None:
    with pytest.raises(InputError, match="not proved") as caught:
        activation({"expr": f"1/({part})"})
    assert part in str(caught.value)


def test_numbers_are_exact() -> None:
    assert parse_formula("0.1").expression == sympy.Rational(1, 10)
    assert parse_formula("1.5e-3").expression == sympy.Rational(3, 2000)


@pytest.mark.parametrize("spec", [None, 3, [], {"expr": 3}, {"expr": "x", "more": 1}, {"name": "tanh"}, "Tanh", "", {}])
def test_other_specifications_are_refused(spec: object) -> None:
    with pytest.raises(InputError):
        activation(spec)  # type: ignore[arg-type]


@given(st.text(alphabet="x0123456789.+-*/(), etanhlogsi", max_size=LONGEST_FORMULA + 5))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        formula = parse_formula(text)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert formula.expression.free_symbols <= {X}


def test_no_name_of_python_is_a_function() -> None:
    shared = {name for name in dir(builtins) if name in FUNCTIONS}
    assert shared == {"abs", "max", "min"}
