"""Writes the tables of docs/reference/configuration.md, of every key, and of the differences from the C program.

    python tools/configuration.py [--check]

The keys are taken from the model of ``nlmon.config``, the differences from fixtures/config/vectors.toml. What stands
outside of the marks is written by hand.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

from generated import run
from msgspec import Struct

from nlmon.config import unused
from nlmon.config.keys import Key, dotted, keys, keys_of, sections
from nlmon.config.kinds import Items, Kind, Records, Size, shown_size
from nlmon.config.model import Config
from nlmon.config.names import ALIASES, variables

REPOSITORY = Path(__file__).parent.parent
PAGE = REPOSITORY / "docs" / "reference" / "configuration.md"
VECTORS = REPOSITORY / "fixtures" / "config" / "vectors.toml"
MARK = re.compile(r"(<!-- (\w+): tools/configuration.py -->\n).*?(<!-- end -->)", re.DOTALL)


def files() -> dict[Path, bytes]:
    """The page with its tables."""
    text = PAGE.read_text(encoding="utf-8")
    return {PAGE: MARK.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n{found[3]}", text).encode()}


def key_tables() -> str:
    """Tables of all that has an effect."""
    return "\n".join(tables(lambda section: section.__module__ != unused.__name__))


def unused_tables() -> str:
    """Tables of all that has none."""
    return "\n".join(tables(lambda section: section.__module__ == unused.__name__))


def tables(wanted: Callable[[type[Struct]], bool]) -> Iterator[str]:
    """A table for each section that is wanted, and for each list of mappings."""
    for path, section in sections().items():
        own = [key for key in keys().values() if key.path[:-1] == path and (path or wanted(holder(key)))]
        if own and (wanted(section) or not path):
            yield table(dotted(path) or "At the top", (section.__doc__ or "") if path else "", own)
    for key in keys().values():
        if isinstance(key.kind, Records) and wanted(key.kind.item):
            yield table(f"Items of {key.name}", key.kind.item.__doc__ or "", list(keys_of(key.kind.item).values()))


def holder(key: Key) -> type[Struct]:
    """The class that says whether a key at the top has an effect: that of its items, if it has them."""
    return key.kind.item if isinstance(key.kind, Records) else Config


def table(heading: str, text: str, rows: list[Key]) -> str:
    """A heading, what the section is for, and its keys."""
    lines = "".join(map(row, rows))
    about = f"{text}\n\n" if text else ""
    return f"### {heading}\n\n{about}| key | type | default | allowed | |\n|---|---|---|---|---|\n{lines}"


def row(key: Key) -> str:
    """One key."""
    return f"| `{key.path[-1]}` | {kind(key.kind)} | {default(key)} | {key.kind.allowed} | {key.meaning} |\n"


def kind(one: Kind) -> str:
    """The name of a kind, with what a list holds."""
    return f"list of {one.item.name}" if isinstance(one, Items) else one.name


def default(key: Key) -> str:
    """A default as it would be written; nothing for what must be given or is nothing."""
    if key.required:
        return "must be given"
    if key.default in (None, "", ()):
        return ""
    if isinstance(key.default, bool):
        return f"`{str(key.default).lower()}`"
    return f"`{shown_size(key.default) if isinstance(key.kind, Size) else key.default}`"


def alias_table() -> str:
    """Other names of sections and keys."""
    lines = "".join(f"| `{dotted(alias)}` | `{dotted(path)}` |\n" for alias, path in ALIASES.items())
    return f"| what stands at | is |\n|---|---|\n{lines}"


def variable_table() -> str:
    """Variables that are not the path of their key in capitals."""
    short = [(name, path) for name, (path, rank) in variables().items() if rank == 2]
    lines = "".join(f"| `{name}` | `{dotted(path)}` |\n" for name, path in short)
    return f"| variable | key |\n|---|---|\n{lines}"


def difference_table() -> str:
    """What each configuration that the C program was given comes to, here and there."""
    vectors = tomllib.loads(VECTORS.read_text(encoding="utf-8"))["vector"]
    lines = "".join(f"| {one['file']} | {one['shows']} | {one['nlmon']} | {one['c']} |\n" for one in vectors)
    return f"| configuration | shows | nlmon | the C program |\n|---|---|---|---|\n{lines}"


TABLES: dict[str, Callable[[], str]] = {
    "keys": key_tables,
    "unused": unused_tables,
    "aliases": alias_table,
    "variables": variable_table,
    "differences": difference_table,
}


if __name__ == "__main__":
    run(files)
