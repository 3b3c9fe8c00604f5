"""Theorems as pure functions of numbers: hypotheses checked exactly, results rounded to the safe side."""
