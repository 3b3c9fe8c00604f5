"""Assertions for the tests of your own code; each failure carries a counterexample that replays.

==========================  ==================================================================
`assert_gradient_correct`   your gradient is the gradient of the problem
`assert_admissible`         your learning rate and momentum never increase the error
`assert_monotone_decrease`  no step of your training run increased the error
`CounterexampleError`       the assertion error they raise
==========================  ==================================================================
"""

from __future__ import annotations

from verify.testing.admissible import assert_admissible
from verify.testing.counterexample import CounterexampleError
from verify.testing.decrease import assert_monotone_decrease
from verify.testing.gradient import assert_gradient_correct

__all__ = ["CounterexampleError", "assert_admissible", "assert_gradient_correct", "assert_monotone_decrease"]
