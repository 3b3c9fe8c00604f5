"""The whole E differentiated by sympy against the recursion, and what happens beyond its limits."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from verify import Architecture
from verify.calculus.symbolic import Claim, GradientProof, build_proof, expand_and_compare
from verify.calculus.symbolic.expansion import unit_path_count


def test_recursion_equals_the_derivative(any_network):
    expansion = expand_and_compare(any_network, build_proof(any_network), seconds=60)
    assert expansion.equal is True
    assert expansion.detail.startswith(f"{any_network.size} derivatives")


def test_every_lost_edge_changes_the_polynomials(any_network):
    proof = build_proof(any_network)
    lost = 0
    for position, step in enumerate(proof.steps):
        if step.claim is not Claim.OUTPUT_ADJOINT or len(step.edges) + ("loss" in step.rules) < 2:
            continue
        for edge in step.edges:
            kept = dataclasses.replace(step, edges=tuple(other for other in step.edges if other != edge))
            tampered = GradientProof((*proof.steps[:position], kept, *proof.steps[position + 1 :]))
            assert expand_and_compare(any_network, tampered, seconds=60).equal is False
            lost += 1
    assert lost > 0 or len(any_network.edges) == 1


def test_a_lost_loss_of_an_inner_output_changes_the_polynomials(network):
    architecture = network("outputs")
    proof = build_proof(architecture)
    steps = [
        dataclasses.replace(step, rules=tuple(rule for rule in step.rules if rule != "loss"))
        if step.claim is Claim.OUTPUT_ADJOINT and step.vertex == "h"
        else step
        for step in proof.steps
    ]
    assert expand_and_compare(architecture, GradientProof(tuple(steps)), seconds=60).equal is False


@pytest.mark.parametrize("seed", range(6))
def test_random_graphs_of_neurons(seed):
    rng = np.random.default_rng(seed)
    nodes = {"v0": {"width": 1}, "v1": {"width": 1}}
    for k in range(2, 7):
        sources = [f"v{k - 1}"] + [f"v{j}" for j in range(k - 1) if rng.random() < 0.4]
        skips = [{"from": source, "kind": "identity"} for source in sources if rng.random() < 0.3]
        nodes[f"v{k}"] = {"width": 1, "activation": "tanh", "inputs": [*sources, *skips], "bias": bool(k % 2)}
    used = {source for node in nodes.values() for source in node.get("inputs", []) if isinstance(source, str)}
    nodes["v6"]["inputs"] += [name for name in ("v0", "v1") if name not in used]
    architecture = Architecture.from_data(nodes, ["v6", "v4"])
    assert expand_and_compare(architecture, build_proof(architecture), seconds=60).equal is True


def doublings(count: int) -> Architecture:
    nodes = {
        f"v{k}": {"width": 1, "activation": "tanh", "inputs": [f"v{k - 1}", {"from": f"v{k - 1}", "kind": "identity"}]}
        for k in range(1, count + 1)
    }
    return Architecture.from_data({"v0": {"width": 1}, **nodes}, f"v{count}")


@pytest.mark.parametrize("count", [14, 200])
def test_too_many_paths_are_not_run(count):
    architecture = doublings(count)
    assert unit_path_count(architecture) == 2**count
    expansion = expand_and_compare(architecture, build_proof(architecture))
    assert expansion.equal is None and expansion.detail.startswith("not run: more than 10000 paths")


def test_time_box_is_not_taken_for_a_proof():
    architecture = doublings(5)
    expansion = expand_and_compare(architecture, build_proof(architecture), seconds=0.0)
    assert expansion.equal is None and "0 of 10 weights" in expansion.detail


def test_paths_between_units(network):
    assert unit_path_count(network("skips")) == 2 * 3 * (3 + 1) * 2 + 2 * 3 * 2 + 2 * 3 * 2
