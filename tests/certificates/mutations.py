"""Mutations of certificates: claims that are false, and changes of form that leave them true."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from verify.certificates import document
from verify.certificates.checker.claims import PRECISIONS
from verify.certificates.checker.graph import read_any_subject
from verify.certificates.checker.subject import euclidean_norm

Certificate = dict[str, Any]
Mutation = Callable[[Certificate, random.Random], str | None]
"""Returns the mutated certificate as JSON text, or None where it does not apply."""


def text_of(certificate: Certificate) -> str:
    return json.dumps(certificate)


def _with(certificate: Certificate, path: tuple[Any, ...], value: Any) -> str:
    place: Any = certificate
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return text_of(certificate)


def _exact(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"


STRONGER = {
    **{"lipschitz": -1, "gain": 1, "decrease": 1, "error_upper": -1, "gradient_norm": -1, "error_infimum": 1},
    **{"least": 1, "distance": -1, "excess": -1, "rate": 1},
}
"""Claims that say more when they are moved in this direction."""


def strengthen(certificate: Certificate, rng: random.Random) -> str | None:
    """A number of the claim moved by at least 5 % in the direction that says more."""
    names = [name for name in STRONGER if name in certificate["claim"]]
    name = rng.choice(names)
    old = document.number(certificate["claim"][name], name)
    if name == "lipschitz":
        old = min(old, recomputed_bound(certificate))
    if name == "gradient_norm":
        old = min(old, recomputed_gradient(certificate))
    factor = Fraction(rng.randint(105, 10**4), 100)
    new = old * factor if STRONGER[name] > 0 else old / factor
    if name == "error_infimum" and old == 0:
        new = document.number(certificate["claim"]["error_upper"], name)
    if name in ("gain",) and old == 0:
        return None
    return _with(certificate, ("claim", name), _exact(new))


def theorem_of(certificate: Certificate) -> str:
    """The theorem whose range the setting of a certificate has to be in."""
    kind: str = certificate["kind"]
    ranges = ("from_rest", "restart", "heavy_ball", "nesterov")
    return next((name for name in ranges if kind.startswith(name)), "sharp")


def setting_of(certificate: Certificate) -> tuple[Fraction, Fraction, Fraction]:
    claim = certificate["claim"]
    lipschitz, eta, size = (
        document.number(claim[name], name) for name in ("lipschitz", "eta", "mu" if "mu" in claim else "tau")
    )
    return lipschitz, eta, size


def beyond_the_gain(certificate: Certificate, rng: random.Random) -> str | None:
    """The gain beyond what the theorem gives, by the smallest rational excess that is tried."""
    if "gain" not in certificate["claim"]:
        return None
    lipschitz, eta, size = setting_of(certificate)
    most = {
        "sharp": eta - lipschitz * eta**2 / 2 - abs(1 - lipschitz * eta) * size - lipschitz * size**2 / 2,
        "heavy_ball": (1 - size) / eta - lipschitz / 2,
        "nesterov": eta / 2 - lipschitz * eta**2 / 2,
    }.get(theorem_of(certificate))
    if most is None:
        ends = -lipschitz / 2 * (eta**2 + size**2) + eta, (eta + size) - lipschitz / 2 * (eta + size) ** 2
        most = min(ends)
    return _with(certificate, ("claim", "gain"), _exact(most + Fraction(1, 10 ** rng.randint(20, 200))))


def beyond_the_range(certificate: Certificate, rng: random.Random) -> str | None:
    """eta or the momentum just beyond the range, with gain 0; of a momentum, also below 0."""
    claim = certificate["claim"]
    if "eta" not in claim:
        return None
    lipschitz, eta, size = setting_of(certificate)
    excess = 1 + Fraction(1, 2 ** rng.randint(1, 300))
    theorem, momentum = theorem_of(certificate), "mu" if "mu" in claim else "tau"
    match theorem:
        case "sharp":
            beyond = {"eta": 2 / lipschitz - size, "tau": min(eta, 2 / lipschitz - eta)}
        case "heavy_ball":
            beyond = {"eta": 2 * (1 - size) / lipschitz, "mu": 1 - lipschitz * eta / 2}
        case "nesterov":
            beyond = {"eta": 1 / lipschitz, "mu": root_above(1 / (1 + lipschitz * eta))}
        case _:
            paid = 1 if theorem == "from_rest" else 2
            room = paid / lipschitz - eta
            beyond = {"eta": paid / lipschitz - size, "tau": min(room, root_above(eta * room))}
    name = rng.choice([*sorted(beyond), "below 0"])
    if name == "below 0":
        name, beyond = momentum, {momentum: Fraction(-1)}
    claim[name], claim["gain"] = _exact(beyond[name] * excess), "0"
    return text_of(certificate)


def root_above(square: Fraction) -> Fraction:
    """A rational number whose square is at least the given one, by less than a part in 10^60."""
    scale = 10**60
    return Fraction(math.isqrt(square.numerator * square.denominator * scale**2) + 1, square.denominator * scale)


def recomputed_bound(certificate: Certificate) -> Fraction:
    """The checker's own bound of the Hessian; the certificate's may be larger, where the prover's is."""
    with flint.ctx.workprec(PRECISIONS[0]):
        subject: Any = read_any_subject(certificate)
        if certificate["kind"] == "minimum":
            matrix = subject.hessian()
            rough = np.array([[float(entry) for entry in row] for row in matrix.tolist()])
            vector = [flint.arb(value) for value in np.linalg.eigh(rough)[1][:, -1].tolist()]
            return _lower(quotient(matrix, vector) + subject.hessian_growth(certificate["region"]))
        return _lower(subject.hessian_norm(certificate["region"]))


