"""An assessment: what it says of good and bad implementations, and of evidence that is too thin."""

from __future__ import annotations

from pathlib import Path

import pytest

from nlmon.assess.assessing import assess
from nlmon.assess.model import Assessment, exit_code
from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.scenario.configured import lanes
from nlmon.scenario.implementations import make_planned
from nlmon.testing.zoo import ZOO
from nlmon.transport.base import TransportFactory
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
)


def assessed(text: bytes, *captures: Path, **options: object) -> Assessment:
    """The assessment of a text with recordings."""
    return assess(text, "nlmon.yaml", captures, environ={}, **options)  # type: ignore[arg-type]


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

    def made(wanted: str, factory: TransportFactory, options: BackendOptions) -> Backend:
        return ZOO[name].make(factory, options) if wanted == ZOO[name].base else make_planned(wanted, factory, options)

    monkeypatch.setattr(lanes, "make_planned", made)
    found = assessed(ROUTE, BASIC)
    worst = found.reasons[0]

    assert (found.result, worst.weight, worst.code in {"NLM-I010", "NLM-I015", "NLM-I016"}) == ("no go", "no go", True)
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


def test_a_protocol_without_an_event_is_named() -> None:
    """So that somebody records while it is used."""
    found = assessed(ROUTE.replace(b"generic: false", b"generic: false, netfilter: true"), BASIC)

    assert [one.what for one in found.reasons_of("migrate") if one.code == "NLM-I022"] == [
        "the configuration listens to NETLINK_NETFILTER, of which no event came"
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
    ]
