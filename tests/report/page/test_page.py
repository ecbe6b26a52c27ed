"""The page as text: whole, bounded, and without a word that is not escaped.

Not here: what a browser makes of it (``test_browser.py``).
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import Any

import pytest
from msgspec import structs
from rich.console import Console

from nlmon.compare.difference import Class
from nlmon.report.model import BlindChange, BlindSpot, CaptureReport, KnownUse, Unannounced, Verdict
from nlmon.report.outcome import CaseLine, Finding, Outcome, Run
from nlmon.report.page import LARGEST, html_page
from nlmon.report.page.case import case_of
from nlmon.report.page.view import evidence, moment, top
from nlmon.report.table import table
from support.pages import HOSTILE, a_case, a_run, conflict, full_run, hostile_run, large_run
from support.paths import TESTS

# Elements that have no end.
VOID = {"meta", "input", "path", "rect", "circle"}
# What a page may be made of: nothing that loads, frames, submits or runs.
ELEMENTS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "script",
        "body",
        "header",
        "main",
        "footer",
        "section",
        "div",
        "p",
        "a",
    ),
    *("h1", "h2", "h3", "h4", "ul", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td", "pre", "code"),
    *("span", "strong", "small", "mark", "details", "summary", "figure", "figcaption", "svg", "path", "rect", "circle"),
    *("form", "fieldset", "legend", "label", "input", "select", "option", "button", "output"),
}


class Elements(HTMLParser):
    """What a page is made of; its text, and whether every element ends where it should."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


RUNS = {
    "full": full_run(),
    "hostile": hostile_run(),
    "nothing": a_run(),
    "one": a_run(a_case("link.flap")),
}


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_elements_are_ours_and_end_where_they_should(run: Run) -> None:
    """Whatever the run holds."""
    page = Elements(html_page(run))

    assert (page.open, {name for name, _ in page.found} - ELEMENTS) == ([], set())


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_no_two_elements_have_one_id(run: Run) -> None:
    """What a label names is one thing."""
    ids = [attributes["id"] for _, attributes in Elements(html_page(run)).found if "id" in attributes]

    assert len(ids) == len(set(ids))


def test_hostile_text_stays_text() -> None:
    """All of it is there, escaped, and nothing of it is an element, an attribute or a control."""
    page = html_page(hostile_run())
    found = Elements(page)
    texts = "".join(found.text)
    names = {name for _, attributes in found.found for name in attributes}

    assert all(text.encode("unicode_escape").decode() in texts for text in HOSTILE)
    assert {name for name in names if name.startswith("on") or name in {"src", "style"}} == set()
    assert [c for c in page if not c.isprintable() and c != "\n"] == []


def test_nothing_is_loaded() -> None:
    """Links lead to places of the page, and its policy allows nothing from elsewhere."""
    found = Elements(html_page(full_run())).found
    links = {
        value for _, attributes in found for name, value in attributes.items() if name in {"src", "href", "action"}
    }
    policy = next(attributes["content"] for _, attributes in found if "http-equiv" in attributes)

    assert {link for link in links if link is None or not link.startswith("#")} == set()
    assert policy is not None
    assert policy.split("; ")[0] == "default-src 'none'"
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", ["style", "script"])
def test_the_policy_names_our_style_and_script(name: str) -> None:
    """By their digests; any other does nothing."""
    page = html_page(full_run())
    text = re.search(f"<{name}>(.*)</{name}>", page, re.DOTALL)
    assert text is not None
    digest = base64.b64encode(hashlib.sha256(text[1].encode()).digest()).decode()

    assert f"{name}-src 'sha256-{digest}'" in page


def test_links_to_codes_lead_somewhere() -> None:
    """Every code that a page names is explained on it."""
    found = Elements(html_page(full_run())).found
    ids = {attributes["id"] for _, attributes in found if "id" in attributes}
    links = {attributes["href"] for name, attributes in found if name == "a"}

    assert {link for link in links if link is None or link[1:] not in ids} == set()
    assert {"#code-NLD102", "#code-NLD105", "#code-NLM-S022"} <= links


