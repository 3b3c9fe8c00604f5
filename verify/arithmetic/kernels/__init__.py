"""Elementary functions of float64 numbers with proved errors.

A kernel maps an array ``x`` to ``(value, error)`` with ``|value - f(x)| <= error``, elementwise, for every float64
``x`` that is not NaN (for an infinite ``x``, ``f(x)`` is the limit). It uses NumPy's correctly rounded operations and
integer arithmetic on the bits, never its transcendental functions. The proof stands beside each kernel; constants and
polynomial coefficients come from Arb, and the error constants are computed from them, upward, when the module first
needs them.
"""
