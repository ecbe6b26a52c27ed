"""Options of an implementation: values that are checked when they are made.

Not here: reading them from a file or a command line.
"""

from __future__ import annotations

import math
from typing import Literal, NoReturn, TypeAlias, get_args

from msgspec import Struct

from nlmon.errors import UsageError

__all__ = ["BackendOptions"]

PoolPolicy: TypeAlias = Literal["wait", "oldest", "newest"]


# The largest one of a buffer, which is an int in C.
_MOST = (1 << 31) - 1
_NAMES = ("generic_families", "extra_groups", "caches")
# The least value of the options that have one; 16 bytes is an nlmsghdr. None, where it is allowed, sets no value.
_LEAST = {
    "receive_buffer": 0,
    "send_buffer": 0,
    "cache_size": 1,
    "resync_interval": 0,
    "resync_quiet": 0,
    "max_message_size": 16,
    "message_pool_size": 1,
    "layouts": 0,
}


class BackendOptions(Struct, frozen=True):
    """Inputs of a backend. Sizes in bytes, 32 KiB is the guide's default, None leaves the kernel's.

    For libnl alone: ``generic_families`` names the families whose groups are joined, None joins all there are;
    ``extra_groups`` names rtnetlink's neighbouring groups (``tc``, ``nexthop``, ``nsid``, ``prefix``, ``mdb``,
    ``netconf``, ``stats``). ``caches``: any of ``link``, ``addr``, ``route``; at most ``cache_size`` objects each,
    filled again when older than ``cache_ttl`` seconds. ``resync``: after a loss, dump and deliver what changed as
    synthetic events, at most once in ``resync_interval`` seconds, and not before nothing came for ``resync_quiet``
    seconds, since dumps in the middle of a burst cost more of it (a burst of more than ten seconds is not waited for);
    keeps a table of all that was delivered. What failed is tried again after a second at least, and what was
    interrupted three times more. ``max_message_size``: larger messages, in bytes, are refused and reported.
    ``message_pool_size``: so many datagrams are read ahead of their delivery; when the pool is full, ``pool_policy``
    says whether the kernel's buffer must wait, or the oldest or newest datagram is dropped, counted, and reported like
    an overrun. ``layouts``: for so many kinds of messages functions of their own are kept, which read what repeats
    itself faster; 0: none, every message is read by its policy. Legacy ignores all of these.

    A value that means nothing raises ``UsageError``, whichever implementation it is for."""

    receive_buffer: int | None = 32768
    send_buffer: int | None = 32768
    generic_families: tuple[str, ...] | None = None
    extra_groups: tuple[str, ...] = ()
    caches: tuple[str, ...] = ()
    cache_size: int = 65536
    cache_ttl: float | None = None
    resync: bool = False
    resync_interval: float = 1.0
    resync_quiet: float = 0.0
    max_message_size: int | None = None
    message_pool_size: int | None = None
    pool_policy: PoolPolicy = "wait"
    layouts: int = 1024

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float) and value >= least):
                _refuse(name, value, f"{least} or more")
        for name in ("receive_buffer", "send_buffer"):
            if (getattr(self, name) or 0) > _MOST:
                _refuse(name, getattr(self, name), f"at most {_MOST}")
        for name in _NAMES:
            value = getattr(self, name)
            none = value is None and name == "generic_families"
            if not none and not (isinstance(value, tuple | list) and all(isinstance(one, str) for one in value)):
                _refuse(name, value, "a tuple of names")
        if self.cache_ttl is not None and not 0 < self.cache_ttl < math.inf:
            _refuse("cache_ttl", self.cache_ttl, "more than 0 seconds")
        for name in ("resync_interval", "resync_quiet"):
            if not getattr(self, name) < math.inf:
                _refuse(name, getattr(self, name), "a number of seconds")
        if self.pool_policy not in get_args(PoolPolicy):
            _refuse("pool_policy", self.pool_policy, ", ".join(get_args(PoolPolicy)))


def _refuse(name: str, value: object, allowed: str) -> NoReturn:
    raise UsageError("NLM-B012", f"the option {name} cannot be {value!r}", hint=f"allowed: {allowed}")
