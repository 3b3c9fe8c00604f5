"""Graphs of operations: their evaluation, their derivatives, and the errors that they define."""
