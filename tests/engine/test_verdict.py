"""Verdicts on recordings of real kernels: equivalent as they are, and what a report says of a bad implementation.

Not here: that every bad implementation is found (``tests/testing/test_zoo.py``).
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from nlmon.capture import open_capture
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.run import replay_capture
from nlmon.report.policy import Policy
from nlmon.testing.messages import link, message
from nlmon.testing.zoo import ZOO
from nlmon.uapi import NETLINK_XFRM as XFRM
from support.paths import CAPTURES
from support.sampled import one_in
from support.verdicts import KERNELS, legacy, libnl, verdict

NAMES = ("01-route-basic", "02-route-topology", "07-burst", "07b-overrun")


def count(kernel: str, name: str) -> int:
    """Messages of a recording as counted when it was made, by another program."""
    for line in (CAPTURES / kernel / "COUNTS.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{name}.pcap "):
            return int(line.partition("msgs=")[2].split()[0])
    raise AssertionError(name)


@pytest.mark.parametrize("kernel", one_in(2, KERNELS))
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
    assert (sum(report.enhancements.values()), report.services) == (report.differences["enhancement"], {})


@pytest.mark.parametrize("maker", one_in(2, [legacy, libnl]))
def test_control_against_control_is_silent(maker: BackendMaker) -> None:
    """An implementation against itself differs in nothing, not even by an enhancement."""
    report = verdict("02-route-topology", reference=maker, candidate=maker, control=True)

    assert (report.verdict, report.differences) == ("equivalent", {})


def test_rollback_counts_what_is_lost() -> None:
    """From libnl back to legacy the enhancements are services lost: no regression, and not equivalent either."""
    report = verdict("01-route-basic", reference=libnl, candidate=legacy)

    assert (report.verdict, set(report.differences)) == ("lossy", {"loss-of-service"})
    assert (report.lost_events, report.fails) == ({}, "")
    assert report.reason == "21 answers and 1,723 values would be lost, and no event"
    assert sum(report.losses.values()) == 1744 == report.differences["loss-of-service"]
    assert (report.services, report.enhancements) == (report.losses, {})


def test_a_rollback_that_loses_whole_events_fails() -> None:
    """legacy reads no IPsec: what it would not report is named. Messages of recorded dumps are not among it."""
    report = verdict("06-xfrm", reference=libnl, candidate=legacy)

    assert (report.verdict, report.losses["xfrm_state"]) == ("lossy", 58)
    assert report.lost_events == {"xfrm_flush": 2, "xfrm_policy": 10, "xfrm_state": 16}
    assert report.fails == "whole events would be lost: xfrm_state 16, xfrm_policy 10, xfrm_flush 2"


@pytest.mark.parametrize(
    ("name", "policy", "reason"),
    [
        (
            "08-tc",
            Policy(),
            "no event was compared: no notification is of a multicast group that is joined",
        ),
        ("01-route-basic", Policy(min_events=144), "143 events were compared, and 144 are required"),
        (
            "01-route-basic",
            Policy(require_protocols=("NETLINK_ROUTE", "NETLINK_XFRM")),
            "no event of NETLINK_XFRM was compared, and it is required",
        ),
    ],
    ids=["none", "few", "protocol"],
)
def test_thin_evidence_is_inconclusive(name: str, policy: Policy, reason: str) -> None:
    """What agrees is no success where too little was compared; recorded dumps are no evidence about a monitor."""
    report = verdict(name, policy=policy)

    assert (report.verdict, report.reason, report.fails) == ("inconclusive", reason, "")


@pytest.mark.parametrize(
    ("cut", "protocols", "policy", "reason"),
    [
        (0, (), Policy(), ""),
        (4, (), Policy(), "1 packet is truncated (snap length)"),
        (4, (), Policy(max_lost=1), ""),
        (4, (XFRM,), Policy(), "no event was compared: no notification of these protocols was recorded"),
    ],
    ids=["whole", "cut", "tolerated", "another protocol"],
)
def test_what_was_cut_off_may_hide_a_difference(
    tmp_path: Path, cut: int, protocols: tuple[int, ...], policy: Policy, reason: str
) -> None:
    """A packet of a protocol that is compared, of which the recording has not all."""
    file = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 253)
    for number, lost in enumerate((0, cut), 1):
        packet = struct.pack(">HHH8xH", 0, 824, 0, 0) + message(16, link(number, f"eth{number}"))
        file += struct.pack("<IIII", number, 0, len(packet), len(packet) + lost) + packet
    (tmp_path / "cut.pcap").write_bytes(file)
    with open_capture(tmp_path / "cut.pcap") as reader:
        (report,) = replay_capture(reader, "cut", legacy, libnl, protocols=protocols or None, policy=policy)

    assert (report.reason, report.verdict) == (reason, "inconclusive" if reason else "equivalent")


def test_enough_evidence_is_enough() -> None:
    """A policy that is met changes no verdict. What one of them gives alone was held against the bytes, and counts."""
    met = Policy(min_events=143, require_protocols=("NETLINK_ROUTE",))
    alone = Policy(min_events=28, require_protocols=("NETLINK_XFRM",))

    assert verdict("01-route-basic", policy=met).verdict == "equivalent"
    assert verdict("06-xfrm", policy=alone).verdict == "equivalent"
    assert verdict("06-xfrm").compared == {"NETLINK_XFRM": 28}


def test_a_difference_outweighs_thin_evidence() -> None:
    """A regression that was found stands, however little was compared."""
    report = verdict("01-route-basic", candidate=ZOO["N02: no rules"].make, policy=Policy(min_events=10_000))

    assert (report.verdict, report.fails) == ("regression", "a regression")


@pytest.mark.slow
def test_a_policy_can_fail_on_a_warning() -> None:
    """What comes twice leaves the state as it is: a warning, which fails under a policy that says so."""
    policies = Policy(), Policy(fail_on=("warning",)), Policy(fail_on=("duplicate",)), Policy(fail_on=("coalesced",))
    usual, strict, named, other = (
        verdict("01-route-basic", candidate=ZOO["twice"].make, policy=policy) for policy in policies
    )

    assert {usual.verdict, strict.verdict, named.verdict, other.verdict} == {"equivalent"}
    assert (usual.fails, other.fails) == ("", "")
    assert strict.fails == named.fails == "the policy fails on 469 duplicate"
    assert usual.differences["duplicate"] == strict.differences["duplicate"] == 143 + 326
    assert verdict("01-route-basic", policy=Policy(fail_on=("warning",))).fails == ""


def test_a_difference_says_where_and_what() -> None:
    """The first wrong MTU: frame, offset, attribute with its bytes, and both values."""
    report = verdict("01-route-basic", candidate=ZOO["MTU in the other byte order"].make)

    first = next(d for d in report.details if not d.answer)
    assert (first.code, first.frame, first.offset, first.attribute, first.field) == (
        *("NLD102", 37, 0),
        *("IFLA_MTU", "mtu"),
    )
    assert (first.reference, first.candidate, first.hex) == ("1500", "3691315200", "08 00 04 00 dc 05 00 00")
    assert first.attribute_offset > 0


def test_lost_deletions_show_in_the_final_state() -> None:
    """Dropped DELADDR leave addresses behind until a dump proves them gone, which the report says."""
    sound, lossy = verdict("07b-overrun"), verdict("07b-overrun", candidate=ZOO["no RTM_DELADDR"].make)

    assert (sound.state, lossy.state) == ("same", "differs")
    assert lossy.differences["state"] > 0


def test_a_later_dump_excuses_nothing() -> None:
    """01 ends with dumps that correct both states; that only one had to be corrected is still a state difference."""
    report = verdict("01-route-basic", candidate=ZOO["no RTM_DELADDR"].make)

    found = [d for d in report.details if d.cls == "state"]
    assert report.state == "differs"
    assert {(d.reference, d.candidate) for d in found} == {("correct before", "corrected")}
    assert "addr 192.0.2.77/24 dev lan0" in {d.message for d in found}
    assert {d.field for d in found} == {"(gone)"}


def test_a_backend_that_raises_is_a_difference() -> None:
    """A crash of one implementation is evidence against it and does not end the run."""
    report = verdict("01-route-basic", candidate=ZOO["raises once"].make)

    assert (report.verdict, report.differences["crash"], report.differences["missing"]) == ("regression", 1, 1)
    assert next(d for d in report.details if d.cls == "crash").candidate == "IndexError: boom"


def test_what_is_not_subscribed_is_said() -> None:
    """Notifications of groups that no monitor joins are counted by type and group, not lost."""
    report = verdict("01-route-basic")

    assert report.not_subscribed == {
        "RTM_DELNETCONF to RTNLGRP_IPV4_NETCONF": 2,
        "RTM_DELNETCONF to RTNLGRP_IPV6_NETCONF": 2,
        "RTM_NEWNETCONF to RTNLGRP_IPV4_NETCONF": 4,
        "RTM_NEWNETCONF to RTNLGRP_IPV6_NETCONF": 3,
    }
    assert verdict("01-route-basic", protocols=(0,)).not_covered == {"NETLINK_GENERIC": 4}


def test_an_unsubscribed_group_is_found() -> None:
    """A backend that forgets the IPv6 rule group misses exactly the IPv6 rule events."""
    report = verdict("01-route-basic", candidate=ZOO["no group of IPv6 rules"].make)

    assert (report.verdict, report.differences["missing"]) == ("regression", 2)
    assert {d.message for d in report.details if d.cls == "missing"} == {"RTM_NEWRULE", "RTM_DELRULE"}


def test_no_policy_makes_a_verdict_of_nothing() -> None:
    """``min_events = 0`` asks for no number; where nothing was compared there is no verdict all the same."""
    assert verdict("08-tc", policy=Policy(min_events=0)).verdict == "inconclusive"


def test_a_policy_can_fail_on_what_is_no_mistake() -> None:
    """Enhancements and losses of service, by the name of their class."""
    forward = verdict("06-xfrm", policy=Policy(fail_on=("enhancement",)))
    back = verdict("01-route-basic", reference=libnl, candidate=legacy, policy=Policy(fail_on=("loss-of-service",)))

    assert (forward.verdict, forward.fails) == ("equivalent", "the policy fails on 134 enhancement")
    assert (back.verdict, back.fails) == ("lossy", "the policy fails on 1,744 loss-of-service")


LOST = "whole events would be lost: xfrm_state 16, xfrm_policy 10, xfrm_flush 2"


@pytest.mark.parametrize(
    ("allow", "fail_on", "fails"),
    [
        ((), (), LOST),
        (("xfrm_*",), (), ""),
        (("xfrm_state", "xfrm_flush"), (), "whole events would be lost: xfrm_policy 10"),
        (("xfrm_*",), ("lossy",), "the policy fails on lossy"),
        (("xfrm_*", "link.*"), ("lossy",), ""),
        (("*",), ("lossy", "loss-of-service"), ""),
        (("link.*",), (), LOST),
    ],
)
def test_what_is_allowed_by_name_fails_nothing(allow: tuple[str, ...], fail_on: tuple[str, ...], fails: str) -> None:
    """The verdict and what is listed stay as they are; of ``fail_on`` what is left fails."""
    policy = Policy(allow=allow, fail_on=fail_on)
    report = verdict("06-xfrm", reference=libnl, candidate=legacy, policy=policy)

    assert (report.verdict, report.lost_events["xfrm_state"], report.fails) == ("lossy", 16, fails)
