"""A suite of scenarios checks itself."""

from __future__ import annotations

import pytest

from nlmon.scenario.check import check_suite, is_statement
from nlmon.scenario.load import ScenarioFile, load_scenario

DIGEST = "a1" * 32


def scenario(
    where: str = "suite/a.yaml",
    *,
    name: str = "link.flap",
    title: str = "A link goes down.",
    capture: str = f"{{path: ../a.pcap, sha256: {DIGEST}}}",
    more: str = "",
) -> ScenarioFile:
    """A scenario over a capture."""
    text = f"scenario: 1\nid: {name}\ntitle: {title}\ncapture: {capture}\nexpect: {{verdict: lossy}}\n{more}"
    return load_scenario(text.encode(), where)


def texts(*files: ScenarioFile, digests: dict[str, str] | None = None, beside: tuple[str, ...] = ()) -> list[str]:
    """What a check says of them."""
    return [str(one) for one in check_suite(files, {"a.pcap": DIGEST} if digests is None else digests, beside)]


def test_a_suite_in_order_has_no_mistake() -> None:
    """A capture may be named by several scenarios; what a live run recorded belongs to it."""
    beside = ("suite/a.pcapng.zst", "suite/a.state.json")

    assert texts(scenario(), scenario("suite/b.yaml", name="link.up"), beside=beside) == []


def test_a_folder_whose_name_is_no_text_has_its_files() -> None:
    """The capture is found by the bytes of its path, and what is said of it can be printed."""
    file = scenario("s\udcff/a.yaml", capture=f"{{path: a.pcap, sha256: {DIGEST}}}")

    assert texts(file, digests={"s\udcff/a.pcap": DIGEST}, beside=("s\udcff/a.pcapng.zst",)) == []
    assert texts(file, digests={}, beside=("s\udcff/b",)) == [
        "NLM-S022: there is no capture a.pcap (s\\xff/a.yaml:4:17); its path is relative to the folder of the scenario",
        "NLM-S025: no scenario names this file (s\\xff/b); remove it",
    ]


def test_a_suite_without_scenarios_is_a_mistake() -> None:
    """Nothing checked is not all right."""
    assert texts() == ["NLM-S026: there is no scenario; a scenario is a file NAME.yaml"]


def test_ids_are_unique() -> None:
    """The second one is the mistake."""
    assert texts(scenario(), scenario("suite/b.yaml")) == [
        "NLM-S020: the id link.flap is taken (suite/b.yaml:2:5); the other one is suite/a.yaml:2:5"
    ]


@pytest.mark.parametrize(
    ("title", "statement"),
    [
        ("A link goes down.", True),
        ("IPv4 routes go.", True),
        ("a link goes down.", False),
        ("A link goes down", False),
        ("A link.", False),
        ("A link goes down...", False),
        ("A link\ngoes down.", False),
    ],
)
def test_a_title_is_a_statement(title: str, statement: bool) -> None:
    """At least three words with a capital letter and a full stop."""
    assert is_statement(title) == statement


def test_a_title_that_states_nothing_is_a_mistake() -> None:
    """At its place."""
    assert texts(scenario(title="link flap")) == [
        "NLM-S021: the title is no statement (suite/a.yaml:3:8); "
        "write a sentence that says what holds, with a capital letter and a full stop"
    ]


def test_captures_exist_and_are_those_of_the_scenario() -> None:
    """Missing, changed, or without a digest."""
    other = "f" * 64

    assert texts(scenario(), digests={}) == [
        "NLM-S022: there is no capture ../a.pcap (suite/a.yaml:4:17); "
        "its path is relative to the folder of the scenario"
    ]
    assert texts(scenario(), digests={"a.pcap": other}) == [
        f"NLM-S023: the capture is another one than this scenario was written for; its digest is {other} "
        "(suite/a.yaml:4:36)"
    ]
    assert texts(scenario(capture="../a.pcap")) == [
        f"NLM-S024: the capture has no digest (suite/a.yaml:4:10); write capture: {{path: ../a.pcap, sha256: {DIGEST}}}"
    ]


def test_files_belong_to_a_scenario() -> None:
    """What none names is left over."""
    assert texts(scenario(), beside=("suite/b.pcapng", "a.pcap")) == [
        "NLM-S025: no scenario names this file (suite/b.pcapng); remove it"
    ]


def test_where_no_monitor_runs_none_switches() -> None:
    """A step that says so is a mistake, with its place."""
    text = "scenario: 1\nid: a.b\ntitle: It is so.\nsteps: [ip link, {migrate: true}]\nexpect: {verdict: lossy}\n"

    assert texts(load_scenario(text.encode(), "a.yaml")) == [
        "NLM-S041: migrate: no monitor runs that could switch (a.yaml:4:18); give a configuration"
    ]


def test_implementations_are_known() -> None:
    """Else the scenario could never run."""
    assert texts(scenario(more="implementations: [legacy, libnk]\n")) == [
        "NLM-S027: no implementation is called 'libnk' (suite/a.yaml:6:27); did you mean libnl?"
    ]
