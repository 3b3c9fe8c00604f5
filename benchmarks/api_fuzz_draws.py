"""Random legal arguments at the ends of what is legal: numbers, networks, data, weights, regions and settings."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from verify import Architecture, Ball, BlockBall, BoundedWeights, InputError, Optimizer, Problem, Setting
from verify.activations import BUILTIN_NAMES
from verify.activations.builtin import EXAMPLE_FORMULAS
from verify.bounds.regions import Region
from verify.campaign.graphs import images

CANCELLING = ("100*(sqrt(1+0.01*x*x)-1)", "log(1+exp(x))-x", "tanh(2*x)-tanh(x)")
STEEP = ("x**3", "x**2", "exp(0.3*x)", "tanh(50*x)", "x**5/100")
ACTIVATIONS: tuple[Any, ...] = (
    *BUILTIN_NAMES,
    *({"expr": formula} for formula in (*EXAMPLE_FORMULAS, *CANCELLING, *STEEP)),
)
EXTREMES = (0.0, 5e-324, 1e-310, 2.0**-1022, 1e-200, 1e-160, 1e-20, 1.0, 1e8, 1e12, 1e77, 1e154, 1.5e154, 1e200, 1e308)
SEEDS = 2**32


class Draw:
    """Everything that one call needs, from one seed; what is asked for twice is the same.

    Parameters
    ----------
    seed : sequence of int
        Of the random numbers.
    """

    def __init__(self, *seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def chance(self, share: float) -> bool:
        """Return True with this probability."""
        return bool(self.rng.random() < share)

    def pick(self, choices: Any) -> Any:
        """Return one of them."""
        return choices[int(self.rng.integers(len(choices)))]

    def positive(self) -> float:
        """Return a finite number above 0, mostly of order 1, else of any size down to the subnormal ones."""
        kind = self.rng.random()
        if kind < 0.6:
            return float(10.0 ** self.rng.uniform(-3, 1))
        if kind < 0.8:
            return max(float(10.0 ** self.rng.uniform(-323, 308)), 5e-324)
        return float(self.pick(EXTREMES[1:]))

    def size(self) -> float:
        """Return a finite number, not negative."""
        return 0.0 if self.chance(0.15) else self.positive()

    def number(self) -> float:
        """Return a finite number."""
        return self.size() * float(self.pick((-1.0, 1.0)))

    def numbers(self, *shape: int) -> np.ndarray:
        """Return an array: of one scale, of many scales at once, of zeros, or of one extreme number."""
        kind = self.rng.random()
        if kind < 0.5:
            return self.rng.standard_normal(shape)
        if kind < 0.65:
            with np.errstate(all="ignore"):
                return np.clip(self.positive() * self.rng.standard_normal(shape), -1e308, 1e308)
        if kind < 0.8:
            return self.rng.standard_normal(shape) * 10.0 ** self.rng.uniform(-300, 300, shape)
        if kind < 0.9:
            return np.full(shape, self.number())
        return np.zeros(shape)

    @cached_property
    def nodes(self) -> dict[str, Any]:
        """Nodes of a tiny network: with one weight, a chain, skips, or images with every structured edge."""
        kind = self.rng.random()
        if kind < 0.15:
            node = {"width": 1, "activation": self.pick(ACTIVATIONS), "inputs": ["x"], "bias": False}
            return {"x": {"width": 1}, "y": node}
        if kind < 0.25:
            return images(self.rng)[0]
        return self._skips()

    def _skips(self) -> dict[str, Any]:
        width = int(self.rng.integers(1, 3))
        nodes: dict[str, Any] = {"x": {"width": width}}
        if self.chance(0.15):
            nodes["x2"] = {"width": 1}
        for name in ("h", "k", "y")[int(self.rng.integers(3)) :]:
            inputs: list[Any] = [list(nodes)[-1]]
            own = int(self.rng.integers(1, 3)) if self.chance(0.5) else width
            for source, node in list(nodes.items())[:-1]:
                if self.chance(0.4) or (source.startswith("x") and name in ("h", "y")):
                    inputs.append(source)
                if node["width"] <= own and self.chance(0.3):
                    inputs.append({"from": source, "kind": "concat", "offset": 0})
            if nodes[inputs[0]]["width"] == own and self.chance(0.4):
                inputs.append({"from": inputs[0], "kind": "identity"})
            nodes[name] = {"width": own, "activation": self.pick(ACTIVATIONS), "inputs": inputs}
            if self.chance(0.3):
                nodes[name]["bias"] = False
        return nodes

    @cached_property
    def outputs(self) -> list[str]:
        """Names of the output vertices."""
        hidden = [name for name in self.nodes if name in ("h", "k") and self.chance(0.1)]
        return [*hidden, "y"]

    @cached_property
    def architecture(self) -> Architecture:
        """The network."""
        return Architecture.from_data(self.nodes, self.outputs)

    @cached_property
    def weights(self) -> np.ndarray:
        """Weights: usual ones, saturating ones, or extremes."""
        usual = self.architecture.initial_weights("glorot", seed=int(self.rng.integers(SEEDS)))
        kind = self.rng.random()
        if kind < 0.45:
            return usual
        if kind < 0.6:
            return usual * float(self.pick((5.0, 20.0, 40.0, 300.0)))
        return self.numbers(usual.size)

    @cached_property
    def problem(self) -> Problem:
        """A problem with one to three samples; its gradient is sometimes zero."""
        samples = int(self.rng.integers(1, 4))
        inputs = self.numbers(samples, self.architecture.input_dimension)
        targets = self.numbers(samples, self.architecture.output_dimension)
        return Problem(
            self.architecture,
            inputs,
            targets,
            reduction=self.pick(("mean", "sum")),
            weight_decay=self.size() if self.chance(0.25) else 0.0,
            initial_weights=self.weights,
            region=self.region,
        )

    @cached_property
    def region(self) -> Region:
        """A region of any kind, mostly around the weights."""
        center = self.weights if self.chance(0.8) else self.numbers(self.weights.size)
        radius = float(10.0 ** self.rng.uniform(-6, 0.5)) if self.chance(0.7) else self.positive()
        kind = self.rng.random()
        if kind < 0.6:
            return Ball(center, radius)
        if kind < 0.8:
            radii = {name: radius if self.chance(0.6) else self.positive() for name in self.architecture.blocks}
            return BlockBall(center, radii, self.architecture.blocks)
        with np.errstate(over="ignore"):
            around = float(np.linalg.norm(self.weights)) + radius
        return BoundedWeights(around if self.chance(0.7) and np.isfinite(around) else radius)

    def near(self) -> np.ndarray:
        """Weights near the problem's, far from them, or the same."""
        kind = self.rng.random()
        if kind < 0.1:
            return self.weights.copy()
        with np.errstate(all="ignore"):
            moved = self.weights + (10.0 ** self.rng.uniform(-17, 1) if kind < 0.7 else 1.0) * self.numbers(
                self.weights.size
            )
        return moved if np.all(np.isfinite(moved)) else self.weights.copy()

    def setting(self) -> Setting | None:
        """A momentum setting, or none; the ratio tau/eta may be huge."""
        if self.chance(0.3):
            return None
        norm = self.pick(("global", "vertex"))
        if self.chance(0.3):
            return Setting(self.positive(), mu=float(self.rng.uniform(0, 1)) if self.chance(0.7) else 0.0, norm=norm)
        return Setting(self.positive(), tau=self.size(), norm=norm)

    def optimizer(self) -> Optimizer:
        """An optimizer's numbers, which may be refused."""
        return Optimizer(
            self.positive(),
            float(self.rng.uniform(0, 1.1)) if self.chance(0.7) else 0.0,
            self.size() if self.chance(0.1) else 0.0,
            self.chance(0.3),
            kind=self.pick(("sgd", "sgd", "adam")),
            convention=self.pick(("torch", "keras", "ema", "sutskever")),
        )

    def gradient(self) -> Any:
        """A user's gradient: the right one, one of zeros, or one that is twice too large; or None."""
        problem = self.problem
        return self.pick((None, problem.gradient, lambda w: np.zeros(w.shape), lambda w: 2.0 * problem.gradient(w)))

    def refused(self) -> InputError:
        """Return an error made of any value."""
        where, remedy = self.pick((None, "here")), self.pick((None, "do that"))
        return InputError("refused", where=where, remedy=remedy, value=self.number())
