"""Write certificates: every claim is one that the independent checker confirms."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from verify import __version__
from verify.activations import Smoothness
from verify.analysis.minimum_claim import minimum_claim
from verify.arithmetic.environment import as_users_code, certified_environment
from verify.arithmetic.floats import exact_float
from verify.arithmetic.rational import round_down
from verify.assumptions.small_momentum import Setting
from verify.bounds.regions import Ball, BoundedWeights
from verify.calculus.decide import decide_decrease
from verify.calculus.problem import classical
from verify.certificates import document
from verify.certificates.checker import check_certificate
from verify.certificates.curvature_claim import CurvatureClaims, exact_region
from verify.certificates.description import describe, hex_list
from verify.certificates.horizon_search import HorizonSetting, fit_horizon
from verify.outcomes import InputError, Verdict
from verify.theorems.ranges import RANGES, AdmissibleRange
from verify.theorems.weight_decay import sublevel_radius
from verify.training.train import train

if TYPE_CHECKING:
    from verify.calculus.objective import Objective
    from verify.calculus.problem import Problem

FROM_REST = "from_rest"
ONE_STEP = {"region": "sharp", **{name: name for name in (FROM_REST, "restart", "heavy_ball", "nesterov")}}
"""The theorem whose range stands behind each kind that is about single steps in a region."""


class UnconfirmedError(InputError):
    """The checker did not confirm what was to be certified."""


@certified_environment()
def certify(
    problem: Objective,
    kind: str,
    *,
    weights: Any = None,
    next_weights: Any = None,
    steps: int | None = None,
    eta: float | None = None,
    tau: float | None = None,
    mu: float | None = None,
    ratio: float | None = None,
    radius: float | None = None,
    confirm: bool = True,
    claims: CurvatureClaims | None = None,
    announce: Callable[[str], None] = lambda message: None,
) -> dict[str, Any]:
    """Prove a statement about a problem and return its certificate.

    Parameters
    ----------
    problem : Problem or GraphProblem
        Of a `GraphProblem`, steps, minima, and balls with a setting are certified.
    kind : str
        ``"region"``: the Hessian bound on the problem's region, and a setting of the range; ``"from_rest"``: the same
        for a training that starts at rest; ``"restart"``: for momentum that is dropped where it points uphill;
        ``"heavy_ball"``, ``"nesterov"``: for a constant momentum coefficient mu, where the error plus the energy of the
        motion falls; ``"step"``: the error falls from one stored weight vector to another; ``"horizon"``: K steps stay
        in a ball and decrease the error; ``"weight_decay"``: all steps do, for ever; ``"from_rest_horizon"`` and
        ``"from_rest_weight_decay"``: the same from rest, with more momentum; ``"minimum"``: a strict minimiser lies
        near the weights, and training converges to it (`verify.converge` finds such weights).
    weights : array, shape (P,), optional
        Default: the problem's initial weights.
    next_weights : array, shape (P,), optional
        For ``step``; default: one step of certified training.
    steps : int, optional
        K of a horizon; default with `eta`: the largest K found.
    eta : float, optional
        Default: the recommended one; for a horizon the largest found.
    tau : float, optional
        Default: half of what the range admits; for a horizon, and at most in the sharp range, `ratio` times eta.
    mu : float, optional
        For ``heavy_ball`` and ``nesterov``, and needed there: in [0, 1). Then eta is by default half of the largest for
        mu.
    ratio : float, optional
        tau/eta where tau is not given; default 1 from rest, else 1/2.
    radius : float, optional
        Of the ball of a horizon or ``minimum``, or of |w| <= radius with weight decay; default: searched.
    confirm : bool
        Whether to run the checker before returning.
    claims : CurvatureClaims, optional
        Of the same problem and weights: what an earlier certification found is used again.
    announce : callable
        Told what is being done.

    Returns
    -------
    dict
        The certificate; `write_certificate` stores it.

    Raises
    ------
    InputError
        If a setting is missing, superfluous or outside its theorem's hypotheses.
    UnconfirmedError
        If the checker does not confirm the certificate.

    Examples
    --------
    >>> import verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    >>> problem = verify.Problem(verify.Architecture.from_data(nodes, output="y"), [[1.0], [-1.0]], [[0.5], [0.0]])
    >>> certificate = certify(problem, "horizon", steps=10)
    >>> certificate["claim"]["steps"], verify.check_certificate(certificate)["verdict"]
    (10, 'PROVED')
    """
    if kind not in document.KINDS:
        raise InputError("unknown kind of certificate", kind=kind, remedy=f"use one of {', '.join(document.KINDS)}")
    if kind in document.OF_ERRORS_NOT_NEGATIVE:
        problem = classical(problem, f"certificates of kind {kind}")
    announce = as_users_code(announce)
    eta, tau, mu, radius = (
        None if number is None else exact_float(number, name)
        for name, number in (("eta", eta), ("tau", tau), ("mu", mu), ("radius", radius))
    )
    _refuse_superfluous(kind, next_weights=next_weights, steps=steps, eta=eta, tau=tau, mu=mu, radius=radius)
    w = problem.check_weights(problem.initial_weights if weights is None else weights)
    writer = _Writer(problem, w, ratio, announce, claims)
    region: dict[str, Any] | None = None
    match kind:
        case "region" | "from_rest" | "restart":
            region, bound = writer.region()
            claim = writer.setting(bound, eta, tau, ONE_STEP[kind])
        case "heavy_ball" | "nesterov":
            if mu is None:
                raise InputError(f"a certificate of kind {kind} needs mu", mu=mu, remedy="give mu, for example 0.9")
            region, bound = writer.region()
            claim = _mu_claim(RANGES[kind], bound, eta, mu)
        case "step":
            claim = writer.step(next_weights)
        case "horizon" | "from_rest_horizon":
            region, claim = writer.horizon(steps, eta, tau, radius, _range_behind(kind))
        case "minimum":
            announce("bounding the eigenvalues of the Hessian")
            region, claim = minimum_claim(problem, w, writer.claims, radius, eta, tau)
        case _:
            region, claim = writer.weight_decay(eta, tau, radius, _range_behind(kind))
    certificate = {
        "format": document.FORMAT,
        "version": document.VERSION,
        "tool": __version__,
        "kind": kind,
        **document.statement(kind, claim),
        **writer.description,
        "region": region,
        "claim": claim,
    }
    if confirm:
        announce("running the independent checker")
        answer = check_certificate(certificate)
        if answer["verdict"] != Verdict.PROVED.value:
            raise UnconfirmedError(
                "the checker did not confirm the certificate",
                reasons="; ".join(answer["reasons"]),
                remedy="use a smaller region, fewer steps or a smaller eta",
            )
    return certificate


write_certificate = document.write_document

_USED = {
    **{kind: {"eta", "tau"} for kind in ("region", "from_rest", "restart")},
    **{kind: {"eta", "mu"} for kind in ("heavy_ball", "nesterov")},
    "step": {"next_weights"},
    **{kind: {"steps", "eta", "tau", "radius"} for kind in ("horizon", "from_rest_horizon")},
    **{kind: {"eta", "tau", "radius"} for kind in ("weight_decay", "from_rest_weight_decay", "minimum")},
}


def kind_of(setting: Setting | None) -> str:
    """Return the kind of certificate that says of a setting what `check` says of its single steps.

    Examples
    --------
    >>> kind_of(Setting(0.1, tau=0.05)), kind_of(Setting(0.1, tau=0.5)), kind_of(Setting(0.1, mu=0.9, nesterov=True))
    ('region', 'from_rest', 'nesterov')
    """
    theorem = "sharp" if setting is None else setting.theorem
    return next(kind for kind, behind in ONE_STEP.items() if behind == theorem)


def _range_behind(kind: str) -> str:
    return FROM_REST if kind.startswith(FROM_REST) else "sharp"


def _refuse_superfluous(kind: str, **given: Any) -> None:
    for name, value in given.items():
        if value is not None and name not in _USED[kind]:
            remedy = "use kind heavy_ball" if name == "mu" else "leave it out"
            raise InputError(f"a certificate of kind {kind} takes no {name}", remedy=remedy, **{name: value})
    if given["tau"] is not None and given["eta"] is None:
        raise InputError("tau without eta", remedy="give both", tau=given["tau"])


def _mu_claim(admissible: AdmissibleRange, bound: float, eta: float | None, mu: float) -> dict[str, Any]:
    """Return the claim for a bound of the Hessian: a setting of a range of mu, and what a step gains."""
    if not 0 <= mu < 1:
        raise InputError(f"theorem {admissible.name} needs 0 <= mu < 1", mu=mu, remedy="give for example mu = 0.9")
    largest = admissible.eta_limit_with(bound, mu)
    if largest is None:
        raise InputError("no float64 learning rate is admitted", mu=mu, L=bound, remedy="use a smaller mu")
    rate = largest / 2 if eta is None else eta
    if admissible.contains(bound, rate, mu) is not Verdict.PROVED:
        what = f"the setting is outside the range of theorem {admissible.name}"
        raise InputError(what, eta=rate, mu=mu, remedy=admissible.remedy(bound, rate, mu))
    gain = admissible.gain(bound, rate, mu)
    return {"lipschitz": bound.hex(), "eta": float(rate).hex(), "mu": float(mu).hex(), "gain": gain.hex()}


class _Writer:
    """Region and claim of every kind, for one problem and its weights."""

    def __init__(
        self,
        problem: Objective,
        w: np.ndarray,
        ratio: float | None,
        announce: Callable[[str], None],
        claims: CurvatureClaims | None,
    ) -> None:
        if ratio is not None and not 0 <= ratio < 1:
            raise InputError("ratio must be at least 0 and below 1", ratio=ratio, remedy="give 0 <= ratio < 1")
        self.problem, self.w, self.ratio, self.announce = problem, w, ratio, announce
        self.description = describe(problem, w)
        if claims is not None and (claims.problem is not problem or claims.description != self.description):
            raise InputError(
                "claims belong to another problem or other weights",
                where=problem.name,
                claims_of=claims.problem.name,
                remedy="make CurvatureClaims of this problem and these weights",
            )
        self._claims = claims

    @property
    def classical(self) -> Problem:
        """The problem, which horizons, weight decay and other regions than balls need to be of the classical class."""
        return classical(self.problem, "such certificates")

    @property
    def claims(self) -> CurvatureClaims:
        """Both bounds of the Hessian, the prover's and the checker's."""
        return CurvatureClaims(self.problem, self.description) if self._claims is None else self._claims

    def region(self) -> tuple[dict[str, Any], float]:
        """Return the problem's own region and a bound of the Hessian on it."""
        where = self.problem.region
        if where is None:
            raise InputError(
                "no region to certify", where=self.problem.name, remedy="add [region] to the specification", region=None
            )
        if not isinstance(where, Ball):
            classical(self.problem, "certificates of other regions than balls")
        where.check_start(self.w)
        centre = getattr(where, "center", None)
        if centre is not None and not np.array_equal(centre, self.w):
            raise InputError(
                "the region's centre and the weights certified differ",
                remedy="certify at its centre",
                distance=float(np.linalg.norm(centre - self.w)),
            )
        self.announce("bounding the Hessian")
        bound = self.claims.confirmed(where)
        return exact_region(where), bound

    def step(self, next_weights: Any) -> dict[str, Any]:
        """Bound the decrease of one step between stored weights."""
        if next_weights is None:
            self.announce("taking a certified step")
            following = self._one_step()
        else:
            following = self.problem.check_weights(next_weights)
        decision = decide_decrease(self.problem, self.w, following)
        if decision.sign != -1:
            raise UnconfirmedError(
                "no decrease is proved", lower=decision.lower, upper=decision.upper, remedy="take a smaller step"
            )
        return {"next": hex_list(following), "decrease": (-decision.upper).hex()}

    def _one_step(self) -> np.ndarray:
        """Take a step whose length is proved; of a network that is not smooth, one that is proved afterwards."""
        first = train(self.problem, self.w, steps=1, rule="certified")
        return first.weights if first.verdicts else train(self.problem, self.w, steps=1, rule="guarded").weights

    def horizon(
        self, steps: int | None, eta: float | None, tau: float | None, radius: float | None, theorem: str
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Find the ball in which the steps stay."""
        if steps is None and eta is None:
            raise InputError("how far?", remedy="give steps, eta, or both", steps=steps, eta=eta)
        part = self._ratio(theorem) if tau is None or eta is None else Fraction(tau) / Fraction(eta)
        setting = HorizonSetting(self.classical, self.w, steps, eta, tau, part, theorem)
        found = fit_horizon(setting, self.claims, radius, self.announce)
        return exact_region(Ball(self.w, found.radius)), found.to_claim()

    def weight_decay(
        self, eta: float | None, tau: float | None, radius: float | None, theorem: str
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Bound the Hessian where weight decay keeps the weights."""
        penalty = self.classical.weight_decay
        if penalty <= 0:
            raise InputError(
                "weight decay must be positive",
                where=self.classical.name,
                weight_decay=penalty,
                remedy="give weight_decay > 0",
            )
        upper = self.classical.error_enclosure(self.w)[1]
        room = float(np.nextafter(sublevel_radius(upper, penalty), np.inf)) if radius is None else radius
        while radius is None and not Fraction(penalty) * Fraction(room) ** 2 > 2 * Fraction(upper):
            room = float(np.nextafter(room, np.inf))
        region = BoundedWeights(room)
        self.announce("bounding the Hessian")
        claim = self.setting(self.claims.confirmed(region), eta, tau, theorem)
        converges = float.fromhex(claim["gain"]) > 0 and self._analytic()
        return exact_region(region), {**claim, "error_upper": upper.hex(), "converges": converges}

    def _analytic(self) -> bool:
        vertices = self.classical.architecture.vertices.values()
        return all(v.activation.smoothness is Smoothness.ANALYTIC for v in vertices if v.activation is not None)

    def _ratio(self, theorem: str) -> Fraction:
        """Return tau/eta where tau is not given."""
        if self.ratio is None:
            return Fraction(1) if theorem == FROM_REST else Fraction(1, 2)
        return Fraction(self.ratio)

    def setting(self, bound: float, eta: float | None, tau: float | None, theorem: str) -> dict[str, Any]:
        """Return a setting of a theorem's range, and what a step gains."""
        admissible = RANGES[theorem]
        rate = admissible.recommended(bound)[0] if eta is None else eta
        size = admissible.momentum_limit(bound, rate) / 2 if tau is None else tau
        if tau is None and (theorem == "sharp" or self.ratio is not None):
            size = min(size, round_down(self._ratio(theorem) * Fraction(rate)))
        return {
            "lipschitz": bound.hex(),
            "eta": float(rate).hex(),
            "tau": float(size).hex(),
            "gain": admissible.gain(bound, rate, size).hex(),
        }
