"""Which numbers of a file are trained: the file itself does not say.

Initialisers are trained where they are weights or biases of matrix products, convolutions, normalisations, recurrent
cells and embeddings, also where an exporter wrote a bias as an addition or a normalisation as its parts. Everything
else is a constant: running statistics, masks, tables of positions, literals. The user may name more, or fewer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from verify.importers.onnx.model import Model, OnnxNode
from verify.importers.onnx.registry import RULES
from verify.outcomes import InputError

MOVES = frozenset(
    (
        "Identity",
        "Transpose",
        "Reshape",
        "Squeeze",
        "Unsqueeze",
        "Flatten",
        "Cast",
        "CastLike",
        "Expand",
        "Slice",
        "Split",
        "Concat",
        "Dropout",
    )
)
"""Operations through which a weight, or a result, is still the same."""
_PRODUCTS = frozenset(("MatMul", "Gemm", "Conv", "ConvTranspose", "Einsum"))
_NORMS = frozenset(
    ("LayerNormalization", "InstanceNormalization", "GroupNormalization", "BatchNormalization", "RMSNormalization",
     "LpNormalization", "SimplifiedLayerNormalization")
)  # fmt: skip


def trained_names(model: Model, output: str, train: Collection[str] = (), freeze: Collection[str] = ()) -> list[str]:
    """Return the names of the numbers that are trained, in the order of the file.

    Parameters
    ----------
    model : Model
    output : str
        Only what this value is computed from is trained.
    train, freeze : collection of str
        Names that are, or are not, whatever the rules say.

    Raises
    ------
    InputError
        If a name is none of real numbers in the file.
    """
    stored = stored_numbers(model)
    for name in (*train, *freeze):
        if name not in stored:
            raise InputError(
                "no such numbers in the model", name=name, known=list(stored)[:20], remedy="name an initialiser"
            )
    both = set(train) & set(freeze)
    if both:
        raise InputError("trained and frozen at once", names=sorted(both), remedy="name each in one of them")
    needed = model.needed_for(output)
    for name in train:
        if name not in needed:
            remedy = "leave it out of train, or name a later output"
            raise InputError("the output does not depend on these numbers", train=name, output=output, remedy=remedy)
    search = _Search(model, needed)
    found = (search.found() | set(train)) - set(freeze)
    for name in found - set(train):
        uses = search.uses(name)
        if uses > 1 and np.ptp(stored[name]) == 0:
            raise InputError(
                "one vector of equal numbers stands for several parameters, as exporters merge them",
                name=name,
                uses=uses,
                remedy="export after a step of training, or with optimize=False; train=[name] says that it is one",
            )
    return [name for name in stored if name in found and name in needed]


def stored_numbers(model: Model) -> dict[str, np.ndarray]:
    """Return the real numbers that the file holds, by name: initialisers, then the values of Constant nodes."""
    found = {name: array for name, array in model.initialisers.items() if array is not None and array.dtype.kind == "f"}
    for node in model.nodes:
        array = node.attributes.get("value") if node.op == "Constant" and node.outputs else None
        if isinstance(array, np.ndarray) and array.dtype.kind == "f":
            found[node.outputs[0]] = array
    return found


class _Search:
    """Nodes are looked at in their order, each knowing what was found before it."""

    def __init__(self, model: Model, needed: set[str]) -> None:
        self.model = model
        self.needed = needed
        self.trained: set[str] = set()
        self.weighted: set[int] = set()  # products whose weights are trained, and scales of normalisations
        self.normal: set[int] = set()

    def found(self) -> set[str]:
        for node in self.model.nodes:
            if self.needed.isdisjoint(node.outputs):
                continue
            if node.op in _NORMS or self._divides_by_a_root(node):
                self.normal.add(id(node))
            if node.op == "InstanceNormalization" and self._scaled_afterwards(node):
                continue  # ones and zeros stand for what follows
            rule = RULES.get(node.op) if not node.domain else None
            places = () if rule is None else rule.trained
            if node.op == "Gather" and node.get("axis", 0) != 0:
                places = ()
            names = [name for place in places if place < len(node.inputs) for name in self._stored(node.inputs[place])]
            if node.op in ("Add", "Mul"):
                names = list(self._scale_or_bias(node))
            if names and (node.op in _PRODUCTS or node.op == "Mul"):
                self.weighted.add(id(node))
            self.trained.update(names)
        return self.trained

    def uses(self, name: str) -> int:
        """Return how many nodes take a value, moves aside."""
        waiting, seen, found = [name], {name}, set()
        while waiting:
            for reader in self.model.readers.get(waiting.pop(), []):
                if reader.op not in MOVES:
                    found.add(id(reader))
                else:
                    waiting += [each for each in reader.outputs if each not in seen]
                    seen.update(reader.outputs)
        return len(found)

    def _stored(self, name: str) -> Iterator[str]:
        """Yield the initialisers of real numbers that a value is, after moves."""
        waiting, seen = [name], set()
        while waiting:
            current = waiting.pop()
            array = self.model.initialisers.get(current)
            maker = self.model.makers.get(current)
            if array is not None:
                if array.dtype.kind == "f":
                    yield current
            elif maker is not None and maker.op in MOVES and id(maker) not in seen:
                seen.add(id(maker))
                waiting.extend(maker.inputs if maker.op == "Concat" else maker.inputs[:1])

    def _origin(self, name: str) -> OnnxNode | None:
        """Return the node that computes a value, moves aside."""
        node = self.model.makers.get(name)
        steps = 0
        while node is not None and node.op in MOVES and node.inputs and steps <= len(self.model.nodes):
            node = self.model.makers.get(node.inputs[0])
            steps += 1
        return node

    def _scale_or_bias(self, node: OnnxNode) -> Iterator[str]:
        """Yield what is added to a product with trained weights, or what scales or shifts a normalised value."""
        for mine, other in zip(node.inputs, reversed(node.inputs), strict=True):
            origin = self._origin(other)
            if origin is None or len(node.inputs) != 2:
                continue
            follows = id(origin) in (self.weighted if node.op == "Add" else set()) or id(origin) in self.normal
            if follows:
                yield from self._stored(mine)

    def _divides_by_a_root(self, node: OnnxNode) -> bool:
        if node.op not in ("Div", "Mul") or len(node.inputs) != 2:
            return False
        divisors = [self._origin(name) for name in (node.inputs[1:] if node.op == "Div" else node.inputs)]
        if node.op == "Div":
            return any(self._is_root_of_a_sum(each) for each in divisors)
        inverse = [each for each in divisors if each is not None and each.op in ("Reciprocal", "Div")]
        return any(self._is_root_of_a_sum(self._origin(each.inputs[-1])) for each in inverse if each.inputs)

    def _is_root_of_a_sum(self, node: OnnxNode | None) -> bool:
        """Whether a value is sqrt(variance + epsilon)."""
        if node is None or node.op not in ("Sqrt", "Pow") or not node.inputs:
            return False
        inside = self._origin(node.inputs[0])
        return inside is not None and inside.op in ("Add", "ReduceMean")

    def _scaled_afterwards(self, node: OnnxNode) -> bool:
        waiting = list(node.outputs[:1])
        for _ in range(len(self.model.nodes)):
            if not waiting:
                return False
            for reader in self.model.readers.get(waiting.pop(), []):
                if reader.op == "Mul" and any(True for name in reader.inputs for _ in self._stored(name)):
                    return True
                if reader.op in MOVES:
                    waiting.extend(reader.outputs[:1])
        return False
