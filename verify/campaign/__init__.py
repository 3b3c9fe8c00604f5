"""Falsification: random networks at the edge of their admissible ranges, every step decided."""
