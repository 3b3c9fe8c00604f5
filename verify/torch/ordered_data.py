"""All samples of a data loader in one fixed order, a chunk at a time, and whether they are still the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import torch
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten
from torch.utils.data import DataLoader, IterableDataset, TensorDataset, default_collate

from verify.arithmetic.environment import users_code
from verify.outcomes import InputError
from verify.torch.random_state import random_state_kept

PAIR = "give data=(inputs, targets)"


@final
@dataclass(frozen=True)
class Chunk:
    """Some consecutive samples, as the module and the loss take them."""

    inputs: Any
    targets: Any
    samples: int

    def part(self, start: int, stop: int) -> Chunk | None:
        """Return some of the samples; None if it cannot be told which numbers belong to them."""
        tensors = [leaf for leaf in tree_leaves((self.inputs, self.targets)) if isinstance(leaf, torch.Tensor)]
        if any(tensor.ndim == 0 or len(tensor) != self.samples for tensor in tensors):
            return None
        inputs, targets = tree_map(
            lambda leaf: leaf[start:stop] if isinstance(leaf, torch.Tensor) else leaf, (self.inputs, self.targets)
        )
        return Chunk(inputs, targets, stop - start)

    def joined(self, other: Chunk) -> Chunk | None:
        """Return the samples of both; None if it cannot be told which numbers belong to them."""
        mine, theirs = (each.part(0, each.samples) for each in (self, other))
        if mine is None or theirs is None:
            return None
        both = [tree_flatten((each.inputs, each.targets)) for each in (mine, theirs)]
        leaves = [_joined(*pair) for pair in zip(both[0][0], both[1][0], strict=False)]
        if both[0][1] != both[1][1] or any(leaf is None for leaf in leaves):
            return None
        inputs, targets = tree_unflatten(leaves, both[0][1])
        return Chunk(inputs, targets, self.samples + other.samples)


def _joined(one: Any, other: Any) -> Any:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return torch.cat((one, other)) if one.shape[1:] == other.shape[1:] and one.dtype == other.dtype else None
    return one if repr(one) == repr(other) else None


@final
class OrderedData:
    """The samples that an error is the mean of, read again and again in chunks of nearly one size.

    Parameters
    ----------
    loader : DataLoader
        Of a dataset with a length and items by number, which its ``collate_fn`` makes into (inputs, targets). What the
        loader's sampler does, and whether it drops the last samples, does not matter: all of the dataset counts.
    data : (inputs, targets), optional
        Tensors, or tuples and dictionaries of tensors, with one sample a row, in place of the loader's.
    chunk : int
        Most samples at a time.

    Raises
    ------
    InputError
        If the samples cannot be read by number.
    """

    def __init__(self, loader: Any, data: Any, chunk: int) -> None:
        if isinstance(chunk, bool) or not isinstance(chunk, int) or chunk < 1:
            raise InputError("the size of a chunk must be a positive integer", chunk=chunk, remedy="use chunk=512")
        if data is None and not isinstance(loader, DataLoader):
            raise InputError("not a DataLoader", loader=type(loader).__name__, remedy=PAIR)
        self._loader, self._data = loader, data
        self.samples = self._count()
        if self.samples < 1:
            raise InputError(
                "data are empty", where="the guard's data", samples=self.samples, remedy="give at least one sample"
            )
        parts = -(-self.samples // chunk)
        self._ends = [self.samples * part // parts for part in range(parts + 1)]
        self.fingerprints: list[str] = []

    def chunks(self) -> Iterator[Chunk]:
        """Yield all samples; no random number is used up.

        Raises
        ------
        InputError
            If they are not those of the first time: the error would be another function of the weights.
        """
        fingerprints = []
        for number, (start, stop) in enumerate(zip(self._ends[:-1], self._ends[1:], strict=True)):
            with users_code(), random_state_kept():
                chunk = self._read(start, stop)
            fingerprints.append(fingerprint((chunk.inputs, chunk.targets)))
            if self.fingerprints and self.fingerprints[number] != fingerprints[-1]:
                raise InputError(
                    "the data are not those that they were",
                    where=f"samples {start}-{stop - 1}",
                    chunk=number,
                    remedy=f"{PAIR}, without random changes, and make a new guard where data are replaced",
                )
            yield chunk
        self.fingerprints = fingerprints

    def _count(self) -> int:
        if self._data is not None:
            if not (isinstance(self._data, tuple | list) and len(self._data) == 2):
                raise InputError(
                    "not a pair of inputs and targets", where="data", type=type(self._data).__name__, remedy=PAIR
                )
            return self._rows()
        dataset = self._loader.dataset
        if isinstance(dataset, IterableDataset) or (
            self._loader.batch_size is None and not isinstance(dataset, TensorDataset)
        ):
            raise InputError("the samples cannot be read by number", dataset=type(dataset).__name__, remedy=PAIR)
        try:
            return len(dataset)
        except TypeError:
            raise InputError("the dataset has no length", dataset=type(dataset).__name__, remedy=PAIR) from None

    def _rows(self) -> int:
        tensors = [torch.as_tensor(leaf) for leaf in tree_leaves(tuple(self._data)) if _is_array(leaf)]
        lengths = {len(tensor) if tensor.ndim else 0 for tensor in tensors}
        if len(lengths) != 1:
            raise InputError(
                "the data have no common number of samples", where="data", lengths=sorted(lengths), remedy=PAIR
            )
        return lengths.pop()

    def _read(self, start: int, stop: int) -> Chunk:
        if self._data is not None:
            cut = tree_map(lambda leaf: _as_tensor(leaf)[start:stop] if _is_array(leaf) else leaf, tuple(self._data))
            return Chunk(cut[0], cut[1], stop - start)
        dataset, collate = self._loader.dataset, self._loader.collate_fn
        if type(dataset) is TensorDataset and collate in (default_collate, torch.utils.data.default_convert):
            batch: Any = [tensor[start:stop] for tensor in dataset.tensors]
        else:
            batch = collate([dataset[index] for index in range(start, stop)])
        if not (isinstance(batch, tuple | list) and len(batch) == 2):
            raise InputError("a batch is no pair of inputs and targets", batch=type(batch).__name__, remedy=PAIR)
        inputs, targets = tree_map(_as_tensor, tuple(batch))
        return Chunk(inputs, targets, stop - start)


def _as_tensor(leaf: Any) -> Any:
    """Return an array as a tensor: the text of an array does not tell all of its numbers."""
    return torch.as_tensor(leaf) if _is_array(leaf) else leaf


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, torch.Tensor) or hasattr(leaf, "__array__")


def fingerprint(value: Any) -> str:
    """Return a hash of all numbers of nested containers, with their types and shapes."""
    found = hashlib.blake2b(digest_size=16)
    for leaf in tree_leaves(value):
        if isinstance(leaf, torch.Tensor):
            array = leaf.detach().cpu().contiguous()
            found.update(f"{array.dtype}{tuple(array.shape)}".encode())
            found.update(array.reshape(-1).view(torch.uint8).numpy().tobytes())
        else:
            found.update(repr(leaf).encode())
    return found.hexdigest()
