"""At least one sample of every operation: the operation and the shapes of its arguments."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from verify.operations.add import Add
from verify.operations.broadcast import Broadcast, SumOver
from verify.operations.contraction import Contraction
from verify.operations.cumulative_sum import CumulativeSum
from verify.operations.elementwise import Elementwise
from verify.operations.gather import Gather, Indices, ScatterAdd
from verify.operations.linear_recurrence import LinearRecurrence
from verify.operations.log_sum_exp import LogSumExp
from verify.operations.maximum import LargestIndicator, Maximum
from verify.operations.operation import Operation
from verify.operations.permute import Permute
from verify.operations.power import Logarithm, Power
from verify.operations.reshape import Reshape
from verify.operations.scale import Scale
from verify.operations.slices import Concatenate, Pad, Slice
from verify.operations.softmax import Softmax
from verify.operations.windows import Fold, Windows

Sample = tuple[Operation, tuple[tuple[int, ...], ...]]

MULTILINEAR: list[Sample] = [
    (Reshape((3, 4)), ((2, 6),)),
    (Permute((2, 0, 1)), ((2, 3, 4),)),
    (Broadcast((2, 3, 4)), ((3, 1),)),
    (Broadcast((2, 2, 3)), ((2, 1, 3),)),
    (SumOver((0, 2)), ((2, 3, 4),)),
    (SumOver(()), ((2, 3),)),
    (Add(), ((2, 3), (2, 3), (2, 3))),
    (Scale(Fraction(-1)), ((3,),)),
    (Scale(Fraction(2, 7)), ((3,),)),
    (Contraction("nd", "hd", "nh"), ((4, 3), (2, 3))),
    (Contraction("bqd", "bkd", "bqk"), ((2, 3, 4), (2, 5, 4))),
    (Contraction("bqd", "kdb", "kqb"), ((2, 3, 4), (5, 4, 2))),
    (Contraction("nd", "d", "nd"), ((4, 3), (3,))),
    (Contraction("a", "b", "ba"), ((2,), (3,))),
    (Contraction("nd", "nd", ""), ((4, 3), (4, 3))),
    (Contraction("nd", "nd", "dn"), ((4, 3), (4, 3))),
    (Gather(0, Indices([2, 0, 2, -1])), ((3, 2),)),
    (Gather(1, Indices([[0, 1], [1, 1]])), ((2, 3, 2),)),
    (ScatterAdd(0, Indices([2, 0, 2, -1]), 4), ((4, 2),)),
    (ScatterAdd(1, Indices([[0, 1], [1, 1]]), 3), ((2, 2, 2, 2),)),
    (CumulativeSum(), ((2, 4),)),
    (LinearRecurrence(), ((2, 4), (2, 4))),
    (Slice(1, 1, 5, 2), ((2, 6),)),
    (Pad(1, 1, 6, 2), ((2, 2),)),
    (Concatenate(1), ((2, 1), (2, 3))),
    (Windows((2, 2), (1, 2), (2, 1)), ((2, 4, 5),)),
    (Windows((3,), (2,), (1,)), ((1, 7),)),
    (Fold((2, 2), (1, 2), (2, 1), (4, 5)), ((2, 2, 2, 2, 2),)),
    (Fold((3,), (1,), (1,), (6,)), ((2, 4, 3),)),
]
NONLINEAR: list[Sample] = [
    (Elementwise("tanh"), ((2, 3),)),
    (Elementwise("x*tanh(log(1+exp(x)))", 1), ((2, 3),)),
    (Power(Fraction(-1, 2)), ((4,),)),
    (Power(Fraction(3)), ((4,),)),
    (Power(Fraction(0)), ((4,),)),
    (Logarithm(), ((4,),)),
    (Softmax(), ((2, 4),)),
    (Softmax(Indices([[1, 0, 0], [1, 1, 0], [1, 1, 1]])), ((2, 3, 3),)),
    (LogSumExp(), ((2, 4),)),
    (LogSumExp(Indices([1, 1, 0, 1])), ((2, 4),)),
]
KINKED: list[Sample] = [
    (Elementwise("relu"), ((2, 3),)),
    (Maximum(), ((3, 4),)),
    (LargestIndicator(), ((3, 4),)),
]
SAMPLES = [*MULTILINEAR, *NONLINEAR, *KINKED]


def identifier(sample: Sample) -> str:
    """Name a sample for pytest."""
    return repr(sample[0])


def arguments(sample: Sample, seed: int) -> list[np.ndarray]:
    """Return positive float64 arguments: in the domain of every operation."""
    rng = np.random.default_rng(seed)
    return [np.exp(rng.normal(size=shape)) for shape in sample[1]]
