"""What was proved, as data, and the independent checker that recomputes it."""
