"""Rigorous arithmetic on NumPy arrays and in Arb.

Nothing here changes the rounding mode of the processor. Every result is computed in round to nearest and
widened by an a-priori bound of the rounding error, one that holds for every order of summation, every number
of threads and with or without fused multiply-add; see ``rounding`` for the bounds and ``environment`` for
what is asked of the processor.
"""

from verify.arithmetic import processor

processor.note_import()
