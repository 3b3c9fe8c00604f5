"""The data sets: images that scikit-learn and scikit-image bring with them, split by a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from skimage.data import lfw_subset
from skimage.transform import resize
from sklearn.datasets import load_digits, load_sample_image

TILE = 8
PHOTOGRAPHS = ("china.jpg", "flower.jpg")
_TILES_HIGH, _TILES_WIDE, _FIRST_TEST_COLUMN = 53, 80, 54
_SHOWN_TILES = 12
_FACE_SIDE = 16


@dataclass(frozen=True)
class DataSet:
    """Images as rows of pixels in [0, 1].

    Parameters
    ----------
    train, test : array, shape (samples, pixels)
    train_labels, test_labels : array of int
        What a linear classifier is to read off the code.
    pictures : callable
        Turns rows like `test` into the pictures (m, height, width) that a person looks at.
    shown : callable
        The same for the few that are printed.
    classes : str
        What the labels mean.
    """

    train: np.ndarray
    test: np.ndarray
    train_labels: np.ndarray
    test_labels: np.ndarray
    pictures: Callable[[np.ndarray], np.ndarray]
    shown: Callable[[np.ndarray], np.ndarray]
    classes: str

    @property
    def pixels(self) -> int:
        """Pixels of an image."""
        return self.train.shape[1]


def digits(samples: int, seed: int) -> DataSet:
    """Handwritten digits of scikit-learn, 8 x 8; those that are not for training are for the test."""
    data = load_digits()
    return _whole_images(data.data / 16.0, data.target, samples, seed, "which digit")


def faces(samples: int, seed: int) -> DataSet:
    """The 200 pictures of scikit-image's `lfw_subset`, half of them faces, made 16 x 16."""
    images = lfw_subset()
    small = resize(images, (len(images), _FACE_SIDE, _FACE_SIDE), anti_aliasing=True)
    labels = np.repeat([1, 0], len(images) // 2)
    return _whole_images(np.clip(small, 0.0, 1.0).reshape(len(images), -1), labels, samples, seed, "face or not")


def patches(samples: int, seed: int) -> DataSet:
    """Tiles of 8 x 8 of scikit-learn's two photographs in grey: left two thirds train, right third test."""
    tiles = np.array([_tiles(load_sample_image(name)) for name in PHOTOGRAPHS])
    labels = np.broadcast_to(np.arange(len(tiles))[:, None, None], tiles.shape[:3])
    left, right = tiles[:, :, :_FIRST_TEST_COLUMN], tiles[:, :, _FIRST_TEST_COLUMN:]
    known, unseen = left.reshape(-1, TILE * TILE), right.reshape(-1, TILE * TILE)
    drawn = np.random.default_rng(seed).permutation(len(known))[:samples]

    def stitched(rows: np.ndarray) -> np.ndarray:
        arranged = rows.reshape(*right.shape[:3], TILE, TILE)
        return arranged.transpose(0, 1, 3, 2, 4).reshape(len(tiles), _TILES_HIGH * TILE, -1)

    def corner(rows: np.ndarray) -> np.ndarray:
        side = _SHOWN_TILES * TILE
        return stitched(rows)[:, -side:, :side]

    return DataSet(
        known[drawn],
        unseen,
        labels[:, :, :_FIRST_TEST_COLUMN].reshape(-1)[drawn],
        labels[:, :, _FIRST_TEST_COLUMN:].reshape(-1),
        stitched,
        corner,
        "which photograph",
    )


DATA_SETS: dict[str, Callable[[int, int], DataSet]] = {"digits": digits, "patches": patches, "faces": faces}
"""By name: a function of the number of training samples and the seed."""


def _whole_images(rows: np.ndarray, labels: np.ndarray, samples: int, seed: int, classes: str) -> DataSet:
    order = np.random.default_rng(seed).permutation(len(rows))
    train, test = order[:samples], order[samples:]
    side = int(np.sqrt(rows.shape[1]))

    def pictures(images: np.ndarray) -> np.ndarray:
        return images.reshape(-1, side, side)

    return DataSet(
        rows[train], rows[test], labels[train], labels[test], pictures, lambda images: pictures(images)[:8], classes
    )


def _tiles(photograph: np.ndarray) -> np.ndarray:
    """Return the tiles of a photograph in grey, (rows, columns, pixels)."""
    grey = photograph[: _TILES_HIGH * TILE, : _TILES_WIDE * TILE] @ np.array([0.299, 0.587, 0.114]) / 255.0
    tiles = grey.reshape(_TILES_HIGH, TILE, _TILES_WIDE, TILE).transpose(0, 2, 1, 3)
    return tiles.reshape(_TILES_HIGH, _TILES_WIDE, TILE * TILE)