def quotient(matrix: Any, vector: list[Any]) -> Any:
    """Rayleigh's quotient of a symmetric matrix given by its lower triangle: at most its largest eigenvalue."""
    total = flint.arb(0)
    for p, a in enumerate(vector):
        total += matrix[p, p] * a * a + 2 * a * sum((matrix[p, q] * vector[q] for q in range(p)), flint.arb(0))
    return total / sum((a * a for a in vector), flint.arb(0))


def recomputed_gradient(certificate: Certificate) -> Fraction:
    """At most |grad E| at the weights."""
    with flint.ctx.workprec(PRECISIONS[0]):
        subject: Any = read_any_subject(certificate)
        return _lower(euclidean_norm(subject.gradient(subject.weights)))


def _lower(bound: Any) -> Fraction:
    mantissa, exponent = bound.lower().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def below_the_recomputed_bound(certificate: Certificate, rng: random.Random) -> str | None:
    """L below the checker's own bound by a part in 10^14; with the range that belongs to it."""
    claim = certificate["claim"]
    if "lipschitz" not in claim:
        return None
    lipschitz = recomputed_bound(certificate)
    return _with(certificate, ("claim", "lipschitz"), _exact(lipschitz * (1 - Fraction(1, 10 ** rng.randint(3, 12)))))


def wider_region(certificate: Certificate, rng: random.Random) -> str | None:
    """A region larger than the bound was computed for."""
    region = certificate["region"]
    if region is None or "radius" not in region:
        return None
    radius = document.number(region["radius"], "radius")
    return _with(certificate, ("region", "radius"), _exact(radius * (1 + Fraction(rng.randint(5, 5000), 100))))


def more_steps(certificate: Certificate, rng: random.Random) -> str | None:
    """More steps than the ball has room for."""
    if "steps" not in certificate["claim"]:
        return None
    return _with(certificate, ("claim", "steps"), certificate["claim"]["steps"] * rng.randint(2, 1000))


