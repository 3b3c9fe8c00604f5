"""Normalisations, softmax and its logarithm."""

from __future__ import annotations

from fractions import Fraction

from verify.graph.tensor import Tensor
from verify.importers.lowering import softmax as lowering
from verify.importers.lowering.lowest import without_lowest
from verify.importers.lowering.softmax import Masked
from verify.importers.onnx.model import OnnxNode
from verify.importers.onnx.registry import OnnxScope, UnsuitableError, Value, axis_of, real, rule
from verify.layers.normalisation import affine, group_normalise, normalise
from verify.operations.power import Power

EPSILON = 1e-5
"""The default of the format."""


@rule("Softmax", takes_masked=True)
def softmax(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    axis = node.get("axis", -1)
    if not isinstance(x, Masked):
        x = without_lowest(scope.tensor(x), axis, scope.constants, scope.constant)
    return lowering.softmax(x, axis)


@rule("LogSoftmax")
def log_softmax(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    return lowering.log_softmax(scope.tensor(x), node.get("axis", -1))


@rule("BatchNormalization", trained=(1, 2))
def batch_norm(
    scope: OnnxScope, node: OnnxNode, x: Value, scale: Value, shift: Value, mean: Value, variance: Value
) -> Tensor:
    h, epsilon = scope.tensor(x), real(node, "epsilon", EPSILON)
    factors = scope.tensor(scale), scope.tensor(shift)
    if node.get("training_mode", 0):
        axes = [axis for axis in range(len(h.shape)) if axis != 1]
        return affine(normalise(h, axes, float(epsilon)), *factors, 1)
    after = (1,) * (len(h.shape) - 2)
    centre, spread = (scope.tensor(part).reshape((h.shape[1], *after)) for part in (mean, variance))
    root = (spread + scope.tensor(epsilon)).apply(Power(Fraction(-1, 2)))
    return affine((h - centre) * root, *factors, 1)


@rule("LayerNormalization", "SimplifiedLayerNormalization", "RMSNormalization", trained=(1, 2))
def layer_norm(scope: OnnxScope, node: OnnxNode, x: Value, scale: Value, shift: Value = None) -> Tensor:
    h = scope.tensor(x)
    axes = range(axis_of(node.get("axis", -1), len(h.shape)), len(h.shape))
    epsilon = float(real(node, "epsilon", EPSILON))
    normal = normalise(h, axes, epsilon, centred=node.op == "LayerNormalization") * scope.tensor(scale)
    return normal if shift is None else normal + scope.tensor(shift)


@rule("InstanceNormalization", trained=(1, 2))
def instance_norm(scope: OnnxScope, node: OnnxNode, x: Value, scale: Value, shift: Value) -> Tensor:
    h = scope.tensor(x)
    normal = normalise(h, range(2, len(h.shape)), float(real(node, "epsilon", EPSILON)))
    return affine(normal, scope.tensor(scale), scope.tensor(shift), 1)


@rule("GroupNormalization", trained=(1, 2))
def group_norm(scope: OnnxScope, node: OnnxNode, x: Value, scale: Value, shift: Value) -> Tensor:
    h, groups = scope.tensor(x), int(node.get("num_groups"))
    if groups < 1 or h.shape[1] % groups:
        raise UnsuitableError("groups must divide the channels", num_groups=groups, input=h.shape)
    normal = group_normalise(h, groups, float(real(node, "epsilon", EPSILON)))
    return affine(normal, scope.tensor(scale), scope.tensor(shift), 1)


@rule("LpNormalization")
def lp_normalisation(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    if node.get("p", 2) != 2:
        raise UnsuitableError("only the Euclidean norm", p=node.get("p"))
    h = scope.tensor(x)
    return h * h.square().sum([node.get("axis", -1)], keep=True).apply(Power(Fraction(-1, 2)))
