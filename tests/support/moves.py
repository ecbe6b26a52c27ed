"""Rewritings of a configuration, and switches of a monitor, with one mistake each.

Not here: which scenario shows which of them (``tests/scenario/test_moves.py``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from nlmon.compare.side import Side
from nlmon.config.rules import LIBNL_ONLY
from nlmon.migrate import Rewriting
from nlmon.migrate import rewrite as good
from nlmon.monitor import recorded
from nlmon.monitor.pipeline import Pipeline
from nlmon.monitor.recorded import _Player

__all__ = ["BAD_REWRITINGS", "BAD_SWITCHES", "Patch"]

Patch = Callable[[pytest.MonkeyPatch], None]
# A list of rules, and one of them.
RULES, RULE = (
    re.compile(r"(?<=^filters:\n)(?:  - .*\n(?:    .*\n)*)+", re.MULTILINE),
    re.compile(r"  - .*\n(?:    .*\n)*"),
)


def _written(change: Callable[[str, Rewriting], str]) -> Patch:
    """A rewriting whose text is changed once more."""

    def rewrite(data: bytes, *given: Any, **options: Any) -> Rewriting:
        done = good(data, *given, **options)
        return done if done.data is None else replace(done, data=change(done.data.decode(), done).encode())

    return lambda patch: patch.setattr("nlmon.scenario.configured.rewritten.rewrite", rewrite)


def _answered(change: Callable[[bytes, Rewriting], Rewriting]) -> Patch:
    """A rewriting that says something else."""

    def rewrite(data: bytes, *given: Any, **options: Any) -> Rewriting:
        return change(data, good(data, *given, **options))

    return lambda patch: patch.setattr("nlmon.scenario.configured.rewritten.rewrite", rewrite)


def _without(pattern: str) -> Patch:
    return _written(lambda text, _: re.sub(pattern, "", text, flags=re.MULTILINE))


def _reversed(rules: re.Match[str]) -> str:
    return "".join(reversed(RULE.findall(rules[0])))


def _with(name: str, value: Any) -> Patch:
    """Another value of a name in the rewriting itself."""
    # The package has a function of this name.
    return lambda patch: patch.setattr(import_module("nlmon.migrate.rewrite"), name, value)


BAD_REWRITINGS: Mapping[str, Patch] = {
    "drops a filter": _without(r"^filter:.*\n"),
    "drops a rule": _without(r"^filters:\n(- .*\n(  .*\n)*)*"),
    "leaves an option of libnl": _with("LIBNL_ONLY", LIBNL_ONLY[1:]),
    "removes what both have": _with("LIBNL_ONLY", (*LIBNL_ONLY, ("netlink", "buffer_size"))),
    "loses lines that are comments": _without(r"^ *#.*\n"),
    "loses comments behind values": _without(r" +#.*$"),
    "writes the whole text anew": _written(lambda text, _: yaml.safe_dump(yaml.safe_load(text))),
    "changes nothing": _answered(lambda data, done: replace(done, data=data, changes=())),
    "does not say what it changes": _answered(lambda _, done: replace(done, changes=())),
    "keeps the names of fields": _with("renames", lambda *_: ()),
    "replaces a variable": _with("switched", lambda _, value, wanted, environ: (wanted, wanted)),
    "passes over what would be lost": _answered(
        lambda _, done: replace(done, findings=tuple(replace(one, severity="notice") for one in done.findings))
    ),
    "refuses what is only of note": _answered(
        lambda _, done: replace(done, findings=tuple(replace(one, severity="error") for one in done.findings))
    ),
    "names nothing that it finds": _answered(lambda _, done: replace(done, findings=done.errors)),
    "moves the export": _written(lambda text, _: text.replace("events", "others")),
    "lifts the rate limit": _written(lambda text, _: re.sub(r"rate_limit: \d+", "rate_limit: 0", text)),
    "puts rules in another order": _written(lambda text, _: RULES.sub(_reversed, text)),
    "writes other quotes": _written(lambda text, _: text.replace('"', "'")),
    "ends lines otherwise": _written(lambda text, _: text.replace("\n", "\r\n")),
    "names other lines": _answered(
        lambda _, done: replace(done, changes=tuple(replace(one, line=one.line + 1) for one in done.changes))
    ),
}


class _Switching(_Player):
    """A monitor that plays a recording, and knows when it has switched."""

    def _reload(self, frame: int) -> None:
        before = self._plan.listening.implementation
        super()._reload(frame)
        if self._plan.listening.implementation != before:
            self.switched()

    def switched(self) -> None:
        """It goes on with the other implementation from here on."""


class _Taking(_Switching):
    """One that does something else with what comes first behind the switch. ``armed``: it is still to come."""

    armed = False
    last: tuple[Any, ...] = ()

    def switched(self) -> None:
        self.armed = True

    def _take(self, side: Side, data: Mapping[int, bytes] | None = None, protocol: int = -1) -> None:
        if self.armed and side.events:
            self.armed = False
            self.first(side, data, protocol)
        else:
            super()._take(side, data, protocol)
            self.taken(side, data, protocol)

    def first(self, *taken: Any) -> None:
        """What comes first behind the switch."""

    def taken(self, *taken: Any) -> None:
        """What was taken otherwise."""


class _Losing(_Taking):
    """Nobody takes the first event."""


class _Doubling(_Taking):
    """The last event before the switch comes once more."""

    def first(self, *taken: Any) -> None:
        for one in filter(None, (self.last, taken)):
            super()._take(*one)

    def taken(self, *taken: Any) -> None:
        if taken[0].events:
            self.last = taken


class _Reordering(_Taking):
    """The first event comes behind the second one."""

    held: tuple[Any, ...] = ()

    def first(self, *taken: Any) -> None:
        self.held = taken

    def taken(self, *taken: Any) -> None:
        held, self.held = self.held, ()
        if held and taken[0].events:
            super()._take(*held)
        else:
            self.held = held


class _Staying(_Switching):
    """Its first implementation goes on."""

    @property
    def _active(self) -> int:
        return 0


class _Unfiltered(_Switching):
    """No rule is in force any more."""

    def switched(self) -> None:
        self._pipeline.change(replace(self._plan, rules=()), self._exports.queues)


class _Emptying(_Switching):
    """Its files begin anew."""

    def switched(self) -> None:
        for one in self._plan.exports:
            if Path(one.place).is_file():
                os.truncate(one.place, 0)


class _Late(_Switching):
    """It goes on with the other implementation one message too late."""

    late = False

    def switched(self) -> None:
        self.late = True

    def _take(self, side: Side, data: Mapping[int, bytes] | None = None, protocol: int = -1) -> None:
        self.late = self.late and not side.events
        super()._take(side, data, protocol)

    @property
    def _active(self) -> int:
        active = super()._active
        return 1 - active if self.late and len(self._names) > 1 else active


class _Counting(_Switching):
    """Its rules count anew."""

    def switched(self) -> None:
        self._pipeline = Pipeline(self._plan, self._exports.queues, wait=True)


class _Unlimited(_Switching):
    """It has no rate limit any more."""

    def switched(self) -> None:
        self._pipeline.change(replace(self._plan, rate_limit=0), self._exports.queues)


class _Bare(_Switching):
    """It no longer has the bytes of what it exports."""

    bare = False

    def switched(self) -> None:
        self.bare = True

    def _take(self, side: Side, data: Mapping[int, bytes] | None = None, protocol: int = -1) -> None:
        super()._take(side, None if self.bare else data, protocol)


class _Returning(_Switching):
    """It goes back by itself after twenty messages. ``left``: until then."""

    left = -1

    def switched(self) -> None:
        self.left = 20

    def _take(self, side: Side, data: Mapping[int, bytes] | None = None, protocol: int = -1) -> None:
        super()._take(side, data, protocol)
        self.left -= self.left > 0

    @property
    def _active(self) -> int:
        active = super()._active
        return 1 - active if not self.left and len(self._names) > 1 else active


class _Once(_Switching):
    """It switches once, and not back. ``times``: it should have."""

    times = 0

    def switched(self) -> None:
        self.times += 1

    @property
    def _active(self) -> int:
        active = super()._active
        return 1 - active if self.times > 1 and len(self._names) > 1 else active


def _played_by(player: type[_Player]) -> Patch:
    return lambda patch: patch.setattr(recorded, "_Player", player)


BAD_SWITCHES: Mapping[str, Patch] = {
    "loses an event": _played_by(_Losing),
    "repeats an event": _played_by(_Doubling),
    "changes the order of two events": _played_by(_Reordering),
    "goes on with what it had": _played_by(_Staying),
    "goes on one message late": _played_by(_Late),
    "goes on without rules": _played_by(_Unfiltered),
    "begins files anew": _played_by(_Emptying),
    "counts rules anew": _played_by(_Counting),
    "forgets the rate limit": _played_by(_Unlimited),
    "brings out no bytes": _played_by(_Bare),
    "goes back by itself": _played_by(_Returning),
    "never comes back": _played_by(_Once),
}
