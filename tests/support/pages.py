"""Runs made by hand for pages: one with all that a page can show, one with hostile names, and large ones.

Not here: runs for other reports (``support.runs``).
"""

from __future__ import annotations

from typing import Any

from msgspec import structs

from nlmon.report.evidence import Example, MessagePart, Timeline
from nlmon.report.model import (
    BlindSpot,
    CaptureReport,
    DifferenceGroup,
    DifferenceRow,
    Direction,
    KnownUse,
    Verdict,
    in_direction,
)
from nlmon.report.outcome import CaseResult, Finding, Outcome, Run, RunFooter, RunHeader, count_outcomes, exit_code
from nlmon.report.policy import Policy

__all__ = [
    "HOSTILE",
    "SCRIPT",
    "a_case",
    "a_run",
    "a_state",
    "conflict",
    "example",
    "full_run",
    "hostile_run",
    "large_run",
]

SCRIPT = "<script>document.title='owned'</script>"
# An alias that turns the direction of text, and what ends an attribute, an element and a string of a script.
HOSTILE = (
    SCRIPT,
    "safe\u202egnp.exe",
    "\"'><img src=x onerror=document.title='owned'>",
    "</script><b>&amp;",
    "\x1b[2J{{ 7 * 7 }}",
)
NAMES = ("legacy", "libnl")
HEADER = RunHeader(
    "nlmon",
    "0.1.0",
    "hosta",
    "6.12.0",
    "2026-01-02T03:04:05+00:00",
    policy=Policy(sources={"min_events": "nlmon.toml"}),
)
MESSAGE = bytes.fromhex("280000001000000000000000000000000000010001000000000000000000000008000400dc050000")
PARTS = (
    MessagePart(0, "nlmsghdr", 0, 16),
    MessagePart(0, "(header)", 16, 16),
    MessagePart(0, "IFLA_MTU", 32, 8),
)


def conflict(count: int = 1, *, frame: int = 3, field: str = "mtu", **changes: Any) -> DifferenceGroup:
    """A conflict about a field of links."""
    values: dict[str, Any] = {
        "code": "NLD102",
        "cls": "conflict",
        "severity": "regression",
        "message": "RTM_NEWLINK",
        "frame": frame,
        "offset": 0,
        "field": field,
        "attribute": "IFLA_MTU",
        "attribute_offset": 32,
        "hex": "08 00 04 00 dc 05 00 00",
        "reference": "1500",
        "candidate": "56325",
        "answer": False,
        "reason": "both provide it, with different values",
    }
    first = DifferenceRow(**{**values, **changes})
    return DifferenceGroup(first.cls, first.severity, first.message, first.field, count, first)


def a_state() -> DifferenceGroup:
    """A route that the candidate alone believes in."""
    return conflict(
        code="NLD105",
        cls="state",
        message="route 192.0.2.0/24",
        field="",
        attribute="",
        hex="",
        reference="",
        candidate="192.0.2.0/24 dev eth0",
        reason="the final states differ",
    )


def example(group: DifferenceGroup, **changes: Any) -> Example:
    """The evidence of a group: a message, in which the MTU differs, and both events."""
    event = {"kind": "link", "netlink": {"link": {"ifindex": 1, "ifname": "eth0", "mtu": 1500}}}
    other = {"kind": "link", "netlink": {"link": {"ifindex": 1, "ifname": "eth0", "mtu": 56325, "group": 0}}}
    values: dict[str, Any] = {
        "code": group.first.code,
        "message": group.message,
        "field": group.field,
        "frame": group.first.frame,
        "offset": 0,
        "protocol": "NETLINK_ROUTE",
        "length": len(MESSAGE),
        "bytes": MESSAGE.hex(),
        "attributes": PARTS,
        "at": (32, 8),
        "reference_event": event,
        "candidate_event": other,
    }
    return Example(**{**values, **changes})


def a_timeline(parts: int = 20, *, frames: int = 5, differences: tuple[int, ...] = (2, 11)) -> Timeline:
    """Events of both in each part, of which the candidate lost one in the last, and differences in some."""
    return Timeline(
        frames=frames,
        times=[1_767_323_045_000_000_000 + part * 1_000_000_000 for part in range(parts)],
        events={"legacy": [frames] * parts, "libnl": [frames] * (parts - 1) + [frames - 1]},
        lost={"libnl": [0] * (parts - 1) + [1]},
        differences={"regression": [int(part in differences) for part in range(parts)]},
    )


