"""Scenarios of configurations: what a file may say, and what is said of exports that are not as expected."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
import pytest

from nlmon.capture.base import Batch, Frame
from nlmon.compare.difference import Class
from nlmon.compare.provided import only_provided
from nlmon.compare.statement import statement_of
from nlmon.config import Config, Problem
from nlmon.events import LinkInfo
from nlmon.exporters.layout import exported_line
from nlmon.filters.regex import compile_regex
from nlmon.report.policy import Policy
from nlmon.scenario.configured.compare import ExportSide, compare_exports
from nlmon.scenario.configured.held import hold, hold_problems
from nlmon.scenario.configured.lanes import keeps, load_lane, load_later
from nlmon.scenario.configured.load import LANES
from nlmon.scenario.configured.output import ExportedLine, LaneOutput, lines_of, messages_of, samples_of
from nlmon.scenario.configured.recording import FrameTable
from nlmon.scenario.load import ScenarioFile, load_scenario, parse_scenario
from nlmon.scenario.model import ConfigurationLane, Exported
from nlmon.scenario.options import RunOptions
from nlmon.scenario.run import run_scenario
from nlmon.wire import Datagram
from support.exported import received
from support.paths import REPOSITORY

SCENARIOS = REPOSITORY / "scenarios"

HEAD = "scenario: 1\nid: a.b\ntitle: It is so.\ncapture: a.pcap\n"
# A link of kind dummy, and its message.
LINK, MESSAGE = received()[1]
BOTH = HEAD + "configuration: |\n  export: {json: {file: a.json}}\n"
CONTRADICTIONS = [
    (HEAD + "expect: {rules: [{name: a, matched: 1}]}\n", "rules is of monitors that run with a configuration"),
    (HEAD + "environment: {A: b}\nexpect: {verdict: lossy}\n", "environment has no effect without configuration"),
    (BOTH + "expect: {events: [{seq: 1}]}\n", "events does not go with a configuration"),
    (BOTH + "expect: {verdict: lossy}\n", "verdict is of a comparison"),
    (BOTH + "control: true\nexpect: {notices: []}\n", "control does not go with a configuration"),
    (BOTH + "faults: [{lost_socket: {}}]\nexpect: {notices: []}\n", "lost_socket is a fault of a socket"),
    (BOTH + "implementations: [legacy, mine]\nexpect: {notices: []}\n", "a configuration chooses between"),
    (BOTH + "implementations: [legacy, {name: libnl, recover: true}]\nexpect: {notices: []}\n", "its options are"),
    (BOTH + "expect: {exports: {syslog: [{facility: locale0}]}}\n", "no facility is called 'locale0'"),
    (BOTH + "expect: {exports: {json: [{severity: info}]}}\n", "severity is of syslog"),
    (BOTH + "expect: {exports: {json: [{where: netlink.lnk}]}}\n", "of this filter"),
    (BOTH + "expect: {exports: {json: [{msg_type: RTM_NEWLNK}]}}\n", "no message has the type"),
    (
        BOTH + "reloads: [{frame: 9, configuration: a}, {frame: 9, configuration: b}]\nexpect: {notices: []}\n",
        "it comes behind the one before it",
    ),
    (BOTH + "reloads: [{step: 9, configuration: a}]\nexpect: {notices: []}\n", "step does not go with capture"),
    (
        BOTH.replace("capture: a.pcap", "steps: [ip link]") + "reloads: [{step: 2, configuration: a}]\n"
        "expect: {notices: []}\n",
        "the scenario has 1 step",
    ),
    (BOTH + "reloads: [{frame: 9, configuration: a, by: legacy}]\nexpect: {notices: []}\n",
     "by goes with migrate or rollback alone"),
    (BOTH.replace("capture: a.pcap", "setup: [{rollback: true}]\nsteps: [ip link]") + "expect: {notices: []}\n",
     "rollback: monitors switch after the setup"),
    (HEAD + "configuration: {legacy: a}\nexpect: {notices: []}\n", "the key 'libnl' is missing"),
    (HEAD.replace("capture: a.pcap", "capture: {path: a, protocols: [route]}")
     + "configuration: a\nexpect: {notices: []}\n", "protocols does not go with a configuration"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "what"), CONTRADICTIONS, ids=[what for _, what in CONTRADICTIONS])
def test_what_contradicts_itself_is_a_mistake(text: str, what: str) -> None:
    """With its place, before anything runs."""
    _, mistakes = parse_scenario(text.encode(), "a.yaml")

    assert [what in one.text and one.line > 3 for one in mistakes] == [True]


def test_a_lane_decides_on_the_implementation() -> None:
    """One text is that of both lanes; a text of each decides itself, where it says something."""
    texts = {"legacy": "netlink: {use_libnl: true}", "libnl": ""}
    shared = [load_lane(ConfigurationLane(name, texts["legacy"], forced=True)).config for name in texts]
    own = [load_lane(ConfigurationLane(name, text)).config for name, text in texts.items()]

    assert [one and one.netlink.use_libnl for one in shared] == [False, True]
    assert [one and one.netlink.use_libnl for one in own] == [True, True]


def test_a_mistake_has_its_line_in_the_configuration() -> None:
    """Under the name that this has in the scenario, so that what both lanes say of one text is the same."""
    lanes = [ConfigurationLane(name, "\nexport: {jsn: a}", forced=forced) for forced in (True, False) for name in LANES]
    found = [one.text for lane in lanes for one in load_lane(lane).errors]

    assert [one.split("(")[1].split(")")[0] for one in found] == [
        *["configuration:2:10"] * 2,
        "configuration.legacy:2:10",
        "configuration.libnl:2:10",
    ]


def test_a_lane_sees_its_own_variables_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the environment of the run."""
    monkeypatch.setenv("NLMON_EXPORT_JSON_FILE", "/b.json")
    found = load_lane(ConfigurationLane("libnl", 'export: {json: {file: "${NAME}"}}', {"NAME": "/a.json"}))
    plain = load_lane(ConfigurationLane("libnl", ""))

    assert [one.config and one.config.export.json.file for one in (found, plain)] == ["/a.json", ""]


