"""``nlmon explain``: what it finds, prints and refuses."""

from __future__ import annotations

import io
import json

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from nlmon.cli.common import say_where_explained
from nlmon.cli.explain import command
from nlmon.cli.schema import SCHEMAS
from nlmon.errors import UsageError
from nlmon.explain import GROUPS, in_group

ENTRIES = [one for group in GROUPS for one in in_group(group.name)]
WIDTH, HEIGHT = 80, 24


def explain(*words: str) -> Result:
    """The outcome of the command."""
    return CliRunner().invoke(command, words)


def test_a_code_is_explained() -> None:
    """What it means, an example, why it matters, what to do and where it stands, each behind its label."""
    done = explain("nlm-c001")

    assert (done.exit_code, done.output.splitlines()[0]) == (0, "NLM-C001: The capture that was named does not exist.")
    assert [line.split()[0] for line in done.output.splitlines() if line[:1].isalpha()] == [
        *("NLM-C001:", "From", "Example", "Why", "Do", "See")
    ]
    assert "docs/reference/codes/captures.md#nlm-c001" in done.output


def test_words_need_no_quotes() -> None:
    """Several arguments that are one name together are that name; others are explained one by one."""
    assert explain("blind", "spot").output == explain("blind spot").output
    one_by_one = explain("NLD101", "NLD102").output
    assert one_by_one == explain("NLD101").output + "\n" + explain("NLD102").output


@pytest.mark.parametrize(("word", "labels"), [("loss of service", 2), ("regression", 2), ("error", 2), ("lossy", 2)])
def test_every_meaning_of_a_word_is_explained(word: str, labels: int) -> None:
    """One below the other, such as a verdict and a class of difference."""
    assert explain(word).output.count("\nSee ") == labels


def test_a_code_that_nothing_gives_is_unknown() -> None:
    """Though its letter is known, it is not taken for the group."""
    assert isinstance(explain("NLM-C999").exception, UsageError)


def test_a_group_is_listed() -> None:
    """By its name or the beginning of its codes, each code with its title."""
    listed = explain("captures").output

    assert listed == explain("NLM-C").output
    assert [line.split()[0] for line in listed.splitlines() if line.startswith("NLM-")] == [
        one.name for one in in_group("captures")
    ]


def test_groups_are_listed() -> None:
    """Without an argument, with the number of their entries."""
    lines = explain().output.splitlines()

    assert [line.split()[:3] for line in lines[: len(GROUPS)]] == [
        [group.prefix or "-", group.name, str(len(in_group(group.name)))] for group in GROUPS
    ]


@pytest.mark.parametrize(("word", "near"), [("NLM-J01", "NLM-J001"), ("enhancment", "enhancement")])
def test_an_unknown_code_is_a_usage_error(word: str, near: str) -> None:
    """It has a code itself, and the hint has the nearest that are known."""
    error = explain(word).exception

    assert isinstance(error, UsageError)
    assert (error.code, near in error.hint) == ("NLM-U030", True)


def test_what_is_known_is_explained_beside_what_is_not() -> None:
    """And a plural is known by its singular."""
    done = explain("events", "nosuch", "fdb")

    assert ("event: what" in done.output, "neigh, fdb: objects" in done.output) == (True, True)
    assert isinstance(done.exception, UsageError)
    assert "'nosuch'" in str(done.exception)


@pytest.mark.parametrize("words", [(), ("NLM-C001",), ("captures", "regression")], ids=str)
def test_json_follows_its_schema(words: tuple[str, ...]) -> None:
    """Groups always, and the entries that were asked for."""
    data = json.loads(explain("--format", "json", *words).output)

    Draft202012Validator(SCHEMAS["explain"]()).validate(data)
    assert len(data["groups"]) == len(GROUPS)
    assert bool(data["entries"]) == bool(words)


class Terminal(io.StringIO):
    """A stream that says that somebody looks at it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "codes", "said"),
    [
        (Terminal(), ["NLD101", "NLD105", "NLD101"], "(nlmon explain NLD101 NLD105)\n"),
        (Terminal(), [], ""),
        (io.StringIO(), ["NLD101"], ""),
    ],
)
def test_a_terminal_is_shown_how_to_have_codes_explained(stream: io.StringIO, codes: list[str], said: str) -> None:
    """Each code once, and nothing where there is none; a pipe or a file gets nothing."""
    say_where_explained(codes, stream)

    assert stream.getvalue() == said


def rows(text: str) -> int:
    """The rows of a terminal that a text takes."""
    return sum(max(1, -(-len(line) // WIDTH)) for line in text.splitlines())


def test_an_explanation_fits_a_screen() -> None:
    """Of 80 by 24, with the line that was typed and the next prompt; each meaning of a word takes one."""
    texts = {name: explain(name).output for name in (entry.name.split(", ")[0] for entry in ENTRIES)}
    room = {name: (HEIGHT - 2) * max(1, text.count("\nSee")) for name, text in texts.items()}

    assert [name for name, text in texts.items() if rows(text) > room[name]] == []
    assert [name for name, text in texts.items() if "\x1b" in text] == []
