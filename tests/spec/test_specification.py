"""Spec files become problems: the examples, every data source, weights, regions, and errors that name their line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from verify.bounds.regions import Ball, BlockBall, BoundedWeights
from verify.files.stored_table import StoredTable
from verify.outcomes import InputError
from verify.spec import load_problem, load_specification

EXAMPLES = Path(__file__).parents[2] / "examples"
WriteSpec = Callable[..., Path]

INLINE = "x = [[0.0, 1.0], [0.5, -0.25]]\ny = [1.0, 0.0]\n"


@pytest.mark.parametrize(
    ("name", "samples", "parameters"),
    [
        ("digits_autoencoder", 1797, 6280),
        ("xor_skip", 4, 11),
        ("breast_cancer_residual", 569, 1901),
        ("digits_convolution", 1797, 838),
        ("relu_fails", 442, 71),
    ],
)
def test_examples_load(name: str, samples: int, parameters: int) -> None:
    problem = load_problem(EXAMPLES / f"{name}.toml")
    assert problem.inputs.shape == (samples, problem.architecture.input_dimension)
    assert problem.targets.shape == (samples, problem.architecture.output_dimension)
    assert problem.initial_weights.shape == (parameters,)
    assert isinstance(problem.region, Ball)


def test_digits_autoencoder_is_the_documented_problem() -> None:
    from sklearn.datasets import load_digits

    specification = load_specification(EXAMPLES / "digits_autoencoder.toml")
    problem = specification.problem
    np.testing.assert_array_equal(problem.inputs, load_digits().data / 16)
    np.testing.assert_array_equal(problem.targets, problem.inputs)
    assert (problem.reduction, problem.weight_decay, problem.name) == ("mean", 0.0, "digits-autoencoder")
    assert specification.momentum is not None
    assert (specification.momentum.eta, specification.momentum.tau) == (0.01, 0.005)
    assert (specification.momentum.mu, specification.momentum.norm) == (None, "global")
    np.testing.assert_array_equal(problem.initial_weights, problem.architecture.initial_weights("glorot", seed=0))


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "breast_cancer", "diabetes"])
def test_every_bundled_set_loads(write_spec: WriteSpec, name: str) -> None:
    width = {"digits": 64, "iris": 4, "wine": 13, "breast_cancer": 30, "diabetes": 10}[name]
    path = write_spec(
        (INLINE, f'source = "sklearn:{name}"\n'),
        ("[nodes.x]\nwidth = 2", f"[nodes.x]\nwidth = {width}"),
        ("[nodes.h]\nwidth = 2", f"[nodes.h]\nwidth = {width}"),
    )
    assert load_problem(path).inputs.shape[1] == width


def test_npz_and_npy_give_the_inline_problem(write_spec: WriteSpec, tmp_path: Path) -> None:
    inline = load_problem(write_spec())
    x, y = inline.inputs, inline.targets[:, 0]
    np.savez(tmp_path / "d.npz", x=x, y=y)
    (tmp_path / "folder").mkdir()
    np.save(tmp_path / "folder/x.npy", x)
    np.save(tmp_path / "folder/y.npy", y)
    for source in ("npz:d.npz", "npy:folder"):
        problem = load_problem(write_spec((INLINE, f'source = "{source}"\n')))
        np.testing.assert_array_equal(problem.inputs, x)
        np.testing.assert_array_equal(problem.targets, inline.targets)
    assert isinstance(problem.inputs, StoredTable)


def test_target_input_needs_no_labels(write_spec: WriteSpec, tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=np.ones((3, 2)))
    path = write_spec(
        (INLINE, 'source = "npz:d.npz"\ntarget = "input"\n'), ("[nodes.y]\nwidth = 1", "[nodes.y]\nwidth = 2")
    )
    np.testing.assert_array_equal(load_problem(path).targets, np.ones((3, 2)))


def test_weights_from_file_and_inline(write_spec: WriteSpec, tmp_path: Path) -> None:
    w = np.linspace(-1, 1, load_problem(write_spec()).architecture.size)
    np.savez(tmp_path / "w.npz", w=w)
    for table in ('npz = "w.npz"', f"w = {w.tolist()}"):
        problem = load_problem(write_spec(("[region]", f"[weights]\n{table}\n[region]")))
        np.testing.assert_array_equal(problem.initial_weights, w)
        assert isinstance(problem.region, Ball)
        np.testing.assert_array_equal(problem.region.center, w)


def test_seed_changes_the_weights(write_spec: WriteSpec) -> None:
    first, second = (load_problem(write_spec(("[region]", f"[weights]\nseed = {seed}\n[region]"))) for seed in (0, 1))
    assert np.any(first.initial_weights != second.initial_weights)


def test_kinds_of_region(write_spec: WriteSpec) -> None:
    assert isinstance(load_problem(write_spec()).region, Ball)
    bounded = load_problem(write_spec(('kind = "ball"', 'kind = "bounded"'), ("radius = 0.1", "radius = 9"))).region
    assert isinstance(bounded, BoundedWeights)
    assert bounded.radius == 9
    blocks = load_problem(
        write_spec(('kind = "ball"', 'kind = "blocks"'), ("radius = 0.1", "radii = {h = 0.1, y = 0.2}"))
    ).region
    assert isinstance(blocks, BlockBall)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([("[region]", "[regoin]")], r"spec\.toml:21: regoin: unknown key: .*did you mean 'region'\?"),
        ([("width = 1", "widht = 1")], r"spec\.toml:17: nodes\.y\.widht: unknown key: widht=1; did you mean 'width'\?"),
        ([("width = 1", "width = true")], r":17: nodes\.y\.width: wrong type: width=True; it should be a whole number"),
        ([("width = 1", "width = 1.0")], r":17: nodes\.y\.width: wrong type: width=1\.0; it should be a whole number"),
        ([("radius = 0.1", "radius = 1e400")], r":23: region\.radius: not a finite number: radius=inf; "),
        ([("radius = 0.1", "radius = -0.1")], r":23: region\.radius: not allowed: radius=-0\.1; .*greater than 0"),
        ([("eta = 0.1", "eta = 0")], r":26: momentum\.eta: not allowed: eta=0; .*greater than 0"),
        (
            [("tau = 0.05", "tau = 0.05\nmu = 0.9")],
            r":25: momentum: exactly one of tau and mu.*tau=0\.05, mu=0\.9; keep",
        ),
        ([("tau = 0.05", "mu = 1")], r":27: momentum\.mu: not allowed: mu=1; it should be less than 1"),
        ([("width = 1", "width = 1\nwidth = 2")], r":18: not valid TOML: cannot overwrite a value: line='width = 2'"),
        ([("[nodes.h]", "[nodes.x]")], r":11: not valid TOML: cannot declare .* twice.*remove or rename"),
        ([("-0.25", "nan")], r":5: data\.x\[1\]\[1\]: not a finite number: x=nan"),
        ([("-0.25", '"a"')], r":5: data\.x\[1\]\[1\]: wrong type: x='a'; it should be a number"),
        ([(", -0.25", "")], r":4: data: x\[1\]: rows of different lengths: lengths=\[1, 2\]"),
        ([("[1.0, 0.0]", "[1.0]")], r":4: data: x and y have different numbers of samples: x=2, y=1"),
        ([(INLINE, "x = []\ny = []\n")], r":4: data: x: inputs must be a table .*shape=\(0,\)"),
        ([(INLINE, "")], r":4: data: data come either from a source or inline: source=None; give source"),
        ([("[nodes.x]\nwidth = 2", "[nodes.x]\nwidth = 3")], r"identity"),
        ([(INLINE, 'source = "sklearn:digist"\n')], r":4: data: source: unknown data set: name='digist'; did you mean"),
        ([(INLINE, 'source = "npz:no.npz"\n')], r":4: data: .*no\.npz: no such file"),
        ([('inputs = ["h"]', 'inputs = ["h", "g"]')], r":19: nodes\.y\.inputs\[1\]: no such vertex: vertex='g'"),
        ([('["x", {', '["x", "y", {')], r":\d+: nodes\.\w: the graph has a cycle: cycle='.* -> .*'"),
        ([('output = "y"', 'output = "z"')], r":2: output: no such vertex: vertex='z'"),
        ([('output = "y"', 'output = "h"')], r":16: nodes\.y: no output can be reached"),
        ([("[region]", "[weights]\nw = [1.0]\n[region]")], r":21: weights: w: weights do not fit .*parameters=9"),
        ([("width = 1", "width = 99999999999")], r":17: nodes\.y\.width: not allowed: .*less than or equal to"),
        ([(INLINE, "# none\n"), ("[data]", "")], r"spec\.toml: missing table: key='data'; add \[data\]"),
    ],
)
def test_errors_are_one_located_line(write_spec: WriteSpec, changes: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load_specification(write_spec(*changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("width", [10_000, 10_000_000])
def test_too_many_parameters_are_refused_before_they_are_made(write_spec: WriteSpec, width: int) -> None:
    path = write_spec(
        ("[nodes.h]\nwidth = 2", f"[nodes.h]\nwidth = {width}"),
        (', {from = "x", kind = "identity"}', ""),
        ("[nodes.y]\nwidth = 1", f"[nodes.y]\nwidth = {width}"),
    )
    with pytest.raises(InputError, match=rf"spec\.toml.*: too many .*parameters.*={width**2 + 4 * width}\b"):
        load_specification(path)


def test_a_single_number_is_no_table(tmp_path: Path, write_spec: WriteSpec) -> None:
    inline = "x = [[0.0, 1.0], [0.5, -0.25]]\ny = [1.0, 0.0]"
    for x, y, message in (
        (np.zeros((2, 2)), np.array(1.0), r"data: y: targets must have one row per sample: shape=\(\)"),
        (np.array(1.0), np.zeros(2), r"data: x: inputs must be a table"),
    ):
        np.savez(tmp_path / "data.npz", x=x, y=y)
        with pytest.raises(InputError, match=message):
            load_problem(write_spec((inline, 'source = "npz:data.npz"')))
