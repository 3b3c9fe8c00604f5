"""Norms over a region by propagation along the layers: no Jacobian is formed, so a sweep costs little on any network.

With r_v the radius of block v, s_e the overlap of an edge, G0_e its gain at the centre, G_e <= G0_e + s_e r_v its gain
over the region, D the largest deviations from the centre and ~h the norm of the map from parameters to z,

    Dz_v <= min(r_v ~h_v + sum G0_e Dh_u,  r_v ~h0_v + sum G_e Dh_u),      Dh_v <= max |g_v'| Dz_v,
    ~h_v = sqrt(sum over trainable e of s_e^2 |h_u|^2 + beta_v^2),          |h_v| <= |h0_v| + Dh_v,

where the derivatives of g_v range over the pre-activations that these deviations allow. The norms of Jacobians follow
along the paths. Adjoints go the other way: with phi_v(z) the loss of an output unit and a_v the adjoint of h_v without
its own residual,

    dE/dz_v = phi_v' + g_v' a_v,    bend_v = phi_v'' + g_v'' a_v,    twist_v = phi_v''' + g_v''' a_v

(phi_v = 0 where v is no output) are the factors of second and third derivatives of the error: theorem
`second_derivative` for the sum ``bend_v dz_v^2 + 2 <dE/dz_v, dA_e dh_u>`` over vertices and edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from verify.arithmetic import upward
from verify.arithmetic.intervals import Interval
from verify.arithmetic.rounding import add_down, add_up
from verify.bounds.hessian_center import Center, Gains, Sizes, edge_id
from verify.bounds.hessian_geometry import bias_norm
from verify.bounds.hessian_loss import loss_products
from verify.budget import check_time

if TYPE_CHECKING:
    from verify.activations import Activation
    from verify.architecture import Edge

_GROWN = 1.0 + 2.0**-5
"""Ranges are evaluated where a Taylor bound exceeds what is largest at the centre by this factor: elsewhere they gain
less, since only the largest derivative of a sample's units counts.
"""
_FEW = 2048
"""Units up to which all ranges are evaluated at once: the calls cost as much."""


class Sweep:
    """Norms of one chunk of samples over the weights with |w_v - center_v| <= radii[v].

    Parameters
    ----------
    center : Center
    radii : mapping of vertex to float
    order : int
        Highest derivative of the activations whose supremum over the region is wanted, 2 to 4.

    Attributes
    ----------
    norm, deviation, injection : dict of vertex to array, shape (n,)
        |h_v|, |h_v - h0_v| and ~h_v.
    suprema : dict of vertex to tuple of arrays, shape (n,)
        Largest |g_v'|, |g_v''|, ...
    losses : dict of output vertex to tuple of arrays, shape (n,)
        |phi_v'| (Euclidean), largest |phi_v''|, |phi_v'''|, ...
    peak, inner, bend : dict of vertex to array, shape (n,)
        Largest |a_v|, norm of dE/dz_v, largest |bend_v|.
    """

    def __init__(self, center: Center, radii: dict[str, float], order: int = 2) -> None:
        self.center = center
        self.architecture = center.architecture
        self.samples = center.samples
        self.radii = radii
        self.order = order
        self.gain = {
            edge_id(edge): self.gain_over_region(edge)
            for name in self.architecture.order
            for edge in self.architecture.in_edges(name)
        }
        self.norm: dict[str, np.ndarray] = {}
        self.deviation: dict[str, np.ndarray] = {}
        self.injection: dict[str, np.ndarray] = {}
        self.suprema: dict[str, Sizes] = {}
        self.losses: dict[str, Sizes] = {}
        for name in self.architecture.inputs:
            self.norm[name] = center.norms[name]
            self.deviation[name] = self.zeros()
        for name in self.architecture.order:
            self.forward(name)
        self.peak: dict[str, np.ndarray] = {}
        self.inner: dict[str, np.ndarray] = {}
        self.bend: dict[str, np.ndarray] = {}
        for name in reversed(self.architecture.order):
            self.backward(name)

    def zeros(self) -> np.ndarray:
        """Nothing, (n,)."""
        return np.zeros(self.samples)

    def gain_over_region(self, edge: Edge) -> Gains:
        """Bound the norms of an edge's matrix over the region."""
        gains = self.center.gains[edge_id(edge)]
        if not edge.map.parameter_shape:
            return gains
        return gains.moved(float(upward.mul(edge.map.overlap, self.radii[edge.target])))

    def forward(self, name: str) -> None:
        """Bound z_v, h_v and the derivatives of g_v and phi_v over the region."""
        check_time()
        vertex = self.architecture.vertices[name]
        shift = self.shift(name)
        center = self.center.sizes[name]
        sizes = taylor_bounds(center, _suprema(vertex.activation), shift, self.order)
        self.sharpen(name, sizes, shift)
        self.suprema[name] = tuple(size.max(axis=1) for size in sizes[1:])
        self.deviation[name] = upward.mul(self.suprema[name][0], shift)
        near_center = upward.add(self.center.norms[name], self.deviation[name])
        self.norm[name] = np.minimum(upward.norm(sizes[0], axis=1), near_center)
        if name in self.center.losses:
            entries = self.loss_bounds(name, sizes, shift)
            largest = [entry.max(axis=1) for entry in entries[2:]]
            near = upward.norm(self.center.losses[name].sizes[1], axis=1)
            from_center = upward.add(near, upward.mul(largest[0], shift))
            self.losses[name] = (np.minimum(upward.norm(entries[1], axis=1), from_center), *largest)

    def sharpen(self, name: str, sizes: list[np.ndarray], shift: np.ndarray) -> None:
        """Lower bounds of |g_v|, |g_v'|, ... in place to ranges, where they may be largest among a sample's units.

        Only the largest derivatives of g_v and phi_v count, and of |g_v| itself the bound from the centre is as good as
        one unit by unit. Units that have the largest at the centre come first: what they reach need not be looked for
        elsewhere.
        """
        fourth = self.center.fourth(name) if self.order == 4 else ()
        at_center = [*self.center.sizes[name][1:], *fourth[:1]][: self.order]
        if name in self.center.losses:
            at_center += [*self.center.losses[name].sizes[2:], *fourth[1:]][: self.order - 1]

        def bounds() -> list[np.ndarray]:
            return [*sizes[1:], *(self.loss_bounds(name, sizes, shift)[2:] if name in self.center.losses else ())]

        activation, z = self.architecture.vertices[name].activation, self.center.state.preactivations[name]
        largest = [size.max(axis=1, keepdims=True) for size in at_center]
        finite = np.isfinite(shift)[:, None]
        where = _above(bounds(), largest) & finite
        if np.count_nonzero(where) > _FEW:
            first = np.any([size == most for size, most in zip(at_center, largest, strict=True)], axis=0)
            first &= np.any(where, axis=1, keepdims=True)
            to_ranges(sizes, first, activation, z, shift)
            found = bounds()
            reached = [np.where(first, bound, 0.0).max(axis=1, keepdims=True) for bound in found]
            largest = [np.maximum(*pair) for pair in zip(largest, reached, strict=True)]
            where = _above(found, largest) & finite & ~first
        to_ranges(sizes, where, activation, z, shift)

    def shift(self, name: str) -> np.ndarray:
        """Bound |z_v - z0_v|, (n,)."""
        edges = self.architecture.in_edges(name)
        beta = bias_norm(self.architecture.vertices[name])
        radius = self.radii[name]
        self.injection[name] = _injection(edges, self.norm, beta, self.samples)
        near = upward.mul(radius, _injection(edges, self.center.norms, beta, self.samples))
        far = upward.mul(radius, self.injection[name])
        for edge in edges:
            deviation = self.deviation[edge.source]
            near = upward.add(near, upward.mul(self.gain[edge_id(edge)].spectral, deviation))
            far = upward.add(far, upward.mul(self.center.gains[edge_id(edge)].spectral, deviation))
        return np.minimum(near, far)

    def loss_bounds(self, name: str, sizes: list[np.ndarray], shift: np.ndarray) -> list[np.ndarray]:
        """Bound the derivatives of phi_v over the region, (n, width) each."""
        loss = self.center.losses[name]
        residual = upward.add(loss.residual, upward.mul(sizes[1].max(axis=1), shift)[:, None])
        products = loss_products(sizes, np.minimum(residual, loss.limit))
        taylor = taylor_bounds(loss.sizes, loss.suprema, shift, self.order)
        return [np.minimum(product, bound) for product, bound in zip(products, taylor, strict=True)]

    def backward(self, name: str) -> None:
        """Bound the adjoints of h_v and z_v over the region."""
        check_time()
        norm, peak = self.zeros(), self.zeros()
        for edge in self.architecture.out_edges(name):
            gains, adjoint = self.gain[edge_id(edge)], self.inner[edge.target]
            norm = upward.add(norm, upward.mul(gains.spectral, adjoint))
            peak = upward.add(peak, upward.mul(gains.column, adjoint))
        self.peak[name] = np.minimum(peak, norm)
        slope, curvature = self.suprema[name][:2]
        self.inner[name] = upward.mul(slope, norm)
        self.bend[name] = upward.mul(curvature, self.peak[name])
        if name in self.losses:
            self.inner[name] = upward.add(self.inner[name], self.losses[name][0])
            self.bend[name] = upward.add(self.bend[name], self.losses[name][1])

    def jacobians(self, starts: Sequence[str], seeds: np.ndarray) -> dict[str, Reached]:
        """Norms of the derivatives of (z_w, h_w) for every w, by what the seeds say: norms of those of the h_start.

        Parameters
        ----------
        starts : sequence of str
            K vertices.
        seeds : array, shape (n, K)
            Ones give derivatives by h_start, max |g_start'| those by z_start.
        """
        place = {name: index for index, name in enumerate(starts)}
        reached: dict[str, Reached] = {}
        for name in self.architecture.order:
            check_time()
            incoming = [edge for edge in self.architecture.in_edges(name) if edge.source in reached]
            behind = np.zeros(len(starts), dtype=bool)
            z = np.zeros((self.samples, len(starts)))
            for edge in incoming:
                behind |= reached[edge.source].behind
                z = upward.add(z, upward.mul(self.gain[edge_id(edge)].spectral, reached[edge.source].h))
            # infinity times what is exactly zero is unknown to `upward`
            z = np.where(behind, z, 0.0)
            h = np.where(behind, upward.mul(self.suprema[name][0][:, None], z), 0.0)
            if name in place:
                h[:, place[name]], behind[place[name]] = seeds[:, place[name]], True
            if incoming or name in place:
                reached[name] = Reached(z, h, behind)
        return reached


