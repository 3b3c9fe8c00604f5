"""The proof of the gradients of one network, as a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from verify.arithmetic.environment import certified_environment
from verify.calculus.symbolic.expansion import Expansion, expand_and_compare
from verify.calculus.symbolic.maps import map_flaw
from verify.calculus.symbolic.proof import (
    RULES_BESIDE_THE_GRAPH,
    GradientProof,
    build_proof,
    flaws_of,
    rules_of,
)
from verify.calculus.symbolic.rules import RULES, rule_proved
from verify.outcomes import Finding, Verdict

if TYPE_CHECKING:
    from verify.architecture import Architecture, Edge

NEEDED_FOR = "monotone decrease: the theorems speak of the gradient of E"


@certified_environment()
def prove_gradients(
    architecture: Architecture, *, expansion_paths: int = 10_000, expansion_seconds: float = 5.0
) -> Finding:
    """Prove that backpropagation through this graph computes dE/dw.

    The rule of every vertex and edge is proved symbolically, for all widths, any number of samples and any
    differentiable activation; an induction along the graph (theorem `backpropagation`) composes them, and every step of
    it is checked. Both reductions and every weight decay are covered. Where few paths lead through the graph, E is also
    written out and differentiated as a whole.

    Parameters
    ----------
    architecture : Architecture
        The network.
    expansion_paths : int
        The cross-check by full expansion is run up to this many paths between single units.
    expansion_seconds : float
        Time allowed for the cross-check; without it the proof is complete all the same.

    Returns
    -------
    Finding
        ``"gradients"``: PROVED; REFUTED if the code of an edge does not compute what defines it, with the edge;
        UNDECIDED if a step of the proof is rejected or the cross-check contradicts it.

    Examples
    --------
    >>> from verify.architecture import Architecture
    >>> nodes = {"x": {"width": 2}, "h": {"width": 3, "activation": "tanh", "inputs": ["x"]},
    ...          "y": {"width": 1, "activation": "sigmoid", "inputs": ["h", "x"]}}
    >>> finding = prove_gradients(Architecture.from_data(nodes, "y"))
    >>> finding.verdict.value, finding.numbers["expansion"]
    ('PROVED', '15 derivatives over 8 paths, equal as polynomials')
    """
    proof = build_proof(architecture)
    wrong = _wrong_edge(architecture)
    if wrong is not None:
        edge, flaw = wrong
        return _refuted(architecture, proof, edge, flaw)
    flaws = flaws_of(proof, architecture)
    flaws += [f"rule {rule!r} is not proved" for rule in RULES_BESIDE_THE_GRAPH if not rule_proved(rule)]
    expansion = Expansion(None, "not run: the proof was rejected before")
    if not flaws:
        expansion = expand_and_compare(architecture, proof, expansion_paths, expansion_seconds)
    if expansion.equal is False:
        flaws.append(f"full expansion contradicts the recursion: {expansion.detail}")
    numbers = _numbers(architecture, proof, expansion)
    if flaws:
        return Finding(
            id="gradients",
            verdict=Verdict.UNDECIDED,
            statement=f"the proof that backpropagation computes dE/dw was rejected: {flaws[0]}",
            numbers={**numbers, "flaws": flaws},
            arithmetic="symbolic",
            needed_for=NEEDED_FOR,
            remedy="report this: the proof of a supported graph should be accepted",
        )
    return Finding(
        id="gradients",
        verdict=Verdict.PROVED,
        statement=_statement(architecture, proof, expansion),
        numbers=numbers,
        theorem="backpropagation",
        arithmetic="symbolic: exact, for all real weights and data",
        needed_for=NEEDED_FOR,
    )


def kinked_vertices(architecture: Architecture) -> list[str]:
    """Return the vertices whose activation is not differentiable everywhere."""
    activations = {name: architecture.vertices[name].activation for name in architecture.order}
    return [name for name, activation in activations.items() if activation is not None and len(activation.kinks)]


def _wrong_edge(architecture: Architecture) -> tuple[Edge, str] | None:
    seen: set[Any] = set()
    for edge in architecture.edges:
        if edge.map in seen:
            continue
        seen.add(edge.map)
        flaw = map_flaw(edge.map)
        if flaw is not None:
            return edge, flaw
    return None


def _refuted(architecture: Architecture, proof: GradientProof, edge: Edge, flaw: str) -> Finding:
    place = f"edge {edge.source}->{edge.target} ({edge.kind})"
    return Finding(
        id="gradients",
        verdict=Verdict.REFUTED,
        statement=f"{place} does not compute the bilinear form that defines it: {flaw}",
        numbers=_numbers(architecture, proof, Expansion(None, "not run")),
        arithmetic="float64 on whole numbers, exact",
        needed_for=NEEDED_FOR,
        counterexample={"source": edge.source, "target": edge.target, "kind": edge.kind, "disagreement": flaw},
        remedy="correct the edge's apply, transpose or parameter_gradient",
    )


def _numbers(architecture: Architecture, proof: GradientProof, expansion: Expansion) -> dict[str, Any]:
    return {
        "parameters": architecture.size,
        "steps": len(proof.steps),
        "edges_traversed": sum(len(architecture.out_edges(name)) for name in architecture.order),
        "rules": {rule: RULES[rule].statement for rule in rules_of(proof)},
        "expansion": expansion.detail,
        "expansion_equal": expansion.equal,
        "vertices_with_kinks": kinked_vertices(architecture),
    }


def _statement(architecture: Architecture, proof: GradientProof, expansion: Expansion) -> str:
    kinked = kinked_vertices(architecture)
    where = f" wherever no pre-activation of {', '.join(kinked)} meets a kink" if kinked else " at every w"
    whole = "; full expansion agrees" if expansion.equal else f"; full expansion {expansion.detail}"
    return (
        f"the backpropagation recursion of this graph equals dE/dw{where}, for sum and mean and any weight decay: "
        f"{len(proof.steps)} steps over the {len(proof.rules)} rules of its vertices and edges, "
        f"each proved for all widths; the edges' code agrees with their defining terms on whole numbers{whole}"
    )
