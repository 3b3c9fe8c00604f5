"""Every method of an edge's map agrees with the bilinear form that defines it, without tolerance."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from verify.architecture import AvgPool2d, Concat, Conv2d, Dense, Identity, LinearMap
from verify.architecture.windows import PlaneWindows
from verify.outcomes import InputError

if TYPE_CHECKING:
    from tests.architecture.conftest import Exact


def integers(rng: np.random.Generator, linear: LinearMap, *shape: int) -> np.ndarray:
    """Small integers; multiples of a pooling window's size, so that its means are integers too."""
    return rng.integers(-4, 5, size=shape).astype(np.float64) * linear.terms().coefficient.denominator


def parameters(rng: np.random.Generator, linear: LinearMap) -> np.ndarray | None:
    if linear.parameter_count == 0:
        return None
    return rng.integers(-4, 5, size=linear.parameter_shape).astype(np.float64)


def same(actual: Any, expected: Any) -> bool:
    return np.array_equal(np.asarray(actual).ravel(), np.array(expected, dtype=np.float64).ravel())


def test_methods_agree_with_the_terms(linear: LinearMap, exact: Exact, rng: np.random.Generator) -> None:
    theta = parameters(rng, linear)
    h = integers(rng, linear, 3, linear.in_width)
    delta = integers(rng, linear, 3, linear.out_width)
    assert linear.apply(theta, h).shape == delta.shape
    assert linear.transpose(theta, delta).shape == h.shape
    assert same(linear.apply(theta, h), exact.apply(theta, h))
    assert same(linear.transpose(theta, delta), exact.transpose(theta, delta))
    assert same(linear.parameter_gradient(h, delta), exact.parameter_gradient(h, delta))


def test_matrix_is_the_definition_rounded_to_nearest(linear: LinearMap, exact: Exact, rng: np.random.Generator) -> None:
    theta = parameters(rng, linear)
    expected = [[float(entry) for entry in row] for row in exact.matrix(theta)]
    assert np.array_equal(linear.matrix(theta), np.array(expected))


def test_terms_name_every_pair_once(linear: LinearMap) -> None:
    terms = linear.terms()
    pairs = set(zip(terms.out.tolist(), terms.input.tolist(), strict=True))
    assert len(pairs) == len(terms.out)
    assert terms.out.min() >= 0
    assert terms.out.max() < linear.out_width
    assert terms.input.min() >= 0
    assert terms.input.max() < linear.in_width
    if linear.parameter_count:
        assert terms.parameter.min() >= 0
        assert terms.parameter.max() < linear.parameter_count
    else:
        assert np.all(terms.parameter == -1)


def test_parameter_gradient_has_the_shape_of_the_parameters(linear: LinearMap) -> None:
    gradient = linear.parameter_gradient(np.ones((2, linear.in_width)), np.ones((2, linear.out_width)))
    assert gradient.shape == (linear.parameter_shape if linear.parameter_count else (0,))


def test_all_leading_axes_count_samples(linear: LinearMap, rng: np.random.Generator) -> None:
    theta = parameters(rng, linear)
    h = integers(rng, linear, 2, 3, linear.in_width)
    delta = integers(rng, linear, 2, 3, linear.out_width)
    rows, adjoints = h.reshape(6, -1), delta.reshape(6, -1)
    assert np.array_equal(linear.apply(theta, h).reshape(6, -1), linear.apply(theta, rows))
    assert np.array_equal(linear.transpose(theta, delta).reshape(6, -1), linear.transpose(theta, adjoints))
    assert np.array_equal(linear.parameter_gradient(h, delta), linear.parameter_gradient(rows, adjoints))


def test_no_samples_give_no_rows(linear: LinearMap, rng: np.random.Generator) -> None:
    theta = parameters(rng, linear)
    h, delta = np.zeros((0, linear.in_width)), np.zeros((0, linear.out_width))
    assert linear.apply(theta, h).shape == (0, linear.out_width)
    assert linear.transpose(theta, delta).shape == (0, linear.in_width)
    assert not linear.parameter_gradient(h, delta).any()


def test_maps_are_immutable_and_survive_pickling(linear: LinearMap) -> None:
    field = dataclasses.fields(linear)[0].name  # type: ignore[arg-type]
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(linear, field, 1)
    assert pickle.loads(pickle.dumps(linear)) == linear  # noqa: S301 -- bytes made on the spot


