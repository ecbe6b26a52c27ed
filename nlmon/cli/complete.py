"""What a shell is offered for an option or an argument whose values are names: those that begin as what was typed.

Rules:
1. A module is imported when its names are asked for: a shell waits.

Not here: how a shell asks (``completion``), files and choices (click), and filters (``where``).
"""

from __future__ import annotations

from collections.abc import Iterable

import click

from nlmon.errors import NlmonError

__all__ = ["VARIABLE", "codes", "groups", "implementations", "protocols"]

# The variable of the environment by which the script of a shell asks.
VARIABLE = "_NLMON_COMPLETE"


def protocols(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Protocols that an implementation reads."""
    from nlmon.backends.registry import READS  # noqa: PLC0415
    from nlmon.names import PROTOCOLS  # noqa: PLC0415

    numbers = sorted({number for reads in READS.values() for number in reads})
    return _beginning((PROTOCOLS[number].removeprefix("NETLINK_").lower() for number in numbers), incomplete)


def implementations(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of implementations."""
    from nlmon.backends.registry import BACKENDS, EVENTS, LIVE, PROGRAM  # noqa: PLC0415
    from nlmon.harness.named import configured  # noqa: PLC0415

    try:
        programs = tuple(configured())
    except NlmonError:  # whoever runs the command sees it
        programs = ()
    beside = {"replay": (EVENTS, LIVE), "live": (LIVE,), "run": (EVENTS, LIVE)}.get(ctx.info_name or "", ())
    return _beginning((*BACKENDS, *programs, PROGRAM, *beside), incomplete)


def groups(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Multicast groups that are joined on request."""
    from nlmon.backends.groups import EXTRA_GROUPS  # noqa: PLC0415

    return _beginning(EXTRA_GROUPS, incomplete)


def codes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Codes and words that are explained, and their groups."""
    from nlmon.explain import GROUPS, in_group  # noqa: PLC0415

    names = (name for group in GROUPS for one in in_group(group.name) for name in (group.name, *one.names))
    begun = incomplete.casefold()
    return sorted({name for name in names if name.casefold().startswith(begun) and " " not in name})


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete.lower())]
