"""Compares the tables of attributes with the UAPI headers that are installed, and says what only one side has.

python tools/attributes.py [FOLDER]

FOLDER is /usr/include/linux if it is not given (Debian: linux-libc-dev). What is only in the headers belongs into
``nlmon/names/header-attributes.tsv``; what is only here is newer than the headers, or in none. Exit code 1: a name has
two numbers.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from nlmon.names.attributes import attributes, sets

HEADERS = Path("/usr/include/linux")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
ENUM = re.compile(r"\benum\b\s*\w*\s*\{(.*?)\}", re.DOTALL)
INTEGER = re.compile(r"\b(0x[0-9a-fA-F]+|\d+)[uUlL]+\b")
NO_ATTRIBUTE = ("UNSPEC", "UNDEFINED", "NONE", "INVALID", "UNUSED")


def enumerations(text: str) -> Iterator[dict[str, int]]:
    """The names and numbers of each enumeration of a header, up to the name that counts them (``__IFLA_MAX``)."""
    for body in ENUM.findall(COMMENT.sub("", text)):
        found: dict[str, int] = {}
        value = -1
        lines = "\n".join(line for line in body.splitlines() if not line.lstrip().startswith("#"))
        for item in filter(None, map(str.strip, lines.split(","))):
            name, _, expression = (part.strip() for part in item.partition("="))
            try:
                if expression:
                    value = found[expression] if expression in found else number(expression)
                else:
                    value += 1
            except ValueError:
                break
            if name.startswith("__"):
                if value > 0:
                    break
                continue
            if not name.startswith("NUM_"):
                found[name] = value
        yield {name: value for name, value in found.items() if value or not name.endswith(NO_ATTRIBUTE)}


def number(expression: str) -> int:
    """The value of a C integer. Raises ``ValueError`` for anything else."""
    value = ast.literal_eval(INTEGER.sub(r"\1", expression)) if re.fullmatch(r"[\w]+", expression) else None
    if not isinstance(value, int):
        raise ValueError(expression)
    return value


def compare(folder: Path) -> tuple[list[str], list[str]]:
    """What contradicts, and what only one side has, one line each."""
    tables = {name: {one.name: one.number for one in attributes(name)} for name in sets() if "@" not in name}
    having: dict[str, list[str]] = {}
    for name, table in tables.items():
        for one in table:
            having.setdefault(one, []).append(name)
    wrong: list[str] = []
    only: list[str] = []
    confirmed: set[str] = set()
    for path in sorted(folder.rglob("*.h")):
        header = path.relative_to(folder)
        for enum in enumerations(path.read_text(encoding="utf-8", errors="replace")):
            common = Counter(name for one in enum for name in having.get(one, ()))
            if not common:
                continue
            # The set that has most of the enumeration; another one may borrow some of its names.
            name, count = common.most_common(1)[0]
            table = tables[name]
            confirmed |= table.keys() & enum.keys()
            both = sorted(table.keys() & enum.keys())
            wrong += [
                f"{one} is {enum[one]} in {header}, {table[one]} in {name}" for one in both if enum[one] != table[one]
            ]
            if count * 2 >= len(enum):
                known = set(table.values())
                only += [f"only in {header}: {one} = {at} ({name})" for one, at in enum.items() if at not in known]
    here = sorted(
        {(name, at, one) for name, table in tables.items() for one, at in table.items() if one not in confirmed}
    )
    only += [f"only here: {one} = {at} ({name})" for name, at, one in here if "/" not in one]
    return wrong, only


def main() -> int:
    """Print the comparison and give the exit code."""
    wrong, only = compare(Path(sys.argv[1]) if len(sys.argv) > 1 else HEADERS)
    print(*only, *wrong, sep="\n")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
