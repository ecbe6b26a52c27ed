"""What filters and alerts of a configuration would lose with an implementation.

Not here: who provides which field, which the caller says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from msgspec import Struct

from nlmon.config.model import Config
from nlmon.errors import FilterError
from nlmon.filters.fields import Field
from nlmon.filters.meaning import meaning
from nlmon.filters.parse import parse
from nlmon.filters.tree import fields_in, text_of
from nlmon.yamlfile import Path

__all__ = ["Expression", "Loss", "Provided", "conditions", "loss"]

# Whether the implementation that a configuration is rewritten for provides a field.
Provided: TypeAlias = Callable[[Field], bool]
# What says nearly the same, by the path of a field that names what has a number.
_INSTEAD = {
    "netlink.generic.genl_family_name": "netlink.generic.genl_family_id",
    "netlink.generic.nl80211.cmd": "netlink.generic.genl_cmd",
    "netlink.generic.qca_vendor.subcmd": "netlink.generic.genl_cmd",
}


class Expression(Struct, frozen=True):
    """An expression of a configuration. ``path``: of its key; ``noun``: what it is called in a message."""

    path: Path
    noun: str
    expression: str
    enabled: bool


class Loss(Struct, frozen=True):
    """What becomes of a condition without some fields: ``what`` goes on after its name."""

    fields: tuple[str, ...]
    what: str
    hint: str


def conditions(config: Config) -> Iterator[Expression]:
    """Every expression of a configuration."""
    if config.filter:
        yield Expression(("filter",), "the filter", config.filter, True)
    for number, rule in enumerate(config.filters):
        yield Expression(("filters", number, "expression"), f"the filter {rule.name}", rule.expression, rule.enabled)
    for number, alert in enumerate(config.alerts):
        if alert.condition:
            yield Expression(("alerts", number, "condition"), f"the alert {alert.name}", alert.condition, alert.enabled)


def loss(condition: Expression, provided: Provided) -> Loss | None:
    """What a condition would lose; None if nothing, or if it is no filter."""
    try:
        tree = parse(condition.expression).tree
    except FilterError:
        return None
    left = meaning(tree, provided)
    if left == tree:
        return None
    lacking = tuple(field.path for field in fields_in(tree) if not provided(field))
    instead = next((f"compare {_INSTEAD[path]}" for path in lacking if path in _INSTEAD), "")
    if isinstance(left, bool):
        what = f"would match {'every event' if left else 'nothing'}"
        return Loss(lacking, what, f"{instead or 'write it with other fields'}, or remove it")
    rest = f"write {text_of(left)} if that is enough"
    return Loss(lacking, "would match other events", f"{instead}, or {rest}" if instead else rest)
