"""Elementwise functions, smooth and not."""

from __future__ import annotations

from fractions import Fraction

from verify.graph.tensor import Tensor
from verify.importers.lowering import functions
from verify.importers.lowering.functions import FORMULAS
from verify.importers.onnx.model import OnnxNode
from verify.importers.onnx.registry import OnnxScope, Value, real, rule
from verify.operations.elementwise import Elementwise

PLAIN = {
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "Sin": "sin",
    "Cos": "cos",
    "Exp": "exp",
    "Erf": "erf",
    "Atan": "arctan",
    "Relu": "relu",
    "HardSwish": "hardswish",
    "Mish": "mish",
    "Sinh": "sinh",
    "Cosh": "cosh",
}
"""Functions without options, by the names of their formulas."""


@rule(*PLAIN)
def plain(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    return scope.tensor(x).apply(Elementwise(FORMULAS[PLAIN[node.op]]))


@rule("Softplus")
def softplus(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    return scope.tensor(x).apply(Elementwise("softplus"))


@rule("Softsign")
def softsign(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    return scope.tensor(x).apply(Elementwise("x/(1+abs(x))"))


@rule("Gelu", "com.microsoft.Gelu")
def gelu(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    if node.get("approximate", "none") == "tanh":
        return functions.gelu_by_tanh(scope.tensor(x))
    return scope.tensor(x).apply(Elementwise("gelu"))


@rule("Swish")
def swish(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    h, alpha = scope.tensor(x), real(node, "alpha", 1.0)
    return h.apply(Elementwise("silu")) if alpha == 1 else h * h.scale(alpha).apply(Elementwise("sigmoid"))


@rule("LeakyRelu")
def leaky_relu(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    return functions.leaky_relu(scope.tensor(x), real(node, "alpha", 0.01))


@rule("Elu")
def elu(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    return functions.elu(scope.tensor(x), real(node, "alpha", 1.0))


@rule("Selu")
def selu(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    alpha, gamma = real(node, "alpha", 1.67326319217681884765625), real(node, "gamma", 1.05070102214813232421875)
    return functions.elu(scope.tensor(x), alpha, gamma)


@rule("Celu")
def celu(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    alpha = real(node, "alpha", 1.0)
    return functions.elu(scope.tensor(x), alpha, 1, 1 / alpha)


@rule("HardSigmoid")
def hard_sigmoid(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    line = scope.tensor(x).scale(real(node, "alpha", 0.2)) + scope.tensor(real(node, "beta", 0.5))
    return functions.clamped(line, scope.tensor(0), scope.tensor(1))


@rule("PRelu", trained=(1,))
def prelu(scope: OnnxScope, node: OnnxNode, x: Value, slope: Value) -> Tensor:
    return functions.prelu(scope.tensor(x), scope.tensor(slope))


@rule("Clip")
def clip(scope: OnnxScope, node: OnnxNode, x: Value, low: Value = None, high: Value = None) -> Tensor:
    bounds = (None if bound is None else scope.tensor(bound) for bound in (low, high))
    return functions.clamped(scope.tensor(x), *bounds)


@rule("Tan")
def tangent(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    h = scope.tensor(x)
    return h.apply(Elementwise("sin")) / h.apply(Elementwise("cos(x)"))


@rule("ThresholdedRelu")
def thresholded_relu(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    if real(node, "alpha", 1.0) != Fraction(0):
        raise TypeError("the function jumps at its threshold")
    return scope.tensor(x).apply(Elementwise("relu"))
