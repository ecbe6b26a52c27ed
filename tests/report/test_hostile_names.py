"""Names that are markup, commands or paths: in every report they are the text that they are, and nothing else.

Not here: what a name of one kind looks like in each report (``test_kinds``), and names on terminals (``tests/cli``).
"""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt

from nlmon.printable import printable
from nlmon.report.foreign import github_schema, gitlab_schema
from nlmon.report.kinds import report_as
from nlmon.report.outcome import Finding, Run
from nlmon.report.places import NOWHERE
from support.annotations import parsed
from support.examples import examples
from support.runs import result, run

# What Markdown, HTML, workflow commands, places of findings and terminals act upon, one behind the other or in words.
PIECES = [
    *"`*_{}[]()#+-.!|<>&~$@:%,;='\"\\/ \n\r\t\x1b\x9b\u202e\u2028\ufeff\udcff\U000e0001",
    *("::error::", "%0A", "&lt;", "&#124;", "www.", "http://", "]()", "<!--", "-->", "```", "~~~", "$$", ":1:2", "./"),
    *("<script>", "</code>", "</details>", "__", "**", "word", "é", "漢"),
]
NAMES = st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map("".join) | st.text(min_size=1)


def named(name: str) -> Run:
    """A run in which everything that comes from outside has a name."""
    findings = (Finding(name, f"{name}:3:7", (name,)),)
    case = {"title": name, "reason": name, "where": name, "findings": findings}
    return run([result(outcome, name, **case) for outcome in ("failed", "errored", "xfailed", "passed")], host=name)


@examples(60)
@given(NAMES)
def test_markdown_shows_every_name_as_it_is(name: str) -> None:
    """In the cells of tables, in headings and in blocks; nothing else than what nlmon writes is an element."""
    text = report_as("markdown", named(name)).decode()
    html = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text)
    tree = ET.fromstring(f"<x>{html}</x>")
    codes = [code.text or "" for code in tree.iter("code")]

    assert {element.tag for element in tree.iter()} <= {
        *("x", "h2", "h3", "h4", "ul", "li", "code", "pre", "p", "details", "summary"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }
    assert {len(row) for row in tree.iter("tr")} == {2, 5}
    assert codes.count(f"{printable(name)}[migrate]") == 6
    assert [code for code in codes if code.startswith(f"{printable(name)}\n")] != []


@examples(150)
@given(NAMES)
def test_annotations_are_read_as_they_were_written(name: str) -> None:
    """Each is one line, which GitHub takes apart into the place, the title and the message that were meant."""
    assume(name != "./")  # that is no file
    lines = report_as("github", named(name)).decode().split("\n")
    commands = [parsed(line) for line in lines[:-1]]
    errors = [error.message for one in commands for error in Draft202012Validator(github_schema()).iter_errors(one)]
    shown = printable(name)

    assert (errors, [one["command"] for one in commands]) == ([], ["error", "error", "warning", "notice"])
    assert [one["message"] for one in commands[:3]] == [f"{shown}\n{shown}"] * 3
    assert [one["properties"]["title"] for one in commands[:3]] == [f"nlmon: {shown}[migrate]"] * 3
    assert {(one["properties"]["line"], one["properties"]["col"]) for one in commands[:3]} == {("3", "7")}
    assert {one["properties"]["file"] for one in commands[:3]} == {printable(name.removeprefix("./"))}


@examples(150)
@given(NAMES)
def test_code_quality_and_junit_hold_every_name(name: str) -> None:
    """As JSON of its schema, and as XML."""
    issues = json.loads(report_as("gitlab", named(name)))
    suites = ET.fromstring(report_as("junit", named(name)))

    assert [error.message for error in Draft202012Validator(gitlab_schema()).iter_errors(issues)] == []
    # No folder of this machine is left in the name of a case.
    case = NOWHERE.in_repository(name) if name.startswith("/") else name
    assert {one["description"] for one in issues} == {f"{printable(case)}[migrate]: {printable(name)}"}
    assert {one["location"]["lines"]["begin"] for one in issues} == {3}
    assert {case.get("name") for case in suites.iter("testcase")} == {"migrate"}
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", report_as("junit", named(name)).decode()) is None