def test_the_worst_comes_first() -> None:
    """And is open; cases of one outcome keep their order."""
    cases = [attributes for _, attributes in Elements(html_page(full_run())).found if "data-case" in attributes]

    assert [case["data-case"] for case in cases] == [
        *("link.mtu[migrate]", "no.capture[migrate]", "veth.pair[migrate]", "link.flap[migrate]"),
        "ipsec.states[rollback]",
    ]
    assert [case["data-case"] for case in cases if "open" in case] == ["link.mtu[migrate]"]


SENTENCES = [
    "1 of 5 cases failed and 1 errored; 1 has a loss of service.",
    "policy: min_events 1 (nlmon.toml)",
    "Cases: 2 of 5 did not pass",
    "libnl alone provides, and legacy would lose:",
    " RTM_NEWLINK flags, 2 times: flags of a dummy (ann, T-1, until 2027-01-01)",
    "neither reads IFLA_AF_SPEC (14 messages)",
    "frame 3, offset 0x0, IFLA_MTU at 0x20: both provide it, with different values",
    "nlmon run link.mtu.yaml -k 'link.mtu[migrate]'",
    "link.mtu.yaml:3:5",
    "NLM-S022",
    "the final states differ",
    "2026-01-02 03:04:05 UTC",
    "abababababababab…",
]


@pytest.mark.parametrize("sentence", SENTENCES, ids=range(len(SENTENCES)))
def test_the_page_says_what_other_reports_say(sentence: str) -> None:
    """In the same words."""
    assert sentence in "".join(Elements(html_page(full_run())).text)


REPORT = full_run().results[-1].report
assert REPORT is not None
CAPTURE = structs.replace(REPORT, scenario="")
ABOUT = [
    ("passed", REPORT, "What link.flap does."),
    ("passed", None, "What link.flap does."),
    ("failed", REPORT, "why"),
    ("failed", CAPTURE, "3 conflict, 1 reordered, 1 state, 2 known"),
    ("errored", CAPTURE, "why"),
    ("skipped", None, "why"),
    ("xfailed", REPORT, "why"),
]


LOSS = KnownUse(1, Class.SERVICE.code, "addr", "label", "nobody reads it", "me", "", "", 3)
COUNTS = [
    ({"conflict": 2, "loss-of-service": 5}, [], "2 conflict, 5 loss-of-service"),
    ({"conflict": 2, "loss-of-service": 5}, [LOSS], "2 conflict, 2 loss-of-service, 3 known"),
    ({"loss-of-service": 3}, [LOSS], "3 known"),
    ({"conflict": 2}, [structs.replace(LOSS, code=Class.CONFLICT.code)], "2 conflict, 3 known"),
    ({"loss-of-service": 4}, [LOSS, structs.replace(LOSS, entry=2, code="NLD105")], "1 loss-of-service, 6 known"),
    ({}, [], ""),
]


@pytest.mark.parametrize(("differences", "known", "expected"), COUNTS, ids=range(len(COUNTS)))
def test_differences_are_counted_as_on_a_terminal(
    differences: dict[str, int], known: list[KnownUse], expected: str
) -> None:
    """Each once, what is known by itself, on the page and in the table."""
    report = structs.replace(CAPTURE, differences=differences, known=known)
    case = structs.replace(a_case("link.flap", "failed"), report=report, title="")
    console = Console(file=io.StringIO(), width=200)
    console.print(table([report], 200))
    assert isinstance(console.file, io.StringIO)
    row = console.file.getvalue().splitlines()[-2]

    assert case_of(case, 0).about == expected
    assert f"  {expected or 'none'}  " in row


@pytest.mark.parametrize(("outcome", "report", "expected"), ABOUT, ids=range(len(ABOUT)))
def test_a_closed_case_says_what_matters(outcome: Outcome, report: CaptureReport | None, expected: str) -> None:
    """The reason, unless it is that of its verdict; else what it is about. A capture has no title."""
    case = structs.replace(a_case("link.flap", outcome, reason="why" if outcome != "passed" else ""), report=report)
    case = structs.replace(case, title="" if report is CAPTURE else case.title)

    assert case_of(case, 0).about == expected


WHY = [
    ({"reason": "why"}, "of it", ["why", "because: of it"]),
    ({"reason": "why"}, "why", ["why"]),
    ({"reason": "why", "code": "NLM-S022"}, "", ["NLM-S022: why"]),
    ({"reason": "why", "findings": (Finding("why"),)}, "why", []),
    ({}, "", []),
]


