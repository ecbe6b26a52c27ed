"""Writes docs/reference/keys-by-implementation.md: what becomes of each key in a move, in both directions.

python tools/keys.py [--check]
"""

from __future__ import annotations

from pathlib import Path

from generated import run

from nlmon.migrate.options import table

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "keys-by-implementation.md"
HEAD = """# Keys by implementation

What becomes of a key of the [configuration](configuration.md) when a monitor goes to libnl, and when it goes back to
legacy ([how](../how-to/migrate-a-configuration.md)). Every key that is not in this table is `same`. `tools/keys.py`
writes the table from `nlmon/migrate/options.py`.

- `same`: it means what it meant.
- `renamed`: it means the same, with other names of fields.
- `ignored`: it has no effect there.
- `rejected`: a configuration with it is refused there. No key is: what one implementation does not know, it ignores.
- `new`: it has an effect there alone.

| key | to libnl | to legacy | why |
|---|---|---|---|
"""


def files() -> dict[Path, bytes]:
    """The page."""
    rows = [row for row in table() if row.reason]
    lines = (f"| `{row.key}` | {row.to_libnl} | {row.to_legacy} | {row.reason} |\n" for row in rows)
    return {PAGE: (HEAD + "".join(lines)).encode()}


if __name__ == "__main__":
    run(files)
