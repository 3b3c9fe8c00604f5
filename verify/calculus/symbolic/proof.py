"""Proof that the backpropagation recursion of a given graph computes dE/dw, as data that is checked step by step.

The induction: list the vertices topologically, v_1, ..., v_m, and let E_k be E as a function of the outputs
h of the inputs and of v_1, ..., v_k, these taken as free variables. E_m is the loss alone, and E_(k-1) is E_k
with ``h_k = g_k(z_k)`` substituted. By the chain rule, eliminating v_k adds to the gradient in each h_u
exactly what the edges u -> v_k send back, and no other vertex sees the parameters of v_k. So the gradient
of E in h_v is the loss's part plus what every out-edge of v sends back, and nothing else; the
gradient in the parameters of v follows from dz_v. Only the chain rule is taken from analysis; what each kind
of vertex and edge sends back is a rule of `rules`.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from verify.budget import check_time
from verify.calculus.symbolic.rules import rule_proved

if TYPE_CHECKING:
    from verify.architecture import Architecture, Edge, Vertex

EdgeName = tuple[str, str, str]
RULES_BESIDE_THE_GRAPH = ("loss", "weight decay")


class Claim(enum.Enum):
    """What a step establishes."""

    OUTPUT_ADJOINT = "dE/dh"
    PREACTIVATION_ADJOINT = "dE/dz"
    EDGE_GRADIENT = "dE/dtheta"
    BIAS_GRADIENT = "dE/db"


@dataclass(frozen=True)
class ProofStep:
    """One step of the induction.

    Parameters
    ----------
    claim : Claim
        What is established.
    vertex : str
        For which vertex; for the parameters of an edge, its target.
    rules : tuple of str
        Names of the rules it rests on.
    edges : tuple of EdgeName
        Edges that contribute, as (source, target, kind).
    premises : tuple of int
        Positions of the earlier steps it rests on.
    """

    claim: Claim
    vertex: str
    rules: tuple[str, ...]
    edges: tuple[EdgeName, ...] = ()
    premises: tuple[int, ...] = ()

    def __str__(self) -> str:
        places = ", ".join(f"{source}->{target} ({kind})" for source, target, kind in self.edges)
        return f"{self.claim.value} at {self.vertex}: {', '.join(self.rules)}" + (f"; edges {places}" if places else "")


@dataclass(frozen=True)
class GradientProof:
    """The steps, in an order in which each rests on earlier ones only."""

    steps: tuple[ProofStep, ...]

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of the rules used, each once."""
        return tuple(dict.fromkeys(rule for step in self.steps for rule in step.rules))


def edge_name(edge: Edge) -> EdgeName:
    """Return what identifies an edge: between two vertices stands at most one of each kind."""
    return (edge.source, edge.target, edge.kind)


def edge_rule(edge: Edge, variable: str) -> str:
    """Return the name of the rule that an edge obeys in its ``"input"`` or its ``"parameter"``."""
    return f"{'bilinear' if edge.map.parameter_shape else 'linear'} {variable}"


def bias_count(vertex: Vertex) -> int:
    """Return how many trainable biases a vertex has."""
    if vertex.bias == "channel" and vertex.shape is not None:
        return vertex.shape[0]
    return 0 if vertex.bias is None else vertex.width


def build_proof(architecture: Architecture) -> GradientProof:
    """Write down the induction for this graph, from its outputs back to its inputs.

    Raises
    ------
    KeyError
        If the architecture's order is not topological.
    """
    steps: list[ProofStep] = []
    adjoint_of: dict[str, int] = {}
    for name in reversed(architecture.order):
        edges = tuple(architecture.out_edges(name))
        loss = ("loss",) if name in architecture.outputs else ()
        steps.append(
            ProofStep(
                Claim.OUTPUT_ADJOINT,
                name,
                loss + tuple(dict.fromkeys(edge_rule(edge, "input") for edge in edges)),
                tuple(map(edge_name, edges)),
                tuple(dict.fromkeys(adjoint_of[edge.target] for edge in edges)),
            )
        )
        steps.append(ProofStep(Claim.PREACTIVATION_ADJOINT, name, ("activation",), (), (len(steps) - 1,)))
        adjoint_of[name] = len(steps) - 1
        adjoint = (adjoint_of[name],)
        for edge in architecture.in_edges(name):
            if edge.map.parameter_shape:
                rule = (edge_rule(edge, "parameter"),)
                steps.append(ProofStep(Claim.EDGE_GRADIENT, name, rule, (edge_name(edge),), adjoint))
        bias = architecture.vertices[name].bias
        if bias is not None:
            steps.append(ProofStep(Claim.BIAS_GRADIENT, name, (f"bias {bias}",), (), adjoint))
    return GradientProof(tuple(steps))


