"""Products of matrices, and sums over products by letters."""

from __future__ import annotations

from verify.graph.tensor import Tensor
from verify.importers.lowering.functions import matrix_product
from verify.importers.onnx.model import OnnxNode
from verify.importers.onnx.registry import OnnxScope, UnsuitableError, Value, real, rule
from verify.operations.contraction import Contraction


@rule("MatMul", trained=(1,))
def matmul(scope: OnnxScope, node: OnnxNode, left: Value, right: Value) -> Tensor:
    return matrix_product(scope.tensor(left), scope.tensor(right))


@rule("Gemm", trained=(1, 2))
def gemm(scope: OnnxScope, node: OnnxNode, left: Value, right: Value, shift: Value = None) -> Tensor:
    a, b = scope.tensor(left), scope.tensor(right)
    a = a.permute(1, 0) if node.get("transA", 0) else a
    b = b.permute(1, 0) if node.get("transB", 0) else b
    alpha, beta = real(node, "alpha", 1.0), real(node, "beta", 1.0)
    product = (a @ b).scale(alpha) if alpha else (a @ b).zeros()
    if shift is None or not beta:
        return product
    return product + scope.tensor(shift).scale(beta)


@rule("Einsum", trained=(1,))
def einsum(scope: OnnxScope, node: OnnxNode, *parts: Value) -> Tensor:
    """Return a sum over products of at most two arrays, each letter once in each of them."""
    equation = "".join(str(node.get("equation")).split())
    left, arrow, out = equation.partition("->")
    letters = left.split(",")
    if not arrow or "." in equation or len(letters) != len(parts) or not 1 <= len(parts) <= 2:
        raise UnsuitableError("only sums over products of two arrays, with letters alone", equation=equation)
    if any(len(set(each)) < len(each) for each in (*letters, out)):
        raise UnsuitableError("a letter twice in one array", equation=equation)
    tensors = [scope.tensor(part) for part in parts]
    for position, own in enumerate(letters):
        elsewhere = set(out).union(*(other for place, other in enumerate(letters) if place != position))
        gone = [axis for axis, letter in enumerate(own) if letter not in elsewhere]
        if gone:
            tensors[position] = tensors[position].sum(gone)
            letters[position] = "".join(letter for letter in own if letter in elsewhere)
    if len(tensors) == 1:
        return tensors[0].permute(*(letters[0].index(letter) for letter in out))
    return tensors[0].apply(Contraction(letters[0], letters[1], out), *tensors)