def move_a_number(certificate: Certificate, rng: random.Random) -> str | None:
    """A value of the data other than the hash was taken of."""
    table = certificate["data"][rng.choice(["inputs", "targets"])]
    row = rng.choice(table) if isinstance(table, list) else rng.choice(certificate["data"]["inputs"])
    index = rng.randrange(len(row))
    row[index] = (float.fromhex(row[index]) + rng.choice([-1, 1]) * 2.0 ** -rng.randint(0, 40)).hex()
    return text_of(certificate)


def corrupt_hash(certificate: Certificate, rng: random.Random) -> str | None:
    """A digit of the hash changed."""
    digest = list(certificate["data"]["sha256"])
    index = rng.randrange(len(digest))
    digest[index] = rng.choice([c for c in "0123456789abcdef" if c != digest[index]])
    return _with(certificate, ("data", "sha256"), "".join(digest))


def swap_rows(certificate: Certificate, rng: random.Random) -> str | None:
    """Two samples of the inputs exchanged, so that they meet others' targets."""
    rows = certificate["data"]["inputs"]
    first, second = rng.sample(range(len(rows)), 2)
    rows[first], rows[second] = rows[second], rows[first]
    return text_of(certificate)


def cut_weights(certificate: Certificate, rng: random.Random) -> str | None:
    """A weight left out or doubled."""
    index = rng.randrange(len(certificate["weights"]))
    weights = certificate["weights"]
    if rng.random() < 0.5:
        del weights[index]
    else:
        weights.insert(index, weights[index])
    return text_of(certificate)


def drop_an_edge(certificate: Certificate, rng: random.Random) -> str | None:
    """An edge with weights removed: the weights do not fit any more."""
    dense = [(name, i) for name, i, entry in _edges(certificate) if isinstance(entry, str)]
    name, index = rng.choice(dense)
    del certificate["model"]["nodes"][name]["inputs"][index]
    return text_of(certificate)


def redirect_an_edge(certificate: Certificate, rng: random.Random) -> str | None:
    """An edge from a vertex that is not there, from itself, or of an unknown kind."""
    name, index, _ = rng.choice(_edges(certificate))
    wrong: list[Any] = [
        "nowhere",
        name,
        {"from": name, "kind": "identity"},
        {"from": "x", "kind": "attention"},
        7,
        None,
    ]
    certificate["model"]["nodes"][name]["inputs"][index] = rng.choice(wrong)
    return text_of(certificate)


def _edges(certificate: Certificate) -> list[tuple[str, int, Any]]:
    nodes = certificate["model"]["nodes"]
    return [(name, i, entry) for name, node in nodes.items() for i, entry in enumerate(node.get("inputs", []))]


NO_NUMBERS: tuple[Any, ...] = (
    "nan", "inf", "-inf", "1e5", "0.5", "0x1p0", "0x1.8p+9999", "1/0", "", " 1", "1 ", "0x1.00000000000000p+0", "١",
    None, True, 1, [], {}, "0x1.fffffffffffffp+1024", "--1", "1_0",
)  # fmt: skip


def no_number(certificate: Certificate, rng: random.Random) -> str | None:
    """Something that is no exact number where one belongs."""
    claim, region = certificate["claim"], certificate["region"]
    places = [("claim", name) for name, value in claim.items() if isinstance(value, str)]
    places += [("region", "radius")] if region and "radius" in region else []
    places += [("objective", "weight_decay")]
    places += [("weights", rng.randrange(len(certificate["weights"])))]
    return _with(certificate, rng.choice(places), rng.choice(NO_NUMBERS))


def json_nan(certificate: Certificate, rng: random.Random) -> str | None:
    """A bare NaN, Infinity or decimal fraction in the JSON text."""
    literal = rng.choice(["NaN", "Infinity", "-Infinity", "1e400", "0.5", "1E5"])
    value = json.dumps(certificate["weights"][0])
    return text_of(certificate).replace(value, literal, 1)


def duplicate_key(certificate: Certificate, rng: random.Random) -> str | None:
    """A key given twice, the second time with another value."""
    key = rng.choice(sorted(certificate))
    return text_of(certificate)[:-1] + f", {json.dumps(key)}: {json.dumps(certificate[key])}}}"


