"""Modules that differentiate in `forward`, such as networks whose loss holds derivatives by their inputs.

`torch.export` sees the calls of a program, and not the operations by which `torch.autograd` computes a derivative.
Those are traced here, below autograd, and the trace is what is exported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch.func import functional_call
from torch.fx import GraphModule, Interpreter
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.traceback import preserve_node_meta

from verify.importers.torch.meaning import Rewritten
from verify.outcomes import InputError

_DETACH = torch.ops.aten.detach.default


class Differentiated(torch.nn.Module):
    """An objective as the operations that it runs, its derivatives included.

    Parameters
    ----------
    objective : Objective
        Its ``module`` and ``criterion`` keep their names here.
    arguments : tuple
        Of the objective.

    Raises
    ------
    InputError
        If `forward` stops gradients.
    Exception
        PyTorch's own, where a step depends on numbers, or cannot be traced.
    """

    def __init__(self, objective: Any, arguments: tuple[Any, ...]) -> None:
        super().__init__()
        self.module, self.criterion = objective.module, objective.criterion

        def run(stored: dict[str, torch.Tensor], *given: Any) -> torch.Tensor:
            with torch.enable_grad(), _Traced(objective.single):
                found: torch.Tensor = functional_call(objective, stored, given)
                return found

        trace = make_fx(
            run, tracing_mode="fake", _allow_non_fake_inputs=True, record_module_stack=True, record_stack_traces=True
        )
        self._run = (_without_detach(trace(self._stored(), *arguments)),)  # in a tuple: it is no layer of the module

    def forward(self, *arguments: Any) -> torch.Tensor:
        """Return the loss of the module's outputs."""
        with preserve_node_meta():  # the lines of the user's program
            found: torch.Tensor = Interpreter(self._run[0]).run(self._stored(), *arguments)
        return found

    def _stored(self) -> dict[str, torch.Tensor]:
        return {**dict(self.named_parameters()), **dict(self.named_buffers())}


class _Traced(Rewritten):
    """What autograd detaches to keep is no step of the program; what the program detaches stops its gradient."""

    FUNCTIONS: ClassVar[dict[Any, Callable[..., Any]]] = {
        **Rewritten.FUNCTIONS,
        **dict.fromkeys((torch.Tensor.detach, torch.detach), lambda x: _detached(x, x.detach)),
        torch.Tensor.detach_: lambda x: _detached(x, x.detach_),
        torch.Tensor.data.__get__: lambda x: _detached(x, lambda: x.data),
    }


def _detached(value: torch.Tensor, detached: Callable[[], torch.Tensor]) -> torch.Tensor:
    if value.requires_grad:
        raise InputError(
            "detach stops the gradient, so the step is not along the gradient",
            where="forward",
            remedy="leave it out",
            shape=tuple(value.shape),
        )
    return detached()


def _without_detach(graph: GraphModule) -> GraphModule:
    for node in list(graph.graph.nodes):
        if node.target is _DETACH:
            node.replace_all_uses_with(node.args[0])
            graph.graph.erase_node(node)
    graph.recompile()
    return graph
