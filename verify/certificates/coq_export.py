"""Proof-carrying steps: a Coq file whose compilation proves that one concrete step decreases the error.

The file holds the network, the data and both weight vectors as exact fractions. It needs Coq and coq-interval and
nothing of this package; no theorem about ranges stands between the numbers and the conclusion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from verify.certificates.coq_network import (
    FORMULAS,
    GUARD_BITS,
    Bounds,
    EvaluatedNetwork,
    Unit,
    exact_data,
    neurons,
    output_names,
    round_down,
)
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.calculus.problem import Problem

MAXIMAL_LEMMAS = 2000
_PRECISIONS = (30, 60, 120, 240, 480)

_PREAMBLE = """\
(* The step from the weights Before to the weights After decreases the error of this network on these data.
   Compiling this file proves the theorem at its end: coqc {file}
   Needed: Coq and coq-interval (Debian: coq, libcoq-interval). *)

Require Import Reals Lra.
From Interval Require Specific_stdz Specific_ops.
From Interval Require Tactic.
Module IntegerFloat := Specific_ops.SpecificFloat Specific_stdz.StdZRadix2.
Module IntegerTactic := Interval.Tactic.IntervalTactic IntegerFloat.
Import IntegerTactic.
Open Scope R_scope.
"""


def export_step(
    problem: Problem, weights: Any, next_weights: Any, *, decrease: Fraction | None = None, file: str = "Step.v"
) -> str:
    """Return a Coq file that proves E(next_weights) <= E(weights) - decrease in exact reals.

    Parameters
    ----------
    problem : Problem
        Small: neurons times samples times two is at most 2000; Coq takes about 0.15 s for each of these.
    weights, next_weights : array, shape (P,)
        The stored float64 weights before and after the step; how the step was made does not matter.
    decrease : Fraction, optional
        Default: almost all of the true decrease.
    file : str
        Name for the file's own comment.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If the statement is false or cannot be decided, the network is too large, or an activation has no Coq formula.

    Examples
    --------
    >>> import numpy as np, verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    >>> problem = verify.Problem(verify.Architecture.from_data(nodes, output="y"), [[1.0]], [[0.0]])
    >>> text = export_step(problem, np.array([1.0]), np.array([0.5]), decrease=Fraction(1, 4))
    >>> text.splitlines()[-3]
    'Theorem step_decreases_error : AfterNetwork.error <= BeforeNetwork.error - (1 / 4).'
    """
    before, after = problem.check_weights(weights), problem.check_weights(next_weights)
    units = neurons(problem)
    lemmas = 2 * len(units) * problem.samples
    if lemmas > MAXIMAL_LEMMAS:
        raise InputError(
            "too large for a Coq certificate",
            remedy=f"use a network with at most {MAXIMAL_LEMMAS} neurons times samples times two",
            size=lemmas,
        )
    inputs, targets = exact_data(problem)
    for bits in _PRECISIONS:
        runs = [
            EvaluatedNetwork(name, problem, units, w, inputs, targets, bits)
            for name, w in (("Before", before), ("After", after))
        ]
        (low, high), (low_after, high_after) = (run.error for run in runs)
        proved, possible = low - high_after, high - low_after
        amount = round_down(proved) if decrease is None and proved > 0 else decrease or Fraction(0)
        if possible < amount:
            raise InputError(
                "the step does not decrease the error so much", decrease=str(amount), actual=float(possible)
            )
        if proved >= amount and (proved > 0 or decrease is not None):
            return "\n".join(_document(problem, units, runs, inputs, targets, amount, bits, file))
    raise InputError(
        "the sign of the change is not decided", remedy="use a step that is not zero", bits=_PRECISIONS[-1]
    )


def _coq(number: Fraction) -> str:
    return f"({number.numerator})" if number.denominator == 1 else f"({number.numerator} / {number.denominator})"


def _document(
    problem: Problem,
    units: list[Unit],
    runs: list[EvaluatedNetwork],
    inputs: list[list[Fraction]],
    targets: list[list[Fraction]],
    amount: Fraction,
    bits: int,
    file: str,
) -> Iterator[str]:
    yield _PREAMBLE.format(file=re.sub(r"[^\w.-]", "_", file))
    for name in sorted({unit.activation for unit in units}):
        yield f"Definition act_{name} (z : R) : R := {FORMULAS[name].coq}.\n{FORMULAS[name].lemma}"
    size = problem.architecture.size
    parameters = f"  Parameter {' '.join(f'w{i}' for i in range(size))} : R.\n" if size else ""
    yield f"Module Type WEIGHTS.\n{parameters}End WEIGHTS.\n"
    for letter, table in (("x", inputs), ("y", targets)):
        for i, row in enumerate(table):
            for j, value in enumerate(row):
                name, number = f"sample{i}_{letter}{j}", _coq(value)
                yield f"Definition {name} : R := {number}."
                yield f"Lemma {name}_value : {number} <= {name} <= {number}. Proof. split; apply Rle_refl. Qed."
    yield from _network(problem, units)
    for run in runs:
        values = "".join(f"  Definition w{i} : R := {_coq(value)}.\n" for i, value in enumerate(run.weights))
        yield f"Module {run.name}.\n{values}End {run.name}.\nModule {run.name}Network := Network {run.name}.\n"
        yield from _lemmas(problem, units, run, bits)
    yield (
        f"Theorem step_decreases_error : AfterNetwork.error <= BeforeNetwork.error - {_coq(amount)}.\n"
        "Proof. pose proof Before_error. pose proof After_error. lra. Qed.\n"
        "Print Assumptions step_decreases_error."
    )


def _network(problem: Problem, units: list[Unit]) -> Iterator[str]:
    xs = " ".join(f"x{i}" for i in range(problem.architecture.input_dimension))
    outputs = output_names(problem)
    ys = " ".join(f"y{i}" for i in range(len(outputs)))
    yield "Module Network (Weights : WEIGHTS).\nImport Weights."
    for unit in units:
        summands = []
        for coefficient, weight, source in unit.summands:
            factors = [] if coefficient == 1 else [_coq(coefficient)]
            factors += [] if weight is None else [f"w{weight}"]
            summands.append(" * ".join([*factors, source if source.startswith("x") else f"{source} {xs}"]))
        summands += [] if unit.bias is None else [f"w{unit.bias}"]
        yield f"Definition {unit.name} ({xs} : R) : R := act_{unit.activation} ({' + '.join(summands) or '0'})."
    squares = " + ".join(f"({name} {xs} - y{i}) ^ 2" for i, name in enumerate(outputs))
    yield f"Definition sample_error ({xs} {ys} : R) : R := ({squares}) / 2."
    samples = " + ".join(f"sample_error {_arguments(problem, i, 'xy')}" for i in range(problem.samples))
    decay = ""
    if problem.weight_decay:
        weights = " + ".join(f"w{i} ^ 2" for i in range(problem.architecture.size))
        decay = f" + {_coq(Fraction(problem.weight_decay))} * ({weights}) / 2"
    yield f"Definition error : R := ({samples}) / {problem.sample_divisor}{decay}.\nEnd Network.\n"


def _lemmas(problem: Problem, units: list[Unit], run: EvaluatedNetwork, bits: int) -> Iterator[str]:
    def lemma(name: str, term: str, bounds: Bounds, known: list[str], unfolded: list[str]) -> str:
        facts = "".join(f"pose proof {fact}. " for fact in known)
        return (
            f"Lemma {name} : {_coq(bounds[0])} <= {term} <= {_coq(bounds[1])}.\n"
            f"Proof. {facts}unfold {', '.join(unfolded)}. interval with (Tactic.i_prec {bits + GUARD_BITS}). Qed."
        )

    network = f"{run.name}Network"
    for i in range(problem.samples):
        for unit in units:
            known = [
                f"sample{i}_{source}_value" if source.startswith("x") else f"{run.name}_{i}_{source}"
                for source in unit.sources()
            ]
            unfolded = [
                f"{network}.{unit.name}",
                f"act_{unit.activation}",
                *(f"{run.name}.w{k}" for k in unit.weights()),
            ]
            term = f"{network}.{unit.name} {_arguments(problem, i, 'x')}"
            yield lemma(f"{run.name}_{i}_{unit.name}", term, run.samples[i][unit.name], known, unfolded)
        outputs = output_names(problem)
        known = [f"{run.name}_{i}_{name}" for name in outputs] + [f"sample{i}_y{j}_value" for j in range(len(outputs))]
        term = f"{network}.sample_error {_arguments(problem, i, 'xy')}"
        yield lemma(f"{run.name}_{i}_error", term, run.sample_errors[i], known, [f"{network}.sample_error"])
    known = [f"{run.name}_{i}_error" for i in range(problem.samples)]
    unfolded = [f"{network}.error"]
    if problem.weight_decay:
        unfolded += [f"{run.name}.w{k}" for k in range(problem.architecture.size)]
    yield lemma(f"{run.name}_error", f"{network}.error", run.error, known, unfolded) + "\n"


def _arguments(problem: Problem, sample: int, letters: str) -> str:
    widths = {"x": problem.architecture.input_dimension, "y": problem.architecture.output_dimension}
    return " ".join(f"sample{sample}_{letter}{i}" for letter in letters for i in range(widths[letter]))
