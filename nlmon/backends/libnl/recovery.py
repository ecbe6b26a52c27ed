"""Recovery after an overrun: what changed meanwhile, as synthetic events.

After a loss the kernel's tables are dumped and compared with what was delivered so far. What differs becomes
synthetic events: deletions of what is gone, from routes back to links, then what is new or changed, from links to
routes, so that a consumer never meets an address before its link.

Rules of this file:
1. A dump that was interrupted, failed or not all readable proves the presence of objects and never their absence.
2. A kernel has links, if only the loopback interface. One that lists none at the start is not known as a whole: then
   nothing says that an address was the last one of its link, nor after a loss until all was dumped.
3. Values in, values out: dumping is the backend's part.

Not here: when to recover, and how often (``resync``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import structs

from nlmon.backends.libnl import uapi
from nlmon.backends.libnl.dump import DumpResult
from nlmon.events import Event, LinkInfo, RoutePayload
from nlmon.objects.keys import Key
from nlmon.state.dumps import changed_fields
from nlmon.state.identity import held_by_dump, objects_of
from nlmon.state.tables import State

__all__ = ["DUMPS", "Tracker"]

# RTM_GET* type and family of the dumps that show a namespace's state, links first. Rules of all families:
# multicast routing has rules of its own (RTNL_FAMILY_IPMR).
DUMPS = (
    *((uapi.RTM_GETLINK, uapi.AF_UNSPEC), (uapi.RTM_GETLINK, uapi.AF_BRIDGE), (uapi.RTM_GETADDR, uapi.AF_UNSPEC)),
    *((uapi.RTM_GETNEIGH, uapi.AF_UNSPEC), (uapi.RTM_GETNEIGH, uapi.AF_BRIDGE), (uapi.RTM_GETRULE, uapi.AF_UNSPEC)),
    *((uapi.RTM_GETROUTE, uapi.AF_INET), (uapi.RTM_GETROUTE, uapi.AF_INET6)),
)
# The type of the message that says that there is an object of a kind; that of its deletion is the next one.
NEW_OF = {
    **dict.fromkeys(("link", "port"), uapi.RTM_NEWLINK),
    "addr": uapi.RTM_NEWADDR,
    "route": uapi.RTM_NEWROUTE,
    "neigh": uapi.RTM_NEWNEIGH,
    "rule": uapi.RTM_NEWRULE,
}
# An IPv4 route comes behind those of its group.
APPENDED = uapi.NLM_F_CREATE | uapi.NLM_F_APPEND


class Tracker:
    """What was delivered so far, folded into a state."""

    def __init__(self) -> None:
        self.state = State(notes=False)

    def apply(self, event: Event) -> None:
        """Take note of an event that was delivered."""
        self.state.apply(event)

    def begin(self, msg_type: int, family: int, result: DumpResult) -> None:
        """Take what was there before the first event, by one of the ``DUMPS``, in their order."""
        for event in result.events:
            self.state.apply(event)
        if result.whole and self.state.tables["link"]:
            self.state.dumps.note(msg_type, family)

    def differences(self, results: Iterable[tuple[int, int, DumpResult]], template: Event) -> Iterator[Event]:
        """Synthetic events that bring a consumer from the tracked state to the dumped one, and take that there, too:
        what goes with one of them in silence comes again if it is still there. ``results``: (type, family, result) of
        each dump; ``template`` gives frame and time stamp."""
        gone: list[Event] = []
        dumped: list[tuple[str, dict[Key, RoutePayload]]] = []
        old = _names(self.state.tables["link"].values())
        new = dict(old)
        whole = True
        for msg_type, family, result in results:
            kind, held = held_by_dump(msg_type, family)
            there: dict[Key, RoutePayload] = {}
            for event in result.events:
                if isinstance(event.payload, RoutePayload):
                    there.update((key, value) for k, key, value in objects_of(event.payload) if k == kind)
            dumped.append((kind, there))
            whole = whole and result.whole
            new.update(_names(there.values()) if kind == "link" else ())
            if result.whole:
                again = self._misplaced(there) if (kind, family) == ("route", uapi.AF_INET) else set()
                gone += [
                    _synthetic(template, NEW_OF[kind] + 1, payload, old)
                    for key, payload in self.state.tables[kind].items()
                    if held(key) and (key not in there or key in again)
                ]
        yield from map(self._applied, reversed(gone))
        for kind, there in dumped:
            table = self.state.tables[kind]
            for key, payload in there.items():
                before = table.get(key)
                if before is None or changed_fields(kind, before, payload):
                    yield self._applied(_synthetic(template, NEW_OF[kind], payload, new))
        if whole:
            self.state.dumps.regain()

    def _applied(self, event: Event) -> Event:
        """An event, once the tracked state has it, too."""
        self.state.apply(event)
        return event

    def _misplaced(self, there: Iterable[Key]) -> set[Key]:
        """IPv4 routes of groups that are in another order than the kernel has them, since what comes anew goes to the
        end: the next replacement would take the wrong one."""
        listed: dict[Key, list[Key]] = {}
        for key in there:
            listed.setdefault(key[:-1], []).append(key)
        found: set[Key] = set()
        for group, keys in listed.items():
            there_now = set(keys)
            held = dict.fromkeys(key for key in self.state.order(group) if key in there_now)
            if [*held, *(key for key in keys if key not in held)] != keys:
                found.update(keys)
        return found


def _names(links: Iterable[RoutePayload]) -> dict[int, str | None]:
    return {link.ifindex: link.ifname for link in links if isinstance(link, LinkInfo)}


def _synthetic(template: Event, msg_type: int, payload: RoutePayload, names: Mapping[int, str | None]) -> Event:
    index = getattr(payload, "ifindex", None) or getattr(payload, "oif", None)
    flags = APPENDED if msg_type == NEW_OF["route"] and payload.family == uapi.AF_INET else 0
    head = {"msg_type": msg_type, "msg_flags": flags, "interface": None if index is None else names.get(index)}
    return structs.replace(template, **head, payload=payload, synthetic=True)
