"""Spec files: a network, its data and a question about it, as one TOML file.

======================  =======================================================================
`load_specification`    read a file, its data and weights
`load_problem`          the problem alone
`lint`                  check the structure without loading data
`to_toml`               write a problem as a file that reproduces it
======================  =======================================================================
"""

from __future__ import annotations

from verify.spec.specification import Specification, load_problem, load_specification
from verify.spec.structure import Structure, lint
from verify.spec.writing import to_toml

__all__ = ["Specification", "Structure", "lint", "load_problem", "load_specification", "to_toml"]