def a_case(
    name: str,
    outcome: Outcome = "passed",
    verdict: Verdict = "equivalent",
    *,
    direction: Direction = "migrate",
    reason: str = "",
    findings: tuple[Finding, ...] = (),
    **report: Any,
) -> CaseResult:
    """A case of a scenario, with what its report holds."""
    reference, candidate = in_direction(direction, NAMES)
    found = CaptureReport(
        **{
            "path": f"{name}.pcap",
            "verdict": verdict,
            "reason": "",
            "scenario": name,
            "direction": direction,
            "state": "same",
            "kernel": "Linux 6.12.0",
            "frames": 100,
            "messages": 100,
            "roles": {"notification": 100},
            "compared": {"NETLINK_ROUTE": 100},
            "events": {"legacy": 100, "libnl": 99},
            "lost": {"legacy": 0, "libnl": 1},
            "time": (1_767_323_045_000_000_000, 1_767_323_065_000_000_000),
            "digest": "ab" * 32,
            **report,
        }
    )
    return CaseResult(
        id=f"{name}[{direction}]",
        scenario=name,
        title=f"What {name} does.",
        where=f"{name}.yaml",
        direction=direction,
        reference=reference,
        candidate=candidate,
        outcome=outcome,
        reason=reason,
        findings=findings,
        verdict=verdict,
        report=found,
        seconds=0.1,
        reproduce=f"nlmon run {name}.yaml -k '{name}[{direction}]'",
    )


def a_run(*results: CaseResult, **header: Any) -> Run:
    """A run of these cases."""
    outcomes = count_outcomes(results)
    return Run(structs.replace(HEADER, **header), results, RunFooter(outcomes, 1.5, exit_code(outcomes)))


def full_run() -> Run:
    """A run that shows everything: cases that passed, failed, errored and were skipped, a loss of service, and known
    differences."""
    groups = [
        conflict(3),
        conflict(field="flags", frame=57, severity="warning", code="NLD201", cls="reordered"),
        a_state(),
    ]
    blind = [BlindSpot("link", "IFLA_AF_SPEC", "", 14), BlindSpot("link", "IFLA_LINKINFO/IFLA_INFO_DATA", "libnl", 3)]
    known = KnownUse(1, "NLD102", "RTM_NEWLINK", "flags", "flags of a dummy", "ann", "T-1", "2027-01-01", 2)
    failed = a_case(
        *("link.mtu", "failed", "regression"),
        reason="a regression",
        findings=(Finding("mtu: expected 1500", "link.mtu.yaml:3:5", ("1500", "56325")),),
        differences={"conflict": 3, "reordered": 1, "state": 1},
        groups=groups,
        examples=[example(group) for group in groups[:2]],
        timeline=a_timeline(),
        blind=blind,
        known=[known],
    )
    lossy = a_case(
        *("ipsec.states", "passed", "lossy"),
        direction="rollback",
        differences={"loss-of-service": 12},
        losses={"xfrm_state": 2, "link.group": 10},
        lost_events={"xfrm_state": 2},
        timeline=a_timeline(differences=()),
    )
    skipped = structs.replace(a_case("veth.pair", "skipped", reason="no veth"), report=None, verdict=None)
    errored = structs.replace(
        a_case("no.capture", "errored", "error", reason="there is no capture"), report=None, code="NLM-S022"
    )
    return a_run(a_case("link.flap"), lossy, skipped, errored, failed)


def hostile_run() -> Run:
    """A run in which every text that comes from elsewhere is hostile."""
    first, bidi, image, end, controls = HOSTILE
    group = conflict(
        message=image,
        field=first,
        attribute=end,
        reference=bidi,
        candidate=first,
        reason=image,
        hex=controls,
    )
    event = {first: {bidi: image, "ifname": first}, "alias": controls}
    evidence = example(
        group,
        reference_event=event,
        candidate_event={**event, "alias": end},
        attributes=(MessagePart(0, first, 0, 16), MessagePart(1, image, 32, 8)),
    )
    case = a_case(
        *(first, "failed", "regression"),
        reason=image,
        findings=(Finding(end, first, (bidi, controls)),),
        path=first,
        kernel=image,
        host=end,
        groups=[group],
        examples=[evidence],
        timeline=a_timeline(),
        differences={"conflict": 1},
        losses={first: 3},
        known=[KnownUse(1, "NLD102", first, image, end, bidi, controls, first, 2)],
        notes=list(HOSTILE),
        blind=[BlindSpot("link", first, "", 2)],
    )
    return a_run(
        structs.replace(case, title=controls, reproduce=f"nlmon run {first}"), host=first, options={first: image}
    )


def large_run(cases: int, groups: int = 0) -> Run:
    """A run of many cases, each of 20,400 events, with so many groups of differences and their evidence."""
    found = [conflict(200, frame=place + 1, field=f"field_{place}") for place in range(groups)]
    outcome: tuple[Outcome, Verdict] = ("failed", "regression") if groups else ("passed", "equivalent")
    report: dict[str, Any] = {
        "groups": found,
        "examples": [example(one, bytes=(MESSAGE * 40).hex()) for one in found],
        "differences": {"conflict": 200 * groups} if groups else {},
        "timeline": a_timeline(600, frames=34),
    }
    return a_run(
        *(a_case(f"case.{number}", *outcome, reason="a regression" * bool(groups), **report) for number in range(cases))
    )
