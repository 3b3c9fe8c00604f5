"""Symbolic backpropagation: the recursion of a graph, the proof that it computes dE/dw, and its LaTeX form."""

from verify.calculus.symbolic.expansion import Expansion, expand_and_compare
from verify.calculus.symbolic.latex import recursion_latex
from verify.calculus.symbolic.proof import Claim, GradientProof, ProofStep, build_proof, flaws_of
from verify.calculus.symbolic.prove import prove_gradients
from verify.calculus.symbolic.rules import RULES, DerivativeRule, rule_proved

__all__ = [
    "RULES",
    "Claim",
    "DerivativeRule",
    "Expansion",
    "GradientProof",
    "ProofStep",
    "build_proof",
    "expand_and_compare",
    "flaws_of",
    "prove_gradients",
    "recursion_latex",
    "rule_proved",
]
