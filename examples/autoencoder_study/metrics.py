"""How good a reconstruction is, and how good a code."""

from __future__ import annotations

import contextlib
import io

import numpy as np
from skimage.metrics import structural_similarity
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import verify
from examples.autoencoder_study.data import DataSet
from verify.calculus import passes
from verify.calculus.algebra import FLOAT

with contextlib.redirect_stdout(io.StringIO()):  # it prints on import where PyTorch is not there
    from psnr_hvsm.numpy import hvs_hvsm_mse_tiles

_WINDOW = 7


def of_network(architecture: verify.Architecture, weights: np.ndarray, data: DataSet) -> dict[str, float]:
    """Measure what a trained autoencoder does with images that it was not trained on."""
    train, test = (outputs(architecture, weights, images) for images in (data.train, data.test))
    return _measured(data, test["y"], train["code"], test["code"])


def of_pca(data: DataSet, code: int) -> dict[str, float]:
    """Measure principal components, as many as the code has numbers; ``train_error`` and ``half_error`` are like E.

    ``half_error`` is the training error of half as many components.
    """
    pca = PCA(code, svd_solver="full").fit(data.train)
    train, test = pca.transform(data.train), pca.transform(data.test)
    half = PCA(max(1, code // 2), svd_solver="full").fit(data.train)
    reached = {
        "train_error": _error(data.train, pca.inverse_transform(train)),
        "half_error": _error(data.train, half.inverse_transform(half.transform(data.train))),
    }
    return reached | _measured(data, pca.inverse_transform(test), train, test)


def pca_reconstruction(data: DataSet, code: int) -> np.ndarray:
    """Return the test images as principal components give them back."""
    pca = PCA(code, svd_solver="full").fit(data.train)
    return pca.inverse_transform(pca.transform(data.test))


def outputs(architecture: verify.Architecture, weights: np.ndarray, images: np.ndarray) -> dict[str, np.ndarray]:
    """Return what every vertex makes of images, in float64."""
    return passes.forward(FLOAT, architecture, architecture.unflatten(weights), images, order=0).outputs


def _error(images: np.ndarray, reconstructed: np.ndarray) -> float:
    return 0.5 * float(np.mean(np.sum((images - reconstructed) ** 2, axis=1)))


def _measured(data: DataSet, shown: np.ndarray, train_code: np.ndarray, test_code: np.ndarray) -> dict[str, float]:
    seen = np.clip(shown, 0.0, 1.0)
    before, after = data.pictures(data.test), data.pictures(seen)
    with np.errstate(invalid="ignore"):  # a block of one grey has no contrast that masks; the library means 0
        masked = float(np.mean(hvs_hvsm_mse_tiles(before, after)[1]))
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    classifier.fit(train_code, data.train_labels)
    return {
        "error": _error(data.test, shown),
        "psnr": _decibels(float(np.mean((data.test - seen) ** 2))),
        "psnr_hvs_m": _decibels(masked),
        "ssim": _similarity(before, after),
        "accuracy": float(classifier.score(test_code, data.test_labels)),
    }


def _similarity(before: np.ndarray, after: np.ndarray) -> float:
    """Return the mean SSIM of pictures, (m, height, width): of one stack, windows across two left out."""
    stacks = (pictures.reshape(-1, pictures.shape[2]) for pictures in (before, after))
    local = structural_similarity(*stacks, win_size=_WINDOW, data_range=1.0, full=True)[1]
    edge = (_WINDOW - 1) // 2
    return float(np.mean(local.reshape(before.shape)[:, edge:-edge, edge:-edge]))


def _decibels(squared_error: float) -> float:
    return 10.0 * float(np.log10(1.0 / squared_error)) if squared_error > 0 else 100.0
