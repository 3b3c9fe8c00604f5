"""Who computes: processes of this machine, or workers of a scheduler."""

from __future__ import annotations

import click

from verify.outcomes import InputError

scheduler_option = click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Dask scheduler whose workers compute, in place of processes: tcp://host:port.",
)


def chosen_workers(workers: int | None, scheduler: str | None) -> int | str | None:
    """Return what `verify.workers.results` takes, or None where nothing was chosen.

    Raises
    ------
    InputError
        If both were, or the address is none.
    """
    if scheduler is None:
        return workers
    from verify.workers import check_workers

    if workers is not None:
        raise InputError(
            "a scheduler has its own workers", scheduler=scheduler, workers=workers, remedy="leave out one of the two"
        )
    return check_workers(scheduler)
