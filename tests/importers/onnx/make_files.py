"""The files of files/, made by the programs that people export with; run again only to change them.

    python tests/importers/onnx/make_files.py torch     # PyTorch's two exporters; needs torch and onnxscript
    python tests/importers/onnx/make_files.py keras     # Keras on PyTorch; needs keras besides
    python tests/importers/onnx/make_files.py sklearn   # needs skl2onnx

Each file comes with the outputs of the network it was made from, in an .npz file of the same name.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx

FILES = Path(__file__).with_name("files")


def keep(name: str, model: onnx.ModelProto, x: np.ndarray, y: np.ndarray) -> None:
    """Write a model without notes of the machine it was made on, with inputs and outputs of its network."""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        del value.metadata_props[:]
        value.doc_string = ""
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    model.doc_string = model.graph.doc_string = ""
    (FILES / f"{name}.onnx").write_bytes(model.SerializeToString())
    np.savez(FILES / f"{name}.npz", x=x, y=y)


def from_torch() -> None:
    """Write a transformer block by both exporters; its parameters differ, for exporters merge those that are equal."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.read, self.norm = nn.Linear(3, 8), nn.LayerNorm(8)
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
            self.wide, self.narrow, self.head = nn.Linear(8, 12), nn.Linear(12, 8), nn.Linear(8, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            h = self.read(x)
            n = self.norm(h)
            h = h + self.attention(n, n, n, need_weights=False)[0]
            h = h + self.narrow(nn.functional.gelu(self.wide(h)))
            return self.head(h.mean(dim=1))

    torch.manual_seed(0)
    block, x = Block(), torch.randn(5, 4, 3)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        y = block.double()(x.double()).numpy()
        block.float()
    path = FILES / "made.onnx"
    axes = {"x": {0: "n"}, "y": {0: "n"}}
    names = {"input_names": ["x"], "output_names": ["y"]}
    torch.onnx.export(block, (x,), path, dynamo=False, opset_version=16, dynamic_axes=axes, **names)
    keep("torchscript_block", onnx.load(path), x.numpy(), y)
    shapes = {"x": {0: torch.export.Dim("n")}}
    torch.onnx.export(
        block, (x,), path, dynamo=True, opset_version=20, external_data=False, dynamic_shapes=shapes, **names
    )
    keep("dynamo_block", onnx.load(path), x.numpy(), y)
    path.unlink()


def from_keras() -> None:
    """Write a small convolutional network."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    net = keras.Sequential(
        [keras.Input((6, 6, 1)), layers.Conv2D(3, 3, activation="relu", padding="same"), layers.BatchNormalization(),
         layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(4, activation="swish"), layers.Dense(2)]
    )  # fmt: skip
    rng = np.random.default_rng(0)
    net.set_weights([w + 0.1 * rng.uniform(size=w.shape) for w in net.get_weights()])  # not all zeros and ones
    x = rng.normal(size=(4, 6, 6, 1)).astype(np.float32)
    y = np.asarray(keras.ops.convert_to_numpy(net(x)))
    path = FILES / "made.onnx"
    net.export(path, format="onnx", verbose=False)
    keep("keras_convolution", onnx.load(path), x, y)
    path.unlink()


def from_sklearn() -> None:
    """Write a regressor, and a classifier behind a scaler."""
    from skl2onnx import to_onnx
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    options = {"hidden_layer_sizes": (4,), "max_iter": 50, "random_state": 0}
    regressor = MLPRegressor(activation="tanh", **options).fit(x, x[:, 0] * x[:, 1])
    keep("sklearn_regressor", to_onnx(regressor, x[:1]), x, regressor.predict(x.astype(np.float64)))
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(activation="logistic", **options)).fit(
        x, np.arange(20) % 3
    )
    made = to_onnx(pipeline, x[:1], options={"zipmap": False})
    keep("sklearn_classifier", made, x, pipeline.predict_proba(x.astype(np.float64)))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for which in sys.argv[1:]:
        {"torch": from_torch, "keras": from_keras, "sklearn": from_sklearn}[which]()
