"""Texts of spec files that tests of several folders vary."""

SMALL = """\
name = "small"
output = "y"

[data]
x = [[0.0, 1.0], [0.5, -0.25]]
y = [1.0, 0.0]

[nodes.x]
width = 2

[nodes.h]
width = 2
activation = "tanh"
inputs = ["x", {from = "x", kind = "identity"}]

[nodes.y]
width = 1
activation = "sigmoid"
inputs = ["h"]

[region]
kind = "ball"
radius = 0.1
"""
