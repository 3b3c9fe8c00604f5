"""Bounds of the curvature over regions and of the error along steps, and the attacks on them."""
