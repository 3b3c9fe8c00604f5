"""From an exported program to a graph of operations."""

from __future__ import annotations

import operator
import re
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.fx import Node

from verify.graph.graph import Graph
from verify.graph.tensor import GraphBuilder, Tensor
from verify.importers.lowering.softmax import Masked
from verify.importers.torch import rules as _rules  # noqa: F401 -- importing registers them
from verify.importers.torch.capture import PREFIX, operation_name
from verify.importers.torch.meaning import kept_by_cast
from verify.importers.torch.registry import RULES, TAKE_MASKED, Scope
from verify.operations.leaves import Constant
from verify.outcomes import InputError

# fmt: off
MOVES = frozenset((
    "view", "reshape", "_unsafe_view", "permute", "transpose", "t", "expand", "repeat", "unsqueeze", "squeeze",
    "select", "slice", "cat", "stack", "split", "split_with_sizes", "unbind", "flip", "roll", "index",
    "index_select", "gather", "clone", "alias", "contiguous", "lift_fresh_copy", "detach", "gt", "ge", "lt",
    "le", "eq", "ne", "isnan", "isinf", "isfinite", "logical_not", "logical_and", "logical_or", "bitwise_not",
    "any", "all", "sign", "masked_fill", "where", "amax", "amin", "max", "min", "maximum", "minimum", "argmax",
    "zeros_like", "ones_like", "full_like", "tril", "triu", "constant_pad_nd",
))
# fmt: on
"""Operations that move, compare or pick numbers: on data their results are exact, masks and indices among them."""
_CHECKS = ("_assert_tensor_metadata.default", "_assert_scalar.default", "sym_constrain_range_for_size.default")


def translate(program: ExportedProgram, module: torch.nn.Module) -> tuple[Graph, Scope]:
    """Return the graph of an objective, and its constants.

    Parameters
    ----------
    program : ExportedProgram
        Of a `capture.Objective`.
    module : torch.nn.Module
        Its module, whose parameter names become labels; tied parameters become one leaf.

    Raises
    ------
    InputError
        If an operation has no rule: its name, the path of the module and the line of its source are told.
    """
    scope = Scope(GraphBuilder())
    output = _output_name(program)
    needed = _needed(program, output)
    values = _leaves(program, module, scope)
    for node in program.graph.nodes:
        if node.op == "call_function" and node in needed:
            scope.builder.place = _place(node)
            values[node.name] = _called(node, values, scope)
    scope.builder.place = ""
    error = values[output]
    if not isinstance(error, Tensor) or error.shape != ():
        shape = tuple(getattr(error, "shape", ()))
        raise InputError(
            "the loss is no scalar that depends on parameters", shape=shape, remedy="reduce it by mean or sum"
        )
    graph = scope.builder.build(error)
    scope.buffers = _buffers(program, needed, graph, values)
    return graph, scope


def _needed(program: ExportedProgram, output: str) -> set[Node]:
    """Return the nodes that the loss is computed from: updates of running statistics are none of them."""
    waiting = [node for node in program.graph.nodes if node.name == output]
    needed: set[Node] = set()
    while waiting:
        node = waiting.pop()
        if node not in needed:
            needed.add(node)
            waiting.extend(node.all_input_nodes)
    return needed


def _buffers(program: ExportedProgram, needed: set[Node], graph: Graph, values: dict[str, Any]) -> set[str]:
    """Return the names of the module's buffers that the loss is computed from.

    A rule may leave an argument aside: running statistics in training mode. A buffer is used if it became a constant of
    the graph, if something was computed of it, or if it holds no real numbers: indices and masks.
    """
    constants = {leaf.label for leaf in graph.leaves(Constant)}
    places = {node.name: node for node in needed if node.op == "placeholder"}
    found = set()
    for spec in program.graph_signature.input_specs:
        place = places.get(spec.arg.name)
        if spec.kind is InputKind.BUFFER and place is not None:
            label = str(spec.target).removeprefix(PREFIX)
            computed = any(user in needed and not _holds_tensor(values[user.name]) for user in place.users)
            if computed or label in constants or not values[place.name].is_floating_point():
                found.add(label)
    return found


def _leaves(program: ExportedProgram, module: torch.nn.Module, scope: Scope) -> dict[str, Any]:
    parameters = dict(module.named_parameters(remove_duplicate=False))
    first_name: dict[int, str] = {}
    for name, parameter in module.named_parameters():
        first_name[id(parameter)] = name
        if parameter.requires_grad:
            scope.builder.parameter(name, tuple(parameter.shape))
    examples = iter(torch.utils._pytree.tree_leaves(program.example_inputs))
    values: dict[str, Any] = {}
    for spec in program.graph_signature.input_specs:
        match spec.kind:
            case InputKind.PARAMETER:
                parameter = parameters[str(spec.target).removeprefix(PREFIX)]
                label = first_name[id(parameter)]
                if parameter.requires_grad:
                    leaf = scope.builder.parameter(label, tuple(parameter.shape))
                    scope.trained[leaf.position] = label, parameter
                else:
                    leaf = scope.constant(label, parameter)
                values[spec.arg.name] = leaf
            case InputKind.USER_INPUT:
                values[spec.arg.name] = _entered(scope, spec.arg.name, next(examples))
            case _:
                found = {**program.state_dict, **program.constants}[str(spec.target)]
                values[spec.arg.name] = _entered(scope, str(spec.target).removeprefix(PREFIX), found)
    return values


