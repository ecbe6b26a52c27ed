"""Other names of keys: in files, and in the environment.

Rules:
1. A key has one canonical path, that of ``model``. What stands at another name of it is the same key.
2. Every key but those that are lists of mappings is read from ``NLMON_`` and its path in capitals with ``_`` between
   its parts, whichever of its names the path is; ``SHORT`` are further ones. Of several, the canonical path wins, then
   another path, then a short name.

Not here: what the environment holds (``environment``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from msgspec.structs import fields

from nlmon.config.keys import KeyPath, keys
from nlmon.config.kinds import Records
from nlmon.config.model import Config, Netlink

__all__ = [
    "ALIASES",
    "FILE_VARIABLE",
    "PREFIX",
    "RESERVED",
    "SHORT",
    "USE_LIBNL",
    "canonical",
    "misplaced",
    "variables",
]

PREFIX = "NLMON_"
# The key that says which implementation.
USE_LIBNL = "netlink.use_libnl"
# Names that tests use for themselves; whatever they say, it is no configuration.
RESERVED = "NLMON_TEST_"
# It names a file, and is no key of one.
FILE_VARIABLE = "NLMON_CONFIG"

# What stands under the first is the key, or the section, that the second names.
ALIASES: Mapping[KeyPath, KeyPath] = {
    ("output",): ("export",),
    ("metrics",): ("export", "prometheus"),
    ("integration", "syslog"): ("export", "syslog"),
    ("core", "log_level"): ("logging", "level"),
    ("export", "syslog", "priority"): ("export", "syslog", "severity"),
}
SHORT: Mapping[str, KeyPath] = {
    "NLMON_BUFFER_SIZE": ("core", "buffer_size"),
    "NLMON_MAX_EVENTS": ("core", "max_events"),
    "NLMON_RATE_LIMIT": ("core", "rate_limit"),
    "NLMON_WORKER_THREADS": ("core", "worker_threads"),
    "NLMON_USE_LIBNL": ("netlink", "use_libnl"),
    "NLMON_LOG_LEVEL": ("logging", "level"),
    "NLMON_PLUGIN_DIR": ("plugins", "directory"),
}
_TOP = {field.name for field in fields(Config)}
_NETLINK = {field.name for field in fields(Netlink)}


def misplaced(path: KeyPath) -> bool:
    """Whether a path begins with a key of netlink that stands beside netlink instead of under it."""
    return bool(path) and path[0] in _NETLINK - _TOP


def canonical(path: KeyPath) -> KeyPath:
    """The path of the key or section that stands at ``path``."""
    if misplaced(path):
        path = ("netlink", *path)
    while True:
        other = next((one for one in ALIASES if path[: len(one)] == one), None)
        if other is None:
            return path
        path = (*ALIASES[other], *path[len(other) :])


@cache
def variables() -> Mapping[str, tuple[KeyPath, int]]:
    """By the name of a variable the key that it gives, and its rank: what has a lower one wins."""
    named = {path for path, key in keys().items() if not isinstance(key.kind, Records)}
    found = {_variable(path): (path, 0) for path in named}
    for path in named:
        for other in _others(path):
            found.setdefault(_variable(other), (path, 1))
    for name, path in SHORT.items():
        found.setdefault(name, (path, 2))
    return found


def _others(path: KeyPath) -> Iterator[KeyPath]:
    """The other paths of a key. One may be of two aliases, such as output.syslog.priority."""
    for alias, target in ALIASES.items():
        if path[: len(target)] == target:
            other = (*alias, *path[len(target) :])
            yield other
            yield from _others(other)


def _variable(path: KeyPath) -> str:
    return PREFIX + "_".join(path).upper()
