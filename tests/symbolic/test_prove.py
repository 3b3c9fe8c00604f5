"""The finding about the gradients of a graph: what is proved, said and refused."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

import verify
from verify import Architecture, Verdict
from verify.architecture import Dense, Edge
from verify.calculus.symbolic import prove
from verify.calculus.symbolic.rules import RULES


def test_gradients_are_proved(any_network):
    finding = verify.prove_gradients(any_network, expansion_seconds=60)
    assert finding.id == "gradients" and finding.verdict is Verdict.PROVED
    assert finding.numbers["expansion_equal"] is True
    assert finding.numbers["edges_traversed"] == sum(
        not any_network.vertices[e.source].is_input for e in any_network.edges
    )
    assert {"loss", "activation", "weight decay"} <= set(finding.numbers["rules"]) <= set(RULES)
    json.dumps(finding.to_json(), allow_nan=False)


def test_an_expansion_that_was_not_run_is_not_claimed():
    nodes = {
        "x": {"width": 30},
        "h": {"width": 30, "activation": "tanh", "inputs": ["x"]},
        "y": {"width": 30, "inputs": ["h"]},
    }
    finding = verify.prove_gradients(Architecture.from_data(nodes, "y"))
    assert finding.verdict is Verdict.PROVED and finding.numbers["expansion_equal"] is None
    assert "full expansion not run" in finding.statement and "agrees up" not in finding.statement


def test_a_kink_is_said():
    nodes = {
        "x": {"width": 1},
        "h": {"width": 2, "activation": "relu", "inputs": ["x"]},
        "y": {"width": 1, "activation": "tanh", "inputs": ["h"]},
    }
    finding = verify.prove_gradients(Architecture.from_data(nodes, "y"))
    assert finding.numbers["vertices_with_kinks"] == ["h"]
    assert "wherever no pre-activation of h meets a kink" in finding.statement


class Transposed(Dense):
    def _transpose(self, theta, delta):
        return delta @ theta.T


def test_code_that_differs_from_the_terms_is_refuted(network):
    architecture = network("perceptron")
    edges = [dataclasses.replace(edge, map=Transposed(2, 2)) for edge in architecture.edges]
    vertices = [dataclasses.replace(vertex, width=2) for vertex in architecture.vertices.values()]
    finding = verify.prove_gradients(Architecture(vertices, edges, architecture.outputs))
    assert isinstance(edges[0], Edge) and finding.verdict is Verdict.REFUTED
    assert finding.counterexample["source"] == "x" and "transpose" in finding.statement


@pytest.mark.parametrize("part", ["edges", "step", "rule"])
def test_a_rejected_proof_is_undecided(network, monkeypatch, part):
    honest = prove.build_proof

    def tampered(architecture):
        proof = honest(architecture)
        steps = list(proof.steps)
        position = next(p for p, step in enumerate(steps) if len(step.edges) > 1)
        if part == "step":
            del steps[-1]
        elif part == "edges":
            steps[position] = dataclasses.replace(steps[position], edges=steps[position].edges[:-1])
        else:
            steps[position] = dataclasses.replace(steps[position], rules=("loss",))
        return dataclasses.replace(proof, steps=tuple(steps))

    monkeypatch.setattr(prove, "build_proof", tampered)
    finding = verify.prove_gradients(network("skips"))
    assert finding.verdict is Verdict.UNDECIDED and finding.remedy and finding.numbers["flaws"]


def test_a_rule_that_is_not_proved_is_undecided(network, monkeypatch):
    monkeypatch.setattr(prove, "rule_proved", lambda name: name != "weight decay")
    finding = verify.prove_gradients(network("skips"))
    assert finding.verdict is Verdict.UNDECIDED and "weight decay" in finding.statement


def test_deep_and_wide_graphs_take_no_enumeration():
    nodes = {"v0": {"width": 4}}
    for k in range(1, 151):
        skip = {"from": f"v{k - 1}", "kind": "identity"}
        nodes[f"v{k}"] = {"width": 4, "activation": "tanh", "inputs": [f"v{k - 1}", skip]}
    architecture = Architecture.from_data(nodes, "v150")
    assert architecture.path_count() == 2**150
    finding = verify.prove_gradients(architecture)
    assert finding.verdict is Verdict.PROVED and finding.numbers["steps"] == 4 * 150
    assert np.isfinite(finding.numbers["parameters"])
