"""Makes an assessment of the bytes of a configuration and of recordings.

Not here: who reads the configuration, and where recordings of the running host come from (``nlmon.cli``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from nlmon.assess.checklist import Facts, checklist
from nlmon.assess.dynamic import MoveSide, Played, lane_of, play_both
from nlmon.assess.judging import compared_in_all, dynamic_reasons, heard_in_all
from nlmon.assess.model import WORST_FIRST, Assessment, Option, Reason, result_of
from nlmon.assess.options import given_options
from nlmon.assess.static import restrictions, static_reasons
from nlmon.compare.contract import load_contract
from nlmon.compare.pair import Pair, pair_of
from nlmon.compare.statement import statement_of
from nlmon.config import Config, Loaded
from nlmon.config.load import interpret
from nlmon.config.model import Interfaces
from nlmon.config.names import USE_LIBNL
from nlmon.events import OVERRUN
from nlmon.filters.possible import may_match
from nlmon.migrate import Rewriting, rewrite
from nlmon.migrate.measured import Measured
from nlmon.migrate.model import Implementation
from nlmon.monitor.filterfields import provides
from nlmon.monitor.plan import plan
from nlmon.names import PROTOCOLS, message_type
from nlmon.report.model import Direction
from nlmon.report.policy import Policy
from nlmon.scenario.configured.lanes import chosen

__all__ = ["MIN_EVENTS", "assess"]

# Fewer events say nothing about a host.
MIN_EVENTS = 20


def assess(
    data: bytes,
    name: str,
    captures: Sequence[Path],
    *,
    environ: Mapping[str, str],
    to: Implementation = "libnl",
    measured: Measured | None = None,
    min_events: int = MIN_EVENTS,
    live: str = "",
) -> Assessment:
    """What the bytes of a configuration and recordings say of a move to an implementation, and of the way back.
    ``measured``: what the recordings hold, from which families are proposed; ``min_events``: how many events both sides
    must have exported; ``live``: what the one recording is called that was made of the running host for this, empty if
    none was. Raises nothing for a configuration or a recording that is wrong: that is a problem of the
    assessment, or a reason."""
    source: Implementation = "legacy" if to == "libnl" else "libnl"
    loaded = interpret([(name, data)], environ)
    if loaded.config is None:
        return Assessment(name, source, to, "undecided", "undecided", problems=loaded.problems)
    forward = _rewritten(data, name, to, environ, measured)
    back = _rewritten(forward.data or data, name, source, environ)
    lanes = lane_of(source, data, environ), lane_of(to, forward.data or data, environ)
    policy = Policy(min_events=1)
    startable = not any(lane.refused for lane in lanes)
    played = [play_both(lanes, path, policy, live) for path in _once(captures)] if startable else []
    listened = _listened(loaded.config) if startable else ()
    kinds = dict(_kinds(loaded.config, pair_of(source, to), listened))
    evidence = _Evidence(tuple(played), listened, kinds, _may_pass(lanes), min_events)
    reasons = list(_reasons("migrate", forward, lanes, evidence))
    returning = list(_reasons("rollback", back, lanes[::-1], evidence))
    way_back = result_of(returning)
    if chosen(loaded.config) == to:
        reasons.append(_chosen_already(loaded, name, to, source))
    if way_back == "no go":
        reasons.append(_no_way_back(source))
    result = result_of(reasons)
    both = sorted((*reasons, *returning), key=lambda one: (one.direction, WORST_FIRST.index(one.weight)))
    facts = Facts(
        loaded.config, to, listened, tuple(reasons), way_back, forward, tuple(played), compared_in_all(played)
    )
    return Assessment(
        name,
        source,
        to,
        result,
        way_back,
        tuple(both),
        tuple(_options(loaded, lanes)),
        forward.changes,
        facts.compared,
        heard_in_all(played),
        tuple(checklist(facts)),
        tuple(report for one in played for report in one.reports),
        tuple(report for one in played if one.decoded is not None for report in one.decoded.reports),
        loaded.problems,
        bool(live),
    )


class _Evidence(NamedTuple):
    """What was played; the protocols that are listened to, the kinds of events that would be exported, and whether
    events of a protocol and type of messages may be; and how many events are enough."""

    played: tuple[Played, ...]
    listened: tuple[str, ...]
    kinds: Mapping[str, str]
    may_pass: Callable[[int, int], bool]
    min_events: int


def _reasons(
    direction: Direction,
    done: Rewriting,
    lanes: tuple[MoveSide, ...],
    evidence: _Evidence,
) -> Iterator[Reason]:
    yield from static_reasons(done, direction)
    libnl = next(lane.loaded.config for lane in lanes if lane.name == "libnl")
    if libnl is not None:
        yield from restrictions(libnl, direction, done.file)
    refused = [(lane.name, one) for lane in lanes for one in lane.refused]
    for name, one in refused:
        what = f"{name} does not start with this configuration: {one.what} [{one.code}]"
        yield Reason("NLM-I007", "no go", direction, what, one.where, one.hint, one.key)
    if not refused:
        names = lanes[0].name, lanes[1].name
        played, listened, kinds, may_pass, least = evidence
        yield from dynamic_reasons(
            played, names, direction, listened=listened, kinds=kinds, may_pass=may_pass, min_events=least
        )


def _rewritten(
    data: bytes, name: str, to: Implementation, environ: Mapping[str, str], measured: Measured | None = None
) -> Rewriting:
    contract, provided = load_contract(), partial(provides, statement_of(to))
    return rewrite(data, name, to, environ=environ, provided=provided, contract=contract, measured=measured)


def _once(captures: Sequence[Path]) -> Iterator[Path]:
    """Each recording once: played twice it is no more evidence."""
    seen: set[Path] = set()
    for path in captures:
        real = path.resolve()
        if real not in seen:
            seen.add(real)
            yield path


def _listened(config: Config) -> tuple[str, ...]:
    """Names of the protocols that a configuration listens to."""
    return tuple(PROTOCOLS[one] for one in plan(config).listening.protocols)


def _kinds(config: Config, both: Pair, listened: Collection[str]) -> Iterator[tuple[str, str]]:
    """Kinds of events that both sides give and that would be exported, each with its protocol; none where filters let
    only some events pass, of which nobody knows whether such a one is among them."""
    if config.rules or config.monitoring.interfaces != Interfaces():
        return
    only, types = config.monitoring.protocols, config.monitoring.message_types
    for kind, row in both.contract.events.items():
        name = PROTOCOLS[row.protocol]
        if not both.shares(kind) or kind == OVERRUN or name not in listened or (only and name not in only):
            continue
        if not types or any(message_type(row.protocol, one) in types for one in row.types or ()):
            yield kind, name


def _may_pass(lanes: Iterable[MoveSide]) -> Callable[[int, int], bool]:
    """Whether a side may export events of a protocol and type of messages, by what its configuration keeps and its
    filters; what nobody knows of a type alone may be."""
    plans = [plan(lane.loaded.config) for lane in lanes if lane.loaded.config is not None]

    def may_pass(protocol: int, msg_type: int) -> bool:
        for one in plans:
            kept = one.kept
            if kept.protocols and protocol not in kept.protocols:
                continue
            if kept.message_types and message_type(protocol, msg_type) not in kept.message_types:
                continue
            if not one.rules or any(may_match(rule.filter, protocol, msg_type) for rule in one.rules):
                return True
        return False

    return may_pass


def _chosen_already(loaded: Loaded, name: str, to: Implementation, source: Implementation) -> Reason:
    what = f"the configuration chooses {to} already, and was assessed as if it chose {source}"
    origin = loaded.origins[USE_LIBNL]
    return Reason("NLM-I018", "note", "migrate", what, name if origin == "default" else origin)


def _no_way_back(source: Implementation) -> Reason:
    what = f"there is no way back to {source} that keeps everything"
    return Reason("NLM-I014", "note", "migrate", what, hint="see the reasons of the way back")


def _options(loaded: Loaded, lanes: tuple[MoveSide, ...]) -> Iterator[Option]:
    refused = {lane.name: {one.key for one in lane.refused if one.key} for lane in lanes}
    yield from given_options(loaded.origins, refused)
