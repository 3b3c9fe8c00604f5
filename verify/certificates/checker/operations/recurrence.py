"""The linear recurrence of state space models."""

from __future__ import annotations

from typing import Any

from flint import arb

from verify.certificates.checker.operations.rule import Entries, Move, Options, Place, Rule, Shape, require


class LinearRecurrence(Rule):
    """``s_t = a_t s_(t-1) + b_t`` along the last axis, s_0 being b_0."""

    name = "linear_recurrence"

    def shape(self, o: Options, *shapes: Shape) -> Shape:
        require(len(shapes) == 2 and len(shapes[0]) > 0 and shapes[0] == shapes[1], self.name, *shapes)
        return shapes[0]

    def value(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        states: Entries = []
        for k, (a, b) in enumerate(zip(*values, strict=True)):
            states.append(b if k % result[-1] == 0 else a * states[-1] + b)
        return states

    def facts(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        """Return the states."""
        return self.value(o, shapes, result, *values)

    def push(self, at: Place, moves: list[Move]) -> Entries:
        n, (a, _), zero, moved = at.result[-1], at.values, arb(0), list[Any]()
        for k in range(len(a)):
            entry = zero if moves[1] is None else moves[1][k]
            if k % n:
                entry = entry + a[k] * moved[-1]
                entry = entry if moves[0] is None else entry + moves[0][k] * at.facts[k - 1]
            moved.append(entry)
        return moved

    def pull(self, at: Place, adjoint: Entries) -> list[Move]:
        back = self._backward(at, at.values[0], adjoint)
        return [self._with_earlier(at, back, at.facts), back]

    def bend(self, at: Place, moves: list[Move], adjoint: Entries) -> list[Move]:
        n, back, zero = at.result[-1], self._backward(at, at.values[0], adjoint), arb(0)
        later = [zero] * len(back)
        if moves[0] is not None:
            later = [moves[0][k + 1] * back[k + 1] if (k + 1) % n else zero for k in range(len(back))]
        turned = self._backward(at, at.values[0], later)
        by_state = self._with_earlier(at, back, self.push(at, moves))
        by_back = self._with_earlier(at, turned, at.facts)
        return [[x + y for x, y in zip(by_state, by_back, strict=True)], turned]

    @staticmethod
    def _backward(at: Place, a: Entries, adjoint: Entries) -> Entries:
        """Return the derivatives by b: ``l_t = adjoint_t + a_(t+1) l_(t+1)``."""
        n, found = at.result[-1], list(adjoint)
        for k in reversed(range(len(a))):
            if (k + 1) % n:
                found[k] = found[k] + a[k + 1] * found[k + 1]
        return found

    @staticmethod
    def _with_earlier(at: Place, back: Entries, states: Entries) -> Entries:
        return [back[k] * states[k - 1] if k % at.result[-1] else arb(0) for k in range(len(back))]
