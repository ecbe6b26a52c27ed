"""The page of a matrix: a table of fields and implementations, evidence, and nothing of a program that is markup."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from nlmon.cli.main import group
from nlmon.testing import messages as made
from support.captures import route_capture
from support.programs import program

UP = made.message(16, made.link(7, "eth7", mtu=1400))
# A program with a name and a value that would be markup.
HOSTILE = """
hello["name"] = "<script>alert(1)</script>"
hello["version"] = "<b>9"
def answer(n):
    fields = {"family": 0, "ifindex": 7, "mtu": 9, "qdisc": "<img src=x onerror=alert(1)>"}
    return [{"offset": 0, "type": 16, "kind": "link", "fields": fields}]
"""


class Tags(HTMLParser):
    """Tags that are open, in order, and those that were there."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        if tag not in {"meta"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a run with a program that is wrong."""
    folder = tmp_path_factory.mktemp("page")
    words = ["matrix", route_capture(folder, UP), "-i", "libnl", "-i", program(folder, HOSTILE)]
    outcome = CliRunner().invoke(group, [*words, "--report", f"html:{folder / 'page.html'}"])
    assert outcome.exit_code == 1
    return (folder / "page.html").read_text(encoding="utf-8")


def test_the_table_says_who_is_wrong(page: str) -> None:
    """A cell for each implementation, which leads to the bytes."""
    assert "1 of 2 implementations gave values that are wrong by the bytes" in page
    assert '<span class="word bad" title="once not what the message holds">1 wrong</span>' in page
    assert '<a href="#field-0"><code>link.mtu</code></a>' in page
    assert "IFLA_MTU at 44: <code>08 00 04 00 78 05 00 00</code>" in page
    assert '<th scope="row"><code>1400</code></th><td><span class="word good">the bytes</span> libnl</td>' in page


def test_it_is_whole_and_nothing_in_it_is_markup(page: str) -> None:
    """Every tag ends, and no script or picture of a program is among them."""
    tags = Tags()
    tags.feed(page)

    assert tags.open == []
    assert tags.seen & {"script", "img", "b", "link"} == set()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_all_that_is_asked_for_is_written(tmp_path: Path) -> None:
    """Reports of the three kinds in one run; a path alone is JSON."""
    files = {"html": "a.html", "markdown": "a.md", "json": "a.json"}
    words = [word for kind, name in files.items() for word in ("--report", f"{kind}:{tmp_path / name}")]
    words += ["--report", str(tmp_path / "b.json")]
    capture = route_capture(tmp_path, UP)
    outcome = CliRunner().invoke(group, ["matrix", capture, *words])
    begins = {name: (tmp_path / name).read_text()[:15] for name in (*files.values(), "b.json")}

    assert outcome.exit_code == 0
    assert begins == {
        "a.html": "<!doctype html>",
        "a.md": "## Who took par",
        "a.json": begins["b.json"],
        "b.json": begins["a.json"],
    }


def test_a_report_takes_no_place_of_a_capture(tmp_path: Path) -> None:
    """And there is no other kind."""
    capture = route_capture(tmp_path, UP)
    over = CliRunner().invoke(group, ["matrix", capture, "--report", f"html:{capture}"])
    other = CliRunner().invoke(group, ["matrix", capture, "--report", "junit:x.xml"])

    assert getattr(over.exception, "code", "") == "NLM-U007"
    assert other.exit_code == 2
    assert "html, markdown" in other.output
