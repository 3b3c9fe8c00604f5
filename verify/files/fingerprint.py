"""A fingerprint of bytes that costs little beside a pass over the data that they are.

With secret random words k, l of 64 bits, the words w of a block have the fingerprint sum k w and sum l (w >> 32), both
modulo 2^64. If two blocks differ in an upper half, the second sums differ but with probability 2^-33 at most: a
difference e of halves is not 0 and below 2^32, so that 2^32 does not divide it, and l e takes every multiple of the
power of 2 in it equally often. If they differ in lower halves only, the same holds of the first sums. Two sets of words
are used: a change goes unnoticed with probability at most 2^-66, whatever it is, if it was made without knowledge of
the words, which leave the process for its own workers alone (`secret_words`).
"""

from __future__ import annotations

import os

import numpy as np

BLOCK_BYTES = 2**17
"""Bytes that share a set of random words; they and the words fit a processor's cache."""
_SETS = 2


def fingerprint(words: np.ndarray) -> bytes:
    """Return the fingerprint of an array of uint64; equal arrays have the same one within a process.

    Examples
    --------
    >>> one, other = np.arange(4, dtype=np.uint64), np.arange(4, dtype=np.uint64)
    >>> fingerprint(one) == fingerprint(other)
    True
    >>> other[3] = 2
    >>> fingerprint(one) == fingerprint(other)
    False
    """
    sums, size = [], BLOCK_BYTES // 8
    for first in range(0, len(words), size):
        whole = words[first : first + size]
        upper = whole >> np.uint64(32)
        for keys in secret_words():
            sums += [np.dot(whole, keys[0, : len(whole)]), np.dot(upper, keys[1, : len(whole)])]
    return np.array(sums, dtype=np.uint64).tobytes()


def secret_words() -> np.ndarray:
    """Return the words of this process, for a worker that is to find the fingerprints that are found here."""
    if not _words:
        _words.append(np.frombuffer(os.urandom(_SETS * 2 * BLOCK_BYTES), dtype=np.uint64).reshape(_SETS, 2, -1))
    return _words[0]


def adopt_words(words: np.ndarray) -> None:
    """Use the words of the process that this one works for; what has fingerprints already keeps the old ones."""
    _words[:] = [words]


_words: list[np.ndarray] = []
