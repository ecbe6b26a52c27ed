"""The file of known differences: what it may hold, where a mistake is, and what a change leaves alone."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from nlmon.compare.difference import Class
from nlmon.compare.known import KnownDifference
from nlmon.errors import InputError
from nlmon.project.known import KnownFile, known_schema
from support.known import USUAL, entry

PATH = Path("known.yaml")
HEAD = "known: 1\nentries:\n"
ONE = """\
  - code: NLD102
    message: RTM_NEWLINK
    field: mtu
    reason: late
    owner: net-team
"""
TWO = ONE.replace("mtu", "group")


def read(text: str) -> list[KnownDifference]:
    return [one for _, one in KnownFile(PATH, text).entries]


def refused(text: str) -> str:
    with pytest.raises(InputError) as caught:
        KnownFile(PATH, text)
    return str(caught.value)


RIGHT = [
    ("", []),
    ("# nothing yet\n", []),
    ("known: 1\n", []),
    (HEAD, []),
    ("known: 1\nentries: []\n", []),
    ("entries: null\nknown: 1\n", []),
    (HEAD + ONE, [entry()]),
    (HEAD + ONE + TWO, [entry(), entry(field="group")]),
    (HEAD + ONE + "    expires: 2027-03-31\n", [entry(expires=dt.date(2027, 3, 31))]),
    (HEAD + ONE + "    expires: '2027-03-31'\n", [entry(expires=dt.date(2027, 3, 31))]),
    (HEAD + ONE.replace("late", "|\n      one\n      # two"), [entry(reason="one\n# two\n")]),
    (HEAD + ONE.replace("late", "yes"), [entry(reason="yes")]),
    (HEAD + ONE.replace("late", "&a late") + TWO.replace("late", "*a"), [entry(), entry(field="group")]),
    ('{"known": 1, "entries": [' + json.dumps(USUAL) + "]}", [entry()]),
]


@pytest.mark.parametrize(("text", "entries"), RIGHT, ids=range(len(RIGHT)))
def test_a_file_is_read(text: str, entries: list[KnownDifference]) -> None:
    """Nothing at all is a file without entries; a text may be in several lines, quoted, or an alias."""
    assert read(text) == entries


WRONG = [
    ("a: b: c", "NLM-K011: this is not YAML (known.yaml:1:5): mapping values are not allowed here"),
    (HEAD + ONE.replace("mtu", "*"), "NLM-K011: this is not YAML (known.yaml:5:13): expected alphabetic or numeric"),
    ("\x00", "NLM-K011: this is not YAML (known.yaml): "),
    ("[" * 600, "NLM-K011: this is not YAML (known.yaml): it is nested too deeply"),
    ("- a", "NLM-K012: the file must be a mapping of known, entries (known.yaml:1:1)"),
    (
        "entries: []",
        "NLM-K012: this is no file of known differences (known.yaml:1:1); begin with known: 1",
    ),
    ("known: 1\nentry: []", "NLM-K012: 'entry' is no key of the file (known.yaml:2:1); did you mean entries?"),
    ("known: 1\nrest: []", "NLM-K012: 'rest' is no key of the file (known.yaml:2:1); the keys are known, entries"),
    ("known: 1\nx: []", "NLM-K012: 'x' is no key of the file (known.yaml:2:1); the keys are known, entries"),
    ("known: 1\nknown: 1", "NLM-K012: the file has known twice (known.yaml:2:1)"),
    ("known: one", "NLM-K012: known must be the version of the file (known.yaml:1:8); write known: 1"),
    ("known: '1'", "NLM-K012: known must be the version of the file (known.yaml:1:8); write known: 1"),
    ("known: 0", "NLM-K012: known must be the version of the file (known.yaml:1:8); write known: 1"),
    ("known: -1", "NLM-K012: known must be the version of the file (known.yaml:1:8); write known: 1"),
    ("known:", "NLM-K012: known must be the version of the file (known.yaml:1:7); write known: 1"),
    ("known: [1]", "NLM-K012: known must be the version of the file (known.yaml:1:8); write known: 1"),
    (
        "known: 2\nfuture: yes",
        "NLM-K014: the file is of version 2 (known.yaml:1:8): this nlmon reads version 1; use a newer nlmon",
    ),
    ("known: " + "9" * 5000, "NLM-K014: the file is of version 999999999 (known.yaml:1:8): this nlmon reads version"),
    ("known: 1\nentries: {}", "NLM-K012: entries must be a list (known.yaml:2:10)"),
    ("known: 1\nentries: all", "NLM-K012: entries must be a list (known.yaml:2:10)"),
    (HEAD + "  - all", "NLM-K012: entry 1 must be a mapping of code, message, field, capture"),
    (HEAD + ONE + "    feild: a", "NLM-K012: 'feild' is no key of entry 1 (known.yaml:8:5); did you mean field?"),
    (HEAD + ONE + "    xyz: a", "NLM-K012: 'xyz' is no key of entry 1 (known.yaml:8:5); the keys are code, message,"),
    (HEAD + ONE + "    1: a", "NLM-K012: '1' is no key of entry 1 (known.yaml:8:5); the keys are"),
    (HEAD + ONE + "    [a]: a", "NLM-K012: 'a collection' is no key of entry 1 (known.yaml:8:5); "),
    (HEAD + ONE + "    field: a", "NLM-K012: entry 1 has field twice (known.yaml:8:5)"),
    (HEAD + "  - &a\n    " + ONE[4:] + "  - <<: *a\n", "NLM-K012: '<<' is no key of entry 2 (known.yaml:9:5)"),
    (HEAD + ONE + "    issue: 12", "NLM-K012: issue must be a text (known.yaml:8:12); put it in quotes"),
    (HEAD + ONE + "    issue:", "NLM-K012: issue must be a text (known.yaml:8:11); leave it out, or write one"),
    (HEAD + ONE + "    issue: [a]", "NLM-K012: issue must be a text (known.yaml:8:12); leave it out, or write one"),
    (HEAD + ONE + "    issue: !a b", "NLM-K012: issue must be a text (known.yaml:8:12); put it in quotes"),
    (HEAD + ONE + "    at_most: many", "NLM-K012: at_most must be a number, such as 3 (known.yaml:8:14)"),
    (HEAD + ONE + "    at_most: '3'", "NLM-K012: at_most must be a number, such as 3 (known.yaml:8:14)"),
    (HEAD + ONE + "    at_most: 0", "NLM-K012: at_most must be a number, such as 3 (known.yaml:8:14)"),
    (HEAD + ONE + "    at_most: -1", "NLM-K012: at_most must be a number, such as 3 (known.yaml:8:14)"),
    (HEAD + ONE + "    at_most: [3]", "NLM-K012: at_most must be a number, such as 3 (known.yaml:8:14)"),
    (HEAD + ONE + "    at_most: " + "9" * 5000, "NLM-K012: at_most must be a number, such as 3 (known.yaml:8:14)"),
    (
        HEAD + ONE.replace("NLD102", "NLD105").replace("mtu", "''"),
        "NLM-K012: field must not be empty for NLD105; it is",
    ),
    (HEAD + ONE + "    expires: soon", "NLM-K012: expires must be a date, such as 2027-03-31 (known.yaml:8:14)"),
    (HEAD + ONE + "    expires: 20270331", "NLM-K012: expires must be a date, such as 2027-03-31 (known.yaml:8:14)"),
    (HEAD + ONE + "    expires: 2027-02-30", "NLM-K012: expires must be a date, such as 2027-03-31 (known.yaml:8:14)"),
    (HEAD + ONE + "    expires: 2027-03-31 10:00:00", "NLM-K012: expires must be a date, such as 2027-03-31 (known."),
    (HEAD + ONE + "    expires: [a]", "NLM-K012: expires must be a date, such as 2027-03-31 (known.yaml:8:14)"),
    (HEAD + "  - code: NLD102", "NLM-K012: entry 1 has no message and no reason and no owner (known.yaml:3:5)"),
    (
        HEAD + ONE + TWO.replace("102", "999"),
        "NLM-K012: 'NLD999' is no code of a difference; NLD102 is one (known.yaml:8:11)",
    ),
    (
        HEAD + ONE + "    kernel: '6.1'",
        "NLM-K012: '6.1' is no range of kernels; >=6.1,<6.13 is one (known.yaml:8:13)",
    ),
    (HEAD + ONE.replace("late", "' '"), "NLM-K012: reason must not be empty (known.yaml:6:13)"),
    (
        HEAD + ONE + TWO + ONE.replace("late", "early"),
        "NLM-K013: entry 3 allows the same as entry 1 (known.yaml:13:5); remove one of them",
    ),
]


@pytest.mark.parametrize(("text", "what"), WRONG, ids=range(len(WRONG)))
def test_a_mistake_has_a_place(text: str, what: str) -> None:
    """Each has a code, line and column, what was expected, and the nearest key of a misspelt one."""
    assert refused(text).startswith(what)


@given(st.text(st.sampled_from("known: 1\nentris[]{}-&*!|>'\"#%@`,?\t\r\x85\ufeff\u2028~<=")))
def test_any_text_is_a_file_or_a_mistake(text: str) -> None:
    """Whatever YAML makes of it."""
    for whole in (text, HEAD + ONE + text, HEAD + "  - " + text):
        try:
            KnownFile(PATH, whole)
        except InputError as error:
            assert error.code in {"NLM-K011", "NLM-K012", "NLM-K013", "NLM-K014"}


UNREADABLE = [(b"\xff", "codec can't decode"), (None, "No such file or directory")]


@pytest.mark.parametrize(("data", "why"), UNREADABLE, ids=["no UTF-8", "missing"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, data: bytes | None, why: str) -> None:
    """It is one error, with the reason."""
    path = tmp_path / "known.yaml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError, match="NLM-K010") as caught:
        KnownFile.read(path)

    assert (why in caught.value.why, caught.value.where) == (True, str(path))


# -- changes -------------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(str.strip)
ENTRIES = st.builds(
    KnownDifference,
    code=st.sampled_from([cls.code for cls in Class]),
    message=TEXTS,
    field=TEXTS | st.just("*"),
    capture=TEXTS,
    scenario=TEXTS,
    reason=TEXTS,
    owner=TEXTS,
    issue=st.sampled_from(["", "#12", "yes", "1", "null", "- a", "a: b", "2027-01-01"]),
    expires=st.dates() | st.none(),
    at_most=st.integers(1, 999_999_999) | st.none(),
)
LISTS = st.lists(ENTRIES, max_size=4, unique_by=lambda one: one.scope)


@pytest.mark.slow
@given(LISTS, LISTS)
def test_what_is_added_is_read_again(before: list[KnownDifference], after: list[KnownDifference]) -> None:
    """Whatever text an entry holds, and whatever was there."""
    held = {one.scope for one in before}
    new = [one for one in after if one.scope not in held]
    changed = KnownFile(PATH).adding(before).adding(new)

    assert read(changed.text) == [*before, *new] == [one for _, one in changed.entries]


@given(st.lists(ENTRIES, min_size=1, max_size=5, unique_by=lambda one: one.scope), st.sets(st.integers(1, 5)))
def test_what_is_removed_is_gone(entries: list[KnownDifference], numbers: set[int]) -> None:
    """The others stay, in their order."""
    changed = KnownFile(PATH).adding(entries).without(numbers)

    assert read(changed.text) == [one for number, one in enumerate(entries, 1) if number not in numbers]


STARTS = [
    ("", "known: 1\nentries:\n"),
    ("# ours\n", "# ours\nknown: 1\nentries:\n"),
    ("known: 1", "known: 1\nentries:\n"),
    ("known: 1\n", "known: 1\nentries:\n"),
    ("known: 1\nentries:", "known: 1\nentries:\n"),
    ("known: 1\nentries: []\n", "known: 1\nentries:\n"),
    ("known: 1\nentries: [ ]  # none\n", "known: 1\nentries:   # none\n"),
    ("known: 1\nentries: ~\n", "known: 1\nentries:\n"),
    ("entries:  # all\nknown: 1\n", "entries:  # all\n{}known: 1\n"),
]


@pytest.mark.parametrize(("before", "after"), STARTS, ids=range(len(STARTS)))
def test_the_first_entry_finds_its_place(before: str, after: str) -> None:
    """In a file without any, or without a list."""
    text = after.format(ONE) if "{}" in after else after + ONE

    assert KnownFile(PATH, before).adding([entry()]).text == text


COMMENTED = """\
# What we know.
known: 1   # the version
entries:
# -- links

