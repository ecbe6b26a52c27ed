"""Looks policies up in pyroute2's message definitions: attribute numbers and the fixed header.

pyroute2 describes each message as a class with ``fields`` (the fixed header as struct codes) and ``nla_map``
(attribute names in order of their numbers, or with explicit ones); a nested attribute is a class of its own.

Not here: pyroute2's decoder, which is never called.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from nlmon.backends.libnl.policies import Policy
from nlmon.errors import InternalError

__all__ = ["definition", "header_codes", "numbers"]


def definition(policy: Policy) -> Any:
    """pyroute2's class for a message; imported when first asked for, since it is a large package."""
    module, _, name = policy.definition.partition(":")
    return getattr(import_module(module), name)


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
