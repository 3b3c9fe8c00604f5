"""Comparison of a check with an earlier one: has the bound grown, has a range shrunk, and at which vertex."""