def test_what_is_read_later_and_refused_leaves_the_old_one() -> None:
    """Another implementation is in force as anything else is."""
    lane = ConfigurationLane("libnl", "")
    texts = {5: "core: {rate_limit: -1}", 9: "netlink: {use_libnl: false}\nfilter: netlink.link.mtu > 1"}
    later = load_later(lane, load_lane(lane), texts)

    assert [(frame, one.netlink.use_libnl, one.filter != "") for frame, one in later.configs.items()] == [
        (9, False, True)
    ]
    assert [one.code for one in (*later.errors, *later.notices)] == ["NLM-G013"]


def test_a_rewriting_finds_what_it_is_for_or_not() -> None:
    """None where the monitor has the implementation already, also since a rewriting before wrote nothing."""
    lane = ConfigurationLane("libnl", 'filter: netlink.link.kind == "dummy"', forced=True)
    later = load_later(lane, load_lane(lane), {}, {5: "legacy", 9: "libnl", 12: "legacy"})

    assert {frame: one and one.exit for frame, one in later.rewritings.items()} == {5: 1, 9: None, 12: 1}


# The head of a scenario over a recording, what is rewritten in it, what is expected, and what comes of that.
MOVED = """scenario: 1
id: a.b
title: It is so.
capture: ../captures/index-reuse.pcapng.zst
configuration: |
  filter: netlink.link.kind == "dummy"
  export: {json: {file: a.json}}
"""
IDLE = [
    ("{frame: 9, migrate: true}", "notices: []", "passed", ""),
    ("{frame: 9, migrate: true, by: libnl}", "notices: []", "errored", "NLM-S056"),
    ("{frame: 9, migrate: true, by: libnl}", "rewritten: []", "passed", ""),
    ("{frame: 9, rollback: true}", "notices: []", "failed", "libnl: rewritten: nothing was written (exit code 1)"),
    ("{frame: 9, rollback: true}", "rewritten: [{exit: 1, by: libnl}]", "passed", ""),
    ("{frame: 9, configuration: 'netlink: {protocols: {netfilter: true}}'}", "notices: []", "errored", "NLM-S057"),
    ("{frame: 9, rollback: true}", "findings: [{code: NLM-V021, by: libnl}]", "passed", ""),
]


