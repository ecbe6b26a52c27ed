"""Every code and word has an explanation that can be found, holds as far as a program can check, and fits a screen."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest
from msgspec import structs

from nlmon.cli.main import group
from nlmon.compare.difference import Class, Severity
from nlmon.events import Decoded
from nlmon.explain import GROUPS, INDEX, Explanation, group_of, in_group, look_up, page_of, sizes, suggestions
from nlmon.pytest_plugin.options import add_options
from nlmon.report.differences import difference_lines
from nlmon.report.outcome import WORST_OUTCOME_FIRST
from nlmon.report.policy import Policy, fail_words
from nlmon.testing.zoo import ZOO
from nlmon.testing.zoo.base import decoding
from nlmon.wire import Datagram
from support.codes import given, texts, transcript
from support.command import typed
from support.paths import REPOSITORY
from support.verdicts import legacy, libnl, verdict

ENTRIES = [one for group in GROUPS for one in in_group(group.name)]
CODES = [one for one in ENTRIES if group_of(one.name.split(", ")[0]) and one.name.startswith("NL")]


def named(entry: Explanation) -> str:
    """An entry in the id of a test; a word may have several."""
    return f"{entry.group}-{entry.name}"


def test_every_code_is_explained() -> None:
    """A code that is written in nlmon has an entry, and an entry is of a code that is written there."""
    assert sorted(one.name for one in CODES) == sorted(given())
    assert len(CODES) > 190


def test_every_word_of_reports_is_explained() -> None:
    """Verdicts, outcomes, words of ``fail_on``, keys of the policy, severities and labels of classes."""
    words = [*fail_words(), *WORST_OUTCOME_FIRST, *(one.value for one in Severity), "equivalent"]
    keys = [key for key in Policy.__struct_fields__ if key != "sources"]

    assert [word for word in (*words, *keys) if not look_up(word)] == []
    assert {one.name for one in in_group("outcomes")} == set(WORST_OUTCOME_FIRST)


@pytest.mark.parametrize("cls", Class, ids=lambda cls: cls.code)
def test_a_class_of_difference_is_found_by_its_label(cls: Class) -> None:
    """And its entry says how severe it is."""
    (entry,) = look_up(cls.code)

    assert entry.also == (cls.label,)
    assert entry in look_up(cls.label.upper())
    assert {"info": "no regression", "warning": "a warning", "regression": "a regression"}[
        cls.severity.value
    ] in entry.where


def test_an_entry_of_a_code_is_whole() -> None:
    """It says what, where, why and what to do, with an example that shows the code or what comes of it; no line has
    what stands for another word."""
    shown = [one.name for one in CODES if one.name not in one.example]

    assert [one.name for one in CODES if not all((one.title, one.where, one.example, one.why, one.do))] == []
    assert set(shown) <= {"NLD001", "NLD002", "NLD003"}
    assert [one.name for one in CODES if not one.title.endswith(".")] == []
    assert [one.name for one in CODES if ".." in one.why + one.do] == []


def test_names_are_unique() -> None:
    """Within a group, so that every entry has an anchor of its own; and no group is called like an entry."""
    pages = [one.page for one in ENTRIES]
    words = {name for one in ENTRIES for name in one.names}

    assert len(pages) == len(set(pages))
    assert [group.name for group in GROUPS if group.name in words] == []
    assert [(group.name, group.count) for group in sizes() if not group.count] == []


def test_pages_that_say_more_are_there() -> None:
    """Every decision, how-to and reference that an entry names."""
    named_ = [(one.name, path) for one in ENTRIES for path in one.see]

    assert [(name, path) for name, path in named_ if not (REPOSITORY / path).is_file()] == []
    assert len(named_) > 100


@cache
def anchors(path: str) -> set[str]:
    """The anchors that GitHub makes from headings: small letters, dashes for spaces, and no punctuation."""
    headings = re.findall(r"^## (.*)$", (REPOSITORY / path).read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_pages_are_generated_with_an_anchor() -> None:
    """The page of an entry has a heading of its name."""
    pages = [one.page.partition("#") for one in ENTRIES]

    assert [f"{path}#{anchor}" for path, _, anchor in pages if anchor not in anchors(path)] == []


LOOK_UP = [
    ("nlm-c001", ["NLM-C001"]),
    ("error[NLM-C001]: no such file (a.pcap)", ["NLM-C001"]),
    ("nld102", ["NLD102"]),
    ("Enhancement", ["NLD001", "enhancement"]),
    ("loss-of-service", ["NLD002", "loss of service"]),
    ("fail-on", ["fail_on"]),
    ("blind spot", ["blind spot"]),
    ("rollback", ["migrate, rollback"]),
    ("3", ["exit 3"]),
    ("regression", ["regression", "regression"]),
    ("NLM-C999", []),
    ("NLM-C0011", []),
    ("nld1020", []),
    ("error[NLM-C0011]: no such file", []),
    ("NLM-Q900", []),
    ("", []),
    ("nothing of ours", []),
]


@pytest.mark.parametrize(("word", "names"), LOOK_UP)
def test_what_is_looked_up_is_found(word: str, names: list[str]) -> None:
    """In any case, out of a line, by the label of a class, with any of space, dash and underscore between words."""
    assert [one.name for one in look_up(word)] == names


GROUP_OF = [
    *(("captures", "captures"), ("NLM-C", "captures"), ("nld", "differences"), ("NLM-T010", "sockets")),
    *(("NLM-C0", None), ("NLM-", None), ("", None), ("capture", None)),
]


@pytest.mark.parametrize(("word", "name"), GROUP_OF)
def test_a_group_is_found(word: str, name: str | None) -> None:
    """By its name, by what its codes begin with, or by one of them."""
    found = group_of(word)

    assert (found and found.name) == name


def test_the_page_of_a_code() -> None:
    """A path in the repository with an anchor; what is not known has the index."""
    assert page_of("NLM-C001") == "docs/reference/codes/captures.md#nlm-c001"
    assert page_of("migrate") == "docs/reference/codes/glossary.md#migrate-rollback"
    assert page_of("NLM-Q900") == INDEX
    assert (REPOSITORY / INDEX).is_file()


def test_close_spellings_are_suggested() -> None:
    """The nearest first, as they are written."""
    assert "NLM-J001" in suggestions("NLM-J01")
    assert suggestions("enhancment")[0] == "enhancement"
    assert suggestions("xyzzy") == []


# -- examples -------------------------------------------------------------------------------------------------------

TYPED = [one for one in ENTRIES if re.search(r"^\$ ", one.example, re.MULTILINE)]
WRITTEN = [one for one in CODES if one not in TYPED and not one.name.startswith("NLD")]


@pytest.mark.slow
@pytest.mark.parametrize("entry", TYPED, ids=named)
def test_an_example_that_is_typed_prints_what_it_says(
    entry: Explanation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command in turn, in a folder that has the recordings."""
    for variable in [name for name in os.environ if name == "CI" or name.startswith("NLMON_")]:
        monkeypatch.delenv(variable)
    for name in ("fixtures", "scenarios")[: 1 + bool(re.search(r"^\$ .* scenarios", entry.example, re.MULTILINE))]:
        (tmp_path / name).symlink_to(REPOSITORY / name)
    monkeypatch.setenv("PATH", os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))
    _, *parts = re.split(r"^\$ (.*)\n", entry.example, flags=re.MULTILINE)
    for line, output in zip(parts[::2], parts[1::2], strict=True):
        said = typed(line, tmp_path).stdout
        printed = "".join(f"{one}\n" for one in said.splitlines())
        assert transcript(output).fullmatch(printed), f"{line}\n{said}"


