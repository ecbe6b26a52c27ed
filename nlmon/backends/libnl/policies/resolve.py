"""Looks policies up in pyroute2's message definitions: attribute numbers and the fixed header.

pyroute2 describes each message as a class with ``fields`` (the fixed header as struct codes) and ``nla_map``
(attribute names in order of their numbers, or with explicit ones); a nested attribute is a class of its own.

Not here: pyroute2's decoder, which is never called.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from nlmon.backends.libnl.policies import Policy
from nlmon.errors import InternalError

__all__ = ["definition", "header_codes", "numbers"]

# Modules that other systems than Linux may lack.
POSIX = ("fcntl", "resource", "pwd", "grp", "termios")


def definition(policy: Policy) -> Any:
    """pyroute2's class for a message; imported when first asked for, since it is a large package."""
    module, _, name = policy.definition.partition(":")
    with _importable():
        return getattr(import_module(module), name)


class _Absent(ModuleType):
    """Stands for a module of the standard library that this system lacks: every name is there, none of use."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return NotImplemented


@contextmanager
def _importable() -> Iterator[None]:
    """Let pyroute2 be imported on every system: it imports these for sockets and processes, which are not used here."""
    absent = _absent()
    sys.modules.update(absent)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


@cache
def _absent() -> Mapping[str, ModuleType]:
    """What stands for each module that this system lacks."""
    return {name: _Absent(name) for name in POSIX if not _is_there(name)}


def _is_there(name: str) -> bool:
    try:
        import_module(name)
    except ImportError:
        return False
    return True


def header_codes(policy: Policy) -> tuple[str, ...]:
    """Struct codes of the fixed header, padding included."""
    return tuple(policy.header) or tuple(code for _, code in definition(policy).fields)


def numbers(policy: Policy) -> dict[str, tuple[int, ...]]:
    """Attribute numbers of each path of a policy, outermost first. Raises ``InternalError`` for a path that this
    pyroute2 does not know."""
    message = definition(policy) if policy.definition else None
    found = {}
    for row in policy.attributes:
        where, path = message, []
        for name in row.path.split("/"):
            known = _names(where)
            if name in policy.numbers:
                path.append(policy.numbers[name])
                continue
            if name not in known:
                raise InternalError("NLM-B010", f"pyroute2 does not know {name}", where=policy.definition)
            number, kind = known[name]
            path.append(number)
            where = getattr(where, kind, None)
        found[row.path] = tuple(path)
    return found


def _names(message: Any) -> dict[str, tuple[int, str]]:
    """Number and kind by name; rows are (name, kind) in order or (number, name, kind)."""
    found = {}
    for position, row in enumerate(getattr(message, "nla_map", ())):
        number, name, kind = row if isinstance(row[0], int) else (position, row[0], row[1])
        found[name] = (number, str(kind).lstrip("*"))
    return found
