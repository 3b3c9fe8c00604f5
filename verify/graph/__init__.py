"""Graphs of operations: their evaluation, their derivatives, and the errors that they define.

Importing the package teaches `verify.decide_decrease`, `verify.segment_bound` and `verify.hessian_bound` the problems of
this floor.
"""

from verify.graph import decision, hessian, segment

__all__ = ["decision", "hessian", "segment"]