@pytest.mark.parametrize(
    "convolution",
    [
        Conv2d((2, 4, 5), 3, (2, 3)),
        Conv2d((2, 5, 4), 2, (3, 2), (2, 1), (1, 0)),
        Conv2d((1, 4, 6), 2, (3, 3), (1, 2), (2, 1)),
    ],
    ids=repr,
)
def test_convolution_is_the_loop_over_channels_positions_and_places(
    convolution: Conv2d, rng: np.random.Generator
) -> None:
    planes, height, width = convolution.in_shape
    theta = parameters(rng, convolution)
    assert theta is not None
    image = integers(rng, convolution, planes, height, width)
    vertical, horizontal = convolution.padding
    padded = np.pad(image, [(0, 0), (vertical, vertical), (horizontal, horizontal)])
    expected = np.zeros(convolution.out_shape)
    for channel, row, column in np.ndindex(*convolution.out_shape):
        for plane, i, j in np.ndindex(*theta.shape[1:]):
            pixel = padded[plane, row * convolution.stride[0] + i, column * convolution.stride[1] + j]
            expected[channel, row, column] += theta[channel, plane, i, j] * pixel
    actual = convolution.apply(theta, image.reshape(1, -1))
    assert np.array_equal(actual.reshape(convolution.out_shape), expected)


def test_pooling_is_the_mean_of_every_window(rng: np.random.Generator) -> None:
    pooling = AvgPool2d((2, 5, 6), (2, 4), (2, 1))
    image = integers(rng, pooling, 2, 5, 6)
    expected = np.zeros(pooling.out_shape)
    for channel, row, column in np.ndindex(*pooling.out_shape):
        expected[channel, row, column] = image[channel, 2 * row : 2 * row + 2, column : column + 4].mean()
    assert np.array_equal(pooling.apply(None, image.reshape(1, -1)).reshape(pooling.out_shape), expected)


@pytest.mark.parametrize("size", range(1, 6))
@pytest.mark.parametrize("kernel", range(1, 5))
@pytest.mark.parametrize("stride", range(1, 5))
def test_windows_see_the_pixels_that_say_so(size: int, kernel: int, stride: int) -> None:
    for padding in range(kernel):
        if size + 2 * padding < kernel:
            continue
        windows = PlaneWindows((size, size), (kernel, 1), (stride, 1), (padding, 0))
        sights = {
            (window, int(pixel), place)
            for window, row in enumerate(windows.pixel_of)
            for place, pixel in enumerate(row)
            if pixel < windows.pixels
        }
        seen = {
            (int(window), pixel, place)
            for pixel, row in enumerate(windows.window_of)
            for place, window in enumerate(row)
            if window < windows.count
        }
        assert sights == seen
        assert windows.multiplicity == int((windows.window_of < windows.count).sum(axis=1).max())


@pytest.mark.parametrize(
    "make",
    [
        lambda: Conv2d((1, 1, 3), 1, (1, 16_000_000), (1, 1), (0, 15_999_999)),
        lambda: Conv2d((1, 4000, 4000), 1, (3, 3), (3000, 3000)),
        lambda: AvgPool2d((1, 4000, 4000), (2000, 2000), (1, 1)),
    ],
)
def test_windows_that_would_exhaust_the_memory_are_refused_at_once(make: Callable[[], LinearMap]) -> None:
    with pytest.raises(InputError, match="the windows see too many pixels, at most 67108864 are supported"):
        make()


def test_gradient_of_one_sample_is_the_outer_product() -> None:
    gradient = Dense(2, 3).parameter_gradient(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0, 5.0]]))
    assert np.array_equal(gradient, [[3.0, 6.0], [4.0, 8.0], [5.0, 10.0]])


def test_concat_adds_up_to_the_concatenation() -> None:
    first, second = np.array([[1.0, 2.0]]), np.array([[3.0]])
    joined = Concat(2, 3, 0).apply(None, first) + Concat(1, 3, 2).apply(None, second)
    assert np.array_equal(joined, [[1.0, 2.0, 3.0]])


def test_identity_of_ten_million_units_stores_nothing() -> None:
    h = np.zeros((1, 10_000_000))
    assert Identity(10_000_000).apply(None, h) is h


def test_maps_without_parameters_have_no_overlap() -> None:
    with pytest.raises(TypeError, match="use gain"):
        _ = Identity(3).overlap


@pytest.mark.parametrize("samples", [(), (0,), (1,), (65,), (3, 40)])
def test_blocks_of_samples_change_nothing(samples: tuple[int, ...]) -> None:
    rng = np.random.default_rng(8)
    convolution = Conv2d((2, 5, 4), channels=3, kernel=(3, 2), stride=(2, 1), padding=(1, 1))
    theta = rng.standard_normal(convolution.parameter_shape)
    matrix = convolution.matrix(theta)
    h = rng.standard_normal((*samples, convolution.in_width))
    delta = rng.standard_normal((*samples, convolution.out_width))
    np.testing.assert_allclose(convolution.apply(theta, h), h @ matrix.T, rtol=0, atol=1e-12)
    np.testing.assert_allclose(convolution.transpose(theta, delta), delta @ matrix, rtol=0, atol=1e-12)
    assert convolution.apply(theta.astype(np.float32), h.astype(np.float32)).dtype == np.float32
