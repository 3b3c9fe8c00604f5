"""Layers as practitioners name them, written as formulas of operations: nothing else needs to know them."""
