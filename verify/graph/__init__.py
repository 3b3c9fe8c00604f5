"""Graphs of operations: their evaluation, their derivatives, and the errors that they define.

Importing the package teaches `verify.decide_decrease` and `verify.segment_bound` the problems of this floor.
"""

from verify.graph import decision, segment

__all__ = ["decision", "segment"]