@pytest.mark.parametrize(("changes", "reason", "expected"), WHY, ids=range(len(WHY)))
def test_a_case_says_once_why(changes: dict[str, Any], reason: str, expected: list[str]) -> None:
    """What a finding says is not said again."""
    case = a_case("link.flap", "failed")
    assert case.report is not None
    report = structs.replace(case.report, reason=reason)

    assert case_of(structs.replace(case, report=report, **changes), 0).why == expected


@pytest.mark.parametrize(("expected", "verdicts"), [(None, {"migrate": "inconclusive"}), ("inconclusive", {})])
def test_of_scenarios_that_expect_a_verdict_the_outcomes_are_shown(
    expected: Verdict | None, verdicts: dict[str, str]
) -> None:
    """The verdict of captures stands below the first sentence; one that a scenario expects is not shown."""
    case = structs.replace(a_case("link.flap", "passed", "inconclusive"), expected=expected)

    assert top(a_run(case, a_case("link.other"))).verdicts == verdicts


def test_a_case_of_merged_runs_says_whose_it_is() -> None:
    """Cases of two hosts may have one name."""
    cases = [structs.replace(a_case("link.flap"), host=host) for host in ("hosta", "hostb")]
    page = Elements(html_page(a_run(*cases, hosts={"hosta": "6.1", "hostb": "6.12"})))

    assert [attributes["data-host"] for _, attributes in page.found if "data-host" in attributes] == ["hosta", "hostb"]
    assert all(text in "".join(page.text) for text in ("hosta: What", "hostb: What", "hosta (6.1), hostb (6.12)"))


def test_cases_that_did_not_run_are_named() -> None:
    """A run that was interrupted says so in its first sentence."""
    run = a_run(a_case("link.flap"))
    waiting = (CaseLine("link.other[migrate]", "link.other", "", "a.yaml", "migrate"),)
    page = "".join(Elements(html_page(Run(run.header, run.results, run.footer, waiting, whole=False))).text)

    assert "the run did not end: 1 case did not run" in page
    assert "Not run: link.other[migrate]" in page


@pytest.mark.parametrize(("cases", "groups"), [pytest.param(400, 50, marks=pytest.mark.long), (20_000, 0)])
@pytest.mark.slow
def test_a_page_is_bounded(cases: int, groups: int) -> None:
    """However much there is to show, and it says what it leaves out."""
    page = html_page(large_run(cases, groups))

    assert len(page.encode()) < LARGEST
    assert f"of {cases:,}" in page or f"All {cases:,} cases" in page
    assert "The page has no room for the details of this case." in page


@pytest.mark.slow
def test_a_code_of_a_case_without_room_is_explained() -> None:
    """The reasons of the run name it, and lead to what it means."""
    many = large_run(20_000)
    last = structs.replace(a_case("z", "errored", reason="no capture"), code="NLM-S022", report=None)
    first = (structs.replace(one, outcome="failed", reason="it differs") for one in many.results)
    found = Elements(html_page(a_run(*first, last)))
    ids = {attributes["id"] for _, attributes in found.found if "id" in attributes}

    assert "z[migrate]" not in {attributes.get("data-case") for _, attributes in found.found}
    assert {attributes["href"] for name, attributes in found.found if name == "a"} - {f"#{one}" for one in ids} == set()
    assert "code-NLM-S022" in ids


def test_a_page_names_no_option() -> None:
    """Who reads it types nothing: it says how much is left out, and not how to see more."""
    spots = [BlindSpot("link", f"IFLA_{number}", "", 1) for number in range(9)]
    changes = [BlindChange("link", (f"IFLA_{number}",), 2, 3) for number in range(9)]
    gone = [Unannounced("neigh", "gone", f"neigh {number}", 4, "a dump", ()) for number in range(9)]
    counts = {"neigh gone": 20}
    reported = {"blind": spots, "blind_changes": changes}
    reported |= {"unannounced": gone, "unannounced_counts": counts, "missed": gone, "missed_counts": counts}
    page = "".join(Elements(html_page(a_run(a_case("a.pcap", **reported)))).text)

    assert "more such events, in other attributes" in page
    assert "… and 15 more" in page
    assert not re.search(r"(?<![\w-])-v\b", page)


