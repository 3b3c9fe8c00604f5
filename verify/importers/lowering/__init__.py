"""What importers make of operations that several libraries share: formulas on tensors, no library in them."""
