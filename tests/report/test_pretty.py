"""What people read: the table at any width, what a recording held, groups of differences, what a rollback loses."""

from __future__ import annotations

import io
import re
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from rich.console import Console

from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.engine.run import replay_capture
from nlmon.report.model import (
    CaptureReport,
    Damage,
    DifferenceGroup,
    DifferenceRow,
    KnownUse,
    Report,
    Unannounced,
    worst,
)
from nlmon.report.policy import Policy
from nlmon.report.pretty import print_report
from nlmon.report.shown import Shown
from support.paths import FIXTURES

BASIC = FIXTURES / "captures" / "linux-6.12" / "01-route-basic.pcap.zst"
HEADINGS = {"capture", "frames", "messages", "events", "answers", "differences", "state", "verdict"}


def printed(
    *captures: CaptureReport,
    width: int = 160,
    names: tuple[str, str] = ("legacy", "libnl"),
    verbose: bool = False,
    **values: Any,
) -> str:
    """The report of some captures on a terminal of this width."""
    verdict = worst(capture.verdict for capture in captures)
    report = Report("nlmon", "0", *names, "notifications", list(captures), verdict, **values)
    out = io.StringIO()
    print_report(report, Console(file=out, width=width, emoji=False), Shown(verbose))
    return out.getvalue()


def large(path: str = "/var/lib/recordings/of/many/days/2026-11-25T21:38:00.pcapng.zst") -> CaptureReport:
    """A capture whose every cell is wide."""
    return CaptureReport(
        path=path,
        verdict="regression",
        reason="something",
        state="differs",
        frames=12_345_678,
        messages=23_456_789,
        roles={"notification": 12_345_677, "dump": 1},
        events={"legacy": 11_111_111, "libnl": 11_111_112},
        answers={"legacy": 1_000_000, "libnl": 1_000_001},
        differences={"contradicted": 1_234_567, "coalesced": 12, "loss-of-service": 99, "enhancement": 7_654_321},
    )


@pytest.mark.parametrize(("width", "least"), [(60, 4), (80, 4), (100, 5), (200, 8)])
def test_a_narrow_terminal_breaks_no_word(width: int, least: int) -> None:
    """Headings, classes, state and verdict are whole at every width, and so is the name when its pieces are joined."""
    text = printed(large(), width=width)
    heading, _, *rows = text[: text.index("\n/var")].splitlines()[1:]
    words = {word for row in rows for word in row.replace(",", " ").split()}

    assert set(heading.split()) <= HEADINGS
    assert len(heading.split()) >= least
    assert {"capture", "differences", "state", "verdict"} <= set(heading.split())
    assert {"contradicted", "coalesced", "loss-of-service", "enhancement", "differs", "regression"} <= words
    assert max(map(len, [heading, *rows])) <= width
    end = heading.index(next(word for word in heading.split() if word != "capture")) - 1
    assert large().path.startswith("".join(row[:end].strip() for row in rows)[:16])


@given(st.integers(10, 200), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=90))
def test_a_verdict_is_whole_whatever_the_name(width: int, path: str) -> None:
    """No name of a file, however long or wide its characters, squeezes the verdict."""
    text = printed(large(path), width=width)

    assert re.search(r"\bdiffers +regression\b", text) is not None


def test_a_capture_is_named_by_what_it_holds() -> None:
    """Datagrams by their part in the conversation, on one line."""
    with open_capture(BASIC) as reader:
        report = replay_capture(reader, "a.pcap", partial(create, "legacy"), partial(create, "libnl"))[0]
    lines = printed(report).splitlines()

    assert sum(report.roles.values()) == 664
    assert [line.strip() for line in lines if "datagrams:" in line] == [
        "869 messages in 664 datagrams: 154 notifications, 155 parts of dumps, 59 replies, 219 requests, "
        "77 acknowledgements and errors"
    ]
    assert [line for line in lines if "compared:" in line] == [
        "  compared: 143 events, and 305/326 messages of recorded dumps and replies (legacy/libnl)"
    ]
    assert lines[-1] == "verdict: equivalent  (libnl against legacy, 1 capture)"


