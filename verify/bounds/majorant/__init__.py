"""Majorants of the derivatives of a network: norms that are exact at a centre and valid at a distance from it."""
