"""Writes the kinds of events with their fields into docs/harness.md.

    python tools/harness.py [--check]

What stands above that table is written by hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args, get_origin

from generated import run
from msgspec import Struct

from nlmon.compare.contract import load_contract
from nlmon.events import PAYLOADS, MdbEntry
from nlmon.harness.values import INSIDE, field_types, plain_type
from nlmon.harness.widths import is_address, is_device, width_of
from nlmon.names import PROTOCOLS
from nlmon.payloads.netfilter import FlowTuple
from nlmon.payloads.route import NextHop

REPOSITORY = Path(__file__).parent.parent
PAGE = REPOSITORY / "docs" / "harness.md"
FIRST = "## Kinds of events\n"
# What no program gives: the place where messages were lost.
LEFT_OUT = {"overrun"}


def files() -> dict[Path, bytes]:
    """The page."""
    by_hand = PAGE.read_text(encoding="utf-8").partition(FIRST)[0]
    return {PAGE: (by_hand + FIRST + kinds()).encode()}


def kinds() -> str:
    """Each kind: its messages, and its fields with their types and where they stand."""
    contract = load_contract()
    lines = [
        "",
        "Behind each field its type, and where it stands in the message: a member of the fixed header in brackets, an",
        "attribute, or one inside of another behind a slash.",
    ]
    for kind, struct in PAYLOADS.items():
        if kind in LEFT_OUT:
            continue
        of = contract.events[kind]
        types = "every type" if of.types is None else f"nlmsg_type {', '.join(map(str, of.types))}"
        lines += ["", f"### `{kind}`: {PROTOCOLS[of.protocol]}, {types}", "", *_rows(kind, struct)]
    for struct in (NextHop, FlowTuple, MdbEntry):
        name = INSIDE[struct]
        lines += ["", f"### {name}, inside of others", "", *_rows(name, struct)]
    return "\n".join(lines) + "\n"


def _rows(kind: str, struct: type[Struct]) -> list[str]:
    contract = load_contract()
    table = contract.kinds.get(kind)
    paths = {} if table is None else {field.name: field.path for field in table.fields}
    rows = []
    for name, hint in field_types(struct).items():
        place = f", {paths[name]}" if paths.get(name) else ""
        rows.append(f"- `{name}`: {_type(kind, name, hint)}{place}".replace("|", " or "))
    return rows


def _type(kind: str, name: str, hint: Any) -> str:
    if hint is int:
        return width_of(kind, name).text
    if hint is bool:
        return "truth"
    if hint is str:
        return "IP address" if is_address(kind, name) else "address of a device" if is_device(kind, name) else "text"
    if isinstance(hint, type) and issubclass(hint, Struct):
        return f"an object, {INSIDE.get(hint, hint.__name__)}"
    if get_origin(hint) is tuple:
        arguments = [plain_type(one) for one in get_args(hint) if one is not Ellipsis]
        inside = " and ".join(dict.fromkeys(_type(kind, name, one) for one in arguments))
        return (
            f"list of {inside}"
            if Ellipsis in get_args(hint)
            else f"[{', '.join(_type(kind, name, one) for one in arguments)}]"
        )
    words = {"int": "number", "str": "text", "bytes": "bytes", "dict": "an object"}
    return " or ".join(words.get(getattr(one, "__name__", ""), "value") for one in get_args(hint) or (hint,))


if __name__ == "__main__":
    run(files)