LONG = "é<\u202e" * 400_000


def long_texts() -> Run:
    """A run in which every text is longer than there is room for, of one case that is too large and of small ones."""
    spots = [BlindSpot("link", f"{number}{LONG[:2_000]}", "", 1) for number in range(300)]
    large = a_case(LONG, "failed", "regression", reason=LONG, findings=(Finding(LONG, LONG, (LONG,)),))
    others = [
        a_case(
            f"{number}{LONG[:2_000]}",
            "failed",
            reason=f"{number}{LONG}",
            kernel=LONG,
            blind=spots,
            differences={LONG: 1},
        )
        for number in range(5)
    ]
    small = a_case("small", "failed", groups=[conflict()])
    header = {"host": LONG, "started": LONG, "version": LONG, "tool": LONG, "options": {LONG: LONG}}
    run = a_run(large, *others, small, **header)
    return structs.replace(run, cases=tuple(CaseLine(LONG, "", "", "", "migrate") for _ in range(60)), whole=False)


@pytest.mark.slow
def test_a_page_is_bounded_whatever_texts_it_has() -> None:
    """One that is too large is shown in short, and takes no room from those behind it."""
    page = html_page(long_texts())
    found = Elements(page)
    cases = [attributes["data-case"] for _, attributes in found.found if "data-case" in attributes]

    assert len(page.encode()) < LARGEST
    assert (len(cases), cases[-1]) == (7, "small[migrate]")
    assert any(attributes.get("data-class") == "conflict" for _, attributes in found.found)


def test_recordings_of_two_hosts_are_two() -> None:
    """Though they have one path."""
    cases = [a_case("a", path="a.pcap", host=host, digest="") for host in ("one", "two", "one")]

    assert [row.host for row in evidence(a_run(*cases))["recordings"]] == ["one", "two"]


def test_lines_that_are_left_out_are_counted() -> None:
    """Of what was read of a case, and of what not both implementations read."""
    spots = [BlindSpot("link", f"IFLA_{number}", "", 1) for number in range(203)]
    case = a_case("a.pcap", notes=[f"note {number}" for number in range(60)], blind=spots)
    blind, read = evidence(a_run(case))["blind"], case_of(case, 0).read

    assert (len(blind), blind[-1]) == (201, "… and 3 more")
    assert (len(read), read[-2]) == (51, f"note {59 - int(read[-1].split()[2])}")


@pytest.mark.slow
def test_the_page_needs_no_table_and_no_comparison() -> None:
    """Whoever writes a page imports the templates alone."""
    code = (
        "import sys\nfrom support.pages import full_run\nfrom nlmon.report.page import html_page\n"
        "before = set(sys.modules)\nhtml_page(full_run())\nprint(*(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=TESTS)
    found = set(done.stdout.split())

    assert "jinja2" in found
    assert {"rich", "deepdiff", "pyroute2", "jsonschema", "nlmon.engine"} & found == set()


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01 00:00:00"),
        (-1, "1969-12-31 23:59:59"),
        (2**64 * 1000, "18,446,744,073,709 s"),
        (-(10**30), "-1,000,000,000,000,000,000,000 s"),
    ],
)
def test_a_time_is_shown_whatever_a_file_says(nanoseconds: int, text: str) -> None:
    """As a number of seconds where there is no date for it."""
    assert moment(nanoseconds) == text


@pytest.mark.parametrize(
    ("form", "kernel", "shown"),
    [
        ("pcapng", "Linux 6.12", "Linux 6.12"),
        ("pcapng", "", "not known"),
        ("pcap", "", "not in the file"),
        ("rtmon", "", "not in the file"),
    ],
)
def test_a_kernel_that_is_not_shown_has_a_reason(form: str, kernel: str, shown: str) -> None:
    """A pcap has no place for it; a pcapng may hold several recordings."""
    case = structs.replace(a_case("a"), report=CaptureReport("a", "equivalent", "", format=form, kernel=kernel))
    (row,) = evidence(a_run(case))["recordings"]

    assert row.kernel == shown
