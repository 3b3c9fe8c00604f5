"""The product of two arrays, summed over shared axes: dense layers, attention, scaling by feature, graph matrices.

Axes are named by letters, as in Einstein's convention. With ``"nd"``, ``"hd"`` and ``"nh"`` it is the dense layer ``z =
h W^T``; with ``"bqd"``, ``"bkd"``, ``"bqk"`` the scores of attention; with ``"nd"``, ``"d"``, ``"nd"`` a scale for each
feature; with equal names everywhere the entrywise product.
"""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from verify.arithmetic import upward
from verify.arithmetic.arrays import Array
from verify.arithmetic.device_arrays import as_array
from verify.arithmetic.intervals import Interval
from verify.arithmetic.lengths_upward import length, raised, sum_lengths
from verify.arithmetic.movement import Derivatives, Movement, of_product
from verify.arithmetic.perturbation import Perturbation, Perturbed
from verify.arithmetic.precision import Precision
from verify.arithmetic.rounding import FLOOR, LONGEST_SUM, UNIT, gamma, inflation
from verify.arithmetic.sizes import Array as Numbers
from verify.arithmetic.sizes import Sizes
from verify.arithmetic.spectral import norm_upper
from verify.operations.choices import Choices
from verify.operations.operation import Drawn, Operation, Shape, cut

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


