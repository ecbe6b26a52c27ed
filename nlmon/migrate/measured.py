"""What recordings of a host need of a configuration: families, buffers and limits.

Not here: reading recordings (``nlmon.cli``), and the text of a configuration (``rewrite``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from msgspec import Struct

from nlmon.config.keys import KeyPath, dotted, keys
from nlmon.config.kinds import Items, Size, shown_size
from nlmon.config.model import Config
from nlmon.yamlfile import Path

__all__ = ["BURST", "Measured", "Proposal", "not_enabled", "proposals"]

# A burst is what comes within so many seconds, in which a monitor may be busy with something else.
BURST = 0.1


class Measured(Struct, frozen=True):
    """What recordings hold. ``protocols``: messages by the name of their protocol, as in ``netlink.protocols``;
    ``families``: generic families that were announced by name and whose messages were seen; ``bursts``: bytes of the
    busiest ``BURST`` and ``largest``: bytes of the largest message, each by protocol; ``addresses``: messages about
    addresses."""

    protocols: Mapping[str, int] = {}
    families: tuple[str, ...] = ()
    bursts: Mapping[str, int] = {}
    largest: Mapping[str, int] = {}
    addresses: int = 0


class Proposal(Struct, frozen=True):
    """A key that should have another value: a text, or a list of texts."""

    code: str
    path: KeyPath
    value: Any
    reason: str


def proposals(config: Config, given: Collection[Path], measured: Measured | None) -> Iterator[Proposal]:
    """What libnl should have beyond a configuration, in which the keys ``given`` are written."""
    netlink = config.netlink
    if netlink.protocols.route and not any(path[:2] == ("netlink", "caching") for path in given):
        names = ["link_cache"] + (["addr_cache"] if measured is not None and measured.addresses else [])
        for name in ("enabled", *names):
            yield Proposal("NLM-V003", ("netlink", "caching", name), "true", "libnl can name interfaces from a cache")
    if measured is None:
        return
    path: KeyPath = ("netlink", "generic_families")
    kind = keys()[path].kind
    more = [name for name in measured.families if name not in netlink.generic_families]
    if netlink.protocols.generic and more and isinstance(kind, Items):
        names = [*netlink.generic_families, *more][: kind.most]
        if names != list(netlink.generic_families):
            yield Proposal("NLM-V004", path, names, f"the recording has messages of {', '.join(more)}")
    path, (busy, burst) = ("netlink", "buffer_size", "receive"), _most(config, measured.bursts)
    if burst > netlink.buffer_size.receive:
        reason = f"the recording has {burst:,} bytes of {busy} within {BURST} s"
        yield from _larger("NLM-V005", path, netlink.buffer_size.receive, 2 * burst, reason)
    path, (_, largest) = ("netlink", "limits", "max_message_size"), _most(config, measured.largest)
    if netlink.limits.max_message_size is not None and largest > netlink.limits.max_message_size:
        reason = f"the recording has a message of {largest:,} bytes"
        yield from _larger("NLM-V006", path, netlink.limits.max_message_size, largest, reason)


def not_enabled(config: Config, measured: Measured | None) -> Iterator[tuple[str, int]]:
    """The protocols of a recording that a configuration does not listen to, with their messages."""
    for name, count in sorted(measured.protocols.items()) if measured is not None else ():
        if count and not getattr(config.netlink.protocols, name, True):
            yield name, count


def _most(config: Config, sizes: Mapping[str, int]) -> tuple[str, int]:
    """The protocol with the largest size among those that are listened to."""
    enabled = [(name, size) for name, size in sizes.items() if getattr(config.netlink.protocols, name, False)]
    return max(enabled, key=lambda one: one[1], default=("", 0))


def _larger(code: str, path: KeyPath, now: int, wanted: int, reason: str) -> Iterator[Proposal]:
    """A size that is a power of two and holds what is wanted, as far as the key may have it."""
    kind = keys()[path].kind
    assert isinstance(kind, Size), dotted(path)
    size = min(max(1 << (wanted - 1).bit_length(), kind.least), kind.most)
    if size > now:
        yield Proposal(code, path, shown_size(size).replace(" ", ""), reason)
