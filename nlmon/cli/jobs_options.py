"""What ``--jobs`` and ``--executor`` take, wherever they are: numbers of processes, and addresses of clusters.

Not here: the processes (``spread``, ``nlmon.jobs``).
"""

from __future__ import annotations

import click

__all__ = ["cluster_address", "number_of_jobs"]


def number_of_jobs(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    """A number of processes, 0 for one per CPU; None where nothing was given."""
    if value is None:
        return None
    if value == "auto":
        return 0
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise click.BadParameter(f"{value!r} is no number of processes; try 4, or auto for one per CPU")
    return int(value)


def cluster_address(_: click.Context, __: click.Parameter, value: str | None) -> str:
    """The address of a dask scheduler; empty where nothing was given."""
    kind, _colon, address = (value or "").partition(":")
    if value is not None and (kind != "dask" or not address):
        raise click.BadParameter(f"{value!r} is no executor; try dask:tcp://HOST:8786, the address of a dask scheduler")
    return address
