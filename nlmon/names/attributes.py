"""Names of attributes, by message and the numbers on the way to them: ``IFLA_LINKINFO/IFLA_INFO_DATA/IFLA_VXLAN_ID``.

The one source of these names is three tables beside this module:

``kernel-attributes.tsv``
    every attribute of the kernel's netlink specifications (Linux 7.3): family, protocol, set, number, name, type, the
    set that nests in it, and the bytes of a structure before that. Numbers are those of the specifications; names are
    those of the UAPI headers, and where no header has one the name is left out.
``header-attributes.tsv``
    what the specifications lack or have wrong: the same columns, and the UAPI header that has it. It goes before the
    other.
``ignored-attributes.tsv``
    attributes that nobody need read, and why.

A set is called ``FAMILY/SET``; ``SET@KIND`` is that set in messages of one kind, with what differs there. The tables
are read when the first name is asked for, and a line when its attribute is. Nothing is decoded with them.
``tools/attributes.py`` compares them with the headers that are installed.

Not here: where the attributes of a message begin, and what nests by the text beside it (``attribute_sets``); names of
values (``nlmon.names``); which attributes an implementation reads. The tables leave out what is in structures, what
drivers alone give a meaning to (``IFLA_INFO_XSTATS``), and the vendor commands of wireless drivers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from nlmon.names.attribute_sets import ENCAPS, INDEXED, MESSAGES, SELECTED, Nest

__all__ = [
    "FOLDER",
    "KERNEL",
    "Attribute",
    "attribute_name",
    "attributes",
    "find",
    "generic_families",
    "inside",
    "kind_text",
    "message_set",
    "selectors",
    "sets",
]

FOLDER = Path(__file__).parent
# The version of Linux whose specifications the first table is.
KERNEL = "7.3"
# Attributes that are remembered.
FOUND_KEPT = 4096
PADDING = "padding"
UNUSED = "no longer used by the kernel"
NO_ATTRIBUTE = "the number that stands for none"


class Attribute(NamedTuple):
    """One attribute of a set.

    ``type`` is that of the specifications, empty where a header alone has it. ``nested``: the set that nests in it, or,
    where ``selector`` is the number of the attribute beside it that says which set that is, the name of that choice.
    ``indices``: how many levels of attributes stand between, whose numbers are indices. ``before``: bytes of a
    structure before the nested attributes. ``ignored``: why nobody need read it.
    """

    set: str
    number: int
    name: str
    type: str = ""
    nested: str = ""
    selector: int = -1
    indices: int = 0
    before: int = 0
    ignored: str = ""


@lru_cache(FOUND_KEPT)
def find(name: str, number: int) -> Attribute:
    """The attribute ``number`` of a set; one that the set does not have is called ``SET/NUMBER``."""
    line = _by_number(name).get(number)
    if line is None and "@" in name:
        line = _by_number(name.partition("@")[0]).get(number)
    return _attribute(line) if line else Attribute(name, number, f"{name}/{number}" if name else str(number))


@cache
def selectors(name: str) -> Mapping[int, int]:
    """The attributes of a set whose kind another one beside them says, each with the number of that."""
    lines = {**_by_number(name.partition("@")[0]), **_by_number(name)}
    return {number: _attribute(line).selector for number, line in lines.items() if "\tby " in line}


def sets() -> list[str]:
    """Every set that there is."""
    return sorted(_lines())


@cache
def generic_families() -> list[str]:
    """The generic families that have attributes here."""
    return sorted({lines[0].split("\t", 1)[0] for lines in _lines().values() if "\tgeneric\t" in lines[0]})


def attributes(name: str) -> list[Attribute]:
    """Every attribute of a set, by number."""
    return [find(name, number) for number in sorted({**_by_number(name.partition("@")[0]), **_by_number(name)})]


def inside(attribute: Attribute, kind: str = "") -> Nest:
    """Where attributes begin in the payload of ``attribute``; no set where there are none, or none that is known.

    ``kind`` is the text of the attribute whose number is ``attribute.selector``, as ``kind_text`` gives it.
    """
    if attribute.selector >= 0:
        return SELECTED.get(attribute.nested, {}).get(kind, Nest())
    return Nest(attribute.nested, attribute.before)


def kind_text(selector: Attribute, payload: bytes, byteorder: Literal["little", "big"]) -> str:
    """What the attribute says that selects what nests in another: ``vxlan``; of RTA_ENCAP_TYPE, which is a number, its
    name: ``mpls``."""
    if selector.type == "u16":
        number = int.from_bytes(payload[:2], byteorder)
        return ENCAPS.get(number) or str(number)
    return payload.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def message_set(message: str) -> str:
    """The set of the attributes of a message, by the kind of its event (``link``) or its generic family (``nl80211``);
    a set stands for itself."""
    return message if "/" in message else MESSAGES.get(message, "")


def attribute_name(message: str, path: Sequence[int], kinds: Sequence[str] = ()) -> str:
    """The names on the way to an attribute, joined by slashes.

    ``path``: numbers from the outermost on, without indices. ``kinds``: for each attribute on the way whose nested set
    depends on the text beside it, this text; where it is missing or unknown, numbers follow.
    """
    return "/".join(_shown(one) for one in _walk(message_set(message), path, kinds))


def _walk(name: str, path: Sequence[int], kinds: Sequence[str]) -> Iterator[Attribute]:
    """The attributes on a way, from the outermost on."""
    given = iter(kinds)
    for number in path:
        one = find(name, number)
        yield one
        name = inside(one, next(given, "") if one.selector >= 0 else "").set


def _shown(attribute: Attribute) -> str:
    """The name of an attribute on a way, where what is around it stands before it."""
    return attribute.name if attribute.set else str(attribute.number)


@cache
def _lines() -> dict[str, list[str]]:
    """The lines of the tables by set; of two lines about one attribute the later one holds."""
    found: dict[str, list[str]] = {}
    for file in ("kernel-attributes.tsv", "header-attributes.tsv"):
        begin, lines = "\t", list[str]()
        for line in (FOLDER / file).read_text(encoding="utf-8").splitlines()[1:]:
            if not line.startswith(begin):  # most are of the set of the line before
                family, by, name, _ = line.split("\t", 3)
                begin, lines = f"{family}\t{by}\t{name}\t", found.setdefault(f"{family}/{name}", [])
            lines.append(line)
    return found


@cache
def _reasons() -> dict[tuple[str, int], str]:
    """Why attributes are ignored, by set and number."""
    lines = (FOLDER / "ignored-attributes.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return {(name, int(number)): reason for name, number, _, reason in (line.split("\t") for line in lines)}


@cache
def _by_number(name: str) -> dict[int, str]:
    """The lines about the attributes of a set; each is read when it is asked for."""
    return {int(line.split("\t", 4)[3]): line for line in _lines().get(name, ())}


def _attribute(line: str) -> Attribute:
    """What one line of a table says."""
    family, _, of, digits, name, kind, nested, before, *_ = line.split("\t")
    own, number = f"{family}/{of}", int(digits)
    choice, _, target = nested.removeprefix("by ").partition(": ")
    if target:
        nested = target
    elif nested and "/" not in nested:
        nested = f"{family}/{nested}"
    why = {"pad": PADDING, "unused": UNUSED}.get(kind) or _reasons().get((own, number), "")
    if name.endswith("_UNSPEC") and not number:
        why = NO_ATTRIBUTE
    elif name.endswith("_PAD"):
        why = PADDING
    return Attribute(
        *(own, number, name or f"{own}/{number}", kind, nested),
        selector=int(choice) if target else -1,
        indices=INDEXED.get(name, 1 if kind == "array of nest" else 0),
        before=int(before or 0),
        ignored=why,
    )
