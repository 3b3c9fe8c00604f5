"""A baseline: green within the factor, red beyond it with the vertex that caused it; damaged files are refused."""

from __future__ import annotations

import copy
import json

import pytest

from verify.baseline.comparison import compare
from verify.outcomes import InputError

BEFORE = {
    "name": "n",
    "lipschitz": {"value": 2.0, "region": "r", "contributions": {"h": 1.0, "y": 1.0}},
    "ranges": [
        {"theorem": "sharp", "eta": 0.1, "eta_max": 1.0, "tau_max": 0.1},
        {"theorem": "heavy_ball", "eta": 0.1, "eta_max": 1.0, "tau_max": None, "mu_max": 0.9},
    ],
}


def changed(path, value):
    answer = copy.deepcopy(BEFORE)
    target = answer
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return answer


@pytest.mark.parametrize(
    ("path", "inside", "outside", "figure"),
    [
        (["lipschitz", "value"], 2.2, 2.21, "lipschitz"),
        (["lipschitz", "value"], 1.0, None, "lipschitz"),
        (["ranges", 0, "eta_max"], 1 / 1.1 + 1e-9, 0.9, "sharp eta_max"),
        (["ranges", 0, "eta_max"], 5.0, None, "sharp eta_max"),
        (["ranges", 0, "tau_max"], 0.095, 0.0, "sharp tau_max"),
        (["ranges", 1, "mu_max"], 0.85, 0.8, "heavy_ball mu_max"),
        (["ranges"], BEFORE["ranges"], BEFORE["ranges"][1:], "sharp eta_max"),
    ],
)
def test_each_figure_within_and_beyond_the_factor(path, inside, outside, figure):
    assert compare(changed(path, inside), BEFORE).regressions == ()
    assert compare(changed(path, outside), BEFORE).regressions[0].figure == figure


def test_nan_is_never_within_the_factor():
    assert compare(changed(["lipschitz", "value"], float("nan")), BEFORE).regressions


def test_the_vertex_whose_share_grew_most_is_named():
    now = changed(["lipschitz"], {"value": 4.0, "region": "R", "contributions": {"h": 1.1, "y": 0.9, "new": 2.0}})
    (regression,) = compare(now, BEFORE).regressions
    assert regression.vertex == "new"
    assert "most at vertex new: its share grew from 0 to 2; the region was r, is R" in regression.statement


@pytest.mark.slow
def test_a_larger_weight_turns_the_check_red_at_its_vertex(folder, write_spec, check, answer):
    weights = ("[region]", f"[weights]\nw = {[0.25] * 15}\n\n[region]")
    (folder / "last.json").write_text(check(write_spec(weights), "--json").stdout, encoding="utf-8")
    assert check("spec.toml", "--baseline", "last.json").exit_code == 0
    from_g_to_y = 11
    larger = [5.0 if index == from_g_to_y else 0.25 for index in range(15)]
    spec = write_spec(("[region]", f"[weights]\nw = {larger}\n\n[region]"))
    now = answer(spec, "--baseline", "last.json", "--sarif", "out.sarif")
    assert now["verdict"] == now["baseline"]["verdict"] == "REFUTED"
    assert {each["vertex"] for each in now["baseline"]["regressions"]} == {"g"}
    results = json.loads((folder / "out.sarif").read_text(encoding="utf-8"))["runs"][0]["results"]
    assert {each["ruleId"] for each in results} == {"dagverify/baseline"}
    line = spec.read_text(encoding="utf-8").splitlines().index("[nodes.g]") + 1
    assert {each["locations"][0]["physicalLocation"]["region"]["startLine"] for each in results} == {line}
    assert check(spec, "--baseline", "last.json").exit_code == 1
    assert check(spec, "--baseline", "last.json", "--baseline-factor", "1000").exit_code == 0


@pytest.mark.parametrize("factor", [0.9, float("nan"), float("inf")])
def test_a_factor_below_one_is_refused(factor):
    with pytest.raises(InputError):
        compare(BEFORE, BEFORE, factor)


def test_another_problem_is_refused():
    with pytest.raises(InputError, match="another problem"):
        compare(changed(["name"], "m"), BEFORE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "{" * 5000,
        json.dumps(BEFORE).replace('"n"', '"n", "name": "n"'),
        json.dumps(BEFORE).replace("2.0", "NaN"),
        json.dumps(BEFORE).replace("2.0", "1e400"),
        json.dumps(BEFORE).replace("2.0", "-2.0"),
        json.dumps(BEFORE).replace("2.0", "true"),
        json.dumps(BEFORE).replace('"h": 1.0', '"h": null'),
        json.dumps(BEFORE).replace('"theorem": "sharp"', '"theorem": 3'),
    ],
)
def test_a_damaged_baseline_is_one_line(folder, write_spec, check, text):
    (folder / "last.json").write_text(text, encoding="utf-8")
    result = check(write_spec(), "--baseline", "last.json")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: last.json") and result.stderr.count("\n") == 1


@pytest.mark.parametrize("text", ["1" + "0" * 400, "9" * 5000, "-1", "1e400", "NaN", "true", '"2"', "[2]"])
def test_a_value_that_is_no_size_is_refused(folder, write_spec, check, text):
    baseline = folder / "last.json"
    baseline.write_text(json.dumps(BEFORE).replace('"value": 2.0', f'"value": {text}'), encoding="utf-8")
    result = check(write_spec(), "--baseline", baseline)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert str(baseline) in result.stderr and "=" in result.stderr and "; write it with: " in result.stderr


@pytest.mark.parametrize("before", [0.0, 5e-324])
def test_growth_from_nothing_is_a_regression(before):
    (regression,) = compare(BEFORE, changed(["lipschitz", "value"], before)).regressions
    assert regression.figure == "lipschitz" and regression.statement.startswith("L grew from ")


def test_words_of_a_baseline_are_shown_and_not_obeyed(folder, write_spec, check, answer):
    spec = write_spec()
    before = answer(spec)
    before["lipschitz"] |= {"value": 1e-9, "region": "\n::error::injected\u001b[2J"}
    (folder / "last.json").write_text(json.dumps(before), encoding="utf-8")
    for options in ((), ("--github",)):
        result = check(spec, "--baseline", "last.json", *options)
        assert result.exit_code == 1 and "\x1b" not in result.stdout
        commands = [line for line in result.stdout.splitlines() if line.strip().startswith("::")]
        assert all(line.startswith("::error file=spec.toml,line=") for line in commands)
        assert len(commands) == len(options)