def odd(text: str) -> CaptureReport:
    """A report that has the same text wherever a recording, a path or a person says what stands there."""
    row = DifferenceRow("NLD105", "state", "regression", text, 1, 0, text, text, 4, "00", text, text, text, False)
    return CaptureReport(
        path=text,
        verdict="regression",
        reason=text,
        fails=text,
        format="pcap",
        frames=1,
        roles={"dump": 1},
        not_subscribed={text: 1},
        not_covered={text: 1},
        problems={"legacy": {text: 1}},
        losses={text: 1},
        known=[KnownUse(1, "NLD102", text, text, text, text, text, "", 1)],
        groups=[DifferenceGroup("state", "regression", text, text, 1, row)],
        unannounced_counts={text: 1},
        unannounced=[Unannounced("link", "gone", text, 1, text, (text,))],
        notes=[text],
        damage=Damage("NLM-C001", text, 1),
    )


def test_no_text_breaks_a_line() -> None:
    """Whatever stands in a name, a path or an entry, a line of the report is one line, and shows what it holds."""
    name = "a\nb\r\x1b[1m\u2028:bomb:[bold]c"
    pages = [
        printed(odd(text), width=1000, policy=Policy(known=text, sources={"known": text}), stale=[1])
        for text in (name, "name")
    ]
    lines = [page.split("\n") for page in pages]

    assert len(lines[0]) == len(lines[1])
    assert [line for line in lines[0] if not line.isprintable()] == []
    assert pages[0].count(r"a\nb\r\x1b[1m\u2028:bomb:[bold]c") == pages[1].count("name")


def test_a_rollback_says_what_it_would_lose() -> None:
    """What libnl alone gives is named, whole events first, and counted; the verdict is another word."""
    with open_capture(BASIC) as reader:
        report = replay_capture(reader, "a.pcap", partial(create, "libnl"), partial(create, "legacy"))[0]
    lines = printed(report, names=("libnl", "legacy")).splitlines()

    assert lines[-4:-2] == [
        "  libnl alone provides, and legacy would lose: link.change 164, link.type 164, link.carrier 161, "
        "link.group 161, link.promiscuity 161, link.txqlen 161, link.broadcast 129, link.kind 119, link.ifalias 71, "
        "route.expires 62 and 15 more, see -v",
        "  because: 21 answers and 1,723 values would be lost, and no event",
    ]
    assert lines[-1] == "verdict: lossy  (legacy against libnl, 1 capture)"


def test_both_directions_say_what_was_unannounced() -> None:
    """What changed without a notification is the kernel's doing, and does not depend on which one is judged."""
    legacy, libnl = partial(create, "legacy"), partial(create, "libnl")
    with open_capture(BASIC) as there, open_capture(BASIC) as back:
        forward, rollback = replay_capture(there, "a", legacy, libnl)[0], replay_capture(back, "a", libnl, legacy)[0]

    assert forward.unannounced_counts["route changed"] == 2
    assert rollback.unannounced_counts == forward.unannounced_counts
    assert rollback.unannounced == forward.unannounced


def test_of_nothing_there_is_no_state() -> None:
    """Where nothing was read, or nothing compared, the table claims neither differences nor a state."""
    missing = CaptureReport("a.pcap", "error", "no such file", damage=Damage("NLM-C001", "no such file", -1))
    empty = CaptureReport("b.pcap", "error", "nothing to compare", format="pcap", frames=3)
    rows = printed(missing, empty).splitlines()[3:5]

    assert [row.split() for row in rows] == [
        ["a.pcap", "0", "0", "-", "-", "-", "-", "error"],
        ["b.pcap", "3", "0", "-", "-", "-", "-", "error"],
    ]


