"""Property tests of monotone error decrease, and the search for steps that increase the error."""
