"""Writes what is made from tables into docs/reference/filters.md: fields, other names, and vectors that differ.

    python tools/filters.py [--check]

What stands above the first of these tables is written by hand.
"""

from __future__ import annotations

from pathlib import Path

from generated import run

from nlmon.cli.filter_provided import field_row
from nlmon.filters.fields import ALIASES, FIELDS

REPOSITORY = Path(__file__).parent.parent
PAGE = REPOSITORY / "docs" / "reference" / "filters.md"
VECTORS = REPOSITORY / "fixtures" / "vectors"
NAMES = ("legacy", "libnl")
FIRST = "## Fields\n"


def files() -> dict[Path, bytes]:
    """The page."""
    by_hand = PAGE.read_text(encoding="utf-8").partition(FIRST)[0]
    return {PAGE: (by_hand + FIRST + fields() + aliases() + vectors()).encode()}


def fields() -> str:
    """A row for each field: the type of its values, the table of their names, and who provides it."""
    lines = [
        "",
        "The path of a field is where `nlmon decode` prints it; `data.` may stand behind `netlink.`.",
        "`nlmon filter fields` prints this table.",
        "",
        f"| field | type | names | {' | '.join(NAMES)} |",
        f"|---|---|---|{'---|' * len(NAMES)}",
    ]
    for field in FIELDS.values():
        row = field_row(field, NAMES)
        said = [row.limits.get(name, "yes") if row.provided[name] else "no" for name in NAMES]
        kind = f"{row.type}, many" if row.many else row.type
        lines.append(f"| `{row.path}` | {kind} | {row.names} | {' | '.join(said)} |")
    return "\n".join(lines) + "\n"


def aliases() -> str:
    """A row for each other name."""
    head = "\n## Other names\n\n| name | field |\n|---|---|\n"
    return head + "".join(f"| `{name}` | `{path}` |\n" for name, path in ALIASES.items())


def vectors() -> str:
    """A row for each vector that the C monitor makes something else of."""
    lines = [
        "",
        "## Where the C monitor differs",
        "",
        "Its answers were observed on a link, an address, a socket and an event without a payload; `1` is a match.",
        "",
        "| expression | nlmon | the C monitor | why |",
        "|---|---|---|---|",
    ]
    observed = (VECTORS / "filter-observed.txt").read_text(encoding="utf-8").splitlines()
    documented = (VECTORS / "filter-documented.tsv").read_text(encoding="utf-8").splitlines()
    for row, line in zip(documented, observed, strict=True):
        expression, result, why = row.split("\t")
        if why:
            cells = f"`{expression}`".replace("|", "\\|"), _shown(result), _shown(line[len(expression) :].strip()), why
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _shown(result: str) -> str:
    if result.startswith("link="):
        return " ".join(part.partition("=")[2] for part in result.split())
    return "refused" if "ERROR" in result else f"refused ({result})"


if __name__ == "__main__":
    run(files)
