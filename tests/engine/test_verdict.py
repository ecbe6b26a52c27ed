"""Verdicts on recordings of real kernels: equivalent as they are, regression with any broken backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import UNSET, structs

from nlmon.backends.base import Backend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.engine.lane import BackendMaker
from nlmon.events import AddrInfo, Decoded, Event, LinkInfo, RouteInfo
from nlmon.transport.base import TransportFactory
from nlmon.wire import Datagram
from support.paths import CAPTURES
from support.verdicts import KERNELS, legacy, libnl, verdict

NAMES = ("01-route-basic", "02-route-topology", "07-burst", "07b-overrun")


def count(kernel: str, name: str) -> int:
    """Messages of a recording as counted when it was made, by another program."""
    for line in (CAPTURES / kernel / "COUNTS.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{name}.pcap "):
            return int(line.partition("msgs=")[2].split()[0])
    raise AssertionError(name)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", NAMES)
def test_real_kernels_are_equivalent(kernel: str, name: str) -> None:
    """No difference but the contract's enhancements, equal states, and every message counted."""
    report = verdict(name, kernel)

    assert report.verdict == "equivalent"
    assert set(report.differences) == {"enhancement"}
    assert report.state == "same"
    assert report.messages == count(kernel, name)
    assert report.errors == {"legacy": 0, "libnl": 0}
    assert report.events["legacy"] == report.events["libnl"] > 0


@pytest.mark.parametrize("name", ["01-route-basic", "02-route-topology", "07b-overrun"])
def test_every_message_is_equivalent(name: str) -> None:
    """Requests, answers and acknowledgements fed as well, the implementations still agree."""
    report = verdict(name, select="all")

    assert (report.verdict, set(report.differences)) == ("equivalent", {"enhancement"})


@pytest.mark.parametrize("maker", [legacy, libnl])
def test_control_against_control_is_silent(maker: BackendMaker) -> None:
    """An implementation against itself differs in nothing, not even by an enhancement."""
    report = verdict("02-route-topology", reference=maker, candidate=maker)

    assert (report.verdict, report.differences) == ("equivalent", {})


def test_rollback_counts_what_is_lost() -> None:
    """From libnl back to legacy the enhancements are services lost, information and no regression."""
    report = verdict("01-route-basic", reference=libnl, candidate=legacy)

    assert (report.verdict, set(report.differences)) == ("equivalent", {"loss-of-service"})


def broken(change: Callable[[Datagram, Decoded], Decoded]) -> BackendMaker:
    """A maker of libnl backends whose decoder is followed by ``change``."""

    class Broken(LibnlBackend):
        def decode(self, datagram: Datagram) -> Decoded:
            return change(datagram, super().decode(datagram))

    def make(transports: TransportFactory, options: BackendOptions) -> Backend:
        return Broken(transports, options)

    return make


def events(change: Callable[[Event], Event | None]) -> BackendMaker:
    """A backend that changes or drops single events."""

    def all_of(_: Datagram, decoded: Decoded) -> Decoded:
        kept = [event for event in map(change, decoded.events) if event is not None]
        return structs.replace(decoded, events=kept)

    return broken(all_of)


def payload(kind: type, **values: Any) -> BackendMaker:
    """A backend that gives fixed or computed values to fields of one kind of payload."""

    def change(event: Event) -> Event:
        if not isinstance(event.payload, kind):
            return event
        new = {name: value(event.payload) if callable(value) else value for name, value in values.items()}
        return structs.replace(event, payload=structs.replace(event.payload, **new))

    return events(change)


def swapped(link: LinkInfo) -> int | None:
    return None if link.mtu is None else int.from_bytes(link.mtu.to_bytes(4, "little"), "big")


