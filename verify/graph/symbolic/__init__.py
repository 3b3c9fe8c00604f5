"""Symbolic backpropagation through graphs of operations: the proof that it computes dE/dw, and its LaTeX form."""

from verify.graph.symbolic.latex import graph_latex
from verify.graph.symbolic.prove import prove_graph_gradients

__all__ = ["graph_latex", "prove_graph_gradients"]
