"""What every code and word of nlmon means: one sentence, an example, why it matters and what to do.

    from nlmon.explain import look_up, page_of
    look_up("nlm-c003")[0].title
    page_of("NLD102")                 # "docs/reference/codes/differences.md#nld102"

The texts are the TOML files beside this module, one for each group of ``GROUPS``. ``nlmon explain`` prints them,
``tools/codes.py`` writes the pages of ``docs/reference/codes`` and the glossary of ``ARCHITECTURE.md`` from them.

Rules:
1. Every code that something in nlmon gives has an entry, and every entry is of something that is given.
2. A file is read when the first entry of its group is asked for; importing this module reads none.
3. In an example, a line that begins with ``$`` is typed by a test in a folder with the fixtures and the scenarios, and
   what follows it is what must be printed; ``…`` stands for lines that are left out. A message of an example without
   such a line is of the form that the code gives it.

Not here: how an explanation is printed (``nlmon.cli.explain``), and where codes are given.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

__all__ = [
    "GROUPS",
    "INDEX",
    "Explanation",
    "Explanations",
    "Group",
    "GroupSize",
    "group_of",
    "in_group",
    "look_up",
    "page_of",
    "sizes",
    "suggestions",
]

FOLDER = Path(__file__).parent
PAGES = "docs/reference/codes"
INDEX = f"{PAGES}/README.md"
# Texts whose lines end where the file's do, and not where a reader's do.
_PROSE = {"title", "where", "why", "do"}
_CODE = re.compile(r"(?<![A-Z0-9])(?:NLM-[A-Z][0-9]{3}|NLD[0-9]{3})(?![0-9])")


class Group(NamedTuple):
    """Entries of one page. ``prefix``: what their codes begin with; empty for words."""

    name: str
    prefix: str
    title: str


GROUPS = (
    Group("differences", "NLD", "Classes of difference"),
    Group("apis", "NLM-A", "Interfaces for programs"),
    Group("implementations", "NLM-B", "Use of an implementation"),
    Group("captures", "NLM-C", "Capture files"),
    Group("messages", "NLM-D", "Damaged messages, and what the kernel refuses"),
    Group("listening", "NLM-E", "Live comparisons"),
    Group("claims", "NLM-F", "Claims and their reports"),
    Group("configurations", "NLM-G", "The configuration of a monitor"),
    Group("deprecations", "NLM-H", "Files that are searched for what is old"),
    Group("assessments", "NLM-I", "Assessments of a move to the other implementation"),
    Group("jobs", "NLM-J", "Many captures or scenarios at once"),
    Group("contracts", "NLM-K", "The contract, and files of known differences"),
    Group("limits", "NLM-L", "Bounds on what is read and kept"),
    Group("monitors", "NLM-M", "The running monitor"),
    Group("harnesses", "NLM-N", "Programs as implementations, and the harness protocol"),
    Group("exports", "NLM-O", "Exports"),
    Group("settings", "NLM-P", "Settings"),
    Group("matrices", "NLM-Q", "Any number of implementations beside each other"),
    Group("reports", "NLM-R", "Reading reports"),
    Group("scenarios", "NLM-S", "Scenario files, suites and runs"),
    Group("sockets", "NLM-T", "Netlink sockets"),
    Group("commands", "NLM-U", "Command lines, and what comes of a command"),
    Group("migrations", "NLM-V", "Configurations rewritten for another implementation"),
    Group("filters", "NLM-W", "Filters of events"),
    Group("internals", "NLM-X", "Bugs of nlmon, and the sandbox of scenarios"),
    Group("plugin", "NLM-Y", "The plugin of pytest"),
    Group("canaries", "NLM-Z", "Canaries, and logs of two instances"),
    Group("verdicts", "", "Verdicts"),
    Group("outcomes", "", "Outcomes of cases"),
    Group("exits", "", "Exit codes"),
    Group("policies", "", "What a policy may say"),
    Group("glossary", "", "Words"),
)


class Explanation(Struct, frozen=True, forbid_unknown_fields=True):
    """One entry. ``name``: a code, a word, or several separated by a comma; ``also``: other names. ``page``: its place
    in the repository. ``where``: what gives it; ``do``: what to do about it; ``see``: pages that say more. All but name
    and title may be empty."""

    name: str
    group: str
    page: str
    title: str
    where: str = ""
    example: str = ""
    why: str = ""
    do: str = ""
    also: tuple[str, ...] = ()
    see: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that it is found by."""
        return (*self.name.split(", "), *self.also)


