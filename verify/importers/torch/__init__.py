"""PyTorch modules and losses as graphs of operations."""