def fields_changed(certificate: Certificate, rng: random.Random) -> str | None:
    """A field removed or added."""
    place = rng.choice([certificate, certificate["data"], certificate["claim"], certificate["objective"]])
    if rng.random() < 0.5:
        del place[rng.choice(sorted(place))]
    else:
        place["note"] = "0x0.0p+0"
    return text_of(certificate)


def statement_changed(certificate: Certificate, rng: random.Random) -> str | None:
    """The words of the statement, its kind or its version altered."""
    name = rng.choice(["theorem", "arithmetic", "hypotheses", "kind", "version", "format", "tool"])
    return _with(certificate, (name,), rng.choice([[], None, "sharp!", 2, True, "region and step", {}]))


def truncate(certificate: Certificate, rng: random.Random) -> str | None:
    """The text cut off."""
    text = text_of(certificate)
    return text[: rng.randrange(len(text) - 1)]


def kind_of_region(certificate: Certificate, rng: random.Random) -> str | None:
    """A region of the wrong kind or sign."""
    region = certificate["region"]
    wrong: list[Any] = [{"kind": "cube", "radius": "1"}, {"kind": "ball", "radius": "0"}, {"kind": "ball"}, []]
    wrong += [{"kind": "ball", "radius": "-1"}] + ([None] if region else [{"kind": "ball", "radius": "1"}])
    return _with(certificate, ("region",), rng.choice(wrong))


def uphill(certificate: Certificate, rng: random.Random) -> str | None:
    """The step taken backwards."""
    claim = certificate["claim"]
    if "next" not in claim:
        return None
    claim["next"], certificate["weights"] = certificate["weights"], claim["next"]
    return text_of(certificate)


UNPROVED: tuple[Mutation, ...] = (
    strengthen, beyond_the_gain, beyond_the_range, below_the_recomputed_bound, wider_region, more_steps, uphill,
)  # fmt: skip
"""Claims that are false, or stronger than what the checker proves."""

MALFORMED: tuple[Mutation, ...] = (
    move_a_number, corrupt_hash, swap_rows, cut_weights, drop_an_edge, redirect_an_edge, no_number, json_nan,
    duplicate_key, fields_changed, statement_changed, truncate, kind_of_region,
)  # fmt: skip
"""No certificates, or such as contradict themselves."""

FALSE = UNPROVED + MALFORMED


def _rehashed(certificate: Certificate) -> str:
    """The text, with the hash of the data that it holds."""
    data = certificate["data"]
    inputs = document.float64_table(data["inputs"], "inputs")
    targets = inputs if data["targets"] == "inputs" else document.float64_table(data["targets"], "targets")
    data["sha256"] = document.table_digest([inputs, targets])
    return text_of(certificate)


def other_data(certificate: Certificate, rng: random.Random) -> str | None:
    """A value of the data changed by one unit in the last place, and the hash made to fit."""
    row = rng.choice(certificate["data"]["inputs"])
    index = rng.randrange(len(row))
    row[index] = math.nextafter(float.fromhex(row[index]), rng.choice([-math.inf, math.inf])).hex()
    return _rehashed(certificate)


def other_samples(certificate: Certificate, rng: random.Random) -> str | None:
    """Two samples of the inputs exchanged, and the hash made to fit."""
    rows = certificate["data"]["inputs"]
    first, second = rng.sample(range(len(rows)), 2)
    if rows[first] == rows[second]:
        return None
    rows[first], rows[second] = rows[second], rows[first]
    return _rehashed(certificate)


def other_weight(certificate: Certificate, rng: random.Random) -> str | None:
    """A weight changed by one unit in the last place."""
    index = rng.randrange(len(certificate["weights"]))
    value = float.fromhex(certificate["weights"][index])
    certificate["weights"][index] = math.nextafter(value, rng.choice([-math.inf, math.inf])).hex()
    return text_of(certificate)