class GroupSize(Struct, frozen=True):
    """A group and how many entries it has."""

    name: str
    prefix: str
    title: str
    count: int


class Explanations(Struct, frozen=True):
    """What ``nlmon explain --format json`` prints: every group, and the entries that were asked for."""

    groups: list[GroupSize]
    entries: list[Explanation]


def sizes() -> list[GroupSize]:
    """Every group with the number of its entries."""
    return [GroupSize(*group, len(in_group(group.name))) for group in GROUPS]


def look_up(word: str) -> tuple[Explanation, ...]:
    """The entries of a code or a word, in any case, in the plural, with any of space, ``-`` and ``_`` between its
    parts, or inside of a line such as ``error[NLM-C001]: no such file``; a word may have several, and none if it is not
    known."""
    if code := _CODE.search(word.upper()):
        group = group_of(code.group())
        return tuple(one for one in in_group(group.name) if one.name == code.group()) if group is not None else ()
    plain = _plain(word)
    return next(filter(None, map(_by_name().get, (plain, *(() if group_of(word) else _singulars(plain))))), ())


def suggestions(word: str) -> list[str]:
    """Names that are spelt nearly like a word, the nearest first."""
    from difflib import get_close_matches  # noqa: PLC0415  (start-up: only a mistake needs it)

    names = {_plain(name): name for entries in _by_name().values() for one in entries for name in one.names}
    return [names[found] for found in get_close_matches(_plain(word), names, 3)]


def group_of(word: str) -> Group | None:
    """The group of that name or prefix, or that a code belongs to."""
    upper = word.upper()
    for group in GROUPS:
        if word.casefold() == group.name or (group.prefix and re.fullmatch(f"{group.prefix}([0-9]{{3}})?", upper)):
            return group
    return None


@cache
def in_group(name: str) -> tuple[Explanation, ...]:
    """The entries of a group, in the order of its file."""
    import tomllib  # noqa: PLC0415  (start-up: the schema needs no text)

    tables = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return tuple(
        msgspec.convert(
            {**table, **{key: " ".join(table[key].split()) for key in _PROSE & table.keys()}}
            | {"name": entry, "group": name, "page": _page(name, entry)},
            Explanation,
        )
        for entry, table in tables.items()
    )


def page_of(word: str) -> str:
    """Where the documentation says what a code or a word means, as a path in the repository with an anchor; the index
    of the codes for one that is not known."""
    found = look_up(word)
    return found[0].page if found else INDEX


def _page(group: str, entry: str) -> str:
    return f"{PAGES}/{group}.md#{re.sub(r'[^a-z0-9_-]', '', entry.lower().replace(' ', '-'))}"


@cache
def _by_name() -> dict[str, tuple[Explanation, ...]]:
    found: dict[str, tuple[Explanation, ...]] = {}
    for group in GROUPS:
        for one in in_group(group.name):
            for name in one.names:
                found[_plain(name)] = (*found.get(_plain(name), ()), one)
    return found


def _singulars(word: str) -> tuple[str, ...]:
    """What a word may be the plural of."""
    return (word[:-1], word[:-2], word[:-3] + "y") if word.endswith("s") else ()


def _plain(word: str) -> str:
    return " ".join(re.split(r"[\s_-]+", word.casefold().strip()))
