"""An assessment: what it says of good and bad implementations, and of evidence that is too thin."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from msgspec import structs

from nlmon.assess import dynamic
from nlmon.assess.asrun import as_run
from nlmon.assess.assessing import assess
from nlmon.assess.model import Assessment, exit_code
from nlmon.assess.text import judged_lines
from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.capture.write import PcapngWriter
from nlmon.report.page import html_page
from nlmon.report.page.view import top
from nlmon.scenario.configured import lanes
from nlmon.scenario.implementations import make_planned
from nlmon.testing.messages import addr, family, link, native, neigh
from nlmon.testing.zoo import ZOO
from nlmon.transport.base import TransportFactory
from support.captures import route_capture
from support.paths import FIXTURES

CAPTURES = FIXTURES / "captures" / "linux-6.12"
BASIC = CAPTURES / "01-route-basic.pcap.zst"
ROUTE = b"netlink:\n  use_libnl: false\n  protocols: {route: true, generic: false}\n"
# Each is about messages that the recording holds.
BAD = (
    "N19: no type",
    "no event",
    "no place",
    "invented, of libnl only",
    "peer for own address",
    "True for 1",
    "1500.0 for 1500",
    "other types in bulk",
    "a list of names",
    "True for a type of neighbour",
    "no group of IPv6 rules",
    "LinkInfo.type: too wide",
    "LinkInfo.type: sign",
    "LinkInfo.change: too wide",
    "no payload",
    "floating counters",
    "descriptor zero",
    "drops of a recording",
)
GRAVE = {"NLM-I010", "NLM-I015", "NLM-I016", "NLM-I017"}


def assessed(text: bytes, *captures: Path, **options: object) -> Assessment:
    """The assessment of a text with recordings."""
    return assess(text, "nlmon.yaml", captures, environ={}, **options)  # type: ignore[arg-type]


def replace_by(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let a bad implementation be in the place of the good one."""
    bad = ZOO[name]

    def made(wanted: str, factory: TransportFactory, options: BackendOptions) -> Backend:
        return bad.make(factory, options) if wanted == bad.base else make_planned(wanted, factory, options)

    monkeypatch.setattr(lanes, "make_planned", made)


def codes(found: Assessment, direction: str = "migrate") -> list[tuple[str, str]]:
    """Weights and codes of the reasons of a direction."""
    return [(one.weight, one.code) for one in found.reasons if one.direction == direction]


