"""The checker accepts the induction of every graph and rejects it after any tampering."""

from __future__ import annotations

import dataclasses

import pytest

from verify.calculus.symbolic import Claim, GradientProof, ProofStep, build_proof, flaws_of


def with_step(proof: GradientProof, position: int, **changes: object) -> GradientProof:
    steps = list(proof.steps)
    steps[position] = dataclasses.replace(steps[position], **changes)
    return GradientProof(tuple(steps))


def test_the_proof_of_every_graph_is_accepted(any_network):
    assert flaws_of(build_proof(any_network), any_network) == []


def test_every_missing_edge_is_noticed(any_network):
    proof = build_proof(any_network)
    tampered = 0
    for position, step in enumerate(proof.steps):
        for lost in step.edges:
            rest = tuple(edge for edge in step.edges if edge != lost)
            assert flaws_of(with_step(proof, position, edges=rest), any_network)
            tampered += 1
    assert tampered >= len(any_network.edges)


def test_a_missing_edge_is_noticed_when_its_premise_is_dropped_too(network):
    architecture = network("skips")
    proof = build_proof(architecture)
    position, step = next(
        (position, step)
        for position, step in enumerate(proof.steps)
        if step.claim is Claim.OUTPUT_ADJOINT and step.vertex == "h1"
    )
    kept = tuple(edge for edge in step.edges if edge[1] != "y")
    premises = tuple(p for p in step.premises if proof.steps[p].vertex != "y")
    flaws = flaws_of(with_step(proof, position, edges=kept, premises=premises), architecture)
    assert any("the edges that contribute" in flaw and "'y'" in flaw for flaw in flaws)


def test_every_missing_step_is_noticed(any_network):
    proof = build_proof(any_network)
    for position in range(len(proof.steps)):
        assert flaws_of(GradientProof(proof.steps[:position] + proof.steps[position + 1 :]), any_network)


def test_every_missing_premise_and_rule_is_noticed(any_network):
    proof = build_proof(any_network)
    for position, step in enumerate(proof.steps):
        assert flaws_of(with_step(proof, position, rules=step.rules[1:]), any_network)
        if step.premises:
            assert flaws_of(with_step(proof, position, premises=step.premises[1:]), any_network)


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"rules": ("bilinear input",)}, "the rules that apply"),
        ({"rules": ("loss", "no such rule")}, "'no such rule' is not proved"),
        ({"premises": (999,)}, "does not come earlier"),
        ({"premises": (-1,)}, "does not come earlier"),
        ({"vertex": "nowhere"}, "no such vertex"),
        ({"vertex": "x"}, "no such vertex with an activation"),
        ({"edges": (("x", "y", "dense"),)}, "the edges that contribute"),
    ],
)
def test_flaws_of_the_first_step(network, changes, flaw):
    architecture = network("skips")
    found = flaws_of(with_step(build_proof(architecture), 0, **changes), architecture)
    assert any(flaw in line and line.startswith("step 0 ") for line in found)


def test_a_step_may_not_rest_on_itself(network):
    architecture = network("perceptron")
    assert flaws_of(with_step(build_proof(architecture), 1, premises=(1,)), architecture)


def test_a_gradient_claimed_twice_is_noticed(network):
    architecture = network("perceptron")
    proof = build_proof(architecture)
    twice = GradientProof((*proof.steps, proof.steps[-1]))
    assert any("2 times" in flaw for flaw in flaws_of(twice, architecture))


def test_made_up_gradients_are_noticed(network):
    architecture = network("outputs")
    proof = build_proof(architecture)
    adjoint = next(p for p, s in enumerate(proof.steps) if s.claim is Claim.PREACTIVATION_ADJOINT and s.vertex == "y")
    identity = ProofStep(Claim.EDGE_GRADIENT, "y", ("bilinear parameter",), (("h", "y", "identity"),), (adjoint,))
    bias = ProofStep(Claim.BIAS_GRADIENT, "y", ("bias unit",), (), (adjoint,))
    for made_up in (identity, bias):
        assert flaws_of(GradientProof((*proof.steps, made_up)), architecture)


def test_the_proof_of_another_graph_is_rejected(network):
    assert flaws_of(build_proof(network("perceptron")), network("skips"))


def test_steps_are_readable(network):
    lines = [str(step) for step in build_proof(network("skips")).steps]
    assert "dE/dh at h1: bilinear input, linear input; edges h1->h2 (dense), h1->h2 (identity), h1->y (dense)" in lines
