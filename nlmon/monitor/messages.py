"""What a monitor says: a function for each message, with its code, level and module.

Rules:
1. Of what is no failure no text holds the word "error", so that ``grep -i error`` finds failures alone; a failure has
   it as its level. What is about a socket names its protocol, so that ``grep -i netlink`` finds it.
2. An error that has a code is said with this code.
3. Keys are never said: of bytes that hold one its length is.
4. What is said of every datagram or event is said whatever the levels are: who calls it has asked for it (``tracing``).

Not here: levels and where messages go (``log``), and what a monitor prints when it is asked (``status``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from nlmon.errors import DecodeError, NlmonError, Overrun
from nlmon.monitor.log import DEBUG, ERROR, INFO, TRACE, WARNING, say
from nlmon.names import PROTOCOLS, message_type

if TYPE_CHECKING:
    from nlmon.config import Problem
    from nlmon.events import Event
    from nlmon.exporters.base import ExportStatus
    from nlmon.wire import Datagram

__all__ = [
    "alert",
    "called_back",
    "decoded",
    "dumped",
    "export_changed",
    "filtered",
    "given_up",
    "listening",
    "not_listening",
    "not_switched",
    "notice",
    "overrun",
    "problem",
    "rate_limited",
    "received",
    "reconnected",
    "reconnecting",
    "reload_refused",
    "reloaded",
    "started",
    "stopped",
    "switched",
    "unresolved",
]

# Bytes of a message that a line holds; the journal has a field for all of them.
DUMP_SHOWN = 256


def _name(protocol: int) -> str:
    return PROTOCOLS.get(protocol, f"netlink protocol {protocol}")


# -- start, stop, reload -------------------------------------------------------------------------------------------


def started(implementation: str, protocols: Collection[int], exports: Collection[str], files: Sequence[object]) -> None:
    """Say that all is open."""
    names, where = ", ".join(map(_name, protocols)), ", ".join(exports) or "no export"
    source = f"configuration {', '.join(map(str, files))}" if files else "no configuration file"
    say(
        *(
            "monitor",
            INFO,
            "NLM-M040",
            f"started: {implementation} listens to {names}, events go to {where} ({source})",
        ),
        NLMON_IMPLEMENTATION=implementation,
    )


def stopped(
    why: str, seconds: float, events: int, lost: int, dropped: Mapping[str, int], unread: tuple[int, bool] = (0, True)
) -> None:
    """Say that the monitor ends. ``why``: such as SIGTERM; ``lost``: messages that the kernel dropped; ``dropped``:
    by the name of an export, or of what else did it, the events that were dropped; ``unread``: datagrams that waited
    and gave no event, and whether these are all."""
    parts = ", ".join(f"{name} {count}" for name, count in dropped.items() if count)
    counts = f"{_counted(events, 'event')}, {_counted(lost, 'message')} lost, "
    counts += f"{_counted(sum(dropped.values()), 'event')} dropped{f' ({parts})' if parts else ''}"
    left, whole = unread
    counts += f", {'' if whole else 'at least '}{_counted(left, 'datagram')} left unread" if left or not whole else ""
    level = WARNING if left or not whole else INFO
    say("monitor", level, "NLM-M041", f"stopped by {why} after {seconds:.1f} s: {counts}")


def reloaded(version: int, changed: Collection[str]) -> None:
    """Say that another configuration is in force. ``changed``: keys or sections that are not as before."""
    what = ", ".join(changed) or "nothing has changed"
    say("config", INFO, "NLM-M046", f"the configuration was reloaded, version {version}: {what}")


def switched(before: str, after: str, seconds: float, both: int, settled: bool, dropped: int) -> None:
    """Say that the monitor goes on with the other implementation. ``seconds``: in which both listened; ``both``:
    datagrams that both have received; ``dropped``: messages that the kernel has dropped meanwhile."""
    text = f"switched from {before} to {after}: both listened for {seconds * 1000:.1f} ms, "
    text += f"{_counted(both, 'datagram')} came to both and {'was' if both == 1 else 'were'} read once"
    if not settled:
        text += "; more came than was read, so these were matched by their bytes alone"
    if dropped:
        text += f"; the kernel dropped {_counted(dropped, 'message')} meanwhile"
    say("netlink", INFO if settled and not dropped else WARNING, "NLM-M102", text, NLMON_IMPLEMENTATION=after)


def not_switched(to: str, why: str) -> None:
    """Say that the monitor was asked for another implementation, and keeps the one that it has."""
    say("netlink", ERROR, "NLM-M103", f"not switched to {to}: {why}")


def not_listening(file: object, since: str) -> None:
    """Say that nobody has listened for a while: what a file goes on after. ``since``: the time of its last event."""
    text = f"{file} goes on after the event of {since}; what happened between that and now is not in it"
    say("exports", WARNING, "NLM-M104", text, same=str(file))


def reload_refused(problems: Iterable[Problem]) -> None:
    """Say that the configuration in force stays, after what is wrong with the new one."""
    mistakes = [one for one in problems if one.severity == "error"]
    for one in mistakes:
        say("config", ERROR, one.code, one.text, same=one.where)
    found = _counted(len(mistakes), "mistake")
    say("config", ERROR, "NLM-M047", f"the configuration was not reloaded: {found}; the one in force stays")


def notice(problem: Problem) -> None:
    """Say what is said of a configuration that is in order, or of a filter in it."""
    module = "filters" if problem.key.startswith("filter") else "config"
    say(module, WARNING, problem.code, problem.text, same=problem.where or problem.what)


# -- sockets -------------------------------------------------------------------------------------------------------


def listening(protocol: int, descriptor: int, receive_buffer: int | None = None) -> None:
    """Say that a socket is open. ``receive_buffer``: its size as the kernel made it."""
    size = "" if receive_buffer is None else f", receive buffer {receive_buffer} bytes"
    text = f"listening to {_name(protocol)}: descriptor {descriptor}{size}"
    say("netlink", INFO, "NLM-M042", text, same=str(protocol), PROTOCOL=_name(protocol))


def reconnecting(protocol: int, attempt: int, of: int = 0, why: str = "") -> None:
    """Say that a lost socket is opened again. ``attempt``: from 1; ``of``: how many there are at most; 0: no bound."""
    tries = f"try {attempt} of {of}, {of - attempt} left" if of else f"try {attempt}"
    reason = f": {why}" if why else ""
    say(
        *("netlink", WARNING, "NLM-M043", f"{_name(protocol)} lost its socket, reconnecting ({tries}){reason}"),
        same=str(protocol),
        PROTOCOL=_name(protocol),
    )


def reconnected(protocol: int, attempt: int) -> None:
    """Say that a lost socket was replaced. What the kernel sent meanwhile did not arrive."""
    after = "at once" if attempt <= 1 else f"after {attempt} tries"
    say(
        *("netlink", WARNING, "NLM-M044", f"{_name(protocol)} reconnected {after}; messages of the meantime are lost"),
        same=str(protocol),
        PROTOCOL=_name(protocol),
    )


def given_up(protocol: int, tries: int, error: NlmonError) -> None:
    """Say that a lost socket stays lost."""
    after = "reconnect is not possible" if not tries else f"no reconnect after {_counted(tries, 'try', 'tries')}"
    say(
        *("netlink", ERROR, "NLM-M045", f"{_name(protocol)} is not listened to any more, {after}: {error}"),
        same=str(protocol),
        PROTOCOL=_name(protocol),
    )


def overrun(protocol: int, error: Overrun, receive_buffer: int) -> None:
    """Say that the kernel dropped messages, and what to raise. ``receive_buffer``: that of the configuration."""
    hint = "" if error.code != "NLM-T010" else f"; raise netlink.buffer_size.receive, which is {receive_buffer}"
    say(
        *("netlink", ERROR, error.code, f"{_name(protocol)}: {error.what}{hint}"),
        same=str(protocol),
        PROTOCOL=_name(protocol),
        NLMON_DROPS=str(error.drops) if error.drops >= 0 else "",
    )


def unresolved(family: str) -> None:
    """Say that the kernel has no generic family of a name, which is joined as soon as it is there."""
    why = "no kernel module that is loaded provides it; it is joined when one does"
    say("netlink", WARNING, "NLM-B004", f"Failed to resolve family '{family}': {why}", same=family, NLMON_FAMILY=family)


def problem(error: NlmonError, protocol: int | None = None, module: str = "netlink") -> None:
    """Say what went wrong, with the code of the error. ``module``: who found it; of damaged messages the
    implementation."""
    name = "" if protocol is None else _name(protocol)
    # A damaged message is one of many, and what is lost is one event.
    level = WARNING if isinstance(error, DecodeError) else ERROR
    text = f"{name}: {error.text}" if name else error.text
    say(module, level, error.code, text, same=str(protocol), PROTOCOL=name)


def not_watched() -> None:
    """Say that a change of a file is not seen."""
    why = "the kernel gives no inotify for them"
    say(
        "config",
        WARNING,
        "NLM-M059",
        f"the files of the configuration are not watched, since {why}; SIGHUP reloads them",
    )


# -- events --------------------------------------------------------------------------------------------------------


def alert(rule: str, event: Event) -> None:
    """Say that a rule whose action is alert matches."""
    text = f"alert: rule {rule} matches {_described(event)}"
    say("filters", WARNING, "NLM-M048", text, same=rule, PROTOCOL=_name(event.protocol), NLMON_RULE=rule)


def rate_limited(dropped: int, limit: int) -> None:
    """Say how many events of the last second were more than core.rate_limit lets through."""
    say("monitor", WARNING, "NLM-M049", f"{_counted(dropped, 'event')} dropped: core.rate_limit is {limit} a second")


def export_changed(status: ExportStatus) -> None:
    """Say that an export begins to fail, works again, was ended by a bug, or was closed with events that did not get
    out."""
    if status.state == "closed":
        if count := sum(status.dropped.values()) + status.waiting:
            what = f"export {status.name} was closed by a reload, {_counted(count, 'event')} dropped"
            say("exports", WARNING, "NLM-M058", what, same=status.name)
        return
    if status.state == "working":
        lost = f", {_counted(sum(status.dropped.values()), 'event')} dropped so far" if status.dropped else ""
        say("exports", INFO, "NLM-M050", f"export {status.name} works again{lost}", same=status.name)
        return
    code, _, text = status.error.partition(": ")
    known = code.startswith("NLM-")
    shown = f"export {status.name}: {text if known else status.error}"
    say("exports", ERROR, code if known else "", shown, same=status.name)


# -- what is asked for ---------------------------------------------------------------------------------------------


def dumped(datagram: Datagram, families: Callable[[int], Collection[str]] = lambda _: ()) -> None:
    """Say the bytes of a datagram, for netlink.debug.dump_messages. ``families``: the names of a generic family by its
    number; what belongs to none counts as keys."""
    from nlmon.compare.evidence.hidden import shown_bytes  # noqa: PLC0415  (only who asks for bytes needs it)

    size = len(datagram.data)
    whole = shown_bytes(datagram, 0, size, sys.byteorder, families)
    shown = shown_bytes(datagram, 0, min(size, DUMP_SHOWN), sys.byteorder, families)
    more = " …" if size > DUMP_SHOWN else ""
    say(
        *("libnl", DEBUG, "NLM-M052", f"{_name(datagram.protocol)}, {_counted(size, 'byte')}: {shown}{more}"),
        asked=True,
        PROTOCOL=_name(datagram.protocol),
        NLMON_BYTES=whole,
    )


def called_back(event: Event) -> None:
    """Say that an event was handed to a callback, for netlink.debug.log_callbacks."""
    text = f"callback of {_name(event.protocol)}: {_described(event)}"
    say("libnl", DEBUG, "NLM-M053", text, asked=True, PROTOCOL=_name(event.protocol))


def received(datagram: Datagram) -> None:
    """Say that a datagram came."""
    size, name = len(datagram.data), _name(datagram.protocol)
    text = f"{name}: datagram {datagram.frame} of {_counted(size, 'byte')}"
    say("netlink", TRACE, "NLM-M054", text, asked=True, PROTOCOL=name)


def decoded(implementation: str, event: Event) -> None:
    """Say that an implementation made an event of a datagram."""
    name = _name(event.protocol)
    text = f"{name}: datagram {event.frame} gives {_described(event)}"
    say(implementation, TRACE, "NLM-M055", text, asked=True, PROTOCOL=name)


def filtered(event: Event, rules: Collection[str]) -> None:
    """Say which rules match an event."""
    what = f"matched by {', '.join(rules)}" if rules else "matched by no rule"
    text = f"{_described(event)}: {what}"
    say("filters", TRACE, "NLM-M056", text, asked=True, PROTOCOL=_name(event.protocol))


def _described(event: Event) -> str:
    if event.type == "overrun":
        return f"a loss of {_name(event.protocol)}"
    name = message_type(event.protocol, event.msg_type)
    return f"{name} of {event.interface}" if isinstance(event.interface, str) and event.interface else name


def _counted(count: int, name: str, many: str = "") -> str:
    return f"{count} {name if count == 1 else many or name + 's'}"
