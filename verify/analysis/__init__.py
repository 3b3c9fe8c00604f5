"""The whole answers, composed from the floors below: what the commands print and the pytest plugin asserts."""
