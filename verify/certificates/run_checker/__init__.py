"""The independent checker of a run's chain of certificates. See README.md beside it."""

from verify.certificates.run_checker.chain import check_run

__all__ = ["check_run"]
