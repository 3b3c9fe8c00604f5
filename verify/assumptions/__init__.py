"""The assumptions A1-A4 for a problem and a region: one finding each, and what they say together."""

from verify.assumptions.activation_regularity import activation_regularity
from verify.assumptions.boundedness import bounded_weights
from verify.assumptions.gradients import gradient_proof
from verify.assumptions.operation_regularity import regularity
from verify.assumptions.report import Report, check_assumptions
from verify.assumptions.small_momentum import Setting, small_momentum
from verify.assumptions.stationary_points import finitely_many_stationary_points

__all__ = [
    "Report",
    "Setting",
    "activation_regularity",
    "bounded_weights",
    "check_assumptions",
    "finitely_many_stationary_points",
    "gradient_proof",
    "regularity",
    "small_momentum",
]