- code: 'NLD102'   # with quotes
  message: RTM_NEWLINK
  field: mtu
  reason: |
    late

    # no comment
  owner: &us net-team

# -- groups

# about the group
# of links
- owner: *us
  code: NLD102
  message: RTM_NEWLINK
  field: group
  reason: 'a long text
    in two lines'
# about the flags
-
  {code: NLD102, message: RTM_NEWLINK, field: flags,
   reason: late, owner: net-team}
# the end
"""


def without(text: str, *numbers: int) -> str:
    return KnownFile(PATH, text).without(numbers).text


def cut(text: str, first: str, last: str) -> str:
    """A text without the lines from one that begins so to one that begins so."""
    begin, rest = text.index(first), text.index(last)
    return text[:begin] + text[text.index("\n", rest) + 1 :]


def test_removing_takes_the_lines_of_an_entry_and_no_others() -> None:
    """With it go the comments directly above it; those apart from it stay, as do quotes and indents of the others."""
    second = cut(COMMENTED, "# about the group", "    in two lines")
    third = cut(COMMENTED, "# about the flags", "   reason: late")

    assert without(COMMENTED, 2) == second
    assert without(COMMENTED, 3) == third
    assert without(COMMENTED, 2, 3) == cut(second, "# about the flags", "   reason: late")
    assert without(COMMENTED) == COMMENTED


def test_an_entry_that_another_one_needs_cannot_be_removed() -> None:
    """Its anchor would be gone; the file stays as it is."""
    with pytest.raises(InputError, match="NLM-K017: the file cannot be changed as it is written"):
        without(COMMENTED, 1)


def test_adding_keeps_every_line() -> None:
    """The entry stands behind the last one, with the indent of the others; what follows stays."""
    new = "- code: NLD102\n  message: RTM_NEWLINK\n  field: alias\n  reason: late\n  owner: net-team\n"
    begin, end = COMMENTED.split("# the end\n")

    assert KnownFile(PATH, COMMENTED).adding([entry(field="alias")]).text == f"{begin}{new}# the end\n{end}"


def test_line_ends_stay() -> None:
    """A file with CR LF has no other line end afterwards."""
    text = (HEAD + ONE).replace("\n", "\r\n")
    changed = KnownFile(PATH, text).adding([entry(field="group")])

    assert changed.text == (HEAD + ONE + TWO).replace("\n", "\r\n")
    assert changed.without([2]).text == text


@pytest.mark.parametrize("text", ["known: 1\nentries: [" + json.dumps(USUAL) + "]\n", "{known: 1}\n"])
def test_a_list_in_brackets_is_left_alone(text: str) -> None:
    """It cannot be changed line by line, and the error says how it can."""
    with pytest.raises(InputError, match="begin each entry on a new line, with a dash"):
        KnownFile(PATH, text).adding([entry(field="group")])


def test_all_entries_can_go() -> None:
    """What is left is a file without entries, to which one can be added."""
    empty = KnownFile(PATH, HEAD + ONE + TWO).without([1, 2])

    assert (empty.text, empty.adding([entry()]).text) == (HEAD, HEAD + ONE)


def test_places_are_those_of_the_text() -> None:
    """An entry is where its dash stands."""
    known = KnownFile(PATH, COMMENTED)

    assert [known.place(number) for number in (1, 2, 3)] == ["known.yaml:6", "known.yaml:19", "known.yaml:26"]


# -- the schema ----------------------------------------------------------------------------------------------


def follows(text: str) -> bool:
    """Whether a text follows the schema, with dates as the text that they are in the file."""
    found = json.loads(json.dumps(YAML(typ="safe").load(text), default=str))
    return not list(Draft202012Validator(known_schema()).iter_errors(found))


def test_the_schema_is_one() -> None:
    """It follows the rules of schemas."""
    Draft202012Validator.check_schema(known_schema())


@pytest.mark.parametrize("text", [text for text, _ in RIGHT if "known" in text], ids=str)
def test_what_is_read_follows_the_schema(text: str) -> None:
    """All that is a file of known differences is one by its schema."""
    assert follows(text)


# What only the reader sees: which days there are, ranges of kernels, keys that are there twice, entries alike, and what
# is YAML but no JSON.
SUBTLE = ("2027-02-30", "kernel: '6.1'", "NLM-K013", "!a", "<<", "99", "[a]: a")
LOADED = [
    text
    for text, what in WRONG
    if "NLM-K011" not in what and "twice" not in what and not any(word in text + what for word in SUBTLE)
]


@pytest.mark.parametrize("text", LOADED, ids=str)
def test_what_is_refused_breaks_the_schema(text: str) -> None:
    """An editor that knows the schema shows the mistakes that can be seen without reading the values."""
    assert not follows(text)
