"""What an implementation gave, looked at for its form before anything else reads it.

Rules:
1. A value is a number of at most 64 bits, a text that can be written, a truth value, nothing, bytes, or a tuple or a
   structure of ``nlmon.events`` of these; of that very type, since another one may do anything when it is compared,
   hashed or printed. Whether it is the right type for its field is compared, and not asked here.
2. What does not fit is a ``TypeError`` that names no value. It is raised where the implementation gave it, so that it
   counts as an exception of the implementation.

Not here: which implementations are looked at, and when (``lane``, ``recorded``).
"""

from __future__ import annotations

from collections.abc import Iterable
from types import NoneType
from typing import Any

from msgspec import Struct, UnsetType, structs

from nlmon.errors import DecodeError, NlmonError
from nlmon.events import Event

__all__ = ["check_error", "check_event", "check_values"]

# Values that hold no others, and whose form is their type.
_PLAIN = {bool, float, bytes, NoneType, UnsetType}
# What the modules of our structures are called.
_OURS = "nlmon.payloads."
# Numbers as JSON can hold them.
LEAST, MOST = -(2**63), 2**64 - 1
# Structures stand in each other no deeper than this.
DEEPEST = 16
# The fields of errors that somebody reads, by what they must be.
_TEXTS = ("code", "what", "where", "why", "hint", "kind", "path", "ext_ack")
_NUMBERS = ("frame", "offset", "errno", "drops")


def check_event(event: object, *, ours: bool = False) -> None:
    """Raise ``TypeError`` for what is no event, or one with something in it that is no value. ``ours``: who gave it is
    known to give values only."""
    if not isinstance(event, Event):
        raise TypeError(f"a {type(event).__name__} was given for an event")
    head: Any = event  # whatever its annotations say
    # Each event comes by here: a loop over the names would cost three times as much.
    if not (
        type(head.offset) is type(head.frame) is type(head.msg_type) is type(head.msg_flags) is int
        and head.offset >= 0
        and type(head.synthetic) is bool
        and type(head.type) is str
    ):
        raise TypeError("an event was given whose head has something else for a number")
    if not ours:
        check_values(structs.astuple(event))


def check_error(error: object) -> None:
    """Raise ``TypeError`` for what is no error of ours, or one of a datagram without its place, or with something in it
    that is no text or no number."""
    if not isinstance(error, NlmonError):
        raise TypeError(f"a {type(error).__name__} was given for an error")
    if isinstance(error, DecodeError) and not (type(error.frame) is type(error.offset) is int):
        raise TypeError(f"a {type(error).__name__} was given without its place")
    for names, kind in ((_TEXTS, str), (_NUMBERS, int)):
        found = [getattr(error, name) for name in names if hasattr(error, name)]
        if not all(type(one) is kind for one in found):
            raise TypeError(f"a {type(error).__name__} was given with something else for a text or a number")
        check_values(found)
    check_values([str(error)])


def check_values(values: Iterable[Any], depth: int = 0) -> None:
    """Raise ``TypeError`` for what is no value, or for one inside of one."""
    for value in values:
        kind = type(value)
        if kind in _PLAIN:
            continue
        if kind is int:
            if not LEAST <= value <= MOST:
                raise TypeError("a number was given of more than 64 bits")
        elif kind is str:
            if not value.isascii():
                _check_text(value)
        elif depth >= DEEPEST:
            raise TypeError("a value was given in which values stand too deep")
        elif kind is tuple:
            check_values(value, depth + 1)
        elif isinstance(value, Struct) and kind.__module__.startswith(_OURS):
            check_values(structs.astuple(value), depth + 1)
        else:
            raise TypeError(f"a {kind.__name__} was given for a value")


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise TypeError("a text was given that is no Unicode") from None
