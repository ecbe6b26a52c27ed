"""What each key of a configuration means to each implementation: one row for every key, in both directions.

Rules:
1. A class is of a direction: what becomes of the key when a monitor goes to that implementation.
2. A key of the model that no row names is the same for both.

Not here: the keys themselves (``nlmon.config.model``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from nlmon.config.keys import KeyPath, keys
from nlmon.config.rules import LIBNL_ONLY
from nlmon.config.unused import IDLE, UNUSED
from nlmon.migrate.model import Implementation

__all__ = ["KeyTreatment", "Treatment", "table"]

# ``same``: it means what it meant; ``renamed``: it means the same, with other names of fields; ``ignored``: it has no
# effect there; ``rejected``: a configuration with it is refused there; ``new``: it has an effect there alone.
Treatment: TypeAlias = Literal["same", "renamed", "ignored", "rejected", "new"]

_EXPRESSIONS: tuple[KeyPath, ...] = (("filter",), ("filters",), ("alerts",))
# Keys of one implementation beside those of ``LIBNL_ONLY``, which a move leaves where they are.
_OF_ONE: Mapping[KeyPath, Implementation] = {
    ("logging", "modules", "libnl"): "libnl",
    ("logging", "modules", "legacy"): "legacy",
}
_FOR_INFORMATION: tuple[KeyPath, ...] = (("netlink", "multicast_groups"),)
# Sections of which no key has an effect under either.
_IDLE = (("cli",), ("web",), ("plugins",), ("export", "database"), ("integration",))


class KeyTreatment(Struct, frozen=True):
    """A key, and what becomes of it in each direction; ``reason``: why that is no ``same``, empty if it is;
    ``rule``: its code."""

    key: str
    to_libnl: Treatment
    to_legacy: Treatment
    reason: str = ""
    rule: str = "NLM-I001"


def table() -> Iterator[KeyTreatment]:
    """A row for every key, in the order of the model."""
    for path, key in keys().items():
        yield KeyTreatment(key.name, *_standing(path))


def _standing(path: KeyPath) -> tuple[Treatment, Treatment, str, str]:
    if path in _EXPRESSIONS:
        return "renamed", "renamed", "fields have other names in the events of each", "NLM-I002"
    if path in _FOR_INFORMATION:
        return "ignored", "ignored", "it is for information alone; a rollback removes it", "NLM-I003"
    if any(path[: len(option)] == option for option in LIBNL_ONLY):
        return "new", "ignored", "libnl alone has it; a rollback removes it", "NLM-I004"
    if path in _OF_ONE:
        to_libnl: Treatment = "new" if _OF_ONE[path] == "libnl" else "ignored"
        to_legacy: Treatment = "ignored" if to_libnl == "new" else "new"
        return to_libnl, to_legacy, f"it is the level of what {_OF_ONE[path]} says", "NLM-I005"
    if path in IDLE or path in UNUSED or any(path[: len(section)] == section for section in _IDLE):
        return "ignored", "ignored", "the monitor has no use for it, whatever the implementation", "NLM-I006"
    return "same", "same", "", "NLM-I001"
