"""What every part of the toolkit answers with: a verdict, a finding that carries it, or an error of one line."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

from verify.escaping import shorten
from verify.notebook import table

_PART_LIMIT = 600
"""Characters of an error's place, fault and remedy each: a key or path of megabytes is shown by its two ends."""


class Verdict(enum.Enum):
    """The three possible answers to a question about a network.

    Examples
    --------
    >>> Verdict("PROVED") is Verdict.PROVED
    True
    >>> Verdict.weakest([Verdict.PROVED, Verdict.UNDECIDED])
    <Verdict.UNDECIDED: 'UNDECIDED'>
    """

    PROVED = "PROVED"
    REFUTED = "REFUTED"
    UNDECIDED = "UNDECIDED"

    @staticmethod
    def weakest(verdicts: list[Verdict]) -> Verdict:
        """Conjunction: refuted if any is refuted, else undecided if any is undecided, else proved.

        Raises
        ------
        ValueError
            If there is no verdict: nothing proves nothing.
        """
        if not verdicts:
            raise ValueError("no verdicts to combine")
        for verdict in (Verdict.REFUTED, Verdict.UNDECIDED):
            if verdict in verdicts:
                return verdict
        return Verdict.PROVED

    @property
    def exit_code(self) -> int:
        """Exit code of a command with this overall verdict: 0 proved, 1 refuted, 3 undecided."""
        return {Verdict.PROVED: 0, Verdict.REFUTED: 1, Verdict.UNDECIDED: 3}[self]


@dataclass(frozen=True)
class Finding:
    """A verdict with what it rests on.

    Parameters
    ----------
    id : str
        Short name of the question, e.g. ``"A1"`` or ``"gradients"``.
    verdict : Verdict
        The answer.
    statement : str
        The sentence that was proved, refuted or left open.
    theorem : str or None
        Name of the theorem, as in ``proofs_notes/``.
    hypotheses : tuple of Finding
        What the theorem needs, each with its own verdict.
    numbers : dict
        The figures of the statement.
    arithmetic : str
        In which arithmetic the statement holds.
    needed_for : str
        What the answer is needed for; says too when it is not counted.
    counted : bool
        Whether the overall verdict depends on it.
    assumed : bool
        Whether the statement was taken as given.
    counterexample : dict or None
        What replays a refutation.
    remedy : str or None
        What to change when the statement is not proved.
    """

    id: str
    verdict: Verdict
    statement: str
    theorem: str | None = None
    hypotheses: tuple[Finding, ...] = ()
    numbers: dict[str, Any] = field(default_factory=dict)
    arithmetic: str = "exact reals on the float64 data and weights given"
    needed_for: str = ""
    counted: bool = True
    assumed: bool = False
    counterexample: dict[str, Any] | None = None
    remedy: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the finding as plain data for ``--json``; the numbers stand beside the fixed keys."""
        return {
            **self.numbers,
            "id": self.id,
            "verdict": self.verdict.value,
            "statement": self.statement,
            "theorem": self.theorem,
            "hypotheses": [hypothesis.to_json() for hypothesis in self.hypotheses],
            "arithmetic": self.arithmetic,
            "needed_for": self.needed_for,
            "counted": self.counted,
            "assumed": self.assumed,
            "counterexample": self.counterexample,
            "remedy": self.remedy,
        }

    def _repr_html_(self) -> str:
        """Return a table for notebooks."""
        rows = [("outcome", str(self.numbers["outcome"]))] if "outcome" in self.numbers else []
        rows += [("statement", self.statement), ("theorem", self.theorem or "none is needed")]
        rows += [(f"needs {each.id}", f"{each.verdict.value}: {each.statement}") for each in self.hypotheses]
        rows += [("arithmetic", self.arithmetic)]
        if self.remedy is not None and self.verdict is not Verdict.PROVED:
            rows.append(("remedy", self.remedy))
        return table(self.id, rows, self.verdict.value)


class DagverifyError(ValueError):
    """Base of every error that the toolkit raises on purpose; its text is one line."""


class InputError(DagverifyError):
    """Something that the user gave cannot be used.

    Parameters
    ----------
    what : str
        What is wrong.
    where : str, optional
        The file and place, or the part of the input.
    remedy : str, optional
        What to do.
    **values
        The offending values, shown as ``name=value``.

    Examples
    --------
    >>> print(InputError("widths disagree", where="edge h1->h2", remedy="use a dense edge", source=3, target=4))
    edge h1->h2: widths disagree: source=3, target=4; use a dense edge
    """

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None, **values: Any) -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        self.values = values
        shown = ", ".join(f"{shorten(name, 100)}={_short(value)}" for name, value in values.items())
        text = shorten(what, _PART_LIMIT)
        if where:
            text = f"{shorten(where, _PART_LIMIT)}: {text}"
        if shown:
            text += f": {shown}"
        if remedy:
            text += f"; {shorten(remedy, _PART_LIMIT)}"
        super().__init__(" ".join(text.split()))

    def at(self, where: str) -> InputError:
        """Return the same error located in `where`, which is put before the place known so far."""
        place = f"{where}: {self.where}" if self.where else where
        return type(self)(self.what, where=place, remedy=self.remedy, **self.values)

    def advised(self, remedy: str) -> InputError:
        """Return the same error with another remedy."""
        return type(self)(self.what, where=self.where, remedy=remedy, **self.values)


def _short(value: Any, limit: int = 200) -> str:
    try:
        shown = repr(value)
    except ValueError:
        shown = f"<{type(value).__name__} with a number too long to show>"  # Python's limit on the digits of integers
    return shown if len(shown) <= limit else shown[: limit - 3] + "..."
