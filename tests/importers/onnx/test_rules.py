"""Every rule against onnx's reference evaluator, at the weights of the file and near them; and planted mistakes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

import verify  # noqa: E402
from tests.importers.onnx.cases import CASES, x  # noqa: E402
from tests.importers.onnx.models import InProcess, model, saved  # noqa: E402
from verify.importers.onnx import problem as importer  # noqa: E402
from verify.importers.onnx.registry import RULES  # noqa: E402
from verify.spec import onnx_problem as in_spec  # noqa: E402


@pytest.fixture(autouse=True)
def no_process(monkeypatch):
    monkeypatch.setattr(importer, "Child", InProcess)


@pytest.fixture
def imported(tmp_path):
    """Return a function that imports a model with zeros as targets."""

    def run(made, inputs, **options):
        path = saved(made, tmp_path)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(importer, "_read_targets", lambda targets, loss, shape: np.zeros(shape))
            return verify.from_onnx(path, tuple(inputs.values()), None, **options)

    return run


@pytest.mark.parametrize("name", CASES)
def test_a_rule_agrees_with_the_reference(imported, name) -> None:
    body, inputs, numbers, opset, trained = CASES[name]
    problem = imported(model(body, inputs, numbers, opset), inputs, output="y")
    assert sorted(block.label for block in problem.blocks) == sorted(trained)
    for block in problem.blocks:
        stored = numbers[block.label].astype(np.float32).astype(np.float64)
        assert np.array_equal(problem.initial_weights[block.place].reshape(block.shape), stored)


def test_the_lowest_number_of_a_format_is_a_mask(imported) -> None:
    """In interval arithmetic its rounding would hide every slope."""
    body, inputs, numbers, opset, _ = CASES["attention_lowest"]
    problem = imported(model(body, inputs, numbers, opset), inputs, output="y")
    (softmax,) = (node.operation for node in problem.graph.nodes if node.operation.name == "softmax")
    assert np.array_equal(softmax.mask.values[-1], numbers["mask"])
    lower, upper = problem.error_enclosure(problem.initial_weights)
    assert upper - lower < 1e-12 * upper
    run = verify.train(problem, steps=2, rule="certified")
    assert [verdict.name for verdict in run.verdicts] == ["PROVED"] * 2


def test_every_rule_has_a_case() -> None:
    used = {node.op_type for name in CASES for node in model(*CASES[name][:4]).graph.node}
    elsewhere = {
        "Identity", "Size", "CastLike", "EyeLike", "NonZero", "Equal", "Less", "LessOrEqual", "GreaterOrEqual", "And",
        "Or", "Xor", "Not", "IsInf", "Floor", "Ceil", "Round", "Sign", "Mod", "ai.onnx.ml.Scaler", "com.microsoft.Gelu",
        "SimplifiedLayerNormalization", "Tan", "ThresholdedRelu", "ReduceLogSum", "SplitToSequence", "SequenceAt",
    }  # fmt: skip
    assert set(RULES) - used == elsewhere


def _with(node, **attributes):
    return dataclasses.replace(node, attributes={**node.attributes, **attributes})


PLANTED = {
    "gemm": ("Gemm", lambda right: lambda scope, node, a, b, c: right(scope, _with(node, beta=1.0), a, b, c)),
    "matmul_add": ("Add", lambda right: lambda scope, node, a, b: scope.tensor(a) - scope.tensor(b)),
    "conv": ("Conv", lambda right: lambda scope, node, *a: right(scope, _with(node, pads=[2, 1, 1, 0]), *a)),
    "functions": ("Gelu", lambda right: lambda scope, node, h: right(scope, _with(node, approximate="tanh"), h)),
    "ln": ("LayerNormalization", lambda right: lambda scope, node, *a: right(scope, _with(node, epsilon=1e-4), *a)),
    "gru": ("GRU", lambda right: lambda scope, node, *a: right(scope, _with(node, linear_before_reset=0), *a)),
    "softmax_axis": ("Softmax", lambda right: lambda scope, node, h: right(scope, _with(node, axis=2), h)),
    "clip": ("Clip", lambda right: lambda scope, node, h, low=None, high=None: right(scope, node, h, low)),
}
"""A mistake of a rule by the case that shows it."""


@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_mistake_is_refused(imported, monkeypatch, case) -> None:
    op, wrong = PLANTED[case]
    monkeypatch.setitem(RULES, op, dataclasses.replace(RULES[op], function=wrong(RULES[op].function)))
    body, inputs, numbers, opset, _ = CASES[case]
    with pytest.raises(verify.InputError, match="not that of onnx's reference evaluator"):
        imported(model(body, inputs, numbers, opset), inputs, output="y")


REFUSED = {
    "no rule": ("h=MatMul(x,w) y=Hardmax(h)", {}, r"y: Hardmax: no rule for this operation: .*opset=21"),
    "a jump": ("h=MatMul(x,w) y=Floor(h)", {}, "y: Floor: a function that jumps"),
    "a branch": ("h=MatMul(x,w) c=Greater(h,x) y=Where(c,h,x)", {}, "y: Where: a choice by computed numbers jumps"),
    "a cast": ("h=MatMul(x,w) c=Cast<to=10>(h) y=Cast<to=1>(c)", {}, "c: Cast: .* rounded to another format"),
    "dropout": (
        "t=Constant<value=bool {1}>() r=Constant<value_float=0.5>() h=MatMul(x,w) y=Dropout(h,r,t)",
        {},
        "y: Dropout: dropout in training mode",
    ),
    "shapes": ("h=MatMul(x,w) g=MatMul(h,v) y=Tanh(g)", {"v": x}, r"g: MatMul"),
    "an index": (
        "k=Constant<value_ints=[7]>() h=MatMul(x,w) y=Gather<axis=1>(h,k)",
        {},
        "y: Gather: index out of range",
    ),
    "a size": (
        "s=Constant<value_ints=[100000,100000,100000]>() o=ConstantOfShape(s) h=MatMul(x,w) y=Add(h,o)",
        {},
        "o: ConstantOfShape: an array is too large",
    ),
    "a tile": (
        "s=Constant<value_ints=[1000000,1000000]>() h=MatMul(x,w) y=Tile(h,s)",
        {},
        "y: Tile: an array is too large",
    ),
    "a range": (
        "a=Constant<value_int=0>() b=Constant<value_int=9000000000000000000>() c=Constant<value_int=1>() "
        "r=Range(a,b,c) f=Cast<to=1>(r) h=MatMul(x,w) y=Add(h,f)",
        {},
        "r: Range: a range is too large",
    ),
    "a negative length": (
        "s=Constant<value_ints=[-2,3]>() o=ConstantOfShape(s) h=MatMul(x,w) y=Add(h,o)",
        {},
        "o: ConstantOfShape: a negative length",
    ),
    "merged parameters": (
        "a=MatMul(x,w) b=Add(a,z) c=MatMul(b,w) y=Add(c,z)",
        {"z": np.zeros(3)},
        "stands for several parameters.*optimize=False",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_covered_is_one_line_with_node_and_remedy(imported, name) -> None:
    body, more, expected = REFUSED[name]
    with pytest.raises(verify.InputError, match=expected) as caught:
        imported(model(body, {"x": x}, {"w": np.eye(3) * 2.0, **more}), {"x": x}, output="y")
    assert "\n" not in str(caught.value)


def test_merged_parameters_are_one_where_the_user_says_so(imported) -> None:
    made = model(
        "a=MatMul(x,w) b=Add(a,z) c=MatMul(b,w) y=Add(c,z)", {"x": x}, {"w": np.diag([1.0, 2, 3]), "z": np.zeros(3)}
    )
    problem = imported(made, {"x": x}, train=["z"])
    assert {block.label for block in problem.blocks} == {"w", "z"}


def test_constants_become_trained_and_weights_frozen_by_name(imported) -> None:
    made = model("h=MatMul(x,w) p=Add(h,b) t=Tanh(p) y=Mul(t,k)", {"x": x}, {"w": x.T @ x, "b": x[0], "k": x[1]})
    assert {block.label for block in imported(made, {"x": x}).blocks} == {"w", "b"}
    assert {block.label for block in imported(made, {"x": x}, train=["k"], freeze=["w"]).blocks} == {"b", "k"}
    with pytest.raises(verify.InputError, match="no such numbers in the model: name='q'"):
        imported(made, {"x": x}, train=["q"])
    with pytest.raises(verify.InputError, match="trained and frozen at once"):
        imported(made, {"x": x}, train=["k"], freeze=["k"])


def test_numbers_on_which_the_output_does_not_depend_cannot_be_trained(imported) -> None:
    made = model("y=MatMul(x,w) z=Add(y,k)", {"x": x}, {"w": x.T @ x, "k": x[1]})
    with pytest.raises(verify.InputError, match="does not depend on these numbers: train='k', output='y'"):
        imported(made, {"x": x}, train=["k"])
    assert [block.label for block in imported(made, {"x": x}, freeze=["k"]).blocks] == ["w"]


def test_the_value_of_a_constant_node_can_be_trained(imported) -> None:
    made = model("y=MatMul(x,w)", {"x": x}, {})
    value = onnx.numpy_helper.from_array(np.ones((3, 2), np.float32))
    made.graph.node.insert(0, onnx.helper.make_node("Constant", [], ["w"], value=value))
    problem = imported(made, {"x": x}, train=["w"])
    assert [(block.label, block.shape) for block in problem.blocks] == [("w", (3, 2))]
    assert np.array_equal(problem.initial_weights, np.ones(6))


def test_weights_may_have_any_name_and_constants_get_another(imported) -> None:
    problem = imported(model("y=MatMul(x,targets)", {"x": x}, {"targets": x.T}), {"x": x})
    assert {block.label for block in problem.blocks} == {"targets"}
    assert set(problem.constants) == {"x", "targets'"}


def test_an_index_out_of_range_is_of_no_class(imported) -> None:
    places = np.array([0, -1, 2, -3])
    numbers = {"d": np.array(2), "v": np.array([0.0, 1.0]), "w": np.array([[1.0, 2], [3, 4]])}
    problem = imported(model("h=OneHot(i,d,v) y=MatMul(h,w)", {"i": places}, numbers), {"i": places})
    assert problem.error(problem.initial_weights) == (1 + 4 + 9 + 16) / 8


def test_an_input_in_bfloat16_takes_real_numbers(imported) -> None:
    made = model("y=MatMul(x,w)", {"x": x}, {"w": x.T @ x})
    for value in (*made.graph.input, *made.graph.output):
        value.type.tensor_type.elem_type = onnx.TensorProto.BFLOAT16
    weights = made.graph.initializer[0]
    narrow = onnx.helper.tensor_dtype_to_np_dtype(onnx.TensorProto.BFLOAT16)
    weights.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weights).astype(narrow), "w"))
    problem = imported(made, {"x": x})
    w = problem.initial_weights.reshape(problem.blocks[0].shape)
    np.testing.assert_allclose(problem.error(problem.initial_weights), np.mean((x @ w) ** 2), rtol=1e-12)


def test_columns_of_classes_are_not_scaled_on_their_way_into_a_model(tmp_path) -> None:
    saved(model("y=MatMul(x,w)", {"x": np.ones((3, 3))}, {"w": np.eye(3)}), tmp_path)
    (tmp_path / "a.csv").write_text("k,a,b\nu,1,0\nv,2,1\nv,6,0\n")
    spec = tmp_path / "net.toml"
    data = 'source = "csv:a.csv"\ninputs = ["k", "a"]\ncategories = {k = ["u", "v"]}\nscale = "minmax"'
    spec.write_text(f'loss = "mse"\n[model]\nonnx = "net.onnx"\n[data]\n{data}\ntarget = "input"\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(in_spec, "Child", InProcess)
        problem = verify.load_problem(spec)
    expected = [[1, 0, 0], [0, 1, 0.2], [0, 1, 1]]
    np.testing.assert_array_equal(problem.constants["x"], expected)
    np.testing.assert_array_equal(problem.constants["targets"], expected)


def test_masks_and_matrices_of_the_data_are_no_weights(imported) -> None:
    mixing = np.full((4, 4), 0.25) + np.eye(4)
    made = model("h=MatMul(a,x) y=Gemm(h,w)", {"x": x}, {"a": mixing, "w": x.T @ x})
    assert [block.label for block in imported(made, {"x": x}).blocks] == ["w"]


def test_a_name_of_the_file_may_be_one_of_ours(imported) -> None:
    made = model("h=MatMul(targets,w) y=Mul(h,inputs)", {"targets": x}, {"w": x.T @ x, "inputs": x[0]})
    problem = imported(made, {"targets": x}, loss="half-squared-error", reduction="sum")
    outputs = (x @ (x.T @ x).astype(np.float32)) * x[0].astype(np.float32)
    assert problem.error(problem.initial_weights) == pytest.approx(0.5 * np.sum(outputs**2), rel=1e-12)