def test_a_missing_file_is_said_below_the_table() -> None:
    """What is wrong with a file is no difference, so it has a line of its own, once."""
    missing = CaptureReport("a.pcap", "error", "no such file", damage=Damage("NLM-C001", "no such file", -1))
    back = structs.replace(missing, direction="rollback")

    assert printed(missing, back).count("no such file") == 1
    assert "a.pcap\n  not read: no such file [NLM-C001]\n" in printed(missing, back)


def test_one_error_is_not_counted_in_times() -> None:
    """What both report is said once."""
    problems = {"NLM-D001 a message does not fit in its datagram": 1}
    report = CaptureReport("a.pcap", "equivalent", "", frames=2, problems={"legacy": problems, "libnl": problems})
    (line,) = (line for line in printed(report).splitlines() if "errors in" in line)

    assert line == "  errors in both: NLM-D001 a message does not fit in its datagram, once"


def test_why_errors_of_one_alone_are_no_difference() -> None:
    """Where the two report other errors, the lines say what of that the verdict does not speak of."""
    problems = {"legacy": {"NLM-D003 IFLA_MTU": 2}, "libnl": {"NLM-D003 IFLA_LINKINFO": 1, "NLM-D003 IFLA_MTU": 2}}
    lines = printed(CaptureReport("a.pcap", "equivalent", "", frames=2, problems=problems)).splitlines()
    at = next(number for number, line in enumerate(lines) if "errors in" in line)

    assert lines[at : at + 3] == [
        "  errors in legacy: NLM-D003 IFLA_MTU, 2 times",
        "  errors in libnl: NLM-D003 IFLA_LINKINFO, once; NLM-D003 IFLA_MTU, 2 times",
        "    an error about what one of them alone reads, as the contract says, is no difference",
    ]


def group(number: int, count: int) -> DifferenceGroup:
    """Differences about one field."""
    values = ("NLD102", "conflict", "regression", "RTM_NEWLINK", number, 16, f"field{number}", "IFLA_MTU", 40)
    first = DifferenceRow(*values, "08 00 04 00", "1500", "9000", "they disagree", False)
    return DifferenceGroup("conflict", "regression", "RTM_NEWLINK", f"field{number}", count, first)


def test_differences_are_shown_by_kind() -> None:
    """Each kind with its first example, place, values and bytes, and how many more; never more than twenty kinds."""
    groups = [group(number, 1 + number % 2 * 1233) for number in range(1, 24)]
    text = printed(CaptureReport(path="a.pcap", verdict="regression", reason="", frames=1, groups=groups))

    assert text.count("NLD102 conflict RTM_NEWLINK") == 20
    assert text.count("    … and 1,233 more like it") == 10
    assert "… and 2,469 of 3 other kinds; see --limit" in text
    assert [line.strip() for line in text[text.index("field2 ") :].splitlines()[:5]] == [
        "field2 — frame 2, offset 0x10, IFLA_MTU at 0x28: they disagree",
        "legacy  1500",
        "libnl   9000",
        "bytes   08 00 04 00",
        "NLD102 conflict RTM_NEWLINK field3 — frame 3, offset 0x10, IFLA_MTU at 0x28: they disagree",
    ]


def test_changes_without_a_notification_are_all_shown_on_request() -> None:
    """Five of them, or with -v every one that is kept; how many are left out is said."""
    change = Unannounced("neigh", "appeared", "neigh ff02::2 dev d0", 4, "known from a dump", ())
    report = CaptureReport(
        "a.pcap", "equivalent", "", frames=2, unannounced_counts={"neigh appeared": 9}, unannounced=[change] * 7
    )

    assert [printed(report, verbose=one).count("ff02::2") for one in (False, True)] == [5, 7]
    assert "… and 4 more; 2 of them with -v" in printed(report)
    assert printed(report, verbose=True).count("… and 2 more\n") == 1