class Reached(NamedTuple):
    """Norms of derivatives of (z_w, h_w) by K vertices, (n, K) each, and which of these w is or stands behind."""

    z: np.ndarray
    h: np.ndarray
    behind: np.ndarray


def to_ranges(
    sizes: list[np.ndarray], where: np.ndarray, activation: Activation | None, z: Interval, shift: np.ndarray
) -> None:
    """Lower in place bounds of |g|, |g'|, ..., (n, width) each, for the units marked: to ranges of the derivatives.

    They hold over the interval that the pre-activation can reach within `shift` (n,): far less than a supremum where
    the unit is saturated.
    """
    if activation is None or not np.any(where):
        return
    distance = np.broadcast_to(shift[:, None], where.shape)[where]
    reached = Interval.from_bounds(add_down(z.lower[where], -distance), add_up(z.upper[where], distance))
    for bound, found in zip(sizes, activation.enclosures(reached, len(sizes) - 1), strict=True):
        bound[where] = np.minimum(bound[where], found.max_abs())


def _suprema(activation: Activation | None) -> tuple[float, ...]:
    if activation is None:
        raise ValueError("an input vertex has no activation")
    return tuple(float(activation.supremum(k)) for k in range(5))


def _above(bounds: Sequence[np.ndarray], largest: Sequence[np.ndarray]) -> np.ndarray:
    """Return where a bound is well above what is largest among the sample's units, (n, width)."""
    return np.any([~(bound <= _GROWN * most) for bound, most in zip(bounds, largest, strict=True)], axis=0)


