"""Graphs of operations: their evaluation, their derivatives, and the errors that they define.

Importing the package teaches `verify.decide_decrease`, `verify.segment_bound`, `verify.hessian_bound`,
`verify.converge` and `verify.check_gradient` the problems of this floor.
"""

from verify.graph import decision, gradient_check, hessian, local_curvature, segment

__all__ = ["decision", "gradient_check", "hessian", "local_curvature", "segment"]