def test_the_good_pair() -> None:
    """May move and come back; what differs is what the contract says."""
    found = assessed(ROUTE, BASIC)

    assert (found.result, found.back, exit_code(found.result)) == ("go with notes", "go with notes", 0)
    assert (codes(found), codes(found, "rollback")) == ([("note", "NLM-I011")], [("note", "NLM-I012")])


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD)
def test_a_bad_candidate_is_no_go(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its mistake is, with the same configuration and recording."""

    replace_by(monkeypatch, name)
    found = assessed(ROUTE, BASIC)
    worst = found.reasons[0]

    assert (found.result, worst.weight, worst.code in GRAVE) == ("no go", "no go", True)
    assert worst.where.startswith(str(found.reports[0].path) if found.reports else "")


@pytest.mark.parametrize(
    ("text", "captures", "options", "code"),
    [
        (ROUTE, (), {}, "NLM-I020"),
        (ROUTE, (BASIC,), {"min_events": 100_000}, "NLM-I021"),
        (ROUTE + b"filter: netlink.link.mtu == 1\n", (BASIC,), {}, "NLM-I021"),
        (ROUTE.replace(b"generic: false", b"sock_diag: true"), (BASIC,), {}, "NLM-I022"),
    ],
    ids=["no recording", "too few", "nothing passes the filter", "a silent protocol"],
)
def test_thin_evidence_is_undecided(
    text: bytes, captures: tuple[Path, ...], options: dict[str, int], code: str
) -> None:
    """And never go."""
    found = assessed(text, *captures, **options)

    assert (found.result, exit_code(found.result), ("undecided", code) in codes(found)) == ("undecided", 3, True)


@pytest.mark.slow
def test_a_protocol_without_an_event_is_named() -> None:
    """So that somebody records while it is used."""
    found = assessed(ROUTE.replace(b"generic: false", b"generic: false, netfilter: true"), BASIC)

    assert [one.what for one in found.reasons_of("migrate") if one.code == "NLM-I022"] == [
        "the configuration listens to NETLINK_NETFILTER, of which no event came"
    ]


@pytest.mark.slow
def test_a_generic_family_that_no_recording_names_is_undecided(tmp_path: Path) -> None:
    """Though others gave events, so that the protocol is not silent."""
    with PcapngWriter(tmp_path / "families.pcapng", metadata={}) as writer:
        writer.write(socket=writer.add_socket("generic", 16), timestamp=1, data=family(30, "foo"))
    text = ROUTE.replace(b"generic: false", b"generic: true")
    found = {
        name: assessed(text + f"  generic_families: [{name}]\n".encode(), BASIC, tmp_path / "families.pcapng")
        for name in ("nl80211", "foo", "tcp_metrics")
    }

    assert {name: one.result for name, one in found.items()} == {
        "nl80211": "undecided",
        "foo": "go with notes",
        "tcp_metrics": "go with notes",
    }
    assert [one.what for one in found["nl80211"].reasons_of("migrate") if one.weight == "undecided"] == [
        "the configuration listens to the generic family nl80211, which no recording names"
    ]


@pytest.mark.parametrize(
    "data", [b"", BASIC.read_bytes()[:500], b"\xd4\xc3\xb2\xa1\x02\x00"], ids=["empty", "cut", "only a beginning"]
)
def test_a_damaged_recording_is_undecided(data: bytes, tmp_path: Path) -> None:
    """Also beside a good one: what is missing may differ."""
    path = tmp_path / "damaged.pcap"
    path.write_bytes(data)
    found = assessed(ROUTE, BASIC, path)

    assert (found.result, next(code for _, code in codes(found))) == ("undecided", "NLM-I023")


@pytest.mark.slow
def test_a_recording_that_is_named_twice_counts_once(tmp_path: Path) -> None:
    """Whatever it is called."""
    (tmp_path / "again.pcap.zst").symlink_to(BASIC)
    found = assessed(ROUTE, BASIC, tmp_path / "again.pcap.zst")

    assert (found.compared, len(found.reports)) == ({"NETLINK_ROUTE": 143}, 2)


def test_a_damaged_recording_gives_one_reason(tmp_path: Path) -> None:
    """With its place and what to do; nothing of the checklist is done for it."""
    path = tmp_path / "empty.pcap"
    path.touch()
    found = assessed(ROUTE, path)
    (one,) = found.reasons_of("migrate")

    assert (one.code, one.where, one.what) == (
        "NLM-I023",
        str(path),
        "it was not compared: the file is empty [NLM-C004]",
    )
    assert found.checklist == assessed(ROUTE).checklist


def test_a_long_recording_is_played_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is undecided: what is behind may differ."""
    monkeypatch.setattr(dynamic, "FRAMES_KEPT", 300)
    found = assessed(ROUTE, BASIC)
    (one,) = [one for one in found.reasons_of("migrate") if one.weight == "undecided"]

    assert (found.result, one.code, found.compared["NETLINK_ROUTE"] < 143) == ("undecided", "NLM-I023", True)
    assert one.what.startswith("only its first 3")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "pcap"),
    [
        ("file: a.json, rotate_size: 4KB, rotate_count: 1, compress: true", ""),
        ("file: a.json", "pcap: {file: a.json/b.pcap}"),
        ("file: /, rotate_size: 4KB", ""),
        (f"file: {'n' * 300}", "pcap: {file: a.pcap, rotate_size: 4KB, rotate_count: 1}"),
    ],
    ids=["rotated", "one below the other", "a folder", "too long a name"],
)
def test_files_of_this_machine_decide_nothing(files: str, pcap: str) -> None:
    """Legacy's lines are shorter, so rotated files would hold others; and paths are those of the host."""
    found = assessed(ROUTE + f"export: {{json: {{{files}}}, {pcap}}}\n".encode(), BASIC)

    assert (found.result, found.compared) == ("go with notes", {"NETLINK_ROUTE": 143})


MALFORMED = FIXTURES / "captures" / "by-hand" / "02-malformed-attributes.pcap"


