"""The network as a directed acyclic graph: vertices, edges, checks, networkx and plain-data forms."""

from verify.architecture.architecture import Architecture
from verify.architecture.convolution import Conv2d
from verify.architecture.dense import Dense
from verify.architecture.edge import EDGE_KINDS, Edge
from verify.architecture.linear_map import LinearMap, Terms
from verify.architecture.pooling import AvgPool2d
from verify.architecture.selection import Concat, Flatten, Identity
from verify.architecture.vertex import Vertex

__all__ = [
    "EDGE_KINDS",
    "Architecture",
    "AvgPool2d",
    "Concat",
    "Conv2d",
    "Dense",
    "Edge",
    "Flatten",
    "Identity",
    "LinearMap",
    "Terms",
    "Vertex",
]
