"""A text gives a scenario or its mistakes; the schema and what is loaded agree."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from nlmon.errors import InputError, ScenarioError
from nlmon.scenario.document import read_document
from nlmon.scenario.load import load_scenario, parse_scenario
from nlmon.scenario.model import Capture, Count, EventPattern, Fault, Implementation, Limits, Losses, Verdicts
from nlmon.scenario.schema import FAULTS, STEPS, scenario_schema

HERE = Path(__file__).parent
STORED = [HERE / "version-1-recorded.yaml", HERE / "version-1-live.yaml"]
HEAD = "scenario: 1\nid: link.flap\ntitle: A link goes down and up.\n"
MINIMAL = HEAD + "capture: a.pcap\nexpect:\n  verdict: equivalent\n"
LIVE = HEAD + "expect: {state: kernel}\n"
VALIDATOR = Draft202012Validator(scenario_schema())


def texts(text: str) -> list[str]:
    """The mistakes of a file as they are printed."""
    return [str(error) for error in parse_scenario(text.encode(), "a.yaml")[1]]


def test_six_lines_are_enough() -> None:
    """For a scenario over a recording; the rest has defaults."""
    scenario = load_scenario(MINIMAL.encode(), "a.yaml").scenario

    assert MINIMAL.count("\n") == 6
    assert scenario.capture == Capture("a.pcap")
    assert scenario.expect.verdict == Verdicts(migrate="equivalent", rollback=None)
    assert [one.name for one in scenario.implementations] == ["legacy", "libnl"]
    assert (scenario.level, scenario.kernel, scenario.control, scenario.seed) == ("required", "", False, 0)


MISTAKES = [
    ("a: 1\n", ["NLM-S010: this is no scenario (a.yaml:1:1); begin with scenario: 1"]),
    ("[1]\n", ["NLM-S010: this is no scenario (a.yaml:1:1); begin with scenario: 1"]),
    ("scenario: one\n", ["NLM-S010: 'one' is no version of the format (a.yaml:1:11); write scenario: 1"]),
    ("scenario: true\n", ["NLM-S010: True is no version of the format (a.yaml:1:11); write scenario: 1"]),
    ("scenario: 0\n", ["NLM-S010: 0 is no version of the format (a.yaml:1:11); write scenario: 1"]),
    (
        "scenario: 2\nnew: key\n",
        [
            "NLM-S011: this scenario has version 2, and this nlmon reads versions up to 1 (a.yaml:1:11); "
            "install a newer nlmon"
        ],
    ),
    (
        HEAD,
        [
            "NLM-S013: one of the keys capture, steps is missing (a.yaml:1:1)",
            "NLM-S013: the key 'expect' is missing (a.yaml:1:1)",
        ],
    ),
    (
        MINIMAL + "authorty: ip(8)\n",
        ["NLM-S012: 'authorty' is no key here (a.yaml:7:1); did you mean authority?"],
    ),
    (
        MINIMAL + "  rolback: lossy\n",
        [
            "NLM-S012: 'rolback' is no key here (a.yaml:7:3); it is one of events, in_order, state, differences, "
            "losses, errors, compare, exports, files, metrics, rules, log, notices, refused, changes, findings, "
            "rewritten"
        ],
    ),
    (LIVE + "steps:\n  - {runn: ip a}\n", ["NLM-S012: 'runn' is no key here (a.yaml:6:6); did you mean run?"]),
    (MINIMAL + "seed: -1\n", ["NLM-S015: seed is less than 0 (a.yaml:7:7)"]),
    (
        HEAD + "implementations: {a: legacy}\ncapture: a.pcap\nexpect:\n  verdict: equivalent\n",
        [
            "NLM-S014: implementations is a mapping, and not a list (a.yaml:4:18); write [a, b], or each item on a "
            "line of its own that begins with -"
        ],
    ),
    (MINIMAL + "kernel: 6.1\n", ["NLM-S014: kernel is a number, and not a text (a.yaml:7:9)"]),
    (MINIMAL + "kernel: 6.1.0\n", ["NLM-S015: '6.1.0' is not a range of kernels, such as >=6.1,<6.13 (a.yaml:7:9)"]),
    (
        MINIMAL + "level: requird\n",
        ["NLM-S015: 'requird' is no value of level (a.yaml:7:8); did you mean required?"],
    ),
    (MINIMAL + "needs: {live: 1}\n", ["NLM-S014: live is an integer, and not true or false (a.yaml:7:15)"]),
    (MINIMAL + "needs: {programs: [ip, ip]}\n", ["NLM-S015: programs has the same item twice (a.yaml:7:19)"]),
    (MINIMAL + "implementations: [libnl]\n", ["NLM-S015: implementations has too few items (a.yaml:7:18)"]),
    (MINIMAL + "authority: []\n", ["NLM-S015: authority is empty (a.yaml:7:12)"]),
    (MINIMAL + "setup: [ip a]\n", ["NLM-S016: setup needs steps (a.yaml:7:1)"]),
    (MINIMAL + "steps: [ip a]\n", ["NLM-S016: steps does not go with capture (a.yaml:7:1)"]),
    (
        HEAD + "capture: /a.pcap\nexpect: {verdict: equvalent}\n",
        [
            "NLM-S015: '/a.pcap' is not a relative path with / between its parts (a.yaml:4:10)",
            "NLM-S015: 'equvalent' is not a verdict, which is equivalent, lossy, regression, inconclusive or error "
            "(a.yaml:5:19)",
        ],
    ),
    (
        LIVE + "capture: {path: a, sha256: 12, frames: 0-3}\n",
        [
            "NLM-S014: sha256 is an integer, and not a text (a.yaml:5:28)",
            "NLM-S015: '0-3' is not a range of frames, such as 37-154 or 37- (a.yaml:5:40)",
        ],
    ),
    (
        LIVE + "steps:\n  - 3\n  - {in: b}\n  - {run: ip a, batch: b}\n  - {run: ip a, within: 1}\n",
        [
            "NLM-S014: item 1 of steps is an integer, and not a text or a mapping (a.yaml:6:5)",
            "NLM-S013: one of the keys run, batch, netns, traffic, migrate, rollback, python is missing (a.yaml:7:5)",
            "NLM-S016: in goes with run or batch alone (a.yaml:7:6)",
            "NLM-S016: batch does not go with run (a.yaml:8:17)",
            "NLM-S016: within needs expect (a.yaml:9:17)",
        ],
    ),
    (
        LIVE + "steps:\n  - {run: ip a, expect: [{link: {ifnam: a}}, 3]}\n  - {migrate: false}\n",
        [
            "NLM-S012: 'ifnam' is no key here (a.yaml:6:34); did you mean ifname?",
            "NLM-S014: item 2 of expect is an integer, and not a mapping (a.yaml:6:46)",
            "NLM-S015: False is no value of migrate (a.yaml:7:15); it can be true alone",
        ],
    ),
    (
        MINIMAL + "faults: [{overun: {}}, {drop: {}, merge: {}}, {}, {drop: {type: 1}}]\n",
        [
            "NLM-S012: 'overun' is no key here (a.yaml:7:11); did you mean overrun?",
            "NLM-S015: item 2 of faults has more than one key (a.yaml:7:24)",
            "NLM-S015: item 3 of faults is empty (a.yaml:7:47)",
            "NLM-S012: 'type' is no key here (a.yaml:7:59); it is one of at, count, protocol",
        ],
    ),
    (
        MINIMAL + "implementations: [libnl, libnl]\n",
        ["NLM-S017: libnl takes part twice (a.yaml:7:26); control: true runs the first one twice"],
    ),
    (
        HEAD + "capture: {path: a, frames: 9-3}\nexpect:\n  events: [{by: lgacy, count: {min: 3, max: 1}}]\n"
        "  losses: {lbnl: 1}\n",
        [
            "NLM-S017: the last frame, 3, comes before the first one, 9 (a.yaml:4:28)",
            "NLM-S017: 'lgacy' does not take part (a.yaml:6:17); did you mean legacy?",
            "NLM-S017: min is more than max (a.yaml:6:31)",
            "NLM-S017: 'lbnl' does not take part (a.yaml:7:18); did you mean libnl?",
        ],
    ),
    (
        HEAD + "capture: {path: a, select: all}\nfaults: [{drop: {}}, {overrun: {at: 3}}]\nexpect: {losses: 0}\n",
        [
            "NLM-S017: overrun is a fault of a socket, and all messages come over none (a.yaml:5:22); "
            "leave out select: all"
        ],
    ),
    (
        HEAD + "capture: a\nexpect:\n  state: kernel\n  differences: [{code: NLD199, direction: rollback}]\n"
        "  in_order: [{msg_type: 16, count: {max: 3}}, {msg_type: 16, count: 2}, {msg_type: 16, count: {min: 2}}]\n",
        [
            "NLM-S017: a recording has no kernel that can be asked (a.yaml:6:10); list the objects, or leave it out",
            "NLM-S017: no difference has the code NLD199 (a.yaml:7:24); did you mean NLD109?",
            "NLM-S017: rollback is not judged here (a.yaml:7:43); state a verdict for it, too",
            "NLM-S017: what need not come has no place in an order (a.yaml:8:36); say that in events",
            "NLM-S017: an order says what comes, and not how often at most (a.yaml:8:69); "
            "write {min: 2}; a number of all of them stands in events",
        ],
    ),
    (
        LIVE + "steps:\n  - {run: ip a, expect: {msg_type: NEWLINK}}\n  - {run: ip a, expect: {msg_type: '28'}}\n"
        "  - {run: ip a, expect: [{msg_type: RTM_DELLINK}, {msg_type: RTM_DELINK, count: 0}]}\n"
        "  - {run: ip a, expect: [{msg_type: NFNL_SUBSYS_ULOG/1}, {msg_type: NFNL_SUBSYS_NONE/x}]}\n",
        [
            "NLM-S017: no message has the type 'NEWLINK' (a.yaml:6:36); did you mean RTM_NEWLINK?",
            "NLM-S017: no message has the type 'RTM_DELINK' (a.yaml:8:62); did you mean RTM_DELLINK?",
            "NLM-S017: no message has the type 'NFNL_SUBSYS_NONE/x' (a.yaml:9:69)",
        ],
    ),
    (
        HEAD + "capture: a\nexpect:\n  events: [{protocol: route}, {protocol: NETLINK_ROUTE}, {protocol: '0'}]\n"
        "  in_order: [{conntrack: {zone: 1}, protocol: NETLINK_NETFILTR}]\n",
        [
            "NLM-S017: no protocol is called 'route' (a.yaml:6:23); did you mean NETLINK_ROUTE?",
            "NLM-S017: no protocol is called 'NETLINK_NETFILTR' (a.yaml:7:47); did you mean NETLINK_NETFILTER?",
        ],
    ),
    (
        LIVE + "steps:\n  - {run: ip a, expect: {protocol: xfrm}}\n  - {run: ip a, expect: [{protocol: audt}]}\n",
        [
            "NLM-S017: no protocol is called 'xfrm' (a.yaml:6:36); did you mean NETLINK_XFRM?",
            "NLM-S017: no protocol is called 'audt' (a.yaml:7:37); did you mean NETLINK_AUDIT?",
        ],
    ),
    (
        HEAD + "capture: a\nexpect:\n  events: [{where: nsid = 1}, {where: nsid == 1}, {where: ' '}]\n",
        ["NLM-S015: ' ' is not a filter, such as netlink.link.mtu > 1400 (a.yaml:6:59)"],
    ),
    (
        HEAD
        + "capture: a\nexpect:\n  events: [{where: nsid == 1}]\n  in_order: [{msg_type: 16, where: ifname == 1}]\n",
        [
            "NLM-S018: column 1 of this filter: ifname is neither a field nor a constant (a.yaml:7:36); did you mean "
            "netlink.link.ifname or netlink.generic.nl80211.ifname?"
        ],
    ),
    (
        LIVE + "steps:\n  - {run: ip a, expect: {where: nsid = 1}}\n",
        ["NLM-S018: column 6 of this filter: = is no operator (a.yaml:6:33); write == to compare, =~ to search"],
    ),
    (
        LIVE + "steps:\n  - netns: blue\n  - {run: ip a, in: bleu}\n",
        ["NLM-S017: there is no namespace 'bleu' yet (a.yaml:7:21); it can be blue alone"],
    ),
    (
        LIVE + "steps:\n  - {run: ip a, in: blue}\n",
        ["NLM-S017: there is no namespace 'blue' yet (a.yaml:6:21); make it with netns: blue in a step before"],
    ),
]


@pytest.mark.parametrize(("text", "mistakes"), MISTAKES, ids=lambda one: one[0][:50] if isinstance(one, list) else "")
def test_mistakes_have_code_place_and_the_nearest_word(text: str, mistakes: list[str]) -> None:
    """All of a file, in the order of its lines; the first one is raised."""
    with pytest.raises(InputError) as caught:
        load_scenario(text.encode(), "a.yaml")

    assert texts(text) == mistakes
    assert str(caught.value) == mistakes[0]


@pytest.mark.slow
def test_thousands_of_mappings_are_told_apart_at_once() -> None:
    """Where names are expected, each once: a search of every pair would take minutes."""
    devices = ", ".join(f"{{a: {number}}}" for number in range(5000))

    assert len(texts(f"{MINIMAL}needs: {{devices: [{devices}]}}\n")) == 5000


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_stored_file_of_version_1_is_read(path: Path) -> None:
    """And it follows the published schema."""
    data = path.read_bytes()

    assert parse_scenario(data, path.name)[1] == []
    assert VALIDATOR.is_valid(read_document(data, path.name).value)


def test_a_recorded_scenario_has_its_values() -> None:
    """Whatever can be said of a recording."""
    scenario = load_scenario(STORED[0].read_bytes(), "a.yaml").scenario
    limits = Limits(32768, 32768, 100, 1.5, 4096, 16, "oldest")

    assert scenario.implementations == (
        Implementation("legacy"),
        Implementation("libnl", ("nl80211",), ("tc",), ("link", "route"), True, 0, limits),
    )
    assert scenario.capture is not None
    assert (scenario.capture.first_frame, scenario.capture.last_frame) == (37, 154)
    assert [fault.kind for fault in scenario.faults] == list(FAULTS)
    assert scenario.faults[9] == Fault("unknown_attribute", at=11, type=4000, size=8)
    assert scenario.expect.events == (
        EventPattern(
            {"msg_type": "RTM_NEWLINK", "link": {"ifname": "a", "flags": ["UP", "RUNNING"], "altnames": None}},
            Count(1, 3),
            "libnl",
        ),
    )
    assert scenario.expect.losses == Losses(by={"legacy": Count(50, 50), "libnl": Count(50)})


def test_a_live_scenario_has_its_steps() -> None:
    """A command line alone is a step; each knows where it stands."""
    scenario = load_scenario(STORED[1].read_bytes(), "a.yaml").scenario
    steps = scenario.setup + scenario.steps

    assert {step.kind for step in steps} == set(STEPS)
    assert [(step.kind, step.names) for step in steps[:2]] == [("netns", ("blue", "red")), ("netns", ("green",))]
    assert (steps[3].line, steps[3].namespace) == ("link set a up\naddr add 192.0.2.1/24 dev a\n", "blue")
    assert [(step.place, step.within, len(step.expect)) for step in scenario.steps[:3]] == [
        ("a.yaml:15:5", None, 0),
        ("a.yaml:16:5", 2.5, 1),
        ("a.yaml:20:5", None, 2),
    ]
    assert scenario.expect.losses == Losses(each=Count(0, 0))


def test_a_place_is_found_by_path() -> None:
    """So that whoever runs a scenario can say where it went wrong."""
    file = load_scenario(MINIMAL.encode(), "folder/a.yaml")

    assert file.place("expect", "verdict") == "folder/a.yaml:6:12"


@given(st.text(max_size=100))
def test_any_text_is_a_scenario_or_has_mistakes(text: str) -> None:
    """Alone or behind the head of one, and never another exception."""
    for whole in (text, HEAD + text, MINIMAL + text):
        try:
            load_scenario(whole.encode(), "a.yaml")
        except ScenarioError as error:
            assert (error.exit_code, error.line > 0) == (3, True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 70000) | st.sampled_from([0.5, 1.0]) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["at", "by", "count", "x"]), inner),
    max_leaves=4,
)
WHOLE = [read_document(path.read_bytes(), path.name).value for path in STORED]


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths of all values in a document but the whole."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, inner in items for found in [(*path, key), *paths(inner, (*path, key))]]


@st.composite
def changed(draw: st.DrawFn) -> Any:
    """A scenario in which a few values are others, gone, or stand elsewhere."""
    value = copy.deepcopy(draw(st.sampled_from(WHOLE)))
    for _ in range(draw(st.integers(0, 3))):
        *path, key = draw(st.sampled_from(paths(value)))
        around = value
        for one in path:
            around = around[one]
        if draw(st.booleans()):
            around[key] = draw(JSON | st.sampled_from([around[key], [around[key]], *around]) if around else JSON)
        elif len(around) > 1:
            del around[key]
    return value


@given(changed())
def test_the_schema_and_the_loader_agree(value: Any) -> None:
    """What jsonschema accepts is a scenario, or its parts contradict each other; the rest has other mistakes."""
    data = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    file, mistakes = parse_scenario(data, "a.yaml")
    codes = {error.code for error in mistakes}
    if VALIDATOR.is_valid(value):
        assert codes <= {"NLM-S017"}
        assert (file is None) == bool(mistakes)
    else:
        assert codes - {"NLM-S017"} != set()


def test_the_schema_is_closed() -> None:
    """Wherever a mapping may stand, its keys are named, or the form of them is."""
    Draft202012Validator.check_schema(scenario_schema())
    open_ones: list[Any] = []

    def walk(schema: Any) -> None:
        if isinstance(schema, dict):
            if "properties" in schema and isinstance(schema["properties"], dict) and "type" not in schema["properties"]:
                open_ones.extend([schema] if schema.get("additionalProperties") is not False else [])
            for inner in schema.values():
                walk(inner)
        elif isinstance(schema, list):
            for inner in schema:
                walk(inner)

    walk(scenario_schema())
    assert open_ones == []
