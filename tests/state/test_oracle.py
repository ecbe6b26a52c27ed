"""The final state against what the recorded hosts said of themselves, at every snapshot."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.engine.replay import Replay
from nlmon.events import AddrInfo, Event, LinkInfo, NeighInfo, RouteInfo, RuleInfo
from nlmon.names import TABLES
from nlmon.state.describe import show_key
from nlmon.state.tables import Folded, State
from support.oracle import Snapshot, snapshots
from support.paths import CAPTURES, NEWEST_FIRST

NAMES = ("01-route-basic", "02-route-topology")
NUD_NOARP = 0x40


def links(state: State) -> list[LinkInfo]:
    return [p for p in state.tables["link"].values() if isinstance(p, LinkInfo)]


def routes(state: State) -> list[RouteInfo]:
    return [p for p in state.tables["route"].values() if isinstance(p, RouteInfo)]


def facts(state: State) -> dict[str, set[tuple[Any, ...]]]:
    """The state in the words of ``Snapshot``."""
    found: dict[str, set[tuple[Any, ...]]] = {
        "sys_links": {
            (
                one.ifindex,
                one.ifname,
                one.mtu,
                bool(one.flags & 1),
                TABLES["operstate"][one.operstate or 0],
                one.addr or "",
            )
            for one in links(state)
        },
        "links": {
            (
                *(one.ifindex, one.ifname, one.mtu, one.qdisc, TABLES["operstate"][one.operstate or 0]),
                one.txqlen,
                one.kind,
            )
            for one in links(state)
        },
        "addresses": set(),
        "proc_addresses6": set(),
        "routes": set(),
        "proc_routes4": set(),
        "neighbours": set(),
        "rules": set(),
    }
    names = {one.ifindex: one.ifname for one in links(state)}
    for addr in state.tables["addr"].values():
        assert isinstance(addr, AddrInfo)
        found["addresses"].add(
            (
                *(addr.ifindex, addr.family, addr.addr, addr.peer, addr.prefixlen, addr.scope, addr.label),
                addr.broadcast,
            )
        )
        if addr.family == 10:
            found["proc_addresses6"].add((addr.ifindex, addr.addr, addr.prefixlen))
    for route in routes(state):
        dst = "default" if route.dst_len == 0 and route.dst is None else f"{route.dst}/{route.dst_len}"
        if route.family == 10 and route.dst_len == 0:
            dst = "default"
        head = (route.family, route.table, route.type, route.protocol, dst, route.priority or 0)
        hops = [(hop.gateway, hop.ifindex) for hop in route.multipath or ()] or [(route.gateway, route.oif)]
        for gateway, oif in hops:
            found["routes"].add((*head, gateway, oif))
        if (route.family, route.table) == (2, 254) and route.type not in {3, 5}:  # as fib_route_seq_show leaves out
            gateway, oif = hops[0]
            interface = "*" if oif is None else names[oif]
            text = route.dst or "0.0.0.0"
            found["proc_routes4"].add((interface, text, gateway, route.priority or 0, route.dst_len))
    for neigh in state.tables["neigh"].values():
        assert isinstance(neigh, NeighInfo)
        if neigh.ifindex not in names:
            # The recording's listener received other namespaces too, and the bytes do not say which.
            continue
        if neigh.family != 7 and not neigh.flags & 8 and neigh.state & ~NUD_NOARP:
            found["neighbours"].add((neigh.ifindex, neigh.dst, neigh.lladdr, neigh.state))
    for rule in state.tables["rule"].values():
        assert isinstance(rule, RuleInfo)
        if rule.family not in {2, 10}:
            continue  # rules of multicast routing, which ``ip rule`` does not list
        found["rules"].add(
            (rule.family, rule.priority or 0, prefix(rule.src, rule.src_len), prefix(rule.dst, rule.dst_len))
        )
    return found


def prefix(text: str | None, length: int) -> str:
    full = text is not None and length == (128 if ":" in text else 32)
    return "all" if text is None else text if full else f"{text}/{length}"


def replayed(kernel: str, name: str) -> list[tuple[Snapshot, State, set[str], set[str]]]:
    """For each snapshot: the state after it, what changed meanwhile without a word, and what was announced."""
    folder = CAPTURES / kernel
    moments = snapshots(folder / f"{name}.log.jsonl.zst")
    make = partial(create, "libnl")
    found = []
    with open_capture(folder / f"{name}.pcap.zst") as reader:
        replay = Replay(partial(create, "legacy"), make, byteorder=reader.info.byteorder)
        state = replay.states.both[1]
        announced: set[str] = set()
        fold = state.fold

        def noted(event: Event, subject: Any) -> Folded:
            held = {(kind, key): value for kind, table in state.tables.items() for key, value in table.items()}
            folded = fold(event, subject)
            now = {(kind, key): value for kind, table in state.tables.items() for key, value in table.items()}
            changed = [place for place in held.keys() | now.keys() if held.get(place) is not now.get(place)]
            announced.update(show_key(kind, key) for kind, key in changed)
            return folded

        state.fold = noted  # type: ignore[method-assign]
        frames = iter(reader)
        frame = next(frames, None)
        for moment in moments:
            while frame is not None and frame.timestamp < moment.begin:
                replay.play([frame])
                frame = next(frames, None)
            before = {kind: dict(table) for kind, table in state.tables.items()}
            known = len(state.unannounced)
            announced.clear()
            while frame is not None and frame.timestamp <= moment.end:
                replay.play([frame])
                frame = next(frames, None)
            corrected = {
                show_key(kind, key)
                for kind, table in state.tables.items()
                for key in before[kind].keys() ^ table.keys()
            }
            explained = announced | {show_key(u.kind, u.key) for u in state.unannounced[known:]}
            found.append((moment, _copy(state), corrected - explained, set(announced)))
    return found


def _copy(state: State) -> State:
    copy = State()
    copy.tables = {kind: dict(table) for kind, table in state.tables.items()}
    return copy


@pytest.mark.parametrize("kernel", NEWEST_FIRST)
@pytest.mark.parametrize("name", NAMES)
def test_the_state_is_what_the_host_says(kernel: str, name: str) -> None:
    """At every snapshot links, addresses, routes, neighbours and rules equal /proc, /sys and ``ip -j``."""
    for moment, state, _, announced in replayed(kernel, name):
        ours = facts(state)
        # A neighbour may change its state between one command of a snapshot and the end of the last.
        moving = {text for text in announced if text.startswith("neigh ")}
        for what, held in ours.items():
            theirs = getattr(moment, what)()
            if what == "neighbours":
                held, theirs = (
                    {n for n in side if f"neigh {n[1]} ifindex {n[0]}" not in moving} for side in (held, theirs)
                )
            assert (moment.name, what, sorted(map(repr, held - theirs)), sorted(map(repr, theirs - held))) == (
                *(moment.name, what),
                [],
                [],
            )


@pytest.mark.slow
@pytest.mark.parametrize("kernel", NEWEST_FIRST)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_corrected_in_silence(kernel: str, name: str) -> None:
    """Every object that a later snapshot's dumps add or remove is reported as changed without announcement."""
    for moment, _, unexplained, _ in replayed(kernel, name)[1:]:
        assert (moment.name, unexplained) == (moment.name, set())
