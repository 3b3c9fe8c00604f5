"""The problem, its numerical passes, their enclosures, exact decisions and the symbolic proof of the gradients."""