@pytest.mark.parametrize(("reload", "expect", "outcome", "says"), IDLE)
def test_a_rewriting_that_does_nothing_does_not_pass(reload: str, expect: str, outcome: str, says: str) -> None:
    """Unless the scenario says so: else it would hold whatever a rewriting did."""
    text = f"{MOVED}reloads: [{reload}]\nexpect: {{{expect}}}\n"
    file = load_scenario(text.encode(), str(SCENARIOS / "migration" / "a.yaml"))
    result, *_ = run_scenario(file, RunOptions(folders=(str(SCENARIOS),)))
    said = [result.code, *(one.what for one in result.findings)]

    assert (result.outcome, any(one.startswith(says) for one in said)) == (outcome, True)


@pytest.mark.parametrize(
    ("text", "module"),
    [("export: {prometheus: {enabled: true}}", "prometheus_client"), ('filter: interface =~ "d.*"', "re2")],
)
def test_what_an_extra_brings_skips_a_scenario(text: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not installed; the reason has the command that installs it."""
    compile_regex.cache_clear()
    monkeypatch.setitem(sys.modules, module, None)
    head = MOVED.partition("configuration")[0]
    whole = f"{head}configuration: '{text}'\nexpect: {{notices: []}}\n"
    file = load_scenario(whole.encode(), str(SCENARIOS / "migration" / "a.yaml"))
    (result,) = run_scenario(file, RunOptions(folders=(str(SCENARIOS),)))

    assert (result.outcome, result.reason.rpartition("; ")[2]) == ("skipped", "pip install 'nlmon[monitor]'")


def _lines(*events: Any) -> tuple[ExportedLine, ...]:
    return tuple(lines_of(b"".join(map(exported_line, events)), "a.json"))


def _output(**values: Any) -> LaneOutput:
    nothing: dict[str, Any] = {
        "lines": {},
        "files": {},
        "captured": (),
        "metrics": (),
        "rules": {},
        "log": (),
        "notices": (),
    }
    return LaneOutput("libnl", **{**nothing, **values})


def _scenario(expect: str) -> ScenarioFile:
    return load_scenario(f"{BOTH}expect: {expect}\n".encode(), "a.yaml")


def _held(expect: str, output: LaneOutput) -> list[str]:
    file = _scenario(expect)
    assert file.scenario.configured is not None
    return [f"{one.where} {one.what}" for one in hold(file.scenario.configured.expect, output, file.place)]


LATER = msgspec.structs.replace(LINK, timestamp=LINK.timestamp + 1, seq=LINK.seq + 1)
TWO = _output(lines={"json": _lines(LINK, LATER)})
SYSLOG = _output(
    lines={"syslog": tuple(messages_of([b"<134>1 - - nlmon 1 RTM_NEWLINK - " + exported_line(LINK)[:-1]]))}
)
METRICS = _output(metrics=samples_of('# HELP a_total A.\na_total{b="1"} 2.0\na_total{b="2"} 3.0\nc 0.5\n'))
FILES = _output(files={"a.json": 3, "a.json.0": 4})
HELD = [
    ("{exports: {json: [{type: netlink, count: 2}]}}", TWO, ""),
    ("{exports: {json: [{count: 2}]}}", TWO, ""),
    ("{exports: {json: [{count: 3}]}}", TWO, "a.yaml:7:27 exports: json 1: expected 3 lines, found 2"),
    ("{exports: {json: [{where: netlink.link.mtu > 1, text: RTM_NEWLINK, count: 2}]}}", TWO, ""),
    ("{exports: {json: [{text: RTM_DELLINK}]}}", TWO, "json 1: expected at least 1 lines with text RTM_DELLINK"),
    ("{exports: {json: [{equals: {type: netlink}}]}}", TWO, "expected at least 1 lines with equals"),
    ("{exports: {json: [{seq: 12345}]}}", TWO, 'exports: json 1: expected at least 1, found 0: {"seq":12345}'),
    ("{exports: {json: [{seq: 12345, by: legacy}]}}", TWO, ""),
    ("{exports: {syslog: [{count: 2}]}}", TWO, "a.yaml:7:28 exports: syslog is not on"),
    ("{exports: {syslog: [{count: 2, by: legacy}]}}", TWO, ""),
    ("{exports: {syslog: [{facility: local0, severity: info, msg_type: RTM_NEWLINK, count: 1}]}}", SYSLOG, ""),
    ("{exports: {syslog: [{facility: mail}]}}", SYSLOG, "expected at least 1 lines with facility mail, found 0"),
    ("{metrics: [{name: a_total, value: 5}, {name: d, value: 0}]}", METRICS, ""),
    ("{metrics: [{name: a_total, labels: {b: '2'}, value: 3}]}", METRICS, ""),
    ("{metrics: [{name: a_total, labels: {b: '2'}, value: 5}]}", METRICS, 'a_total{b="2"}: expected 5, found 3'),
    ("{metrics: [{name: c, value: 0}]}", METRICS, "metrics: c: expected 0, found 0.5"),
    ("{metrics: [{name: c, value: 0}]}", _output(metrics=None), "metrics: prometheus is not on"),
    ("{files: [{path: 'a.json*', count: 2, lines: 7}]}", FILES, ""),
    ("{files: [{path: /a.json, count: 1}]}", FILES, ""),
    ("{files: [{path: 'a.json.*', count: 2}]}", FILES, "files: expected 2 a.json.*, found 1"),
    ("{files: [{path: a.json, lines: 4}]}", FILES, "files: a.json: expected 4 lines, found 3"),
    ("{rules: [{name: a, matched: 2}]}", _output(rules={"a": 2}), ""),
    ("{rules: [{name: a, matched: 2}]}", _output(rules={"a": 3}), "rules: a: expected 2 events, it matched 3"),
    ("{rules: [{name: b, matched: 0}]}", _output(rules={"a": 3}), "rules: b: expected 0 events, there is no such rule"),
    ("{log: [{text: NLM-M048, count: 1}]}", _output(log=("NLM-M048: a", "NLM-M049: b")), ""),
    ("{log: [{text: NLM-M048, count: 2}]}", _output(log=("NLM-M048: a",)), "log: expected 2 with NLM-M048, found 1"),
]  # fmt: skip


@pytest.mark.parametrize(("expect", "output", "what"), HELD, ids=[f"{n}-{one[0][:50]}" for n, one in enumerate(HELD)])
def test_exports_are_held_against_what_is_expected(expect: str, output: LaneOutput, what: str) -> None:
    """What is not so is said with its place in the scenario."""
    found = _held(expect, output)

    assert [what in one for one in found] == ([True] if what else [])


def test_the_nearest_line_is_the_evidence() -> None:
    """With the fields in which it differs."""
    file = _scenario("{exports: {json: [{msg_type: RTM_NEWLINK, link: {mtu: 1}}]}}")
    assert file.scenario.configured is not None
    (found,) = hold(file.scenario.configured.expect, TWO, file.place)

    assert [line.strip() for line in found.lines[:3]] == [
        "the nearest line differs in",
        "link.mtu  expected 1",
        "actual   1500",
    ]
    assert found.lines[-1].startswith("  it is line 1 of a.json: {")


PROBLEMS = (
    Problem("NLM-G011", "error", "no key", line=2, key="a"),
    Problem("NLM-G013", "error", "no value", line=4, key="b"),
)


@pytest.mark.parametrize(
    ("expect", "whats"),
    [
        ("[{code: NLM-G011, line: 2}, {code: NLM-G013, key: b, count: 1}]", []),
        ("[{code: NLM-G011}]", ["refused: not expected: NLM-G013 no value"]),
        ("[{code: NLM-G011}, {code: NLM-G013, by: legacy}]", ["refused: not expected: NLM-G013 no value"]),
        (
            "[{code: NLM-G011, line: 3}, {code: NLM-G013}]",
            ["refused: expected at least 1 NLM-G011 in line 3, found 0", "refused: not expected: NLM-G011 no key"],
        ),
    ],
)
def test_a_list_of_problems_is_all_of_them(expect: str, whats: list[str]) -> None:
    """By code, and by line and key where they are given."""
    file = _scenario(f"{{refused: {expect}}}")
    assert file.scenario.configured is not None
    patterns = file.scenario.configured.expect.refused or ()

    assert [one.what for one in hold_problems("refused", patterns, PROBLEMS, "libnl", file.place)] == whats


RECORDING = FrameTable("little")
for _ in RECORDING.seen([Batch.of([Frame(7, LINK.timestamp, LINK.protocol, MESSAGE, "", 0, 0)])]):
    pass


def _sides(legacy: Any, libnl: Any) -> tuple[ExportSide, ExportSide]:
    """Monitors that have one implementation throughout."""
    return ExportSide(legacy, lambda _: "legacy"), ExportSide(libnl, lambda _: "libnl")


def _compared(legacy: Any, libnl: Any, *, filters: str = "", later: str | None = None, **other: Any) -> Any:
    """The report of the move from legacy to libnl of lines with these events. ``later``: the filters that are in force
    from frame 7 on; ``other``: lines of a further export of libnl."""
    config, after = (load_lane(ConfigurationLane("libnl", text)).config for text in (filters, later or ""))
    assert config is not None
    assert after is not None
    kept = keeps(config, {} if later is None else {7: after})
    reports = compare_exports(
        ({"json": _lines(*legacy)}, {"json": _lines(*libnl), **other}),
        ("legacy", "libnl"),
        _sides(kept, kept),
        path="a.pcap",
        recording=RECORDING,
        known=(),
        policy=Policy(),
        facts={},
    )
    return reports[0]


OF_LEGACY = only_provided(statement_of("legacy"), LINK)
LATER_OF_LEGACY = only_provided(statement_of("legacy"), LATER)
OTHER = msgspec.structs.replace(LINK, payload=msgspec.structs.replace(LINK.payload, mtu=1))
OTHER_KIND = msgspec.structs.replace(LINK, payload=msgspec.structs.replace(LINK.payload, kind="bridge"))
COMPARED = [
    ([OF_LEGACY], [LINK], "", "equivalent", []),
    ([OF_LEGACY, LATER_OF_LEGACY], [LINK, LATER], "", "equivalent", []),
    ([OF_LEGACY], [OTHER], "", "regression", [(Class.CONFLICT, "mtu")]),
    ([OF_LEGACY, LATER_OF_LEGACY], [LINK], "", "regression", [(Class.MISSING, "")]),
    ([OF_LEGACY], [LINK, LATER], "", "regression", [(Class.EXTRA, "")]),
    ([OF_LEGACY, LATER_OF_LEGACY], [LATER, LINK], "", "equivalent", [(Class.REORDERED, "")]),
    ([LINK], [OF_LEGACY], "", "regression", None),
    ([], [], "", "inconclusive", []),
    ([OF_LEGACY], [OTHER_KIND], "", "regression", [(Class.CONTRADICTED, "kind")]),
    # Only libnl says of which kind a link is.
    ([], [LINK], 'filter: netlink.link.kind == "dummy"', "equivalent", []),
    ([], [LINK], 'filter: netlink.link.ifname == "d0"', "regression", [(Class.EXTRA, "")]),
]


@pytest.mark.parametrize(("legacy", "libnl", "filters", "verdict", "classes"), COMPARED)
def test_exports_are_compared_event_by_event(
    legacy: Any, libnl: Any, filters: str, verdict: str, classes: list[tuple[Class, str]] | None
) -> None:
    """What the contract gives to one alone is no difference, and what a filter on it lets out is none."""
    assert isinstance(LINK.payload, LinkInfo)
    report = _compared(legacy, libnl, filters=filters)
    found = [(one.cls, one.field) for one in report.groups]

    assert report.verdict == verdict
    assert classes is None or found == [(cls.label, field) for cls, field in classes]


@pytest.mark.parametrize(
    ("first", "later", "verdict"), [(0, 1, "equivalent"), (1, 0, "regression"), (1, 1, "equivalent")]
)
def test_the_filter_that_was_in_force_explains_what_one_alone_exports(first: int, later: int, verdict: str) -> None:
    """And no other one that a configuration had before or behind the frame."""
    filters = "", 'filter: netlink.link.kind == "dummy"'

    assert _compared([], [LINK], filters=filters[first], later=filters[later]).verdict == verdict


def test_every_export_that_both_have_is_compared() -> None:
    """And what one alone has is said to be compared with nothing."""
    kept = keeps(Config(), {})
    equal, other = {"json": _lines(OF_LEGACY), "syslog": _lines(OF_LEGACY)}, {"json": _lines(LINK), "syslog": ()}
    reports = compare_exports(
        (equal, other), ("legacy", "libnl"), _sides(kept, kept),
        path="a", recording=RECORDING, known=(), policy=Policy(), facts={},
    )  # fmt: skip

    assert [one.verdict for one in reports] == ["regression", "regression"]
    assert reports[0].events == {"legacy": 2, "libnl": 1}
    assert _compared([OF_LEGACY], [LINK], syslog=()).notes == [
        "syslog of libnl was compared with nothing: the other one has no such export"
    ]


def test_a_difference_says_which_lines_and_which_frame() -> None:
    """Of both exports."""
    (group,) = _compared([OF_LEGACY], [OTHER]).groups

    assert (group.first.frame, group.first.reference, group.first.candidate) == (7, "1500", "1")
    assert group.first.reason.endswith("; line 1 of a.json of legacy and line 1 of a.json of libnl")


def test_a_line_that_is_none_is_a_difference() -> None:
    """It has no event to compare."""
    broken = tuple(lines_of(b"{}\n", "a.json"))
    assert broken[0].event is None
    reports = compare_exports(
        ({"json": broken}, {"json": ()}), ("legacy", "libnl"), _sides(lambda *_: True, lambda *_: True),
        path="a", recording=FrameTable("little"), known=(), policy=Policy(), facts={},
    )  # fmt: skip

    assert [[one.first.reason for one in report.groups] for report in reports] == [
        ["line 1 of a.json of legacy is no event"]
    ] * 2


SECOND = msgspec.structs.replace(LINK, timestamp=LINK.timestamp + 1)
PLAYED = FrameTable("little")
for _ in PLAYED.seen(
    [Batch.of([Frame(7, LINK.timestamp, 0, MESSAGE, "", 0, 0), Frame(8, SECOND.timestamp, 0, MESSAGE, "", 0, 0)])]
):
    pass
STRAYS = [
    ([LINK, SECOND], []),
    ([SECOND], []),
    ([LINK, LINK, SECOND], ["exported more often than recorded"]),
    ([SECOND, LINK], ["behind a line of a later message"]),
    ([LINK, LATER], ["of no message of the recording"]),
    ([msgspec.structs.replace(LINK, timestamp=5)], ["of no message of the recording"]),
    ([msgspec.structs.replace(LINK, protocol=16)], ["of no message of the recording"]),
    ([msgspec.structs.replace(LINK, timestamp=5, synthetic=True)], []),
    ([SECOND, SECOND, None], ["exported more often than recorded", "without an event"]),
]


@pytest.mark.parametrize(("events", "whys"), STRAYS)
def test_lines_that_no_monitor_may_export_are_found(events: list[Any], whys: list[str]) -> None:
    """Whatever the other monitor exports, since what is wrong in both alike is equal."""
    data = b"".join(b"{}\n" if one is None else exported_line(one) for one in events)
    found = [why for why, _ in PLAYED.strays(lines_of(data, "a.json"), in_order=True)]

    assert found == whys


FIRST, NEXT = (Datagram(7, one.timestamp, 0, MESSAGE) for one in (LINK, SECOND))
UNLIKE = [
    ([FIRST, NEXT], []),
    ([NEXT], []),
    ([NEXT, FIRST], ["behind a later one, or twice"]),
    ([FIRST, FIRST], ["behind a later one, or twice"]),
    ([msgspec.structs.replace(FIRST, data=MESSAGE[:-1] + b"?")], ["with other bytes than were recorded"]),
    ([msgspec.structs.replace(FIRST, timestamp=5)], ["at a time at which nothing was recorded"]),
]


@pytest.mark.parametrize(("captured", "whys"), UNLIKE)
def test_frames_of_a_capture_are_those_of_the_recording(captured: list[Datagram], whys: list[str]) -> None:
    """With their bytes, their time and their order."""
    assert [why for why, _ in PLAYED.unlike(captured, in_order=True)] == whys


def test_a_message_that_is_too_long_is_cut_and_no_mistake() -> None:
    """It cannot be compared, and the reason is said."""
    lines = tuple(messages_of([b'<134>1 - - nlmon 1 RTM_NEWLINK - {"interface":"d0","net...']))
    report = _compared([], [], filters="", syslog=lines)

    assert (list(PLAYED.strays(lines, in_order=True)), lines[0].cut) == ([], True)
    assert report.notes == ["syslog of libnl was compared with nothing: the other one has no such export"]


def test_an_expectation_has_defaults() -> None:
    """Nothing is expected where nothing is said."""
    assert list(hold(Exported(), TWO, lambda *_: "")) == []
