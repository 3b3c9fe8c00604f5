"""The three autoencoders that are compared.

A skip connection never passes by the code: what the decoder knows are the code's numbers, so that all three compress
equally much. (In examples/digits_autoencoder.toml one does pass by it; there the code is 40 numbers, not 8.)
"""

from __future__ import annotations

from typing import Any

from verify import Architecture

SKIPS, SEQUENTIAL, WIDER = "with skips", "sequential", "sequential, wider"
KINDS = (SKIPS, SEQUENTIAL, WIDER)
ACTIVATION = "sigmoid"


def autoencoder(kind: str, pixels: int, hidden: int, code: int, depth: int = 1) -> Architecture:
    """Return an autoencoder with `depth` hidden layers on both sides of the code.

    Parameters
    ----------
    kind : str
        `SKIPS`: within encoder and decoder every vertex reads all earlier ones; `SEQUENTIAL`: only the one before;
        `WIDER`: the same, its hidden layers so wide that it has as many parameters as the network with skips, or just
        fewer.
    pixels, hidden, code, depth : int

    Examples
    --------
    >>> [autoencoder(kind, pixels=64, hidden=16, code=8).size for kind in KINDS]
    [3432, 2408, 3416]
    """
    if kind == WIDER:
        hidden = width_of_equal_size(pixels, hidden, code, depth)
    return Architecture.from_data(_nodes(kind == SKIPS, pixels, hidden, code, depth), output="y")


def width_of_equal_size(pixels: int, hidden: int, code: int, depth: int = 1) -> int:
    """Return the greatest width of a sequential network that has no more parameters than the one with skips."""
    most = Architecture.from_data(_nodes(True, pixels, hidden, code, depth), output="y").size
    width = hidden
    while Architecture.from_data(_nodes(False, pixels, width + 1, code, depth), output="y").size <= most:
        width += 1
    return width


def _nodes(skips: bool, pixels: int, hidden: int, code: int, depth: int) -> dict[str, Any]:
    nodes: dict[str, Any] = {"x": {"width": pixels}}
    for start, prefix, last, width in (("x", "encoder", "code", code), ("code", "decoder", "y", pixels)):
        earlier = [start]
        for name in [*(f"{prefix}{i + 1}" for i in range(depth)), last]:
            read = earlier[::-1] if skips else earlier[-1:]
            nodes[name] = {"width": width if name == last else hidden, "activation": ACTIVATION, "inputs": read}
            earlier.append(name)
    return nodes
