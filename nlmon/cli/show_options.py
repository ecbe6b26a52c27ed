"""The options by which a command takes what its report for people shows: ``-v``, ``--show`` and ``--limit``.

Not here: the report (``nlmon.report.pretty``).
"""

from __future__ import annotations

from functools import reduce, wraps
from typing import Any, cast

import click

from nlmon.cli.common import F
from nlmon.report.shown import Shown

__all__ = ["show_options"]


def _classes(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> frozenset[str]:
    """Classes by label or by code, as their labels."""
    if not values:
        return frozenset()
    from nlmon.compare.difference import Class  # noqa: PLC0415  (start-up: --help needs no comparison)

    names = {name: cls.label for cls in Class for name in (cls.label, cls.code.lower())}
    found = [names.get(value.lower()) for value in values]
    for value, label in zip(values, found, strict=True):
        if label is None:
            labels = ", ".join(cls.label for cls in Class)
            raise click.BadParameter(f"{value!r} is no class of differences; there are {labels}, and their codes")
    return frozenset(label for label in found if label is not None)


_OPTIONS = (
    click.option(
        "-v",
        "--verbose",
        is_flag=True,
        help="Name every attribute that not both read, every unannounced change, and every field that one of the two "
        "alone provides.",
    ),
    click.option(
        "--show",
        multiple=True,
        metavar="CLASS",
        callback=_classes,
        help="Show people the differences of this class alone, each by itself, such as conflict or NLD102. Repeatable.",
    ),
    click.option(
        "--limit",
        type=click.IntRange(min=0),
        metavar="N",
        help="Show people at most N kinds of differences, or with --show N differences of a class.  [default: 20]",
    ),
)


def show_options(function: F) -> F:
    """``-v``, ``--show``, ``--limit``; give the command a ``Shown``."""

    @wraps(function)
    def command(*arguments: Any, verbose: bool, show: frozenset[str], limit: int | None, **options: Any) -> Any:
        return function(*arguments, shown=Shown(verbose, show, limit), **options)

    return cast(F, reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), command))