# Codes whose sentence is made elsewhere than where they are given, so that no form of it is known.
MADE_ELSEWHERE = {
    "NLM-D007": "the two implementations word it, and the example is of a table, which has no sentence of theirs",
    "NLM-S047": "what is different is a text of each key of the run",
}


@pytest.mark.xdist_group("texts of codes")
@pytest.mark.parametrize("entry", WRITTEN, ids=named)
def test_an_example_that_is_not_typed_has_the_form_of_the_code(entry: Explanation) -> None:
    """Its sentence is one that the code is given with; a form that any sentence has proves nothing."""
    forms = [form for form in texts()[entry.name] if not form.fullmatch("")]

    assert any(form.search(entry.example) for form in forms) == (entry.name not in MADE_ELSEWHERE)


def reversed_events(_: Datagram, decoded: Decoded) -> Decoded:
    """The events of a datagram, the last one first."""
    return structs.replace(decoded, events=decoded.events[::-1])


# The implementation with one mistake that shows each class of difference, and the recording.
SHOWN = {
    "NLD101": "N17: narrow routes",
    "NLD102": "MTU in the other byte order",
    "NLD103": "N02: no rules",
    "NLD104": "N01: no payload",
    "NLD105": "N01: no payload",
    "NLD106": "IFLA_OPERSTATE that does not fit: operstate",
    "NLD107": "no event",
    "NLD108": "kind of a link",
    "NLD109": "twice in bulk",
    "NLD202": "twice",
}


