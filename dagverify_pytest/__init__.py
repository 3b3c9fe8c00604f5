"""The pytest plugin of dagverify: spec files as test items, fixtures, options.

It lies outside the package `verify` so that a run without spec files imports nothing of it.
"""
