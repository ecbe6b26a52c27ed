"""Statements: their files, those of programs, and what is asked of who states nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlmon.compare.contract import KIND_TYPES, PARTS
from nlmon.compare.statement import (
    COMPILED,
    FOLDER,
    Joined,
    compiled_statements,
    load_statement,
    ours,
    stated,
    statement_of,
    statement_of_hello,
    unstated,
)
from nlmon.errors import ContractError

LEGACY, LIBNL = statement_of("legacy"), statement_of("libnl")


def test_every_field_is_provided_by_one_of_ours() -> None:
    """A field that no statement lists would be compared by nobody."""
    listed = {kind: frozenset().union(*(one.fields.get(kind, ()) for one in ours())) for kind in KIND_TYPES}

    assert listed == {kind: frozenset(struct.__struct_fields__) for kind, struct in KIND_TYPES.items()}


def test_every_kind_of_event_is_given_by_one_of_ours() -> None:
    """So is its interface named."""
    kinds = KIND_TYPES.keys() - PARTS.keys()

    assert frozenset().union(*(one.events for one in ours())) == kinds
    assert frozenset().union(*(one.interfaces for one in ours())) == kinds


def test_families() -> None:
    """A field may be provided in messages of some families alone; without a family it is asked whether in any."""
    found = [LEGACY.provides("route", "dst", family) for family in (2, 10, 28, None)]

    assert (found, LIBNL.provides("route", "dst", 28)) == ([True, True, False, True], True)


def test_who_states_nothing() -> None:
    """It is asked for what all of ours provide, which is what legacy does; it recovers from nothing, and joins nothing
    that it must."""
    found = unstated("mine")

    assert (found.name, found.complete, found.recovers, found.joins(("tc",))) == ("mine", False, False, {})
    assert (found.events, found.interfaces, found.families) == (LEGACY.events, LEGACY.interfaces, LEGACY.families)
    assert {kind: names for kind, names in found.fields.items() if names} == LEGACY.fields


@pytest.mark.parametrize("name", ["mine", "../contract", "", "legacy/../libnl"])
def test_a_name_without_a_file(name: str) -> None:
    """It is no path: what has no file in the folder states nothing."""
    assert statement_of(name) == unstated(name)


@pytest.mark.parametrize(
    ("provides", "fields"),
    [
        ({"route": ["dst", "oif"]}, {"route": {"dst", "oif"}}),
        ({"route": ["dst", "x-mine", "nonsense"]}, {"route": {"dst"}}),
        ({"nonsense": ["dst"], "link": []}, {"link": set()}),
        ({"route": ["multipath"], "hop": ["weight"]}, {"route": {"multipath"}, "hop": {"weight"}}),
        (
            {"route": ["multipath"]},
            {"route": {"multipath"}, "hop": set(KIND_TYPES["hop"].__struct_fields__)},
        ),
    ],
)
def test_a_program_states_what_it_provides(provides: dict[str, list[str]], fields: dict[str, set[str]]) -> None:
    """What no event has is left out; who says nothing of its next hops provides all that is in them."""
    found = stated("it", provides)

    assert {kind: set(names) for kind, names in found.fields.items()} == fields
    assert found.events == fields.keys() - {"hop"}


class Greeting(msgspec.Struct, frozen=True):
    """The keys of an answer to ``hello`` that are about what a program provides."""

    name: str
    provides: dict[str, tuple[str, ...]] | None = None
    absent: dict[str, Any] = {}
    groups: dict[str, tuple[int, ...]] = {}


def greeting(line: str) -> Greeting:
    """What a program answers to ``hello``."""
    return msgspec.json.decode(line, type=Greeting)


@pytest.mark.parametrize(
    ("line", "fields", "unknown"),
    [
        ('"provides": {"route": ["dst", "oif"]}', {"route": {"dst", "oif"}}, ()),
        ('"provides": {"route": ["dst", "dts", "dts", "x-mine"]}', {"route": {"dst"}}, ("route.dts",)),
        ('"provides": {"routes": ["dst"], "x-mine": ["a"], "link": ["mtu"]}', {"link": {"mtu"}}, ("routes",)),
        ('"provides": {}, "absent": {"route.metric": 0, "route.priority": 0, "x-a.b": 1}', {}, ("route.metric",)),
        ('"provides": {"route": ["priority"]}, "absent": {"priority": 0}', {"route": {"priority"}}, ("priority",)),
        ('"provides": {"rule.": ["", "."], "": []}', {}, ("", "rule.")),
        ('"provides": {"route.dst": ["oif"]}', {}, ("route.dst",)),
    ],
)
def test_what_a_program_answers_to_hello(line: str, fields: dict[str, set[str]], unknown: tuple[str, ...]) -> None:
    """What no event has is left out and named once, and what begins with x- is not even named."""
    statement, found = statement_of_hello(greeting(f'{{"name": "it", {line}}}'))

    assert ({kind: set(names) for kind, names in statement.fields.items()}, found) == (fields, unknown)
    assert (statement.name, statement.complete, statement.events) == ("it", True, fields.keys())


def test_groups_of_a_program() -> None:
    """Those that it names are what it must be given; a key that is no number of a protocol is none."""
    said = greeting('{"name": "it", "provides": {}, "groups": {"0": [1, 5], "12": [], "route": [7]}}')
    statement, _ = statement_of_hello(said)

    assert (statement.groups, statement.joins(())) == ((Joined(0, (1, 5)),), {0: frozenset({1, 5})})


def test_a_program_that_states_nothing() -> None:
    """It is called as it is here, and asked what all of ours provide; its absent values count none the less."""
    statement, unknown = statement_of_hello(greeting('{"name": "it", "absent": {"route.oif": 0}}'), "mine")

    assert (statement, unknown) == (msgspec.structs.replace(unstated("mine"), absent={"route.oif": 0}), ())


NAMES = st.one_of(st.sampled_from([*KIND_TYPES, "dst", "oif", "x-mine"]), st.text(max_size=6))


@given(
    st.none() | st.dictionaries(NAMES, st.lists(NAMES, max_size=4).map(tuple), max_size=4),
    st.dictionaries(NAMES, st.integers(), max_size=3),
)
def test_no_name_is_fatal(provides: dict[str, tuple[str, ...]] | None, absent: dict[str, int]) -> None:
    """Whatever a program names is provided, its own, or unknown, and just one of these."""
    statement, unknown = statement_of_hello(Greeting("it", provides, absent))
    for kind, fields in (provides or {}).items():
        for field in fields if kind in KIND_TYPES else ():
            kinds = [statement.provides(kind, field), field.startswith("x-"), f"{kind}.{field}" in unknown]
            assert sum(kinds) == 1
        assert (kind in unknown) == ((kind not in KIND_TYPES or kind in absent) and not kind.startswith("x-"))


def test_absent_values() -> None:
    """A value stands for "not in the message" if it is the declared one, of the same type."""
    found = stated("it", {"route": ["priority"]}, {"route.priority": 0, "route.nonsense": 1, "nonsense": 2})

    assert found.absent == {"route.priority": 0}
    assert [found.is_absent("route", "priority", value) for value in (0, 1, None, False)] == [True, False, False, False]
    assert not found.is_absent("route", "oif", 0)


def test_the_compiled_statements_are_the_statements() -> None:
    """What stands for the YAML is what the YAML says, checked by its schema; ``tools/contract.py`` writes it."""
    assert COMPILED.read_bytes() == compiled_statements()


@pytest.mark.parametrize(
    ("old", "new", "code", "named"),
    [
        ("version: 1", "version: 2", "NLM-K006", "version"),
        ("version: 1", "version: [", "NLM-K005", "YAML"),
        ("mtu, ", "mtus, ", "NLM-K007", "link.mtus"),
        ("events: [link, addr", "events: [addr", "NLM-K007", "link"),
        ("  overrun: [drops]", "  overruns: [drops]", "NLM-K007", "overruns"),
        ("  route.dst: ", "  route.pref: ", "NLM-K007", "route.pref"),
    ],
)
def test_a_wrong_statement_is_refused(tmp_path: Path, old: str, new: str, code: str, named: str) -> None:
    """Each mistake has its code, and the message names the file and the mistake."""
    text = (FOLDER / "legacy.yaml").read_text(encoding="utf-8")
    wrong = tmp_path / "legacy.yaml"
    wrong.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(ContractError) as caught:
        load_statement(wrong)

    assert (caught.value.code, caught.value.where) == (code, str(wrong))
    assert named in str(caught.value) or named == "YAML"


def test_a_statement_that_is_not_there(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(ContractError) as caught:
        load_statement(tmp_path / "mine.yaml")

    assert (caught.value.code, caught.value.where) == ("NLM-K005", str(tmp_path / "mine.yaml"))


def test_a_copy_under_another_name(tmp_path: Path) -> None:
    """A file is called as its statement is, and says the same as ours."""
    copy = tmp_path / "mine.yaml"
    copy.write_bytes((FOLDER / "libnl.yaml").read_bytes())
    found: Any = load_statement(copy)

    assert (found.name, found.fields, found.groups) == ("mine", LIBNL.fields, LIBNL.groups)