def printed(code: str) -> list[str]:
    """The lines of a report about the first difference of a class, with an implementation that shows it."""
    names = ("legacy", "libnl")
    if code == "NLD201":
        report = verdict("01-route-basic", reference=libnl, candidate=decoding(reversed_events), select="all")
    elif code == "NLD203":
        report = verdict("02-route-topology", reference=ZOO["twice"].make, candidate=libnl)
    else:
        bad = ZOO[SHOWN[code]]
        good = legacy if bad.base == "libnl" else libnl
        names = names if bad.base == "libnl" else names[::-1]
        report = verdict(bad.recording, reference=good, candidate=bad.make, options=bad.options)
    group = next(group for group in report.groups if group.first.code == code)
    return difference_lines(group, names)


@pytest.mark.slow
@pytest.mark.parametrize("code", [cls.code for cls in Class if cls.severity is not Severity.INFO])
def test_an_example_of_a_difference_is_what_a_report_prints(code: str) -> None:
    """Of an implementation with one mistake, on a recording of a real kernel."""
    (entry,) = look_up(code)
    lines = "".join(f"{line.rstrip()}\n" for line in printed(code))

    assert transcript(entry.example).fullmatch(lines), lines


# -- what to type ----------------------------------------------------------------------------------------------------

# Options of other programs that explanations name.
OF_OTHERS = {"--security-opt", "--nthreads", "--lf", "--test"}


def options_of_commands() -> dict[str, set[str]]:
    """The options of every command by its name without ``nlmon``, and of pytest's plugin by ``pytest``."""

    def walk(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[str, set[str]]]:
        yield " ".join(words), {name for one in command.params for name in one.opts if isinstance(one, click.Option)}
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                found = command.get_command(context, name)
                assert found is not None
                yield from walk(found, (*words, name))

    parser = pytest.Parser(_ispytest=True)
    add_options(parser)
    flags = {flag for option in parser._anonymous.options for flag in option.names()}
    groups = {flag for group in parser._groups for option in group.options for flag in option.names()}
    return {**dict(walk(group, ())), "pytest": flags | groups}


def typed_in(entry: Explanation) -> Iterator[tuple[str, list[str]]]:
    """The commands that the prose of an entry names, each with the options behind it in the same clause; empty words:
    options without a command."""
    for clause in re.split(r"[;:,]\s|\.(?:\s|$)|[()]", f"{entry.where}. {entry.why}. {entry.do}"):
        before, *commands = re.split(r"\b(?=nlmon [a-z])|\b(?=pytest --)", clause)
        for text in (before, *commands):
            words = re.match(r"(?:nlmon )?((?:[a-z]+ ?)+)", text) if text in commands else None
            yield words[1].strip() if words else "", re.findall(r"(?<![\w-])--[a-z][a-z-]*(?![\w-])", text)


def unknown(entry: Explanation, options: dict[str, set[str]]) -> Iterator[str]:
    """Commands that an entry names and there are not, and options that its commands do not have; an option by itself
    is one of some command."""
    every = set().union(*options.values(), OF_OTHERS)
    for words, asked in typed_in(entry):
        command = next((name for name in (" ".join(words.split()[:count]) for count in (2, 1)) if name in options), "")
        yield from (f"{command} {one}" for one in asked if one not in (options[command] if command else every))
    prose = f"{entry.where} {entry.why} {entry.do}"
    for words in re.findall(r"nlmon ((?:[a-z]+ )+)(?=-|[A-Z]{2,})", prose):
        if words.strip() not in options:
            yield f"nlmon {words}"


def test_what_is_to_be_typed_exists() -> None:
    """Every command that is named, and its options."""
    options = options_of_commands()

    assert [(named(entry), what) for entry in ENTRIES for what in unknown(entry, options)] == []