def test_malformed_attributes_are_notes() -> None:
    """With the frame and the error: of what stood there nobody knows, and legacy need not read all of it."""
    found = assessed(ROUTE, MALFORMED)
    said = [(one.count, one.what) for one in found.reasons_of("migrate") if one.code == "NLM-I026"]

    assert (found.result, [code for _, code in codes(found)]) == (
        "go with notes",
        ["NLM-I011", "NLM-I026", "NLM-I026"],
    )
    assert said == [
        (
            19,
            "neither side could read something 19 times, of which nothing was compared; first NLM-D003: 0 bytes are no "
            "8-bit number (frame 1, offset 0x34, IFLA_OPERSTATE)",
        ),
        (
            9,
            "libnl alone could not read something 9 times, of which nothing was compared; first NLM-D003: 3 bytes, the "
            "policy wants at least 4 (frame 5, offset 0x34, IFLA_LINK)",
        ),
    ]


# Each makes a value of what is malformed and says nothing, is wrong in what no line has, or raises where no line is
# lacking for it; with the code, and the number of the frame.
UNSHOWN = {
    "IFLA_LINK that does not fit: link": ("NLM-I025", MALFORMED, 5),
    "IFLA_PROP_LIST that does not fit: altnames": ("NLM-I025", MALFORMED, 0),
    "RTA_MULTIPATH that does not fit: multipath": ("NLM-I025", MALFORMED, 0),
    "NDA_PROTOCOL that does not fit: protocol": ("NLM-I025", MALFORMED, 0),
    "another frame": ("NLM-I025", CAPTURES / "02-route-topology.pcap.zst", 0),
    "raises once": ("NLM-I016", CAPTURES / "02-route-topology.pcap.zst", 0),
    "raises on close": ("NLM-I016", BASIC, 0),
    "no socket": ("NLM-I025", BASIC, 0),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", UNSHOWN)
def test_what_no_line_shows_is_no_go(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exports are the same as those of the good one."""
    code, recording, frame = UNSHOWN[name]
    replace_by(monkeypatch, name)
    found = assessed(ROUTE, recording)
    worst = found.reasons[0]

    assert (found.result, found.back, worst.weight, worst.code) == ("no go", "no go", "no go", code)
    assert not any(report.groups for report in found.reports)
    assert f"frame {frame or ''}" in worst.where


@pytest.mark.slow
def test_what_is_wrong_in_messages_that_are_kept_back_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    """Since nothing of it is exported; with the message and the frame."""
    replace_by(monkeypatch, "NDA_PROTOCOL that does not fit: protocol")
    found = assessed(ROUTE + b"filter: message_type == RTM_NEWLINK\n", MALFORMED, min_events=1)
    said = [(one.weight, one.what) for one in found.reasons_of("migrate") if one.code == "NLM-I025"]

    assert (found.result, said) == (
        "go with notes",
        [
            (
                "note",
                "contradicted: RTM_NEWNEIGH protocol, as nlmon replay compares them, and none of it is exported",
            )
        ],
    )


def test_what_may_be_exported_is_no_note(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whether a filter lets such messages pass is not known of a recording where it let none; another one shows it."""
    replace_by(monkeypatch, "NDA_PROTOCOL that does not fit: protocol")
    text = ROUTE + b'filter: message_type == RTM_NEWLINK or interface == "wan0"\n'
    other = route_capture(tmp_path, native(16, link(9, "wan0")), native(28, neigh(9, "192.0.2.9")))
    found = [assessed(text, *captures, min_events=1) for captures in ((MALFORMED,), (MALFORMED, Path(other)))]
    weights = [[one.weight for one in each.reasons_of("migrate") if one.code == "NLM-I025"] for each in found]

    assert ([each.result for each in found], weights) == (["undecided", "no go"], [["undecided"], ["no go"]])


def test_what_a_recording_lacks_is_a_note(tmp_path: Path) -> None:
    """Of a message of which it has the beginning alone the rest is not known."""
    path = Path(route_capture(tmp_path, *(native(16, link(number, "eth0")) for number in range(1, 31))))
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, 24 + 12, 4096)  # the first packet was longer
    path.write_bytes(data)
    found = assessed(ROUTE, path)

    assert [(one.weight, one.what) for one in found.reasons_of("migrate") if one.code == "NLM-I027"] == [
        ("note", "1 packet is truncated (snap length), and nothing of it was compared")
    ]


def test_a_configuration_that_starts_under_neither() -> None:
    """Is a reason, and no exception; nothing that was not seen is done."""
    found = assessed(b"netlink: {use_libnl: false, protocols: {route: false}}\n", BASIC)

    assert (found.result, codes(found)[:2]) == ("no go", [("no go", "NLM-I007")] * 2)
    assert [one.what for one in found.checklist if one.stage == "testing" and one.state == "done"] == [
        "there is a configuration for the other implementation",
        "filters do the same",
    ]


@pytest.mark.parametrize(
    ("text", "environ", "where"),
    [
        (b"", {}, "nlmon.yaml"),
        (b"netlink:\n  use_libnl: true\n", {}, "nlmon.yaml:2"),
        (ROUTE, {"NLMON_NETLINK_USE_LIBNL": "true"}, "environment NLMON_NETLINK_USE_LIBNL"),
    ],
    ids=["by default", "by the file", "by the environment"],
)
def test_a_choice_that_is_made_already(text: bytes, environ: dict[str, str], where: str) -> None:
    """Is said, with its place: maybe the other direction was meant."""
    found = assess(text, "nlmon.yaml", (), environ=environ)

    assert [one.where for one in found.reasons if one.code == "NLM-I018"] == [where]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("", ["no event of neigh, rule came, so of these nothing was compared"]),
        (
            "monitoring: {message_types: [RTM_NEWLINK, RTM_DELRULE]}",
            ["no event of rule came, so of these nothing was compared"],
        ),
        ("monitoring: {message_types: [RTM_NEWLINK]}", []),
        ("filter: message_type == RTM_NEWLINK", []),
    ],
    ids=["all kinds", "some messages", "only what came", "a filter"],
)
def test_kinds_that_did_not_come_are_named(keys: str, said: list[str]) -> None:
    """Beside those that were compared; a filter may keep them away."""
    found = assessed(ROUTE + keys.encode() + b"\n", FIXTURES / "captures" / "by-hand" / "01-rare-values.pcap")

    assert [one.what for one in found.reasons_of("migrate") if one.code == "NLM-I024"] == said


