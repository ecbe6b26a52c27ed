"""What becomes of each key that a configuration gives.

Not here: the table of all keys (``nlmon.migrate.options``).
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from nlmon.assess.model import Option
from nlmon.migrate.model import Implementation
from nlmon.migrate.options import table

__all__ = ["given_options"]

REJECTED = "NLM-I007"


def given_options(
    origins: Mapping[str, str], refused: Mapping[Implementation, Container[str]] | None = None
) -> Iterator[Option]:
    """The keys whose value is no default. ``origins``: of every key; ``refused``: keys that an implementation refuses,
    by its name."""
    not_by = refused or {}
    for one in table():
        origin = origins.get(one.key, "default")
        if origin == "default":
            continue
        wrong = [name for name, keys in not_by.items() if one.key in keys]
        yield Option(
            one.key,
            "rejected" if "libnl" in wrong else one.to_libnl,
            "rejected" if "legacy" in wrong else one.to_legacy,
            REJECTED if wrong else one.rule,
            origin,
            f"{' and '.join(wrong)} would not start with it" if wrong else one.reason,
        )