@final
@dataclass(frozen=True)
class Contraction(Operation):
    """``result[out] = sum over the letters that `out` lacks of left[left] * right[right]``.

    No letter occurs twice in one operand; a letter that `out` lacks stands in both operands, so that every sum runs
    over products (sum an operand first otherwise).

    Parameters
    ----------
    left, right, out : str
        One letter an axis.
    """

    left: str
    right: str
    out: str
    name: ClassVar[str] = "contraction"
    rule: ClassVar[str] = "an operand gets the adjoint contracted with the other operand, over the axes that it lacks"

    def __post_init__(self) -> None:
        for letters in (self.left, self.right, self.out):
            if len(set(letters)) != len(letters):
                raise self.refuse("a letter occurs twice in one operand")
        left, right, out = set(self.left), set(self.right), set(self.out)
        if not left ^ right <= out <= left | right:
            raise self.refuse("a letter of the result stands in no operand, or a summed one only in one of them")

    @cached_property
    def _groups(self) -> tuple[str, str, str, str]:
        """Letters that count products, that are summed, and that only the left or only the right operand has."""
        together = set(self.left) & set(self.right)
        batch = "".join(c for c in self.out if c in together)
        summed = "".join(c for c in self.left if c in together and c not in self.out)
        rows = "".join(c for c in self.left if c not in together)
        columns = "".join(c for c in self.right if c not in together)
        return batch, summed, rows, columns

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 2 or len(arguments[0]) != len(self.left) or len(arguments[1]) != len(self.right):
            raise self.refuse("takes two arrays with an axis for every letter", *arguments)
        lengths = dict(zip(self.left, arguments[0], strict=True))
        if any(lengths.setdefault(c, n) != n for c, n in zip(self.right, arguments[1], strict=True)):
            raise self.refuse("lengths of axes with one name disagree", *arguments)
        return tuple(lengths[c] for c in self.out)

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        return self, tuple(map(cut, shapes))

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        places = choices.argument(shapes), choices.argument(shapes)
        if places[0] is None or places[1] is None:
            return None
        shape, other = shapes[places[0]], shapes[places[1]]
        left = string.ascii_lowercase[: len(shape)]
        free, right = list(range(len(shape))), ""
        for k, n in enumerate(other):
            shared = [axis for axis in free if shape[axis] == n] if choices.happens(75) else []
            if shared:
                free.remove(axis := choices.one_of(shared))
                right += left[axis]
            else:
                right += string.ascii_uppercase[k]
        kept = [c for c in dict.fromkeys(left + right) if not (c in left and c in right) or choices.happens(40)]
        return cls(left, right, "".join(kept[k] for k in choices.order(len(kept)))), (places[0], places[1])

    def evaluate(self, *arguments: Array) -> Array:
        a, b = arguments
        batch, summed, rows, columns = self._groups
        if not summed:
            return _aligned(a, self.left, self.out) * _aligned(b, self.right, self.out)
        lengths = dict(zip(self.left, a.shape, strict=True)) | dict(zip(self.right, b.shape, strict=True))
        left = _matrices(a, self.left, (batch, rows, summed), lengths)
        right = _matrices(b, self.right, (batch, summed, columns), lengths)
        found = batch + rows + columns
        product = (left @ right).reshape(tuple(lengths[c] for c in found))
        return product if found == self.out else product.transpose(tuple(found.index(c) for c in self.out))

    def derivatives(self, arguments: Sequence[Movement], orders: int) -> Derivatives:
        """Bound them by Leibniz' rule, every term by the sharpest of `_product`'s bounds."""
        a, b = arguments
        left = (_Factor.of_value(a), *(_Factor.of_bound(bound) for bound in a.derivatives[:orders]))
        right = (_Factor.of_value(b), *(_Factor.of_bound(bound) for bound in b.derivatives[:orders]))
        disjoint = not a.support & b.support
        return tuple(
            of_product(k, [self._product(left[j], right[k - j]) for j in range(k + 1)], disjoint)
            for k in range(1, orders + 1)
        )

    def bending(self, adjoint: Movement, arguments: Sequence[Movement], order: int) -> float:
        """Bound every term of Leibniz' rule in the three ways that its trilinear form can be read."""
        a, b = arguments
        weight = _Factor.of_value(adjoint)
        parts: list[Sizes | None] = [None]
        for j in range(1, order):
            x, y = a.derivatives[j - 1], b.derivatives[order - j - 1]
            if x is None or y is None:
                parts.append(None)
                continue
            left, right = _Factor(x), _Factor(y)
            product = self._product(left, right)
            onto_left = Contraction(self.out, self.right, self.left)._product(weight, right)
            onto_right = Contraction(self.out, self.left, self.right)._product(weight, left)
            ways = zip((adjoint.value, x, y), (product, onto_left, onto_right), strict=True)
            parts.append(Sizes.of(as_array(min(one.products(other) for one, other in ways if other is not None))))
        whole = of_product(order, [*parts, None], not a.support & b.support)
        return 0.0 if whole is None else whole.whole

    def _product(self, a: _Factor | None, b: _Factor | None) -> Sizes | None:
        """Bound the contraction of two arrays; None is zero.

        It is a stack of matrix products, one for each index of the batch, and bilinear: entries are bounded by the
        contraction of absolute values and by Cauchy's inequality over the summed axes; rows and the whole by
        ``|X Y|_F <= |X|_F |Y|_F`` and ``<= |X|_F |Y|``, the spectral norm being the largest of the stack's.
        """
        if a is None or b is None:
            return None
        x, y = a.sizes, b.sizes
        if not (x.is_finite and y.is_finite):
            return Sizes.of(np.full(self.shape(x.shape, y.shape), np.inf))
        absolute = self.evaluate(Interval(x.entries), Interval(y.entries)).upper
        entries = np.minimum(absolute, upward.mul(*(self._lengths(s, c) for s, c in ((x, self.left), (y, self.right)))))
        by_a, by_b = self._spectral(a, self.left), self._spectral(b, self.right)
        whole = min(float(upward.mul(x.whole, min(y.whole, by_b))), float(upward.mul(min(x.whole, by_a), y.whole)))
        rows: Any = np.inf
        if self.out:
            left, right = _rows(x, self.left, self.out[0]), _rows(y, self.right, self.out[0])
            rows = np.minimum(upward.mul(left, np.minimum(right, by_b)), upward.mul(np.minimum(left, by_a), right))
        absolute = np.inf
        if not (self._groups[2] or self._groups[3]):
            absolute = x.products(y) if self.left == self.right else float(upward.mul(x.whole, y.whole))
        return Sizes.of(entries, rows, whole, absolute)

    def _lengths(self, sizes: Sizes, letters: str) -> Numbers:
        """Bound the norms over the summed axes, arranged as the result's axes."""
        summed = self._groups[1]
        kept = "".join(c for c in letters if c not in summed)
        found = sizes.over(tuple(letters.index(c) for c in summed))
        return _aligned(found, kept, self.out) if kept else found

    def _spectral(self, factor: _Factor, letters: str) -> float:
        """Bound the largest spectral norm of the matrices that the batch counts, summed axes against the others."""
        batch, summed, _, _ = self._groups
        stack = "".join(c for c in letters if c in batch)
        others = "".join(c for c in letters if c not in stack and c not in summed)
        axes = tuple(letters.index(c) for c in summed + others)
        frobenius = float(np.max(factor.sizes.over(axes), initial=0.0))
        if factor.centre is None or not factor.centre.size:
            return frobenius
        lengths = dict(zip(letters, factor.centre.shape, strict=True))
        matrices = _matrices(factor.centre, letters, (stack, summed, others), lengths)
        found = float(np.max(norm_upper(matrices), initial=0.0))
        if factor.reach is not None:
            found = float(upward.add(found, np.max(factor.reach.over(axes), initial=0.0)))
        return min(found, frobenius)

    def rounded(self, *arguments: Perturbed) -> tuple[np.ndarray, np.ndarray | None]:
        """Bound the roundings of a sum of products by gamma times the lengths of its factors (Cauchy, Schwarz)."""
        a, b = (argument.value for argument in arguments)
        _, summed, _, _ = self._groups
        result = as_array(self.evaluate(a, b))
        if not summed:
            return result, np.abs(result) * UNIT + FLOOR  # half a unit in the last place
        terms = math.prod(a.shape[self.left.index(c)] for c in summed)
        if terms > LONGEST_SUM:
            return super().rounded(*arguments)
        lengths = [self._value_lengths(x, own) for x, own in zip(arguments, (self.left, self.right), strict=True)]
        return result, lengths[0] * lengths[1] * (gamma(terms) * inflation(4)) + FLOOR

    def _value_lengths(self, x: Perturbed, letters: str) -> np.ndarray:
        """Return upper bounds of an operand's Euclidean norms over what is summed, aligned with the result."""
        axes = tuple(letters.index(c) for c in self._groups[1])
        if ("lengths", axes) not in x.known:
            x.known["lengths", axes] = np.squeeze(sum_lengths(x.value, axes), axis=axes)
        return _aligned(x.known["lengths", axes], "".join(c for c in letters if c not in self._groups[1]), self.out)

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        """With A + da and B + db: ``da (B + db) + A db``, norms for what is summed, entry by entry what is not."""
        a, b = arguments
        moved_a, moved_b = a.perturbation, b.perturbation
        box = None
        if self._groups[1]:
            moved_a, moved_b = Perturbation(moved_a.length), Perturbation(moved_b.length)
        else:
            box = self._boxes(a, b)
        ball = 0.0
        if moved_a.ball:
            ball += moved_a.ball * (self._norm(b, self.right) + moved_b.length)
        if moved_b.ball:
            ball += moved_b.ball * (self._norm(a, self.left) + (0.0 if moved_a.box is None else length(moved_a.box)))
        return Perturbation(raised(ball), box)

    def _boxes(self, a: Perturbed, b: Perturbed) -> np.ndarray | None:
        """Entrywise ``|A| box_b + box_a (|B| + box_b)``."""
        left, right = a.perturbation.box, b.perturbation.box
        parts = []
        if left is not None:
            size = np.abs(b.value)
            parts.append((left, size if right is None else upward.add(size, right)))
        if right is not None:
            parts.append((np.abs(a.value), right))
        products = [upward.mul(_aligned(x, self.left, self.out), _aligned(y, self.right, self.out)) for x, y in parts]
        return upward.add(*products) if products else None

    def _norm(self, x: Perturbed, letters: str) -> float:
        """Upper bound of the norms of an operand's matrices, one for each index that counts products."""
        batch, summed, _, _ = self._groups
        own = "".join(c for c in letters if c not in batch and c not in summed)
        groups = (batch, summed, own)
        key = tuple(tuple(letters.index(c) for c in group) for group in groups)
        lengths = dict(zip(letters, x.value.shape, strict=True))
        return x.norm((key[0], frozenset(key[1:])), lambda: _matrices(x.value, letters, groups, lengths))

    def programmed(self, precision: Precision, *arguments: Interval) -> Interval:
        a, _ = arguments
        terms = math.prod(a.shape[self.left.index(c)] for c in self._groups[1])
        return self.programmed_sum(precision, terms, *arguments)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        a, b = arguments
        return (
            adjoint.apply(Contraction(self.out, self.right, self.left), adjoint, b),
            adjoint.apply(Contraction(self.out, self.left, self.right), adjoint, a),
        )

    def pushforward(
        self, arguments: Sequence[Tensor], result: Tensor, tangents: Sequence[Tensor | None]
    ) -> Tensor | None:
        (a, b), (da, db) = arguments, tangents
        parts = [result.apply(self, *pair) for pair in ((da, b), (a, db)) if None not in pair]
        return None if not parts else parts[0] if len(parts) == 1 else parts[0] + parts[1]


