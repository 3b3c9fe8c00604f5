"""What every symbol and every verdict on the page means, and the marking of symbols in sentences."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from verify.escaping import page_text

TERMS: dict[str, str] = {
    "PROVED": "A mathematical proof: it holds for the exact real numbers that the stored data and weights are. "
    "Nothing was rounded in its favour.",
    "REFUTED": "Proved to be false, with a counterexample where there is one.",
    "UNDECIDED": "Neither proved nor refuted: no bad news and no good news. The remedy says what would settle it.",
    "AGREES": "A comparison at a few points found no difference beyond rounding. Evidence, no proof.",
    "RECORDED": "Written down by the program that ran. This page repeats it and did not prove it again.",
    "assumed": "Taken as given. The answer holds where the assumption does.",
    "counted": "The overall verdict depends on it.",
    "E": "The error: how far the network's outputs are from the targets, over all samples, as one number. "
    "Training tries to make it small.",
    "w": "The weights: all numbers of the network that training changes. w0 are those it starts with.",
    "g": "The gradient: the slope of the error by each weight. In a statement about a unit, its activation function.",
    "R": "All real numbers.",
    "z": "What a unit applies its activation function to: the sum of its inputs.",
    "eta": "The learning rate: how long a step is, as a multiple of the gradient.",
    "tau": "The momentum size: the part of a step that goes on in the previous direction is at most tau times as long "
    "as the gradient.",
    "mu": "The momentum coefficient of the classical heavy ball: which part of the previous step is added to the next.",
    "D": "A step: the change of the weights.",
    "V": "The energy E + mu/(2 eta) |D|^2: the error plus what the speed of the weights amounts to.",
    "L": "A bound of the curvature: how fast the slope of the error can change between the weights allowed. "
    "The larger L, the shorter steps must be.",
    "region": "The weights that the answer speaks of, such as all within a distance of the start.",
    "attack": "A search for weights with large curvature. What it reaches does occur, so L cannot be smaller.",
    "gain": "How much a step lowers the error at least, as a multiple of the squared length of the gradient.",
    "A1": "Assumption: every activation function is smooth, and its slope and the change of its slope are bounded.",
    "A2": "Assumption: the weights stay in the region.",
    "A3": "Assumption: the error has finitely many places without slope. Needed for convergence of the weights only.",
    "A4": "Assumption: learning rate and momentum are small enough for the curvature.",
    "triangle": "Theorem: the range that the triangle inequality gives. For every previous step.",
    "sharp": "Theorem: the largest range for every previous step: tau <= eta and eta + tau <= 2/L.",
    "from_rest": "Theorem: a wider range for training that starts without a previous step.",
    "restart": "Theorem: the range of a rule that drops momentum where it points uphill.",
    "heavy_ball": "Theorem: the range of constant momentum, along which the energy V decreases.",
    "nesterov": "Theorem: the range of Nesterov's variant, along which an energy decreases.",
    "horizon": "Theorem: so many steps from the start are proved to stay in the region.",
    "weight_decay": "Theorem: with weight decay the weights are proved to stay in the region for ever.",
    "skip connection": "An edge that passes one or more layers of the network.",
    "activation": "The function that a unit applies to the sum of its inputs.",
    "float64": "The numbers of the processor, with 53 binary digits. Each is an exact real number.",
    "Arb": "Arithmetic with proved error bounds at any precision; the independent checker uses it.",
    "certificate": "A file with data, weights and a claim, from which the claim can be computed again.",
}
"""By the word as it stands on the page."""

_MARKED = [
    "PROVED",
    "REFUTED",
    "UNDECIDED",
    "AGREES",
    "E",
    "V",
    "L",
    "D",
    "g",
    "w",
    "R",
    "z",
    "eta",
    "tau",
    "mu",
    "A1",
    "A2",
    "A3",
    "A4",
    "triangle",
    "sharp",
    "from_rest",
    "heavy_ball",
    "nesterov",
    "weight_decay",
    "float64",
    "Arb",
]
"""Those looked for in sentences that are not the page's own; the others have a meaning in English too."""

_WORDS = re.compile(r"(?<!vertex )(?<![\w./^-])(" + "|".join(_MARKED) + r")(?![\w^'-])")


def term_id(word: str) -> str:
    """Return the identifier of a word's entry within the page."""
    return "term-" + word.replace(" ", "-")


def term(word: str, shown: str | None = None) -> Markup:
    """Return a word of the glossary with its explanation as a tooltip and a link to its entry.

    Examples
    --------
    >>> term("tau")[:61]
    Markup('<a class="term" href="#term-tau" data-tip="The momentum size:')
    """
    return Markup('<a class="term" href="#{}" data-tip="{}">{}</a>').format(
        term_id(word), TERMS[word], word if shown is None else page_text(shown)
    )


def marked(text: str) -> Markup:
    """Return a sentence, escaped, in which the first mention of each symbol has its tooltip.

    Examples
    --------
    >>> marked("<b>").unescape()
    '<b>'
    >>> str(marked("eta <= 1, eta")).count("href")
    1
    """
    seen: set[str] = set()
    parts: list[str | Markup] = []
    for index, piece in enumerate(_WORDS.split(page_text(text))):
        if index % 2 and piece not in seen:
            seen.add(piece)
            parts.append(term(piece))
        else:
            parts.append(escape(piece))
    return Markup("").join(parts)
