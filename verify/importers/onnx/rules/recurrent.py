"""Recurrent cells written out: as many copies of the cell as there are steps, with the same weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from verify.graph.tensor import Tensor
from verify.importers.onnx.model import OnnxNode
from verify.importers.onnx.registry import OnnxScope, UnsuitableError, Value, known_numbers, rule
from verify.operations.elementwise import Elementwise
from verify.operations.slices import Concatenate

_FUNCTIONS = {"Sigmoid": "sigmoid", "Tanh": "tanh", "Relu": "relu", "Softsign": "x/(1+abs(x))", "Softplus": "softplus"}
_DEFAULTS = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
_OPTIONS = {"hidden_size", "direction", "activations", "layout", "linear_before_reset", "input_forget"}

Step = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


@rule("LSTM", "GRU", "RNN", trained=(1, 2, 3))
def recurrent(
    scope: OnnxScope,
    node: OnnxNode,
    x: Value,
    weights: Value,
    recurrence: Value,
    bias: Value = None,
    lengths: Value = None,
    state: Value = None,
    cell: Value = None,
    peepholes: Value = None,
) -> tuple[Tensor, ...]:
    """Return the states of all steps, the last state and, for LSTM, the last cell."""
    sequence = scope.tensor(x)
    if node.get("layout", 0) or node.get("input_forget", 0) or peepholes is not None:
        raise UnsuitableError("only layout 0, without coupled gates and peepholes")
    if unknown := set(node.attributes) - _OPTIONS:
        raise UnsuitableError("options that are not read", options=sorted(unknown))
    steps, batch, _ = sequence.shape
    counts = known_numbers(lengths) if lengths is not None else np.full(batch, steps)
    if counts is None or np.any(counts != steps):
        raise UnsuitableError("sequences of different lengths", remedy="give all of them the same length")
    direction = node.get("direction", "forward")
    ways = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}[direction]
    outputs, last, cells = [], [], []
    for way, backwards in enumerate(ways):
        step, hidden = _cell(scope, node, way, weights, recurrence, bias)
        h = _start(scope, state, way, (batch, hidden))
        c = _start(scope, cell, way, (batch, hidden))
        seen: list[Tensor] = []
        for t in reversed(range(steps)) if backwards else range(steps):
            now = sequence.slice(0, t, t + 1).reshape(sequence.shape[1:])
            h, c = step(now, h, c)
            seen.append(h.reshape((1, 1, *h.shape)))
        outputs.append(_joined(seen[::-1] if backwards else seen, 0))
        last.append(h.reshape((1, *h.shape)))
        cells.append(c.reshape((1, *c.shape)))
    return _joined(outputs, 1), _joined(last, 0), _joined(cells, 0)


def _cell(
    scope: OnnxScope, node: OnnxNode, way: int, weights: Value, recurrence: Value, bias: Value
) -> tuple[Step, int]:
    """Return one step of a direction, and the number of units."""
    gates = _GATES[node.op]
    w, r = (_of_direction(scope.tensor(part), way) for part in (weights, recurrence))
    hidden = r.shape[1]
    names = list(node.get("activations") or [])[way * len(_DEFAULTS[node.op]) :] or list(_DEFAULTS[node.op])
    functions = [Elementwise(_FUNCTIONS[name]) for name in names]
    whole = None if bias is None else _of_direction(scope.tensor(bias), way)

    def part(matrix: Tensor, gate: int) -> Tensor:
        return matrix.slice(0, gate * hidden, (gate + 1) * hidden)

    def of_input(now: Tensor, gate: int) -> Tensor:
        z = now @ part(w, gate).permute(1, 0)
        return z if whole is None else z + part(whole, gate)

    def of_state(h: Tensor, gate: int) -> Tensor:
        z = h @ part(r, gate).permute(1, 0)
        return z if whole is None else z + part(whole, gates + gate)

    def rnn(now: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        return (of_input(now, 0) + of_state(h, 0)).apply(functions[0]), c

    def gru(now: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        update, reset = ((of_input(now, gate) + of_state(h, gate)).apply(functions[0]) for gate in (0, 1))
        inner = reset * of_state(h, 2) if node.get("linear_before_reset", 0) else of_state(reset * h, 2)
        proposed = (of_input(now, 2) + inner).apply(functions[1])
        return proposed + update * (h - proposed), c

    def lstm(now: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        enter, leave, forget = ((of_input(now, gate) + of_state(h, gate)).apply(functions[0]) for gate in (0, 1, 2))
        proposed = (of_input(now, 3) + of_state(h, 3)).apply(functions[1])
        held = forget * c + enter * proposed
        return leave * held.apply(functions[2]), held

    return {"RNN": rnn, "GRU": gru, "LSTM": lstm}[node.op], hidden


def _of_direction(x: Tensor, way: int) -> Tensor:
    return x.slice(0, way, way + 1).reshape(x.shape[1:])


def _start(scope: OnnxScope, state: Value, way: int, shape: tuple[int, int]) -> Tensor:
    return scope.builder.filled(0, shape) if state is None else _of_direction(scope.tensor(state), way)


def _joined(parts: list[Tensor], axis: int) -> Tensor:
    return parts[0] if len(parts) == 1 else parts[0].apply(Concatenate(axis), *parts)
