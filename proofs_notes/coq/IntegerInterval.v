(** * Interval arithmetic on integers

    coq-interval's tactic, run on Coq's integers instead of the processor's floating-point numbers: slower, and free
    of the axioms about those numbers.  Always call it with a precision: [interval with (Tactic.i_prec 53)]. *)

From Interval Require Specific_stdz Specific_ops.
From Interval Require Tactic.
Module IntegerFloat := Specific_ops.SpecificFloat Specific_stdz.StdZRadix2.
Module IntegerTactic := Interval.Tactic.IntervalTactic IntegerFloat.
Export IntegerTactic.