@dataclass(frozen=True)
class _Factor:
    """What is known of one operand of a product; a value is within `reach` of `centre` too."""

    sizes: Sizes
    centre: Interval | None = None
    reach: Sizes | None = None

    @staticmethod
    def of_value(movement: Movement) -> _Factor:
        return _Factor(movement.value, movement.centre, movement.reach)

    @staticmethod
    def of_bound(bound: Sizes | None) -> _Factor | None:
        return None if bound is None else _Factor(bound)


def _rows(sizes: Sizes, letters: str, first: str) -> Numbers | float:
    """Bound the norms of the parts of an operand that enter each row of the result."""
    if first not in letters:
        return sizes.whole
    place = letters.index(first)
    return sizes.over(tuple(axis for axis in range(len(letters)) if axis != place))


def _matrices(x: Array, letters: str, groups: tuple[str, str, str], lengths: dict[str, int]) -> Array:
    """Return a stack of matrices: the first group of axes counts them, the others are merged to rows and columns."""
    wanted = "".join(groups)
    ordered = x if wanted == letters else x.transpose(tuple(letters.index(c) for c in wanted))
    stack, rows, columns = ([lengths[c] for c in group] for group in groups)
    return ordered.reshape((*stack, math.prod(rows), math.prod(columns)))


def _aligned(x: Array, letters: str, out: str) -> Array:
    """Return the array with its axes in the order of `out`, one of length 1 for every missing letter."""
    wanted = "".join(c for c in out if c in letters)
    ordered = x if wanted == letters else x.transpose(tuple(letters.index(c) for c in wanted))
    if len(wanted) == len(out):
        return ordered
    lengths = dict(zip(wanted, ordered.shape, strict=True))
    return ordered.reshape(tuple(lengths.get(c, 1) for c in out))
