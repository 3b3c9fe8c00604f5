"""The random numbers that training draws: where all generators stand, and back to there."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


def random_state(generators: Sequence[torch.Generator] = ()) -> dict[str, Any]:
    """Return the state of PyTorch's generators, on all devices in use, NumPy's, Python's, and of those given.

    It is made of tensors, numbers and tuples, so that ``torch.load(..., weights_only=True)`` reads it back.
    """
    kind, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002 -- the one that users' code draws from
    return {
        "torch": torch.get_rng_state(),
        "cuda": list(torch.cuda.get_rng_state_all())
        if torch.cuda.is_available() and torch.cuda.is_initialized()
        else [],
        "numpy": (str(kind), torch.from_numpy(np.array(keys, dtype=np.int64)), *(float(part) for part in rest)),
        "python": random.getstate(),
        "generators": [generator.get_state() for generator in generators],
    }


def restore_random_state(state: dict[str, Any], generators: Sequence[torch.Generator] = ()) -> None:
    """Set all generators to where `random_state` found them."""
    torch.set_rng_state(state["torch"].cpu())
    if state["cuda"]:
        torch.cuda.set_rng_state_all([each.cpu() for each in state["cuda"]])
    kind, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), int(position), int(has_gauss), cached))  # noqa: NPY002
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    for generator, own in zip(generators, state["generators"], strict=True):
        generator.set_state(own.cpu())


def generators_of(loader: Any) -> list[torch.Generator]:
    """Return the generators of a loader and its samplers, each once."""
    batches = getattr(loader, "batch_sampler", None)
    owners = (loader, getattr(loader, "sampler", None), batches, getattr(batches, "sampler", None))
    found: list[torch.Generator] = []
    for owner in owners:
        generator = getattr(owner, "generator", None)
        if isinstance(generator, torch.Generator) and all(generator is not each for each in found):
            found.append(generator)
    return found


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Leave all generators as they are, whatever the block draws."""
    state = random_state()
    try:
        yield
    finally:
        restore_random_state(state)
