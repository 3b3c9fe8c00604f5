"""Initial weights drawn from a seed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from verify.architecture.fields import whole_number
from verify.architecture.layout import Layout
from verify.architecture.linear_map import FloatArray
from verify.outcomes import InputError

SCHEMES = ("glorot", "zeros")


def initial_weights(layout: Layout, scheme: str, seed: Any) -> FloatArray:
    """Return weights (P,): all zero, or uniform within +-sqrt(6 / (fan in + fan out)) with biases zero.

    The parts are drawn in the order of the layout from ``numpy.random.default_rng(seed)``. Fan in and fan out of a
    dense edge are its widths; those of a convolution are source and target channels times the kernel's places.

    Raises
    ------
    InputError
        If the scheme is unknown or the seed is no nonnegative whole number.
    """
    if scheme not in SCHEMES:
        raise InputError("unknown initialisation", scheme=scheme, remedy=f"use one of {', '.join(SCHEMES)}")
    generator = np.random.default_rng(whole_number(seed, "seed", minimum=0, maximum=2**128))
    weights = np.zeros(layout.size)
    if scheme == "glorot":
        for key, shape in layout.shapes.items():
            if isinstance(key, tuple):
                limit = math.sqrt(6.0 / ((shape[0] + shape[1]) * math.prod(shape[2:])))
                weights[layout.slices[key]] = generator.uniform(-limit, limit, size=math.prod(shape))
    return weights
