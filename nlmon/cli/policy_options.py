"""The options by which a command takes its policy.

Rules:
1. A command has all of them or none, by one decorator, and gets one argument ``policy``.
2. An option that was not given says nothing: the settings file counts, else the default.

Not here: checks (``nlmon.project.settings``), files (``nlmon.settingsfile``), and what a policy means
(``nlmon.report.policy``).
"""

from __future__ import annotations

from functools import reduce, wraps
from pathlib import Path
from typing import Any, cast

import click

from nlmon.cli import complete
from nlmon.cli.common import F

__all__ = ["current_folder", "policy_options"]

_COUNT = click.IntRange(0)
_OPTIONS = (
    click.option(
        "--fail-on",
        multiple=True,
        metavar="WORD",
        help="Also fail on this verdict or class of difference, such as lossy or reordered. Repeatable.",
    ),
    click.option("--strict", is_flag=True, help="Also fail on every warning, such as events in another order."),
    click.option(
        "--min-events",
        type=_COUNT,
        metavar="N",
        help="Events that must have been compared in each capture, else inconclusive.  [default: 1]",
    ),
    click.option(
        "--max-lost",
        type=_COUNT,
        metavar="N",
        help="Messages that may be lost, truncated or not compared, else inconclusive.  [default: 0]",
    ),
    click.option(
        "--require-protocol",
        "require_protocols",
        multiple=True,
        shell_complete=complete.protocols,
        metavar="NAME",
        help="A protocol of which an event must have been compared, else inconclusive. Repeatable.",
    ),
    click.option(
        "--allow",
        multiple=True,
        metavar="NAME",
        help="What may be lost, such as link.altnames, or xfrm_state for whole events; * stands for any. Repeatable.",
    ),
    click.option("--known", metavar="FILE", help="The known differences, which do not fail; '' for none."),
    click.option(
        "--config",
        type=click.Path(path_type=Path, readable=False),
        metavar="FILE",
        help="Settings, instead of the nearest nlmon.toml or pyproject.toml with [tool.nlmon].",
    ),
)


def policy_options(function: F) -> F:
    """``--fail-on``, ``--strict``, ``--min-events``, ``--max-lost``, ``--require-protocol``, ``--allow``, ``--known``,
    ``--config``; give the command a ``Policy``."""

    @wraps(function)
    def command(
        *arguments: Any,
        fail_on: tuple[str, ...],
        strict: bool,
        min_events: int | None,
        max_lost: int | None,
        require_protocols: tuple[str, ...],
        allow: tuple[str, ...],
        known: str | None,
        config: Path | None,
        **options: Any,
    ) -> Any:
        from nlmon.project.settings import load_policy  # noqa: PLC0415  (start-up: --help needs no policy)

        given = {
            "fail_on": fail_on or None,
            "strict": strict or None,
            "min_events": min_events,
            "max_lost": max_lost,
            "require_protocols": require_protocols or None,
            "allow": allow or None,
            "known": known,
        }
        given = {key: value for key, value in given.items() if value is not None}
        return function(*arguments, policy=load_policy(start=current_folder(), config=config, options=given), **options)

    return cast(F, reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), command))


def current_folder() -> Path:
    """The current folder; the root if it was removed, as nothing is above it then."""
    try:
        return Path.cwd()
    except OSError:
        return Path("/")
