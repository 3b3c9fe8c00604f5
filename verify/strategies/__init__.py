"""Hypothesis strategies of networks, data, problems, steps and settings; importing them registers two profiles.

=======================  =======================================================================
`architectures`          networks with skip connections
`data_sets`              inputs and targets that fit a network
`problems`               network, data, initial weights and a region
`graphs`                 networks of the whole vocabulary: every operation, function, layer and loss
`graph_problems`         the same with data, initial weights and a region; `Vocabulary` says of what
`weights_in`             weights inside a problem's region
`previous_steps`         what the step before may have been
`admissible_settings`    (eta, tau) or (eta, mu) in a theorem's range
`inadmissible_settings`  the same outside it
`to_python`              a problem as Python that reproduces it
=======================  =======================================================================

A failing test prints the problem drawn as a spec file and as Python. Profiles: ``dagverify-ci`` (repeatable) and
``dagverify-nightly`` (explores), chosen by ``pytest --hypothesis-profile=dagverify-nightly``.
"""

from __future__ import annotations

from verify.properties.drawn_graphs import Vocabulary
from verify.strategies import profiles as profiles
from verify.strategies.graphs import graph_problems, graphs
from verify.strategies.networks import ACTIVATIONS, EDGE_KINDS, architectures
from verify.strategies.problems import data_sets, previous_steps, problems, regions, weights_in
from verify.strategies.reproduction import to_python
from verify.strategies.settings import admissible_settings, inadmissible_settings

__all__ = [
    "ACTIVATIONS",
    "EDGE_KINDS",
    "Vocabulary",
    "admissible_settings",
    "architectures",
    "data_sets",
    "graph_problems",
    "graphs",
    "inadmissible_settings",
    "previous_steps",
    "problems",
    "regions",
    "to_python",
    "weights_in",
]
