"""The verdict on a canary: whether rates of its hosts differ from those of the control group, and what the sample could
have found.

    rates of each host ─► tests of each measure ─► Holm's correction ─► promote, roll back or hold, with the reasons

Rules:
1. A measure is tested for a shift of all hosts, and for few hosts above or below all others; of what is bad when it
   grows, such as losses, only growth counts.
2. What varies on too few hosts to show anything is left out before any group is looked at, and said.
3. What a canary adds by the contract is expected (``expected``), and allowed as what the user allows.
4. Nothing found is a reason to promote only if the sample could have found what was asked for; else it is one to hold.

Not here: the tests (``ranks``), and where rates come from (``logs``, ``scrapes``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Literal, NamedTuple, TypeAlias

from msgspec import Struct

from nlmon.canary.expected import added
from nlmon.canary.ranks import beyond, hosts_needed, rank_sum, shift_found, with_correction

__all__ = ["BAD", "EVENTS", "CanaryReport", "GroupFacts", "Host", "Power", "RateTest", "Rules", "judge"]

# All events, and measures that are bad when they grow; what is measured beside them are shares of events by type.
EVENTS = "events"
BAD = ("overruns", "unreadable lines", "differences", "errors", "dropped", "export dropped")
NAMED = 5  # hosts that a finding names


class Host(NamedTuple):
    """What was counted on a host. ``types``: events by type, ``bad``: of ``BAD``, ``exposure``: seconds, or messages,
    that the counts are of."""

    name: str
    types: Mapping[str, int]
    bad: Mapping[str, int]
    exposure: float

    def rates(self, allowed: frozenset[str]) -> dict[str, float]:
        """By measure: of a type its share of the host's events, since a busy host has more of everything; of the rest
        how many there were in a second, or of a message. Types that may differ are no part of the whole."""
        events = sum(number for name, number in self.types.items() if name not in allowed)
        per = 1 / self.exposure if self.exposure else 0.0
        return {
            **{name: number / events if events else 0.0 for name, number in self.types.items()},
            EVENTS: events * per,
            **{name: number * per for name, number in self.bad.items()},
        }


class Rules(NamedTuple):
    """What is asked for. ``level``: the most that the probability of a false alarm may be; ``share``: a defect on such
    a share of the hosts of the canary must be found; ``allowed``: measures that may differ."""

    level: float = 0.01
    share: float = 0.25
    allowed: frozenset[str] = frozenset()


class GroupFacts(Struct, frozen=True):
    """What there is of a group of hosts. ``silent``: hosts without an event in the time that was compared."""

    hosts: int
    files: int
    events: int
    unreadable: int
    silent: int


class RateTest(Struct, frozen=True):
    """A test and what came of it. ``control``, ``canary``: medians of the rates; ``p``: by itself, ``adjusted``:
    corrected for all tests; ``hosts``: how many stand out, some by name."""

    measure: str
    test: Literal["shift", "hosts above", "hosts below"]
    control: float
    canary: float
    p: float
    adjusted: float
    found: bool
    allowed: bool
    hosts: int = 0
    named: tuple[str, ...] = ()


class Power(Struct, frozen=True):
    """What the sample would have found. ``hosts``: so many hosts of the canary beyond the control group are always
    found, ``share``: that many of all; ``shift``: found in 80 of 100 samples if a host of the canary has more than one
    of the control group with this probability (0.5: no shift). None: nothing is large enough."""

    hosts: int | None
    share: float | None
    shift: float | None


class CanaryReport(Struct, frozen=True, kw_only=True):
    """The verdict with its reasons, and everything that it rests on. ``unit``: what rates are per; ``rare``: measures
    that vary on too few hosts to be tested; ``expected``: types that the canary adds as the contract says."""

    schema_version: int = 1
    verdict: Literal["promote", "roll back", "hold"]
    reasons: tuple[str, ...]
    unit: Literal["second", "message"]
    seconds: float | None
    level: float
    correction: str = "Holm"
    control: GroupFacts
    canary: GroupFacts
    power: Power
    rare: tuple[str, ...]
    expected: tuple[str, ...] = ()
    findings: tuple[RateTest, ...]


_Rates: TypeAlias = Mapping[str, float]


class _Test(NamedTuple):
    """A test before its correction."""

    measure: str
    test: Literal["shift", "hosts above", "hosts below"]
    p: float
    hosts: tuple[int, ...] = ()


def judge(
    control: Sequence[Host],
    canary: Sequence[Host],
    rules: Rules,
    *,
    facts: tuple[GroupFacts, GroupFacts],
    unit: Literal["second", "message"] = "second",
    seconds: float | None = None,
) -> CanaryReport:
    """Compare two groups of hosts."""
    expected = tuple(sorted(added((host.types for host in control), (host.types for host in canary))))
    rules = rules._replace(allowed=rules.allowed | frozenset(expected))
    before, after = ([host.rates(rules.allowed) for host in group] for group in (control, canary))
    tests, rare = _tests(before, after, rules)
    adjusted = with_correction([one.p for one in tests])
    findings = tuple(
        RateTest(
            one.measure,
            one.test,
            median(rates.get(one.measure, 0.0) for rates in before),
            median(rates.get(one.measure, 0.0) for rates in after),
            one.p,
            corrected,
            corrected <= rules.level,
            one.measure in rules.allowed,
            len(one.hosts),
            tuple(canary[at].name for at in one.hosts[:NAMED]),
        )
        for one, corrected in zip(tests, adjusted, strict=True)
    )
    power = _power(len(control), len(canary), rules.level / max(len(tests), 1))
    bad = tuple(_sentence(one, len(canary)) for one in findings if one.found and not one.allowed)
    thin = tuple(_thin(power, facts, rules))
    return CanaryReport(
        verdict="roll back" if bad else "hold" if thin else "promote",
        reasons=bad or thin or (_nothing_found(power, findings),),
        unit=unit,
        seconds=seconds,
        level=rules.level,
        control=facts[0],
        canary=facts[1],
        power=power,
        rare=rare,
        expected=expected,
        findings=findings,
    )


def _tests(before: Sequence[_Rates], after: Sequence[_Rates], rules: Rules) -> tuple[list[_Test], tuple[str, ...]]:
    """The tests of all measures, and the measures that cannot show anything."""
    if not before or not after:
        return [], ()
    least = hosts_needed(rules.level, len(before), len(after)) or 1
    found: list[_Test] = []
    rare = []
    for measure in sorted({name for rates in (*before, *after) for name in rates}):
        old, new = ([rates.get(measure, 0.0) for rates in group] for group in (before, after))
        usual = Counter((*old, *new)).most_common(1)[0][1]
        if len(old) + len(new) - usual < least:
            rare.append(measure)
            continue
        bad = measure in BAD
        found.append(_Test(measure, "shift", rank_sum(old, new, both_ways=not bad)))
        hosts, p = beyond(old, new)
        found.append(_Test(measure, "hosts above", p, tuple(hosts)))
        if not bad:
            hosts, p = beyond([-one for one in old], [-one for one in new])
            found.append(_Test(measure, "hosts below", p, tuple(hosts)))
    return found, tuple(rare)


def _power(control: int, canary: int, level: float) -> Power:
    if not control or not canary:
        return Power(None, None, None)
    hosts = hosts_needed(level, control, canary)
    return Power(hosts, None if hosts is None else hosts / canary, shift_found(level, control, canary))


def _thin(power: Power, facts: tuple[GroupFacts, GroupFacts], rules: Rules) -> Iterable[str]:
    """Why nothing found says nothing."""
    for name, group in zip(("control group", "canary"), facts, strict=True):
        if not group.hosts:
            yield f"the {name} has no host"
        elif not group.events:
            yield f"the {name} has no event in the time that was compared"
    seen = all(group.hosts and group.events for group in facts)
    if seen and (power.share is None or power.share > rules.share):
        most = "no defect" if power.share is None else f"a defect of {power.hosts} hosts ({power.share:.0%})"
        yield (
            f"{facts[0].hosts} and {facts[1].hosts} hosts are too few: what is always found is {most}, "
            f"and {rules.share:.0%} was asked for"
        )


def _nothing_found(power: Power, findings: Sequence[RateTest]) -> str:
    allowed = sorted({one.measure for one in findings if one.found})
    but = f" but in what may differ ({', '.join(allowed)})" if allowed else ""
    shift = "" if power.shift is None else f", and with 80 % a shift of all to {power.shift:.2f} of 0.5"
    return (
        f"none of {len(findings)} tests finds a difference{but}; {power.hosts} hosts ({power.share or 0:.0%}) beyond "
        f"the control group would have been found{shift}"
    )


def _sentence(one: RateTest, canary: int) -> str:
    """A difference in words."""
    p = f"p = {one.adjusted:.2g} after correction"
    if one.test == "shift":
        return f"{one.measure}: all hosts shifted, median {one.control:.4g} to {one.canary:.4g} ({p})"
    side = "above" if one.test == "hosts above" else "below"
    names = ", ".join(one.named) + (", …" if one.hosts > len(one.named) else "")
    return f"{one.measure}: {one.hosts} of {canary} hosts are {side} the control group ({p}): {names}"