def _entered(scope: Scope, label: str, value: Any) -> Any:
    """Return a value as it is, real numbers registered: `scope.tensor` makes constants of the graph of them."""
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        scope.know(label, value)
    return value


def _output_name(program: ExportedProgram) -> str:
    names = [spec.arg.name for spec in program.graph_signature.output_specs if spec.kind.name == "USER_OUTPUT"]
    if len(names) != 1:
        raise InputError("the loss must be one scalar", outputs=len(names), remedy="reduce it with .mean() or .sum()")
    return names[0]


def _called(node: Node, values: dict[str, Any], scope: Scope) -> Any:
    arguments, options = (
        torch.fx.node.map_arg(part, lambda source: values[source.name]) for part in (node.args, node.kwargs)
    )
    if node.target is operator.getitem:
        return arguments[0][arguments[1]]
    name = operation_name(node.target)
    if name in _CHECKS:
        return None
    if not _holds_tensor([*arguments, *options.values()]):
        exact = scope.knows([*arguments, *options.values()])
        kept = name == "_to_copy.default" and kept_by_cast(arguments[0], options.get("dtype"))
        if not exact or kept or name.split(".")[0] in MOVES:
            return _remembered(scope, name, _computed(node, name, arguments, options), exact)
    if name not in RULES:
        raise InputError(
            "no rule for this operation", where=_place(node), operation=name, remedy="replace it in forward"
        )
    arguments, options = _known_as_tensors(scope, (arguments, options))
    masked = [part for part in (*arguments, *options.values()) if isinstance(part, Masked)]
    if masked and name not in TAKE_MASKED:
        raise InputError(
            "numbers that are minus infinity", where=_place(node), operation=name, remedy="softmax or logsumexp next"
        )
    scope.operation = name
    try:
        return RULES[name](scope, *arguments, **options)
    except InputError as error:
        raise (error.at(_place(node)) if error.where is None else error) from None
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RuntimeError) as error:
        raise InputError(
            "the rule does not know these options",
            where=_place(node),
            operation=name,
            reason=str(error),
            remedy="leave them at their defaults",
        ) from error


def _computed(node: Node, name: str, arguments: Any, options: Any) -> Any:
    """Run an operation on numbers that no parameter and no datum enters: indices, masks, constants made in forward."""
    if torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ()):
        raise InputError(
            "random numbers in forward",
            where=_place(node),
            operation=name,
            remedy="draw them once and pass them as an input",
        )
    target: Any = node.target
    try:
        with torch.no_grad():
            return target(*arguments, **options)
    except (RuntimeError, TypeError, ValueError, LookupError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            "no rule for this operation on these arguments",
            where=_place(node),
            operation=name,
            reason=reason,
            remedy="replace it in forward",
        ) from error


def _remembered(scope: Scope, name: str, value: Any, exact: bool) -> Any:
    """Register real numbers that were only moved."""
    for part in value if isinstance(value, list | tuple) else (value,):
        if exact and isinstance(part, torch.Tensor) and part.is_floating_point():
            scope.know(f"{name.split('.')[0]}.{scope.count}", part)
    return value


def _holds_tensor(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_holds_tensor(part) for part in value)
    return isinstance(value, Tensor | Masked)


def _known_as_tensors(scope: Scope, value: Any) -> Any:
    """Return arguments with the numbers of data and buffers as constants of the graph."""
    if isinstance(value, dict):
        return {key: _known_as_tensors(scope, part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_known_as_tensors(scope, part) for part in value)
    return scope.tensor(value) if scope.knows(value) else value


def _place(node: Node) -> str:
    """Return the path of the module that a node comes from, with the line of the user or the kind of layer."""
    stack = [entry for entry in (node.meta.get("nn_module_stack") or {}).values() if entry[0]]
    path, layer = stack[-1] if stack else ("", None)
    path = "" if path == PREFIX.rstrip(".") else path.removeprefix(PREFIX)
    frames = _FRAME.findall(node.meta.get("stack_trace") or "")
    kind = "" if layer is None else getattr(layer, "__name__", str(layer).rpartition(".")[2])
    lines = [line.strip() for file, line in frames if not file.startswith(_NOT_USERS)]
    innermost = bool(lines) and not frames[-1][0].startswith(_NOT_USERS)
    source = lines[-1] if lines and (innermost or not kind) else kind
    return ": ".join(part for part in (path, source) if part) or str(node.target)


_FRAME = re.compile(r'File "([^"]*)", line \d+, in [^\n]*\n\s*([^\n]*)')
_NOT_USERS = (str(Path(torch.__file__).parent), str(Path(__file__).parent))
"""Folders whose code the user did not write."""
