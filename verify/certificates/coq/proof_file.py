"""The Coq file of a step certificate: its compilation proves that the step decreases the error.

The file holds the network, the data and both weight vectors as exact fractions. It needs Coq and coq-interval and
nothing of this package; no theorem about ranges stands between the numbers and the conclusion. What a reader has to
believe are the definitions and the last theorem; the lemmas in between are checked, not believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from verify.certificates import document
from verify.certificates.checker.subject import Subject, read_subject
from verify.certificates.coq.network import FORMULAS, Bounds, EvaluatedNetwork, Neurons, read_neurons
from verify.outcomes import InputError

MAXIMAL_BOUNDS = 2000
PRECISIONS = (30, 60, 120, 240, 480)
THEOREM = "step_decreases_error"

_PREAMBLE = """\
(* The step from the weights Before to the weights After decreases the error of this network on these data.
   Compiling this file with coqc proves the theorem at its end.
   Needed: Coq and coq-interval (Debian: coq, libcoq-interval). *)

Require Import Reals Lra.
From Interval Require Specific_stdz Specific_ops.
From Interval Require Tactic.
Module IntegerFloat := Specific_ops.SpecificFloat Specific_stdz.StdZRadix2.
Module IntegerTactic := Interval.Tactic.IntervalTactic IntegerFloat.
Import IntegerTactic.
Open Scope R_scope.
"""


def check_file_name(name: str) -> None:
    """Refuse a name that Coq would not compile.

    Raises
    ------
    InputError
        If the name is no identifier followed by ``.v``.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*\.v", name):
        raise InputError("Coq cannot compile a file of this name", file=name, remedy="use a name such as Step.v")


def export_step(certificate: dict[str, Any]) -> str:
    """Return a Coq file that proves E(next) <= E(weights) - decrease for a certificate of kind ``step``.

    Parameters
    ----------
    certificate : dict
        Small: neurons times samples times two is at most 2000.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If the certificate is of another kind, its claim is false or cannot be decided, the network is too large, or
        an activation has no Coq formula.

    Examples
    --------
    >>> import verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    >>> problem = verify.Problem(verify.Architecture.from_data(nodes, output="y"), [[1.0]], [[0.0]])
    >>> certificate = verify.certify(problem, "step", weights=[1.0], next_weights=[0.5])
    >>> certificate["claim"]["decrease"] = "1/4"
    >>> export_step(certificate).splitlines()[-3]
    'Theorem step_decreases_error : AfterNetwork.error <= BeforeNetwork.error - (1 / 4).'
    """
    if certificate.get("kind") != "step":
        raise InputError("only a step can become a Coq file", kind=certificate.get("kind"), remedy="use kind step")
    if "graph" in certificate["model"]:
        raise InputError(
            "no Coq file is written of a graph of operations",
            remedy="leave out --coq",
            model="graph",
        )
    subject = read_subject(certificate)
    claim = document.fields(certificate["claim"], "claim", {"next", "decrease"})
    following = document.float64_list(claim["next"], "claim.next", subject.network.size)
    decrease = document.number(claim["decrease"], "claim.decrease")
    neurons = read_neurons(subject, certificate["model"])
    bounds = 2 * len(neurons.units) * len(subject.inputs)
    if bounds > MAXIMAL_BOUNDS:
        raise InputError(
            "too large for a Coq proof",
            remedy=f"neurons times samples times two may be at most {MAXIMAL_BOUNDS}",
            size=bounds,
        )
    for bits in PRECISIONS:
        before = EvaluatedNetwork("Before", subject, neurons, subject.weights, bits)
        after = EvaluatedNetwork("After", subject, neurons, following, bits)
        if before.error[1] - after.error[0] < decrease:
            raise InputError(
                "the step does not decrease the error so much",
                decrease=float(decrease),
                actual=float(before.error[1] - after.error[0]),
                remedy="take a smaller step",
            )
        if before.error[0] - after.error[1] >= decrease:
            return "\n".join(_File(subject, neurons, [before, after]).text(decrease))
    raise InputError("the decrease is not decided", remedy="claim a smaller decrease", bits=PRECISIONS[-1])


def _coq(number: Fraction) -> str:
    return f"({number.numerator})" if number.denominator == 1 else f"({number.numerator} / {number.denominator})"


