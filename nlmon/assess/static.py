"""What the text of a configuration says of a move, without any event.

    NLM-I019   an option of libnl keeps events away               note
    NLM-V...   what a rewriting finds, see ``nlmon.migrate``      no go, or note

Not here: what is found in it (``nlmon.migrate``).
"""

from __future__ import annotations

from collections.abc import Iterator

from nlmon.assess.model import Reason, Weight
from nlmon.config import Config
from nlmon.migrate.model import Finding, Rewriting
from nlmon.report.model import Direction

__all__ = ["restrictions", "static_reasons"]


def static_reasons(done: Rewriting, direction: Direction) -> Iterator[Reason]:
    """The reasons that stand in a configuration which was rewritten for a direction."""
    for one in done.findings:
        yield _reason(one, direction)


def restrictions(libnl: Config, direction: Direction, file: str) -> Iterator[Reason]:
    """What keeps events from the monitor of libnl, and none from that of legacy, which has no such options.
    ``libnl``: the configuration that libnl has, or would have."""
    netlink = libnl.netlink
    if netlink.protocols.generic and netlink.generic_families:
        names = ", ".join(netlink.generic_families)
        what = f"netlink.generic_families: libnl has events of {names} alone, and legacy of every generic family"
        yield Reason("NLM-I019", "note", direction, what, file, "leave it out, and both have all")
    if (most := netlink.limits.max_message_size) is not None:
        what = f"netlink.limits.max_message_size: libnl has no events of messages above {most:,} bytes, and legacy has"
        yield Reason("NLM-I019", "note", direction, what, file, "leave it out, and both have all")


def _reason(one: Finding, direction: Direction) -> Reason:
    where = f"{one.file}:{one.line}" if one.line else one.file
    weight: Weight = "no go" if one.severity == "error" else "note"
    return Reason(one.code, weight, direction, one.what, where, one.hint, one.field)
