"""Spec files damaged at random either load or give one located line with a value and a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.spec.test_vocabulary import BASE
from verify.graph.problem import GraphProblem
from verify.outcomes import InputError
from verify.spec import load_specification
from verify.spec.text import MAX_WORD, parse

TEXT = """\
name = "small"
output = "y"
[data]
x = [[0.0, 1.0], [0.5, -0.25]]
y = [1.0, 0.0]
[nodes.x]
width = 2
[nodes.h]
width = 2
activation = "tanh"
inputs = ["x", {from = "x", kind = "identity"}]
[nodes.y]
width = 1
activation = "sigmoid"
inputs = ["h"]
[weights]
seed = 3
[region]
kind = "ball"
radius = 0.1
[momentum]
eta = 0.1
tau = 0.05"""
LINES = TEXT.splitlines()
VOCABULARY = BASE.strip().splitlines()

VALUES = [
    *("0", "-1", "1e400", "nan", "true", '""', '"x"', "[]", "{}", "[[1]]", "9" * 30, '"\\u0000"', "1979-05-27"),
    *('"npz:/dev/zero"', '"npy:."', '"sklearn:"', '{expr = "x**x"}', '{expr = "1/x"}', '{expr = "exp(exp(exp(x)))"}'),
    *("[8, 8, 8]", '["y"]', '["h", {from = "x", kind = "concat", offset = 1}]', '{from = "x", kind = "flatten"}'),
    *('{weight = "e.table"}', '{name = "huber"}', "[1]", '"embedding"', '"convolution"', '"mse"', '{"*" = 1.0}', '"n"'),
    *('"minmax"', "1e308", "[[1e308, -1e308], [1e308, 1e308]]", '"channel"', '"relu"', "{h = 0.1}", '"blocks"'),
]


@st.composite
def damaged(draw: st.DrawFn, whole: list[str]) -> str:
    lines = list(whole)
    for _ in range(draw(st.integers(1, 3))):
        index = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["value", "repeat", "drop", "character"])):
            case "value":
                lines[index] = f"{lines[index].split('=')[0]}= {draw(st.sampled_from(VALUES))}"
            case "repeat":
                lines.insert(index, draw(st.sampled_from(whole)))
            case "drop" if len(lines) > 1:
                del lines[index]
            case _:
                place = draw(st.integers(0, len(lines[index])))
                lines[index] = lines[index][:place] + draw(st.characters(codec="utf-8")) + lines[index][place:]
    return "\n".join(lines)


@settings(deadline=None, max_examples=300)
@given(text=damaged(LINES) | damaged(VOCABULARY))
def test_one_located_line(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("damaged") / "spec.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        specification = load_specification(path)
    except InputError as error:
        line = str(error)
        assert line.startswith(str(path))
        assert "\n" not in line
        assert "=" in line.removeprefix(str(path))
        assert "; " in line
    else:
        problem = specification.problem
        assert isinstance(problem, GraphProblem) or problem.samples == len(problem.targets)


@pytest.mark.parametrize("length", [10**6, 10**6 + 1])
def test_a_word_of_megabytes_is_refused_before_it_is_parsed(length: int) -> None:
    text = f"name = {'k' * length}\n"
    with pytest.raises(InputError, match="not valid TOML" if length == MAX_WORD else "a word is too long") as refused:
        parse(text, Path("spec.toml"))
    assert len(str(refused.value)) < 1000