ZOO = {
    "byte order of the MTU": (payload(LinkInfo, mtu=swapped), "conflict"),
    "DELADDR is dropped": (events(lambda e: None if e.msg_type == 21 else e), "missing"),
    "every DELLINK is dropped": (events(lambda e: None if e.msg_type == 17 else e), "missing"),
    "last message of a datagram is dropped": (
        broken(lambda _, d: structs.replace(d, events=d.events[:-1])),
        "missing",
    ),
    "family of a link is lost": (payload(LinkInfo, family=0), "conflict"),
    "peer for the own address": (payload(AddrInfo, addr=lambda a: a.peer or a.addr), "conflict"),
    "table of a route is the header's": (payload(RouteInfo, table=lambda r: min(r.table, 252)), "conflict"),
    "multipath is lost": (payload(RouteInfo, multipath=None), "loss"),
    "a promised field is not provided": (payload(RouteInfo, prefsrc=UNSET), "loss"),
    "events come twice": (
        broken(lambda _, d: structs.replace(d, events=[e for e in d.events for _ in (1, 2)])),
        "duplicate",
    ),
    "time has whole seconds": (
        events(lambda e: structs.replace(e, timestamp=e.timestamp // 10**9 * 10**9)),
        "conflict",
    ),
    "another frame": (events(lambda e: structs.replace(e, frame=e.frame + 1)), "conflict"),
    "another namespace": (events(lambda e: structs.replace(e, nsid=7)), "conflict"),
    "every event excuses itself": (events(lambda e: structs.replace(e, synthetic=True)), "missing"),
    "invented recoveries": (
        broken(
            lambda _, d: structs.replace(
                d, events=[*d.events, *(structs.replace(e, offset=4, synthetic=True) for e in d.events)]
            )
        ),
        "extra",
    ),
    "an event is invented": (
        broken(lambda _, d: structs.replace(d, events=[*d.events, *(structs.replace(e, offset=4) for e in d.events)])),
        "extra",
    ),
}


@pytest.mark.parametrize(("maker", "cls"), ZOO.values(), ids=ZOO.keys())
def test_a_broken_backend_is_found(maker: BackendMaker, cls: str) -> None:
    """Every animal of the zoo is found by its class of difference."""
    name = "01-route-basic" if maker is ZOO["peer for the own address"][0] else "02-route-topology"
    report = verdict(name, candidate=maker)

    assert report.differences.get(cls, 0) > 0
    assert report.verdict == ("equivalent" if cls == "duplicate" else "regression")


def test_strictness_makes_a_warning_a_regression() -> None:
    """Events and seeds that come twice leave the state as it is: a warning, and with ``strict`` a regression."""
    maker, cls = ZOO["events come twice"]
    usual, strict = (verdict("01-route-basic", candidate=maker, strict=strict) for strict in (False, True))

    assert (usual.verdict, strict.verdict, strict.reason) == ("equivalent", "regression", "469 duplicate")
    assert usual.differences[cls] == strict.differences[cls] == 143 + 326
    assert verdict("01-route-basic", strict=True).verdict == "equivalent"


def test_a_difference_says_where_and_what() -> None:
    """The first wrong MTU: frame, offset, attribute with its bytes, and both values."""
    report = verdict("01-route-basic", candidate=payload(LinkInfo, mtu=swapped))

    first = next(d for d in report.details if not d.seed)
    assert (first.code, first.frame, first.offset, first.attribute, first.field) == (
        *("NLD102", 37, 0),
        *("IFLA_MTU", "mtu"),
    )
    assert (first.reference, first.candidate, first.hex) == ("1500", "3691315200", "08 00 04 00 dc 05 00 00")
    assert first.attribute_offset > 0


def test_lost_deletions_show_in_the_final_state() -> None:
    """Dropped DELADDR leave addresses behind until a dump proves them gone, which the report says."""
    sound, lossy = verdict("07b-overrun"), verdict("07b-overrun", candidate=ZOO["DELADDR is dropped"][0])

    assert (sound.state, lossy.state) == ("same", "differs")
    assert lossy.differences["state"] > 0


def test_a_later_dump_excuses_nothing() -> None:
    """01 ends with dumps that mend both states; that only one needed mending is still a state difference."""
    report = verdict("01-route-basic", candidate=ZOO["DELADDR is dropped"][0])

    found = [d for d in report.details if d.cls == "state"]
    assert report.state == "differs"
    assert {(d.reference, d.candidate) for d in found} == {("correct before", "corrected")}
    assert "addr 192.0.2.77/24 dev lan0" in {d.message for d in found}


def test_a_backend_that_raises_is_a_difference() -> None:
    """A crash of one implementation is evidence against it and does not end the run."""

    def crash(datagram: Datagram, decoded: Decoded) -> Decoded:
        if datagram.frame == 53:
            raise IndexError("boom")
        return decoded

    report = verdict("01-route-basic", candidate=broken(crash))

    assert (report.verdict, report.differences["crash"], report.differences["missing"]) == ("regression", 1, 1)
    assert next(d for d in report.details if d.cls == "crash").candidate == "IndexError: boom"


def test_what_is_not_subscribed_is_said() -> None:
    """Notifications of groups that no monitor joins are counted by type, not lost."""
    report = verdict("01-route-basic")

    assert report.not_subscribed == {"RTM_DELNETCONF": 4, "RTM_NEWNETCONF": 7}
    assert verdict("01-route-basic", protocols=(0,)).not_covered == {"NETLINK_GENERIC": 4}


def test_an_unsubscribed_group_is_found() -> None:
    """A backend that forgets the IPv6 rule group misses exactly the IPv6 rule events."""

    class Forgetful(LibnlBackend):
        groups = {**LibnlBackend.groups, 0: tuple(group for group in LibnlBackend.groups[0] if group != 19)}  # noqa: RUF012

    report = verdict("01-route-basic", candidate=Forgetful)

    assert (report.verdict, report.differences["missing"]) == ("regression", 2)
    assert {d.message for d in report.details if d.cls == "missing"} == {"RTM_NEWRULE", "RTM_DELRULE"}