def test_options_that_keep_events_away_are_named() -> None:
    """In both directions: they explain why legacy exports more."""
    options = b"  generic_families: [nl80211]\n  limits: {max_message_size: 600}\n"
    found = assessed(ROUTE.replace(b"generic: false", b"generic: true") + options)
    said = [one.what for one in found.reasons_of("migrate") if one.code == "NLM-I019"]

    assert said == [
        "netlink.generic_families: libnl has events of nl80211 alone, and legacy of every generic family",
        "netlink.limits.max_message_size: libnl has no events of messages above 600 bytes, and legacy has",
    ]


def test_a_reason_is_of_the_recording_that_it_names() -> None:
    """And of none whose name begins alike."""
    found = assessed(ROUTE, BASIC)
    longer = [structs.replace(one, path=f"{one.path}.2") for one in found.reports]
    run = as_run(structs.replace(found, reports=(*found.reports, *longer)), 1.0)
    findings = {one.id: len(one.findings) for one in run.results if one.direction == "migrate" and one.report}

    assert [count for name, count in findings.items() if " decoded" not in name] == [1, 0]


NO_BACK = b"filter: netlink.route.priority >= 0 or netlink.diag.uid == 0 or message_type != 0\n"


@pytest.mark.parametrize(
    ("text", "captures", "sentence", "tone", "first"),
    [
        (ROUTE, (BASIC,), "go with notes; back to legacy: go with notes", "good", "note: NLM-I011"),
        (ROUTE + NO_BACK, (BASIC,), "go with notes; back to legacy: no go", "good", "note: NLM-I011"),
        (ROUTE, (), "undecided; back to legacy: undecided", "open", "undecided: NLM-I020"),
    ],
    ids=["go", "no way back", "undecided"],
)
def test_a_page_opens_with_the_decision(
    text: bytes, captures: tuple[Path, ...], sentence: str, tone: str, first: str
) -> None:
    """In its title and its first sentence, with the reasons below; its exit code is that of the assessment."""
    found = assessed(text, *captures)
    run = as_run(found, 1.0)
    page, shown = html_page(run), top(run)

    assert (shown.sentence, shown.tone) == (f"nlmon.yaml: legacy to libnl: {sentence}", tone)
    assert shown.reasons[0].startswith(first)
    assert page.index(f"<title>{shown.sentence}</title>") < page.index("<h1>") < page.index("<h2")
    assert run.footer.exit_code == exit_code(found.result)


