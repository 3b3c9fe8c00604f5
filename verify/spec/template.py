"""A new spec file for a table of samples: one hidden layer with skip connections, to be edited."""

from __future__ import annotations

from verify.spec.tables import NamedSamples
from verify.spec.writing import quoted

_MOST_NAMES = 20
_TEMPLATE = """\
# written by dagverify init: a start to be edited; dagverify lint checks it, dagverify check proves
name = {name}

[data]
source = {source}
scale = "standard"{targets}

# {inputs}
[nodes.x]
width = {width}

[nodes.h]
width = {hidden}
activation = {activation}
inputs = ["x"]

# {outputs}
[nodes.y]
width = {out}
activation = {last}
inputs = ["h", "x"]  # from the hidden layer, and a skip connection

[region]
kind = "ball"
radius = 0.1

# The learning rate and momentum of your program, to be judged; dagverify recommend finds safe ones.
# [optimizer]
# kind = "sgd"
# lr = 0.01
# momentum = 0.9
"""


def template(name: str, source: str, samples: NamedSamples, hidden: int, activation: str) -> str:
    """Return the text of a spec file.

    Parameters
    ----------
    name : str
        Of the problem.
    source : str
        Of the samples, as ``[data]`` names it.
    samples : NamedSamples
        Classes get one output each, with values from 0 to 1; numbers are scaled to deviation 1.
    hidden : int
        Width of the hidden layer.
    activation : str
        Of the hidden layer.
    """
    width = samples.x.shape[1]
    out = len(samples.classes) or (1 if samples.y.ndim == 1 else samples.y.shape[1])
    kind = f"classes: {_shown(samples.classes)}" if samples.classes else "numbers"
    return _TEMPLATE.format(
        name=quoted(name),
        source=quoted(source),
        targets="" if samples.classes else '\ntarget_scale = "standard"',
        inputs=f"inputs: {_shown(samples.inputs) or f'{width} columns of x'}",
        width=width,
        hidden=hidden,
        activation=quoted(activation),
        outputs=f"outputs: {_shown(samples.targets) or 'y'}, {kind}",
        out=out,
        last='"sigmoid"' if samples.classes else '"identity"',
    )


def _shown(names: tuple[str, ...]) -> str:
    """Return names on one line of a comment."""
    more = ", ..." if len(names) > _MOST_NAMES else ""
    return ", ".join(quoted(name[:60]) for name in names[:_MOST_NAMES]) + more