def rules_of(proof: GradientProof) -> tuple[str, ...]:
    """Return the names of all rules that dE/dw rests on: those of the graph, and those beside it."""
    return tuple(dict.fromkeys([*proof.rules, *RULES_BESIDE_THE_GRAPH]))


def flaws_of(proof: GradientProof, architecture: Architecture) -> list[str]:
    """Check a proof against a graph, step by step; an empty list accepts it.

    What a step must rest on is worked out here from the lists of in-edges alone, independently of how the
    proof was made. Rejected are: a rule that is not proved, a premise that does not come earlier, an out-edge
    that is missing or made up, a parameter whose gradient is claimed never or twice, or that two edges share.
    """
    every_edge = [edge for name in architecture.vertices for edge in architecture.in_edges(name)]
    behind: dict[str, list[Edge]] = {name: [] for name in architecture.vertices}
    for edge in every_edge:
        behind[edge.source].append(edge)
    flaws = []
    for position, step in enumerate(proof.steps):
        check_time()
        found = _flaws_of_step(proof.steps, position, architecture, behind)
        flaws += [f"step {position} ({step}): {flaw}" for flaw in found]
    return [*flaws, *_flaws_of_coverage(proof.steps, architecture, every_edge)]


def _flaws_of_step(
    steps: tuple[ProofStep, ...], position: int, architecture: Architecture, behind: Mapping[str, list[Edge]]
) -> Iterable[str]:
    step = steps[position]
    vertex = architecture.vertices.get(step.vertex)
    if vertex is None or vertex.is_input:
        yield "no such vertex with an activation"
        return
    yield from (f"rule {rule!r} is not proved" for rule in step.rules if not rule_proved(rule))
    edges: list[Edge] = []
    if step.claim is Claim.OUTPUT_ADJOINT:
        edges = behind[step.vertex]
        rules = {"loss"} if step.vertex in architecture.outputs else set()
        rules |= {edge_rule(edge, "input") for edge in edges}
        premises = {(Claim.PREACTIVATION_ADJOINT, edge.target) for edge in edges}
    elif step.claim is Claim.PREACTIVATION_ADJOINT:
        rules = {"activation"}
        premises = {(Claim.OUTPUT_ADJOINT, step.vertex)}
    elif step.claim is Claim.EDGE_GRADIENT:
        edges = [edge for edge in architecture.in_edges(step.vertex) if step.edges == (edge_name(edge),)]
        if not edges or not edges[0].map.parameter_shape:
            yield "no such edge with parameters"
        rules = {"bilinear parameter"}
        premises = {(Claim.PREACTIVATION_ADJOINT, step.vertex)}
    else:
        if vertex.bias is None:
            yield "the vertex has no bias"
        rules = {f"bias {vertex.bias}"}
        premises = {(Claim.PREACTIVATION_ADJOINT, step.vertex)}
    if Counter(step.edges) != Counter(map(edge_name, edges)):
        yield f"the edges that contribute are {[edge_name(edge) for edge in edges]}"
    if set(step.rules) != rules:
        yield f"the rules that apply are {sorted(rules)}"
    if not all(0 <= premise < position for premise in step.premises):
        yield "a premise does not come earlier"
    elif {(steps[premise].claim, steps[premise].vertex) for premise in step.premises} != premises:
        yield "it rests on other premises than it needs"


def _flaws_of_coverage(
    steps: tuple[ProofStep, ...], architecture: Architecture, every_edge: list[Edge]
) -> Iterable[str]:
    trained = [edge for edge in every_edge if edge.map.parameter_shape]
    shared = [key for key, count in Counter(edge.key for edge in trained).items() if count > 1]
    yield from (f"parameters {key!r} belong to more than one edge" for key in shared)
    needed: Counter[object] = Counter(edge_name(edge) for edge in trained)
    needed.update(name for name, vertex in architecture.vertices.items() if vertex.bias is not None)
    given: Counter[object] = Counter(
        step.edges[0] if step.claim is Claim.EDGE_GRADIENT and step.edges else step.vertex
        for step in steps
        if step.claim in (Claim.EDGE_GRADIENT, Claim.BIAS_GRADIENT)
    )
    yield from (
        f"the gradient of {key!r} is claimed {given[key]} times, not {needed[key]}"
        for key in dict.fromkeys([*needed, *given])
        if given[key] != needed[key]
    )
    covered = sum(edge.map.parameter_count for edge in trained)
    covered += sum(bias_count(vertex) for vertex in architecture.vertices.values())
    if covered != architecture.size:
        yield f"edges and biases hold {covered} parameters, the architecture {architecture.size}"
