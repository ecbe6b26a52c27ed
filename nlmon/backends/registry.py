"""Implementations by name, loaded when they are asked for.

Not here: what an implementation is (``base``).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.errors import UsageError
from nlmon.transport.base import TransportFactory
from nlmon.uapi import (
    NETLINK_AUDIT,
    NETLINK_GENERIC,
    NETLINK_NETFILTER,
    NETLINK_ROUTE,
    NETLINK_SOCK_DIAG,
    NETLINK_XFRM,
)

__all__ = [
    "BACKENDS",
    "EVENTS",
    "LIVE",
    "PROGRAM",
    "READS",
    "backend_class",
    "brought",
    "choices",
    "create",
    "is_known",
    "is_log",
    "is_program_beside",
    "is_without_bytes",
    "protocol_names",
    "reads_of",
    "refuse_program",
    "refuse_unknown",
    "refuse_without_bytes",
]

# A program of its own adds an implementation to both before it runs a command.
BACKENDS: dict[str, str] = {
    "legacy": "nlmon.backends.legacy:LegacyBackend",
    "libnl": "nlmon.backends.libnl:LibnlBackend",
}

# What the name of an implementation begins with that is a program: behind it stands its command.
PROGRAM: Final = "exec:"
# A log that a program wrote, and a program that runs beside: what they give has no bytes.
EVENTS: Final = "events:"
LIVE: Final = "live:"
# What makes an implementation of a program; it is called as an implementation is, with the name before.
_PROGRAMS = "nlmon.harness.named:create_program"
_CONFIGURED = "nlmon.harness.named:is_configured"
_ALL_CONFIGURED = "nlmon.harness.named:configured"

_OURS = frozenset(BACKENDS)
# The protocols that each reads, which is known without loading it.
READS: dict[str, tuple[int, ...]] = {
    "legacy": (NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_NETFILTER, NETLINK_GENERIC),
    "libnl": (
        *(NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_XFRM, NETLINK_AUDIT, NETLINK_NETFILTER),
        NETLINK_GENERIC,
    ),
}


def protocol_names() -> str:
    """Every protocol that an implementation reads, as options take them."""
    from nlmon.names import PROTOCOLS  # noqa: PLC0415  (start-up: only a hint needs them)

    numbers = {number for reads in READS.values() for number in reads}
    *names, last = (PROTOCOLS[number].removeprefix("NETLINK_").lower() for number in sorted(numbers))
    return f"{', '.join(names)} or {last}"


def brought() -> list[str]:
    """The names of implementations that a program has added."""
    return [name for name in BACKENDS if name not in _OURS]


def create(name: str, transports: TransportFactory, options: BackendOptions | None = None) -> Backend:
    """The implementation called ``name``: one in ``BACKENDS``, ``exec:COMMAND``, or a program that the settings name.
    Raises ``UsageError`` for a name that there is not, ``HarnessError`` for a program that cannot be started."""
    refuse_unknown(name)
    refuse_without_bytes(name)
    if name in BACKENDS:
        return backend_class(name)(transports, options)
    made: Backend = _loaded(_PROGRAMS)(name, transports, options)
    return made


def backend_class(name: str) -> type[Backend]:
    """The class of the implementation called ``name``; raises ``UsageError`` for a name that is not in ``BACKENDS``."""
    refuse_program(name)
    found: type[Backend] = _loaded(BACKENDS[name])
    return found


def is_known(name: str) -> bool:
    """Whether an implementation has this name."""
    return name in BACKENDS or name.startswith((PROGRAM, EVENTS, LIVE)) or bool(_loaded(_CONFIGURED)(name))


def reads_of(name: str) -> tuple[int, ...] | None:
    """The protocols that an implementation reads; None where only the program itself says it."""
    return READS.get(name)


def refuse_unknown(name: str) -> None:
    """Raise ``UsageError`` for a name that no implementation has."""
    if not is_known(name):
        raise UsageError("NLM-B003", f"no implementation is called {name!r}", hint=f"choose {choices()}")


def refuse_program(name: str) -> None:
    """Raise ``UsageError`` for a name that no implementation has, or that is that of a program."""
    if name not in BACKENDS:
        refuse_unknown(name)
        what = f"{name} is a program, of which nlmon knows only what it answers"
        raise UsageError("NLM-N021", what, hint="choose " + " or ".join(BACKENDS))


def choices() -> str:
    """What can be named, for people. Raises ``InputError`` for settings that cannot be read."""
    named = ", ".join((*BACKENDS, *_loaded(_ALL_CONFIGURED)()))
    return f"{named}, {PROGRAM}COMMAND, {EVENTS}FILE or {LIVE}COMMAND"


def is_log(name: str) -> bool:
    """Whether an implementation is a log of events (``events:FILE``)."""
    return name.startswith(EVENTS)


def is_program_beside(name: str) -> bool:
    """Whether an implementation is a program that runs beside and prints events (``live:COMMAND``)."""
    return name.startswith(LIVE)


def is_without_bytes(name: str) -> bool:
    """Whether what an implementation gives has no bytes: a log, or what a program prints."""
    return is_log(name) or is_program_beside(name)


def refuse_without_bytes(name: str) -> None:
    """Raise ``UsageError`` (NLM-N051) for what decodes no bytes, where these are to be decoded."""
    if is_log(name):
        hint = "nlmon replay CAPTURE -i libnl --against events:FILE, or a scenario that has a capture"
        raise UsageError("NLM-N051", "a log stands for an implementation only where a recording is replayed", hint=hint)
    if is_program_beside(name):
        hint = "nlmon live -i libnl --against live:COMMAND, or nlmon replay CAPTURE with the same"
        what = "a program that prints events stands for an implementation only where two are compared"
        raise UsageError("NLM-N051", what, hint=hint)


def _loaded(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)
