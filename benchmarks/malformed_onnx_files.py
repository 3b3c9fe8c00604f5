"""The damaged and hostile files of `malformed_onnx.py`: one function for each kind."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, parser

Model = Any
Damage = Callable[[Model, random.Random], "Model | bytes"]

FILES = Path(__file__).parents[1] / "tests/importers/onnx/files"
X = np.array([[1.0, -0.5, 0.25], [0.5, 2.0, -1.0], [0.0, 1.0, 1.0], [3.0, -2.0, 0.5]])
NAMES = (
    "a\nb", "\x1b[2J", "::error::x", "##[error]x", "<script>alert(1)</script>", "\u202eabc", "a" * 1_000_000, " ",
    "/etc/passwd",
    "../../x", "%s%n", "\u2028", "${HOME}", "__import__('os')", "\x07", "q\u0000r", "é" * 5000, "'; drop table", "{0}",
)  # fmt: skip
HUGE = (2**31, 2**40, 2**62, 2**63 - 1, 10**9)
DAMAGES: dict[str, Damage] = {}


def damage(function: Damage) -> Damage:
    DAMAGES[function.__name__] = function
    return function


def network(
    body: str = "h = Gemm(x, w, b) t = Tanh(h) y = MatMul(t, v)", opset: int = 17, declared: str = "n, 3"
) -> Model:
    """Return a small valid model, of other nodes if wished."""
    text = f'<ir_version: 8, opset_import: ["" : {opset}]> net (float[{declared}] x) => (float y) {{ {body} }}'
    model = parser.parse_model(text)
    rng = np.random.default_rng(0)
    for name, shape in {"w": (3, 4), "b": (4,), "v": (4, 2)}.items():
        model.graph.initializer.append(numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name))
    return model


def made(kind: str, rng: random.Random) -> bytes:
    """Return the content of a file of a kind."""
    found = DAMAGES[kind](network(), rng)
    return found if isinstance(found, bytes) else found.SerializeToString()


def _bytes(rng: random.Random) -> bytearray:
    files = sorted(FILES.glob("*.onnx"))
    return bytearray(rng.choice([network().SerializeToString(), rng.choice(files).read_bytes()]))


@damage
def flipped_bits(model: Model, rng: random.Random) -> bytes:
    content = bytearray(model.SerializeToString())
    for _ in range(rng.choice([1, 2, 5, 50])):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return bytes(content)


@damage
def flipped_bits_near_the_structure(model: Model, rng: random.Random) -> bytes:
    content = bytearray(model.SerializeToString())
    content[rng.randrange(min(120, len(content)))] = rng.randrange(256)
    return bytes(content)


@damage
def cut_off(model: Model, rng: random.Random) -> bytes:
    content = _bytes(rng)
    return bytes(content[: rng.randrange(len(content))])


@damage
def parts_twice(model: Model, rng: random.Random) -> bytes:
    content = _bytes(rng)
    a, b = sorted(rng.randrange(len(content)) for _ in range(2))
    return bytes(content[:b] + content[a:])


@damage
def parts_lost(model: Model, rng: random.Random) -> bytes:
    content = _bytes(rng)
    a, b = sorted(rng.randrange(len(content)) for _ in range(2))
    return bytes(content[:a] + content[b:])


@damage
def another_file(model: Model, rng: random.Random) -> bytes:
    return rng.choice(
        [b"", b"\0" * 1000, b"PK\x03\x04" + rng.randbytes(500), b"\x80\x04cos\nsystem\n(S'echo'\ntR.", b"{}",
         b"[model]",
         rng.randbytes(2000), b"\x93NUMPY\x01\x00", b"\n" * 10, b"\xff" * 100, "ö".encode("utf-16")]
    )  # fmt: skip


@damage
def deep_nesting_of_fields(model: Model, rng: random.Random) -> bytes:
    inner, field = b"", rng.choice([b"\x3a", b"\x0a", b"\x2a", b"\x32"])
    for _ in range(rng.choice([50, 99, 200, 3000])):
        length, size = len(inner), b""
        while length > 127:
            size, length = size + bytes([length & 127 | 128]), length >> 7
        inner = field + size + bytes([length]) + inner
    return model.SerializeToString() + inner


@damage
def deep_graphs(model: Model, rng: random.Random) -> Model:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["z"])], "g", [], [helper.make_tensor_value_info("z", 1, None)]
    )
    for level in range(rng.choice([2, 10, 30])):
        node = helper.make_node("If", ["c"], ["z"], then_branch=graph, else_branch=graph if level < 4 else None)
        graph = helper.make_graph([node], "g", [], [helper.make_tensor_value_info("z", 1, None)])
    model.graph.node.insert(0, graph.node[0])
    model.graph.node[1].input[0] = "z"
    return model


@damage
def huge_dimensions(model: Model, rng: random.Random) -> Model:
    tensor = rng.choice(model.graph.initializer)
    tensor.dims[0] = rng.choice(HUGE)
    if rng.random() < 0.5:
        tensor.dims.extend([rng.choice(HUGE)] * rng.choice([1, 5]))
    return model


@damage
def wrong_dimensions(model: Model, rng: random.Random) -> Model:
    tensor = rng.choice(model.graph.initializer)
    tensor.dims[0] = rng.choice([-1, -(2**63), 0, 1, 5, 7])
    return model


@damage
def wrong_types(model: Model, rng: random.Random) -> Model:
    rng.choice(model.graph.initializer).data_type = rng.choice(
        [0, 2, 6, 7, 8, 9, 10, 11, 14, 16, 17, 21, 23, 24, 99, -1]
    )
    return model


@damage
def numbers_that_are_none(model: Model, rng: random.Random) -> Model:
    tensor = rng.choice(model.graph.initializer)
    array = numpy_helper.to_array(tensor).copy()
    array.flat[rng.randrange(array.size)] = rng.choice([np.nan, np.inf, -np.inf, 3e38])
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    return model


@damage
def cycles(model: Model, rng: random.Random) -> Model:
    nodes = model.graph.node
    rng.choice(nodes).input[0] = rng.choice(["y", "t", nodes[-1].output[0]])
    if rng.random() < 0.5:
        first = onnx.NodeProto()
        first.CopyFrom(nodes[0])
        del nodes[0]
        nodes.append(first)
    return model


@damage
def names_twice_or_unknown(model: Model, rng: random.Random) -> Model:
    node = rng.choice(model.graph.node)
    if rng.random() < 0.5:
        node.output[0] = rng.choice(["x", "w", "y", "h", ""])
    else:
        node.input[rng.randrange(len(node.input))] = rng.choice(["", "nothing", "y"])
    return model


@damage
def hostile_names(model: Model, rng: random.Random) -> Model:
    old, new = rng.choice(["x", "w", "h", "y", "b"]), rng.choice(NAMES)
    for node in model.graph.node:
        node.name = rng.choice([new, "n"])
        for names in (node.input, node.output):
            for k, name in enumerate(names):
                names[k] = new if name == old else name
    for value in (*model.graph.initializer, *model.graph.input, *model.graph.output):
        value.name = new if value.name == old else value.name
    if rng.random() < 0.3:
        rng.choice(model.graph.node).op_type = rng.choice(NAMES)
    return model


@damage
def external_data(model: Model, rng: random.Random) -> Model:
    tensor = rng.choice(model.graph.initializer)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    places = [
        "/etc/passwd",
        "../net.onnx",
        "net.onnx",
        "nothing.bin",
        "",
        "/dev/zero",
        "a/../../b",
        "x" * 5000,
        "\0",
        ".",
    ]
    for key, value in {
        "location": rng.choice(places),
        "offset": rng.choice(["0", "-5", "99999999999999999999", "x", "1e3"]),
        "length": rng.choice(["48", "-1", str(2**62), "", "4"]),
    }.items():
        if rng.random() < 0.8:
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
    return model


@damage
def unknown_operations(model: Model, rng: random.Random) -> Model:
    node = model.graph.node[1]
    node.op_type = rng.choice(
        ["Tahn", "Loop", "Scan", "If", "RandomNormal", "DequantizeLinear", "TopK", "ArgMax", "PythonOp", ""]
    )
    node.domain = rng.choice(["", "", "com.evil", "ai.onnx.ml", "\n", "ai.onnx.training"])
    if node.domain and rng.random() < 0.5:
        model.opset_import.append(helper.make_opsetid(node.domain, 1))
    return model


@damage
def other_versions(model: Model, rng: random.Random) -> Model:
    if rng.random() < 0.3:
        del model.opset_import[:]
    else:
        model.opset_import[0].version = rng.choice([0, 1, 6, 12, 999, -3, 2**62])
    model.ir_version = rng.choice([8, 0, 1, 3, 99, -1, 2**62])
    return model


@damage
def functions_that_call_themselves(model: Model, rng: random.Random) -> Model:
    model.opset_import.append(helper.make_opsetid("own", 1))
    inner = [helper.make_node(rng.choice(["Again", "Other", "Tanh"]), ["a"], ["o"], domain="own")]
    for name in ("Again", "Other"):
        model.functions.append(helper.make_function("own", name, ["a"], ["o"], inner, list(model.opset_import)))
    model.graph.node[1].op_type, model.graph.node[1].domain = "Again", "own"
    return model


@damage
def functions_that_explode(model: Model, rng: random.Random) -> Model:
    model.opset_import.append(helper.make_opsetid("own", 1))
    levels = rng.choice([5, 40, 1500])
    for level in range(levels):
        inner = helper.make_node("Tanh", ["a"], ["m"]), helper.make_node("Tanh", ["m"], ["o"])
        for node in inner if level else ():
            node.op_type, node.domain = f"f{level - 1}", "own"
        model.functions.append(helper.make_function("own", f"f{level}", ["a"], ["o"], inner, list(model.opset_import)))
    model.graph.node[1].op_type, model.graph.node[1].domain = f"f{levels - 1}", "own"
    return model


@damage
def huge_windows(model: Model, rng: random.Random) -> Model:
    n = rng.choice([10**6, 10**9, 2**40, 2**62])
    image = "s = Constant<value_ints=[-1,1,1,3]>() i = Reshape(x, s) "
    image += "k0 = Constant<value_ints=[2,1,1,6]>() k = Reshape(w, k0)"
    last = "g = GlobalAveragePool(c) y = Flatten(g)"
    bodies = (
        f"c = Conv<pads=[{n},{n},{n},{n}]>(i, k)", f"c = Conv<pads=[0,{n},0,0]>(i, k)",
        f"c = ConvTranspose<strides=[{n},{n}]>(i, k)", f"c = ConvTranspose<output_padding=[0,{n}]>(i, k)",
        f"c = ConvTranspose<output_shape=[1,{n}]>(i, k)", f"c = Conv<pads=[0,{n},0,0],strides=[1,{n}]>(i, k)",
        f"d = Conv<pads=[0,4,0,4]>(i, k) c = MaxPool<kernel_shape=[1,{n}],pads=[0,{n - 1},0,{n - 1}]>(d)",
        f"d = Conv<pads=[0,4,0,4]>(i, k) c = AveragePool<kernel_shape=[1,{n}],pads=[0,{n - 1},0,{n - 1}]>(d)",
        f"d = Conv<pads=[0,4,0,4]>(i, k) c = MaxPool<kernel_shape=[1,2],dilations=[1,{n}]>(d)",
    )  # fmt: skip
    return network(f"{image} {rng.choice(bodies)} {last}")


@damage
def wrong_attributes(model: Model, rng: random.Random) -> Model:
    bodies = (
        "y = Gemm<transB=7>(x, w)", 'y = Gemm<transB="1">(x, w)', "y = Gemm<alpha=[1.0]>(x, w)",
        "y = Gemm<strange=1>(x, w)",
        "h = Gemm(x, w) y = Softmax<axis=9>(h)", "h = Gemm(x, w) y = Transpose<perm=[0,0]>(h)",
        "h = Gemm(x, w) y = Transpose<perm=[1]>(h)", "h = Gemm(x, w) y = Concat(h, h)",
        "h = Gemm(x, w) y = Concat<axis=-9>(h, h)",
        "h = Gemm(x, w) y = Flatten<axis=5>(h)", "h = Gemm(x, w) y = LeakyRelu<alpha=nan>(h)",
        "h = Gemm(x, w) y = Cast<to=99>(h)",
        "h = Gemm(x, w) y = Cast(h)", 'h = Gemm(x, w) y = Einsum<equation="i...j,->">(h)',
        'y = Einsum<equation="ij,jk,kl->il">(x,w,v)',
        'y = Einsum<equation="ii->i">(w)', "h = Gemm(x, w) y = LayerNormalization<axis=7>(h, b)",
        "y = Gemm<alpha=inf>(x, w)",
        "h = Gemm(x, w) y = LayerNormalization<epsilon=-1e30>(h, b)", "h = Gemm(x, w) y = LpNormalization<p=3>(h)",
    )  # fmt: skip
    return network(rng.choice(bodies))


@damage
def wrong_windows(model: Model, rng: random.Random) -> Model:
    options = rng.choice(
        ["strides=[0,0]", "strides=[-1,1]", "dilations=[0,1]", "pads=[-1,-1,0,0]", f"pads=[{2**62},0,0,0]", "pads=[1]",
         "kernel_shape=[9,9]", "kernel_shape=[2,2]", "group=0", "group=-3", "group=5", 'auto_pad="STRANGE"',
         "strides=[1]",
         f"dilations=[{2**40},1]", f"strides=[{2**40},1]", "pads=[1000000000,1000000000,0,0]"]
    )  # fmt: skip
    op = rng.choice(["Conv", "ConvTranspose", "MaxPool", "AveragePool"])
    shape = "s = Constant<value_ints=[-1,1,1,3]>() i = Reshape(x, s) "
    shape += "k0 = Constant<value_ints=[1,1,1,12]>() k = Reshape(w, k0)"
    arguments = "i, k" if op.startswith("Conv") else "i"
    kernel = "" if op.startswith("Conv") or "kernel" in options else "kernel_shape=[1,2],"
    return network(f"{shape} y = {op}<{kernel}{options}>({arguments})")


@damage
def huge_results(model: Model, rng: random.Random) -> Model:
    n = rng.choice(HUGE)
    bodies = (
        f"s = Constant<value_ints=[{n},{n}]>() o = ConstantOfShape(s) h = Gemm(x, w) y = MatMul(h, o)",
        f"s = Constant<value_ints=[{n},1]>() h = Gemm(x, w) y = Tile(h, s)",
        f"s = Constant<value_ints=[{n},1,4]>() h = Gemm(x, w) y = Expand(h, s)",
        f"a = Constant<value_int=0>() b = Constant<value_int={n}>() c = Constant<value_int=1>() "
        f"r = Range(a,b,c) f = Cast<to=1>(r) h = Gemm(x, w) y = MatMul(h, f)",
        f"s = Constant<value_ints=[0,0,{n},0]>() h = Gemm(x, w) y = Pad(h, s)",
        f"s = Constant<value_ints=[{n},{n}]>() h = Gemm(x, w) y = Reshape(h, s)",
        f"s = Constant<value_ints=[4,{n}]>() h = Gemm(x, w) y = Resize(h,,,s)",
        "s = Constant<value_floats=[1.0,1e30]>() h = Gemm(x, w) y = Resize(h,,s)",
        f"d = Constant<value_int={n}>() z = Constant<value_floats=[0.0,1.0]>() "
        f"i = Constant<value_ints=[1,2]>() o = OneHot(i,d,z) y = MatMul(x, o)",
    )  # fmt: skip
    return network(rng.choice(bodies))


@damage
def wrong_shapes(model: Model, rng: random.Random) -> Model:
    bodies = (
        "y = MatMul(x, v)", "y = Gemm(x, b)", "y = Add(x, w)",
        "s = Constant<value_ints=[-1,-1]>() h = Gemm(x, w) y = Reshape(h, s)",
        "s = Constant<value_ints=[-2,3]>() h = Gemm(x, w) y = Reshape(h, s)",
        "h = Gemm(x, w) a, c, d, e, f = Split(h) y = Tanh(a)",
        "s = Constant<value_ints=[99]>() h = Gemm(x, w) y = Gather<axis=1>(h, s)", "h = Gemm(x, w) y = Gather(h, h)",
        "s = Constant<value_ints=[1,1]>() h = Gemm(x, w) y = Squeeze(h, s)", "h = Gemm(x, w) y = Reshape(h, h)",
        "y, c, d = LSTM<hidden_size=3>(x, w, v)", "y = BatchNormalization(x, b, b, b, b)",
        "h = Gemm(x, w) y = PRelu(h, v)",
        "s = Constant<value_ints=[7]>() h = Gemm(x, w) y = Unsqueeze(h, s)", "h = Gemm(x, w) y = GlobalAveragePool(h)",
        "h = Gemm(x, w) y = DepthToSpace<blocksize=0>(h)", "y = Div(w, w)", "y = Sum()",
        "h = Gemm(x, w) y = Tanh(h, h)",
    )  # fmt: skip
    return network(rng.choice(bodies))


@damage
def wrong_inputs_and_outputs(model: Model, rng: random.Random) -> Model:
    match rng.randrange(7):
        case 0:
            model.graph.output[0].name = "nothing"
        case 1:
            del model.graph.output[:]
        case 2:
            del model.graph.input[:]
        case 3:
            model.graph.input[0].type.tensor_type.elem_type = rng.choice([0, 7, 8, 9, 99, -4])
        case 4:
            return network(declared=rng.choice(["n, 0", "n, -3", "5, 3", "n", "n, 3, 3", str(2**62)]))
        case 5:
            model.graph.input[0].ClearField("type")
        case _:
            model.ClearField("graph")
    return model


@damage
def very_many_nodes(model: Model, rng: random.Random) -> Model:
    last = "h"
    for k in range(rng.choice([300, 100_001])):
        model.graph.node.append(helper.make_node("Identity", [last], [f"n{k}"]))
        last = f"n{k}"
    model.graph.output[0].name = last
    return model


@damage
def other_tensors(model: Model, rng: random.Random) -> Model:
    match rng.randrange(3):
        case 0:
            sparse = model.graph.sparse_initializer.add()
            sparse.values.name = "s"
            sparse.dims.append(rng.choice(HUGE))
        case 1:
            model.graph.initializer.append(helper.make_tensor("text", TensorProto.STRING, [1], [b"\xff\xfe"]))
        case _:
            tensor = rng.choice(model.graph.initializer)
            tensor.float_data.extend([1.0] * rng.choice([1, 5]))
            if rng.random() < 0.5:
                tensor.ClearField("raw_data")
    return model


KINDS = tuple(DAMAGES)