def other_edges(certificate: Certificate, rng: random.Random) -> str | None:
    """Two edges into a vertex exchanged, so that the weights mean something else."""
    several = [node["inputs"] for node in certificate["model"]["nodes"].values() if len(node.get("inputs", [])) > 1]
    if not several:
        return None
    entries = rng.choice(several)
    first, second = rng.sample(range(len(entries)), 2)
    entries[first], entries[second] = entries[second], entries[first]
    return text_of(certificate)


def other_activation(certificate: Certificate, rng: random.Random) -> str | None:
    """Another activation function."""
    nodes = [node for node in certificate["model"]["nodes"].values() if "inputs" in node]
    node = rng.choice(nodes)
    node["activation"] = "tanh" if node.get("activation", "identity") != "tanh" else "sigmoid"
    return text_of(certificate)


def other_objective(certificate: Certificate, rng: random.Random) -> str | None:
    """Sum for mean or the reverse, or another weight decay."""
    objective = certificate["objective"]
    if rng.random() < 0.5:
        objective["reduction"] = "sum" if objective["reduction"] == "mean" else "mean"
    else:
        objective["weight_decay"] = _exact(document.number(objective["weight_decay"], "weight_decay") + 1)
    return text_of(certificate)


ANOTHER: tuple[Mutation, ...] = (
    other_data, other_samples, other_weight, other_edges, other_activation, other_objective,
)  # fmt: skip
"""Certificates of another problem: stopped when the problem meant is given, whether or not they are true."""


def shuffled_keys(certificate: Certificate, rng: random.Random) -> str | None:
    """Keys in another order, except the nodes, whose order is that of the weights."""

    def shuffled(value: Any, ordered: bool = False) -> Any:
        if isinstance(value, dict):
            names = list(value)
            if not ordered:
                rng.shuffle(names)
            return {name: shuffled(value[name], ordered=name == "nodes") for name in names}
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    return text_of(shuffled(certificate))


def spaced(certificate: Certificate, rng: random.Random) -> str | None:
    """Other white space."""
    return rng.choice(["", " ", "\n\t "]) + json.dumps(certificate, indent=rng.choice([None, 0, 1, 7])) + "\n\n"


def weaker(certificate: Certificate, rng: random.Random) -> str | None:
    """A claim that says less and follows from the one proved."""
    claim = certificate["claim"]
    weaker_ones = ("rate",) if certificate["kind"] == "minimum" else ("gain", "decrease", "converges")
    name = rng.choice([name for name in weaker_ones if name in claim])
    if name == "converges":
        certificate["claim"][name] = False
        return _with(certificate, ("hypotheses",), document.statement(certificate["kind"])["hypotheses"])
    if name == "gain" and "steps" in claim:
        return None
    value = document.number(claim[name], name)
    return _with(certificate, ("claim", name), _exact(value * Fraction(rng.randint(1, 99), 100)))


def rational_form(certificate: Certificate, rng: random.Random) -> str | None:
    """The same number as a fraction."""
    claim = certificate["claim"]
    name = rng.choice([name for name, value in claim.items() if isinstance(value, str)])
    return _with(certificate, ("claim", name), _exact(document.number(claim[name], name)))


def escaped(certificate: Certificate, rng: random.Random) -> str | None:
    """Letters of the text as JSON escapes."""
    return text_of(certificate).replace('"claim"', '"cl\\u0061im"').replace('"horizon"', '"\\u0068orizon"')


HARMLESS: tuple[Mutation, ...] = (shuffled_keys, spaced, weaker, rational_form, escaped)


def mutated(certificate: Certificate, mutation: Mutation, rng: random.Random) -> str | None:
    """Return the text of a mutated copy; None where the mutation does not apply or changes nothing."""
    text = mutation(copy.deepcopy(certificate), rng)
    return None if text == text_of(certificate) and mutation not in HARMLESS else text
