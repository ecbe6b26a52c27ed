"""What an implementation gives no events of, or no name of an interface with, where a configuration asks for it.

Not here: fields of filters (``losses``), and who gives what (``nlmon.compare.statement``).
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from nlmon.compare.contract import Contract, Messages
from nlmon.compare.statement import Statement, statement_of
from nlmon.config.model import Config
from nlmon.config.problems import Severity
from nlmon.errors import FilterError
from nlmon.filters.parse import parse
from nlmon.filters.tree import fields_in
from nlmon.migrate.losses import conditions
from nlmon.migrate.model import Implementation
from nlmon.names import PROTOCOLS, message_type
from nlmon.yamlfile import Path

__all__ = ["Absent", "absent"]


class Absent(Struct, frozen=True):
    """Something that a key asks for and an implementation does not give."""

    code: str
    severity: Severity
    path: Path
    field: str
    what: str
    hint: str


def absent(config: Config, to: Implementation, contract: Contract) -> Iterator[Absent]:
    """All that a configuration would ask an implementation for in vain."""
    statement = statement_of(to)
    enabled = {kind: row for kind, row in contract.events.items() if _enabled(config, row)}
    yield from _types(config, statement, enabled)
    nameless = [kind for kind in enabled if kind in statement.events - statement.interfaces]
    if nameless:
        yield from _interfaces(config, to, nameless)


def _types(config: Config, statement: Statement, enabled: dict[str, Messages]) -> Iterator[Absent]:
    """Messages that are kept, and of which there would be none."""
    rows = [(message_type(row.protocol, one), kind) for kind, row in enabled.items() for one in row.types or ()]
    given = {name for name, kind in rows if kind in statement.events}
    missing = {name for name, _ in rows} - given
    for number, name in enumerate(config.monitoring.message_types):
        if name in missing:
            path = ("monitoring", "message_types", number)
            what = f"{statement.name} gives no events of {name}"
            yield Absent("NLM-V023", "error", path, "netlink.msg_type", what, "remove it if the others are enough")


def _interfaces(config: Config, to: Implementation, kinds: list[str]) -> Iterator[Absent]:
    """What looks at the name of an interface, which events of some kinds would lack."""
    events = f"events of {', '.join(kinds)}"
    # Where nothing else is listened to, nothing would be left.
    severity: Severity = "notice" if config.netlink.protocols.route else "error"
    what = f"{to} does not name the interface in {events}"
    for one in conditions(config):
        if one.enabled and "interface" in _fields(one.expression):
            hint = f"compare what {events} carry, too"
            yield Absent("NLM-V024", severity, one.path, "interface", f"{one.noun} compares it: {what}", hint)
    if config.monitoring.interfaces.include:
        path = ("monitoring", "interfaces", "include")
        what = f"only events of some interfaces are kept, and {what}"
        yield Absent("NLM-V024", severity, path, "interface", what, "write a filter instead")


def _fields(expression: str) -> set[str]:
    try:
        return {field.path for field in fields_in(parse(expression).tree)}
    except FilterError:
        return set()


def _enabled(config: Config, row: Messages) -> bool:
    """Whether a configuration listens to the protocol of a kind of events."""
    name = PROTOCOLS.get(row.protocol, "").removeprefix("NETLINK_").lower()
    return bool(getattr(config.netlink.protocols, name, False))
