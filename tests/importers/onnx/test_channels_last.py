"""What Keras means, in NumPy with channels last: padding, order of features, statistics, epsilon, losses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

import verify
from tests.importers.onnx.models import InProcess, model, saved
from verify.importers.onnx import problem as importer

BODY = (
    "a=Transpose<perm=[0,3,1,2]>(x) "
    'b=Conv<auto_pad="SAME_UPPER",strides=[2,2],kernel_shape=[3,3]>(a,kernel,bias) '
    "c=BatchNormalization<epsilon=0.001,momentum=0.99>(b,gamma,beta,mean,variance) d=Tanh(c) "
    "e=Transpose<perm=[0,2,3,1]>(d) f=Reshape(e,flat) g=MatMul(f,dense) y=Add(g,shift)"
)
"""A convolution of Keras with padding "same" and stride 2, batch normalisation, flatten, dense."""
RNG = np.random.default_rng(0)


def r(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32).astype(np.float64)


X, Y = r(2, 4, 5, 2), r(2, 3)
NUMBERS = {
    "kernel": r(3, 2, 3, 3), "bias": r(3), "gamma": r(3), "beta": r(3), "mean": r(3), "variance": r(3) ** 2 + 0.1,
    "flat": np.array([-1, 18]), "dense": r(18, 3), "shift": r(3),
}  # fmt: skip
TRAINED = ("kernel", "bias", "gamma", "beta", "dense", "shift")


def outputs(parts: dict[str, np.ndarray]) -> np.ndarray:
    """Keras's definitions, place by place: ``same`` has ceil(n / stride) windows and pads the smaller half before."""
    n, height, width, _ = X.shape
    kernel = parts["kernel"].transpose(2, 3, 1, 0)
    rows, columns = -(-height // 2), -(-width // 2)
    before = [max((count - 1) * 2 + 3 - size, 0) // 2 for count, size in ((rows, height), (columns, width))]
    z = np.zeros((n, rows, columns, 3))
    for i, j, a, b in np.ndindex(rows, columns, 3, 3):
        row, column = 2 * i + a - before[0], 2 * j + b - before[1]
        if 0 <= row < height and 0 <= column < width:
            z[:, i, j] += X[:, row, column] @ kernel[a, b]
    z += parts["bias"]
    epsilon = float(np.float32(0.001))
    normal = (z - NUMBERS["mean"]) / np.sqrt(NUMBERS["variance"].astype(np.float32).astype(float) + epsilon)
    h = np.tanh(normal * parts["gamma"] + parts["beta"]).reshape(n, -1)
    return h @ parts["dense"] + parts["shift"]


def softmax(z: np.ndarray) -> np.ndarray:
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


CLASSES = np.array([2, 0])
LABELS = np.eye(3)[CLASSES]
LOSSES = {
    "mean_squared_error": ("mse", {}, Y, lambda z: np.mean((z - Y) ** 2)),
    "huber of delta 0.5": (
        "huber", {"delta": 0.5}, Y,
        lambda z: np.mean(np.where(np.abs(z - Y) <= 0.5, (z - Y) ** 2 / 2, 0.5 * np.abs(z - Y) - 0.125)),
    ),
    "sparse_categorical_crossentropy": (
        "softmax-cross-entropy", {}, CLASSES, lambda z: -np.mean(np.log(softmax(z)[np.arange(2), CLASSES]))
    ),
    "categorical_crossentropy with smoothing": (
        "softmax-cross-entropy", {"label_smoothing": 0.25}, CLASSES,
        lambda z: -np.mean(np.sum((0.75 * LABELS + 0.25 / 3) * np.log(softmax(z)), axis=-1)),
    ),
    "binary_crossentropy": (
        "sigmoid-cross-entropy", {}, LABELS,
        lambda z: -np.mean(LABELS * np.log(1 / (1 + np.exp(-z))) + (1 - LABELS) * np.log(1 / (1 + np.exp(z)))),
    ),
}  # fmt: skip
"""Keras's losses, each by its formula in Keras's documentation, and what they are called here."""


@pytest.mark.parametrize("name", LOSSES)
def test_error_and_gradient_are_keras(name, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(importer, "Child", InProcess)
    loss, options, targets, formula = LOSSES[name]
    path = saved(model(BODY, {"x": X}, NUMBERS, 15), tmp_path)
    problem = verify.from_onnx(path, X, targets, loss, **options)
    assert sorted(block.label for block in problem.blocks) == sorted(TRAINED)

    def error(w: np.ndarray) -> float:
        return float(formula(outputs(problem.unflatten(w))))

    w = problem.initial_weights
    assert problem.error(w) == pytest.approx(error(w), rel=1e-12)
    assert np.max(np.abs(problem.gradient(w) - approx_fprime(w, error, 1e-7))) < 1e-5