def taylor_bounds(sizes: Sizes, suprema: tuple[float, ...], shift: np.ndarray, order: int) -> list[np.ndarray]:
    """Upper bounds of |f|, |f'|, ..., (n, width) each, within `shift` (n,) of points.

    The least of ``sup|f^(a)|``, ``|f^(a)| + shift sup|f^(a+1)|`` and
    ``|f^(a)| + shift |f^(a+1)| + shift^2/2 sup|f^(a+2)|``.

    Parameters
    ----------
    sizes : tuple of array, shape (n, width)
        Upper bounds of |f|, |f'|, ... at the points, as many as are known.
    suprema : tuple of float
        Upper bounds over the reals, as many as are known.
    shift : array, shape (n,)
    order : int
        Highest derivative wanted.
    """
    column = shift[:, None]
    result = []
    for k in range(order + 1):
        bound = np.full(sizes[0].shape, suprema[k])
        if k < len(sizes) and k + 1 < len(suprema):
            bound = np.minimum(bound, upward.add(sizes[k], upward.mul(column, suprema[k + 1])))
        if k + 1 < len(sizes) and k + 2 < len(suprema):
            second = upward.mul(column, column, 0.5 * suprema[k + 2])
            bound = np.minimum(bound, upward.add(sizes[k], upward.mul(column, sizes[k + 1]), second))
        result.append(bound)
    return result


def _injection(edges: tuple[Edge, ...], norm: dict[str, np.ndarray], beta: float, samples: int) -> np.ndarray:
    """Norm of the map from a vertex's parameters to its pre-activation, (n,)."""
    rows = [np.full(samples, beta)]
    rows += [upward.mul(edge.map.overlap, norm[edge.source]) for edge in edges if edge.map.parameter_shape]
    return upward.norm(np.stack(rows), axis=0)