@pytest.mark.slow
def test_a_page_of_a_bad_implementation_opens_with_no_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """And shows the message that it rests on."""
    replace_by(monkeypatch, "IFLA_LINK that does not fit: link")
    run = as_run(assessed(ROUTE, MALFORMED), 1.0)
    shown = top(run)

    assert (shown.sentence, shown.tone) == ("nlmon.yaml: legacy to libnl: no go; back to legacy: no go", "bad")
    assert shown.reasons[0].startswith("no go: NLM-I025 contradicted: RTM_NEWLINK link")
    assert [one.outcome for one in run.results if one.scenario.endswith(" decoded")] == ["failed", "xfailed"]
    assert "IFLA_LINK" in html_page(run)


@pytest.mark.slow
def test_what_was_judged_is_said() -> None:
    """Of a recording how long it is and what it lost; of one that was made for this that it was played afterwards."""
    said = [next(judged_lines(assessed(ROUTE, BASIC, live=name))) for name in ("", "this host")]

    what = "143 events of both in 664 datagrams of 36.9 s, nothing lost while recording"

    assert [line.partition(": ")[2] for line in said] == [what, f"recorded live, then played to both: {what}"]
    assert said[1].startswith("this host: ")


def test_a_filter_that_legacy_does_not_know() -> None:
    """Is named with its line, and with what to write instead; the checklist fails there."""
    text = b"netlink:\n  protocols: {route: true, generic: false}\nfilter: netlink.diag.uid == 0\n"
    found = assessed(text, BASIC, to="legacy")
    worst = found.reasons_of("migrate")[0]

    assert (found.result, worst.code, worst.where, worst.field) == (
        "no go",
        "NLM-V021",
        "nlmon.yaml:3",
        "netlink.diag.uid",
    )
    assert [one.state for one in found.checklist if one.what == "filters do the same"] == ["failed"]


def test_no_way_back_is_a_note_on_the_way_there() -> None:
    """The move itself may be fine."""
    text = ROUTE + b"filter: netlink.route.priority >= 0 or netlink.diag.uid == 0 or message_type != 0\n"
    found = assessed(text, BASIC)

    assert (found.back, ("note", "NLM-I014") in codes(found)) == ("no go", True)


def test_options_are_classed() -> None:
    """Each key that is given, with the code of its rule."""
    text = ROUTE + b"  caching: {enabled: true}\nfilter: protocol == NETLINK_ROUTE\n"
    found = assessed(text)

    assert {one.key: (one.to_libnl, one.to_legacy, one.rule) for one in found.options} == {
        "netlink.use_libnl": ("same", "same", "NLM-I001"),
        "netlink.protocols.route": ("same", "same", "NLM-I001"),
        "netlink.protocols.generic": ("same", "same", "NLM-I001"),
        "netlink.caching.enabled": ("new", "ignored", "NLM-I004"),
        "filter": ("renamed", "renamed", "NLM-I002"),
    }


def test_the_checklist_is_whole() -> None:
    """All four stages of the guide; without a recording nothing of the comparison is done."""
    found = assessed(ROUTE)
    stages = [one.stage for one in found.checklist]

    assert {stage: stages.count(stage) for stage in stages} == {
        "pre-migration": 6,
        "testing": 8,
        "deployment": 8,
        "post-migration": 7,
    }
    assert [one.what for one in found.checklist if one.state == "done"] == [
        "the configuration in use is reviewed",
        "the protocols that are listened to are known",
        "there is a configuration for the other implementation",
        "filters do the same",
    ]


@pytest.mark.parametrize("second", [0, 1_700_000_000], ids=["no time", "one second"])
def test_events_of_one_time_are_in_no_other_order(second: int, tmp_path: Path) -> None:
    """Messages of several types that were recorded in the same microsecond, in turns."""
    turns = [
        (native(16, link(number, f"eth{number}")), native(20, addr(number, f"10.0.0.{number}")))
        for number in range(1, 16)
    ]
    path = Path(route_capture(tmp_path, *(message for turn in turns for message in turn)))
    data = bytearray(path.read_bytes())
    at = 24
    while at < len(data):
        struct.pack_into("<I", data, at, second)
        at += 16 + struct.unpack_from("<I", data, at + 8)[0]
    path.write_bytes(data)
    found = assessed(ROUTE, path)

    assert (found.result, found.compared) == ("go with notes", {"NETLINK_ROUTE": 30})
