"""Tries what a monitor would do: opens everything that its plan names, says what it has found, and closes all again.

Rules:
1. Everything is tried, whatever fails, and as the user that the monitor would be by then; each failure is a problem
   with its code.
2. Nothing is read from the sockets and nothing is written by the exports: a file that they have made is removed again,
   which else would be in the way of a monitor that runs as another user.
3. No control socket is made, though it is looked up whether one could be, and what the monitor that runs holds is a
   notice, so that a new configuration can be tried beside it.

Not here: what a configuration says (``plan``), and the option (``nlmon.cli.monitor_run``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from nlmon.api.listener import Listener
from nlmon.config import Loaded, Problem
from nlmon.config.model import JsonExport, PcapExport
from nlmon.config.problems import Position, error, notice
from nlmon.errors import NlmonError
from nlmon.monitor.control import ControlSocket
from nlmon.monitor.exports import ExportPlan, Exports
from nlmon.monitor.plan import Listening, Plan
from nlmon.monitor.privileges import RunsAs
from nlmon.names import PROTOCOLS
from nlmon.printable import printable
from nlmon.transport.base import TransportFactory

__all__ = ["Trial", "TriedExport", "TriedProtocol", "TriedRule", "trial_text", "try_out"]


# Codes of a file that another export writes, and of a port that cannot be had.
TAKEN = ("NLM-O004", "NLM-O020")


class TriedProtocol(Struct, frozen=True):
    """A protocol that would be listened to. ``opens``: whether its socket can be opened; ``receive_buffer``: its bytes
    as the kernel made it."""

    name: str
    opens: bool
    receive_buffer: int | None = None


class TriedRule(Struct, frozen=True):
    """A rule in force: its name, what is done with an event that it matches, and its expression."""

    name: str
    action: str
    expression: str


class TriedExport(Struct, frozen=True):
    """An export, and where its events would go. ``opens``: whether it can be opened, or the monitor that runs has it
    open."""

    name: str
    place: str
    opens: bool


class Trial(Struct, frozen=True):
    """What a monitor would do. ``files``: those of its configuration; ``families``: generic families that the kernel
    does not have; ``problems``: notices, and what cannot be opened; ``ready``: everything can be."""

    ready: bool
    files: tuple[str, ...]
    implementation: str
    protocols: tuple[TriedProtocol, ...]
    unresolved: tuple[str, ...]
    rules: tuple[TriedRule, ...]
    rate_limit: int
    exports: tuple[TriedExport, ...]
    problems: tuple[Problem, ...]


def try_out(
    loaded: Loaded,
    planned: Plan,
    kernel: Callable[[Listening], TransportFactory],
    standing: RunsAs | None = None,
    become: Callable[[], None] = lambda: None,
    held: Collection[str] = (),
    control: ControlSocket | None = None,
) -> Trial:
    """Try a plan on this host. ``standing``: who the monitor would run as, whose notices are reported; ``become``:
    makes this process that user, for good; ``held``: names of exports that the monitor which runs has open;
    ``control``: the control socket that it would have."""
    failures: list[NlmonError] = []
    if control is not None:
        try:
            control.check()
        except NlmonError as failed:
            failures.append(failed)
    protocols, unresolved = _try_sockets(planned.listening, kernel, failures)
    try:
        become()
    except NlmonError as failed:
        failures.append(failed)
    notices: list[Problem] = []
    exports = tuple(_try_export(one, failures, notices if one.name in held else None) for one in planned.exports)
    errors = tuple(error(one.code, one.text, Position()) for one in failures)
    return Trial(
        not failures,
        tuple(printable(str(path)) for path in loaded.files),
        planned.listening.implementation,
        protocols,
        unresolved,
        tuple(TriedRule(one.name, "alert" if one.alert else "log", one.filter.text) for one in planned.rules),
        planned.rate_limit,
        exports,
        (*loaded.problems, *planned.notices, *(() if standing is None else standing.notices), *notices, *errors),
    )


def _try_sockets(
    listening: Listening, kernel: Callable[[Listening], TransportFactory], failures: list[NlmonError]
) -> tuple[tuple[TriedProtocol, ...], tuple[str, ...]]:
    """The protocols, and generic families that there are not."""
    said = failures.append
    listener = Listener(listening.implementation, listening.options, kernel(listening), lambda *_: None, said)
    backend = listener.backend
    try:
        for protocol in listening.protocols:
            try:
                backend.enable(protocol)
            except NlmonError as failed:
                failures.append(failed)
        found = backend.status().protocols
        sizes = {
            number: None if one.transport is None else one.transport.receive_buffer_effective
            for number, one in found.items()
            if one.enabled
        }
        tried = (
            TriedProtocol(PROTOCOLS.get(number, str(number)), number in sizes, sizes.get(number))
            for number in listening.protocols
        )
        return tuple(tried), backend.unresolved()
    finally:
        backend.close()


def _try_export(planned: ExportPlan, failures: list[NlmonError], notices: list[Problem] | None) -> TriedExport:
    """``notices``: given if a monitor that runs has such an export open, which two cannot have."""
    exports = Exports(1)
    is_file = isinstance(planned.section, JsonExport | PcapExport)
    made = is_file and not os.path.lexists(planned.place)
    try:
        exports.change([planned], strict=True)
    except NlmonError as failed:
        if notices is not None and failed.code in TAKEN:
            what = f"the export {planned.name} is not tried, since the monitor that runs has it open"
            notices.append(notice(failed.code, what, Position()))
            return TriedExport(planned.name, printable(planned.place), opens=True)
        failures.append(failed)
        return TriedExport(planned.name, printable(planned.place), opens=False)
    finally:
        exports.close()
    if made:
        with suppress(OSError):
            Path(planned.place).unlink()
    return TriedExport(planned.name, printable(planned.place), opens=True)


def trial_text(trial: Trial) -> str:
    """A trial as lines for people, without its problems."""
    return "".join(f"{line}\n" for line in _lines(trial))


def _lines(trial: Trial) -> Iterator[str]:
    yield f"configuration:  {', '.join(trial.files) or 'no file, all defaults'}"
    yield f"implementation: {trial.implementation}"
    for one in trial.protocols:
        size = "" if one.receive_buffer is None else f", receive buffer {one.receive_buffer:,} bytes"
        yield f"listens to:     {one.name}{size if one.opens else ', which cannot be opened'}"
    for family in trial.unresolved:
        yield f"family:         {printable(family)} is not there; it is joined when it comes"
    for rule in trial.rules:
        yield f"rule:           {printable(rule.name)} ({rule.action}): {printable(rule.expression)}"
    if trial.rate_limit:
        yield f"rate limit:     {trial.rate_limit:,} events a second"
    for export in trial.exports:
        yield f"export:         {export.name} to {export.place}{'' if export.opens else ', which cannot be opened'}"
    if not trial.exports:
        yield "export:         none"
    yield "ready" if trial.ready else "not ready"
