"""What a certificate is about: network, data, objective and weights, read strictly, and error and gradient in Arb."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from flint import arb, arb_mat

from verify.certificates import document
from verify.certificates.checker.curvature import Curvature, Region
from verify.certificates.checker.functions import rational
from verify.certificates.checker.hessian import summed_hessian
from verify.certificates.checker.network import Network
from verify.certificates.document import ReadError, fields


@dataclass
class Subject:
    """E(w) = (1/divisor) sum of 1/2 |h_out - y|^2 + weight_decay/2 |w|^2, and the weights certified."""

    network: Network
    inputs: list[list[float]]
    targets: list[list[float]]
    divisor: int
    weight_decay: Fraction
    weights: list[float]
    _known: dict[str, Curvature] = field(default_factory=dict)

    def error(self, weights: list[float]) -> Any:
        """E(weights)."""
        w = [arb(value) for value in weights]
        total = arb(0)
        for state, y in zip(self.network.forward(w, self.inputs, 0), self.targets, strict=True):
            for residual in self.network.residual(state, y).values():
                total += sum((entry**2 for entry in residual), arb(0))
        squares = sum((value**2 for value in w), arb(0))
        return total / (2 * self.divisor) + rational(self.weight_decay) * squares / 2

    def gradient(self, weights: list[float]) -> list[Any]:
        """Grad E(weights)."""
        w = [arb(value) for value in weights]
        products = {v.name: [arb_mat(e.width_in, v.width) for e in v.edges] for v in self.network.order}
        for state, y in zip(self.network.forward(w, self.inputs, 1), self.targets, strict=True):
            _, by_z = self.network.backward(state, self.network.residual(state, y))
            for v in self.network.order:
                for i, edge in enumerate(v.edges):
                    products[v.name][i] += arb_mat([state.h[edge.source]]).transpose() * arb_mat([by_z[v.name]])
        total = [rational(self.weight_decay) * value for value in w]
        for v in self.network.order:
            for edge, matrix in zip(v.edges, products[v.name], strict=True):
                for out, p, i, _ in edge.terms if edge.parameters else ():
                    total[edge.start + p] += matrix[i, out] / self.divisor
        return total

    def hessian_norm(self, region: Any) -> Any:
        """Upper bound of ||Hess E|| over a region, given as in a certificate."""
        curvature, where = self._curvature(region)
        return curvature.bound(where) / self.divisor + rational(self.weight_decay)

    def hessian_growth(self, region: Any) -> Any:
        """Upper bound of ||Hess E - Hess E(centre)|| over a region, given as in a certificate."""
        curvature, where = self._curvature(region)
        return curvature.growth(where) / self.divisor

    def hessian(self) -> Any:
        """Hess E(weights), (P, P), in the lower triangle."""
        matrix = summed_hessian(self.network, [arb(value) for value in self.weights], self.inputs, self.targets)
        matrix = matrix / arb(self.divisor)
        for p in range(self.network.size):
            matrix[p, p] += rational(self.weight_decay)
        return matrix

    def _curvature(self, region: Any) -> tuple[Curvature, Region]:
        kind, where = self._region(region)
        if kind not in self._known:
            centre = [arb(value if kind == "ball" else 0) for value in self.weights]
            self._known[kind] = Curvature(self.network, centre, self.inputs, self.targets)
        return self._known[kind], where

    def _region(self, data: Any) -> tuple[str, Region]:
        names = [vertex.name for vertex in self.network.order]
        match data:
            case {"kind": "ball" | "bounded" as kind, "radius": radius, **rest} if not rest:
                value = rational(document.positive(radius, "region.radius"))
                return kind, Region(dict.fromkeys(names, value), joint=True)
            case {"kind": "blocks", "radii": dict() as radii, **rest} if not rest and set(radii) <= set(names):
                given = {v: rational(document.positive(r, f"region.radii.{v}")) for v, r in radii.items()}
                return "ball", Region({name: given.get(name, arb(0)) for name in names}, joint=False)
        raise ReadError("unreadable region", where="region", region=data)


def euclidean_norm(vector: list[Any]) -> Any:
    """|vector|."""
    return sum((entry**2 for entry in vector), arb(0)).sqrt()


def read_subject(content: dict[str, Any]) -> Subject:
    """Read the fields ``model``, ``objective``, ``data`` and ``weights`` of a network of vertices and edges."""
    network = Network(content["model"])
    data = fields(content["data"], "data", {"inputs", "targets", "sha256"})
    inputs = document.float64_table(data["inputs"], "data.inputs")
    targets = inputs if data["targets"] == "inputs" else document.float64_table(data["targets"], "data.targets")
    widths = [sum(network.inputs.values()), sum(network.outputs.values())]
    if len(inputs) != len(targets) or [len(inputs[0]), len(targets[0])] != widths:
        raise ReadError("shapes of data and model disagree", where="data", model=widths)
    if document.table_digest([inputs, targets]) != data["sha256"]:
        raise ReadError("data and their hash disagree", where="data.sha256", sha256=data["sha256"])
    objective = fields(content["objective"], "objective", {"loss", "reduction", "weight_decay"})
    weight_decay = document.number(objective["weight_decay"], "objective.weight_decay")
    known = objective["loss"] == "half-squared-error" and objective["reduction"] in ("mean", "sum")
    if not known or weight_decay < 0:
        raise ReadError("unknown objective", where="objective", objective=objective)
    divisor = len(inputs) if objective["reduction"] == "mean" else 1
    weights = document.float64_list(content["weights"], "weights", network.size)
    document.check_sizes((e for v in network.order for e in v.edges), len(weights) + len(inputs) * sum(widths))
    return Subject(network, inputs, targets, divisor, weight_decay, weights)