class _File:
    """The parts of the file, for one network, its data and its two weight vectors."""

    def __init__(self, subject: Subject, neurons: Neurons, runs: list[EvaluatedNetwork]) -> None:
        self.subject, self.neurons, self.runs = subject, neurons, runs
        self.units = {unit.name for unit in neurons.units}
        self.tables = {"x": subject.inputs, "y": subject.targets}

    def text(self, decrease: Fraction) -> Iterator[str]:
        yield _PREAMBLE
        for name in sorted({unit.activation for unit in self.neurons.units}):
            yield f"Definition act_{name} (z : R) : R := {FORMULAS[name].coq}.\n{FORMULAS[name].lemma}"
        parameters = " ".join(f"w{i}" for i in range(self.subject.network.size))
        yield f"Module Type WEIGHTS.\n{f'  Parameter {parameters} : R.' if parameters else ''}\nEnd WEIGHTS.\n"
        for letter, table in self.tables.items():
            for i, row in enumerate(table):
                for j, value in enumerate(row):
                    name, number = f"sample{i}_{letter}{j}", _coq(Fraction(value))
                    yield f"Definition {name} : R := {number}."
                    yield f"Lemma {name}_value : {number} <= {name} <= {number}. Proof. split; apply Rle_refl. Qed."
        yield from self._network()
        for run in self.runs:
            values = "".join(f"  Definition w{i} : R := {_coq(value)}.\n" for i, value in enumerate(run.weights))
            yield f"Module {run.name}.\n{values}End {run.name}.\nModule {run.name}Network := Network {run.name}.\n"
        for run in self.runs:
            yield from self._lemmas(run)
        yield (
            f"Theorem {THEOREM} : AfterNetwork.error <= BeforeNetwork.error - {_coq(decrease)}.\n"
            "Proof. pose proof Before_error. pose proof After_error. lra. Qed.\n"
            f"Print Assumptions {THEOREM}."
        )

    def _network(self) -> Iterator[str]:
        xs, ys = (" ".join(f"{letter}{i}" for i in range(len(table[0]))) for letter, table in self.tables.items())
        yield "Module Network (Weights : WEIGHTS).\nImport Weights."
        for unit in self.neurons.units:
            summands = []
            for coefficient, weight, source in unit.summands:
                factors = [] if coefficient == 1 else [_coq(coefficient)]
                factors += [] if weight is None else [f"w{weight}"]
                summands.append(" * ".join([*factors, f"{source} {xs}" if source in self.units else source]))
            summands += [] if unit.bias is None else [f"w{unit.bias}"]
            yield f"Definition {unit.name} ({xs} : R) : R := act_{unit.activation} ({' + '.join(summands) or '0'})."
        squares = " + ".join(f"({name} {xs} - y{i}) ^ 2" for i, name in enumerate(self.neurons.outputs))
        yield f"Definition sample_error ({xs} {ys} : R) : R := ({squares}) / 2."
        samples = " + ".join(f"sample_error {self._arguments(i, 'xy')}" for i in range(len(self.subject.inputs)))
        decay = ""
        if self.subject.weight_decay:
            squares = " + ".join(f"w{i} ^ 2" for i in range(self.subject.network.size)) or "0"
            decay = f" + {_coq(self.subject.weight_decay)} * ({squares}) / 2"
        yield f"Definition error : R := ({samples}) / {self.subject.divisor}{decay}.\nEnd Network.\n"

    def _lemmas(self, run: EvaluatedNetwork) -> Iterator[str]:
        """Bounds of each neuron and of the error for each sample, and of the error."""

        def lemma(name: str, term: str, bounds: Bounds, known: list[str], unfolded: list[str]) -> str:
            facts = "".join(f"pose proof {fact}. " for fact in known)
            return (
                f"Lemma {name} : {_coq(bounds[0])} <= {term} <= {_coq(bounds[1])}.\n"
                f"Proof. {facts}unfold {', '.join(unfolded)}. interval with (Tactic.i_prec {run.precision}). Qed."
            )

        network = f"{run.name}Network"
        for i in range(len(self.subject.inputs)):
            for unit in self.neurons.units:
                known = [self._fact(run, i, source) for source in unit.sources()]
                weights = [f"{run.name}.w{k}" for k in unit.weights()]
                unfolded = [f"{network}.{unit.name}", f"act_{unit.activation}", *weights]
                term = f"{network}.{unit.name} {self._arguments(i, 'x')}"
                yield lemma(f"{run.name}_{i}_{unit.name}", term, run.samples[i][unit.name], known, unfolded)
            outputs = self.neurons.outputs
            known = [self._fact(run, i, name) for name in [*outputs, *(f"y{j}" for j in range(len(outputs)))]]
            term = f"{network}.sample_error {self._arguments(i, 'xy')}"
            yield lemma(f"{run.name}_{i}_error", term, run.sample_errors[i], known, [f"{network}.sample_error"])
        known = [f"{run.name}_{i}_error" for i in range(len(self.subject.inputs))]
        unfolded = [f"{network}.error"]
        if self.subject.weight_decay:
            unfolded += [f"{run.name}.w{k}" for k in range(len(run.weights))]
        yield lemma(f"{run.name}_error", f"{network}.error", run.error, known, unfolded) + "\n"

    def _fact(self, run: EvaluatedNetwork, sample: int, name: str) -> str:
        return f"{run.name}_{sample}_{name}" if name in self.units else f"sample{sample}_{name}_value"

    def _arguments(self, sample: int, letters: str) -> str:
        return " ".join(f"sample{sample}_{x}{i}" for x in letters for i in range(len(self.tables[x][0])))
