"""Activation functions: formula, derivatives, proved constants, ranges and enclosures.

Everything follows from one sympy expression per activation. It is laid out as a graph (`graph`, `lowering`),
differentiated there, and run in four arithmetics: NumPy (`float_numbers`), interval arrays (`interval_numbers`), Arb
(`arb_numbers`) and functions on a half-line (`tail_numbers`). Branch and bound in the last two (`profile`) proves
suprema and ranges; `regularity` says which form of assumption A1 follows.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from verify.activations.activation_function import Activation
from verify.activations.builtin import BUILTIN_NAMES, BUILTINS
from verify.activations.definedness import check_defined
from verify.activations.parsing import parse_formula
from verify.activations.regularity import Regularity, classify
from verify.activations.symbols import Smoothness, X
from verify.arithmetic.environment import certified_environment
from verify.outcomes import InputError

__all__ = ["BUILTIN_NAMES", "Activation", "Regularity", "Smoothness", "X", "activation", "classify"]


@certified_environment(products=False)
def activation(spec: str | Mapping[str, str]) -> Activation:
    """Return an activation.

    Parameters
    ----------
    spec : str or mapping
        Name of a built-in (see `BUILTIN_NAMES`), or ``{"expr": formula}`` with a formula in x.

    Returns
    -------
    Activation

    Raises
    ------
    InputError
        If the name is unknown, or the formula is not readable or not proved to be defined on the whole line.

    Examples
    --------
    >>> round(activation("sigmoid").supremum(1), 15)
    0.25
    >>> activation({"expr": "x/(1+exp(-x))"}).smoothness.value
    'analytic'
    """
    if isinstance(spec, str):
        if spec not in BUILTINS:
            raise InputError(
                "unknown activation",
                activation=spec,
                known=" ".join(BUILTIN_NAMES),
                remedy='or give {expr = "a formula in x"}',
            )
        return _named(spec)
    if isinstance(spec, Mapping) and list(spec) == ["expr"]:
        return _formula(spec["expr"])
    raise InputError(
        "an activation is a name or a formula", activation=spec, remedy='write "tanh" or {expr = "x*tanh(x)"}'
    )


@functools.cache
def _named(name: str) -> Activation:
    return Activation(name, name, BUILTINS[name])


@functools.lru_cache(maxsize=256)
def _formula(text: str) -> Activation:
    formula = parse_formula(text)
    try:
        check_defined(formula)
        return Activation(text, {"expr": text}, formula.expression)
    except InputError as error:
        raise error.at("formula") if error.where is None else error from None
