"""Rewrites a configuration for an implementation.

Rules:
1. With an error in it, or in a form that cannot be changed at its place, a configuration is left alone.
2. What is written says exactly what it said, but for the changes that are listed. It is read again to prove that.

Not here: changing a text (``edits``), and what only a person can decide (``findings``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from nlmon.compare.contract import Contract
from nlmon.config.keys import dotted
from nlmon.config.load import interpret
from nlmon.config.model import Config
from nlmon.config.rules import LIBNL_ONLY
from nlmon.migrate.added import CHOICE, placed
from nlmon.migrate.edits import Edit, applied, listed, replaced, take_out
from nlmon.migrate.fields import Rename, renames
from nlmon.migrate.findings import would_lose
from nlmon.migrate.losses import Provided, conditions
from nlmon.migrate.measured import Measured, not_enabled, proposals
from nlmon.migrate.model import Change, Finding, Implementation, Rewriting, Weight
from nlmon.migrate.nodes import Node
from nlmon.migrate.proof import overruled, says
from nlmon.migrate.steps import Source, Step
from nlmon.migrate.switch import said, switched

__all__ = ["rewrite"]


def rewrite(
    data: bytes,
    name: str,
    to: Implementation,
    *,
    environ: Mapping[str, str],
    provided: Provided,
    contract: Contract,
    measured: Measured | None = None,
    propose: bool = True,
) -> Rewriting:
    """The bytes of a file ``name`` rewritten for an implementation. ``provided``: whether it provides a field;
    ``contract``: which messages give which events; ``measured``: what recordings hold; ``propose``: whether more is
    changed than the move needs."""
    loaded = interpret([(name, data)], environ)
    if loaded.config is None:
        return Rewriting(to, name, None, problems=loaded.problems)
    source = Source(data, name)
    steps = [*_choice(source, to, environ), *(_removed(source) if to == "legacy" else ())]
    steps += _renamed(source, loaded.config, to)
    if to == "libnl" and propose:
        steps += _proposed(source, loaded.config, measured)
    steps = list(placed(source, steps))
    findings = list(would_lose(loaded.config, to, provided, contract, name, source.line_at))
    findings += _not_enabled(source, loaded.config, measured)
    text = applied(source.text, (edit for step in steps for edit in step.edits or ()))
    written = (source.mark + text).encode()
    stuck = [step for step in steps if step.edits is None]
    if stuck or not says(written, data, steps):
        findings += [_unplaceable(step.changes[0]) for step in stuck or steps[:1]]
        return Rewriting(to, name, None, (), tuple(findings), loaded.problems)
    findings += overruled(written, name, to, environ)
    changes = sorted((one for step in steps for one in step.changes), key=lambda one: one.line)
    return Rewriting(to, name, written, tuple(changes), tuple(findings), loaded.problems)


def _choice(source: Source, to: Implementation, environ: Mapping[str, str]) -> Iterator[Step]:
    """The implementation, where it is chosen; or the choice, where there is none."""
    wanted, reason = said(to), f"the choice of {to} is written out"
    places = source.at(CHOICE)
    for node in places:
        after = switched(source.text[node.start : node.end], node.text or "", wanted, environ)
        if after is not None:
            written, value = after
            change = _change(source, node, "NLM-V001", "needed", value, reason)
            yield Step((change,), (replaced(node, written),), {CHOICE: value})
    if not places:
        section = source.section(CHOICE[:-1])
        line = source.line(section) if section is not None else 0
        change = Change("NLM-V001", "needed", source.name, line, dotted(CHOICE), "", wanted, reason)
        yield Step((change,), (), {CHOICE: wanted}, (CHOICE, wanted))


def _removed(source: Source) -> Iterator[Step]:
    """Options of libnl, wherever they stand."""
    gone = sorted((node for option in LIBNL_ONLY for node in source.at(option)), key=lambda node: node.begin)
    by_parent = sorted(gone, key=lambda node: source.parent(node).begin)
    for parent, group in groupby(by_parent, key=source.parent):
        own = list(group)
        edits = take_out(source.text, parent, own)
        reason = "legacy has no such option"
        changes = tuple(_change(source, node, "NLM-V011", "needed", "", reason) for node in own)
        yield Step(changes, None if edits is None else tuple(edits), {source.path(node): None for node in own})


def _renamed(source: Source, config: Config, to: Implementation) -> Iterator[Step]:
    """Names of fields in filters and alerts."""
    code = "NLM-V002" if to == "libnl" else "NLM-V012"
    for condition in conditions(config):
        for node in source.at(condition.path):
            found = renames(node.text or "", to)
            edits = _in_place(source.text, node, found)
            # One that cannot be changed in place may stay: both names mean the same.
            if found and edits is not None:
                after = applied(node.text or "", (_edit(one, one.position) for one in found))
                change = _change(source, node, code, "needed", after, f"the field has this name with {to}")
                yield Step((change,), edits, {condition.path: after})


def _proposed(source: Source, config: Config, measured: Measured | None) -> Iterator[Step]:
    """What is of use with libnl."""
    for one in proposals(config, source.given, measured):
        shown = one.value if isinstance(one.value, str) else f"[{', '.join(one.value)}]"
        places = source.at(one.path)
        for node in places:
            change = _change(source, node, one.code, "proposed", shown, one.reason)
            edit = listed(source.text, node, one.value) if node.items and not node.flow else replaced(node, shown)
            yield Step((change,), (edit,), {one.path: one.value})
        if not places:
            change = Change(one.code, "proposed", source.name, 0, dotted(one.path), "", shown, one.reason)
            yield Step((change,), (), {one.path: one.value}, (one.path, one.value))


def _not_enabled(source: Source, config: Config, measured: Measured | None) -> Iterator[Finding]:
    """What a recording holds and nobody listens to."""
    for name, count in not_enabled(config, measured):
        key = f"netlink.protocols.{name}"
        what = f"the recording has {count:,} messages of {name}, which is not listened to"
        yield Finding("NLM-V007", "notice", source.name, 0, key, "", what, f"write {key}: true if they are wanted")


def _change(source: Source, node: Node, code: str, weight: Weight, after: str, reason: str) -> Change:
    """A change of what stands at a node."""
    before = node.text if node.text is not None else " ".join(source.text[node.start : node.end].split())
    return Change(code, weight, source.name, source.line(node), dotted(source.path(node)), before, after, reason)


def _in_place(text: str, node: Node, found: Iterable[Rename]) -> tuple[Edit, ...] | None:
    """Edits that rename in the text of a scalar, whatever its quotes; None if a name does not stand there as it is."""
    edits = []
    for one in found:
        word = re.compile(rf"(?<![\w.]){re.escape(one.before)}(?![\w.])")
        meant = [match.start() for match in word.finditer(node.text or "")]
        written = [match.start() for match in word.finditer(text, node.start, node.end)]
        if len(meant) != len(written):
            return None
        edits.append(_edit(one, written[meant.index(one.position)]))
    return tuple(edits)


def _edit(one: Rename, position: int) -> Edit:
    return Edit(position, position + len(one.before), one.after)


def _unplaceable(change: Change) -> Finding:
    what = f"{change.key} stands in a form in which it cannot be changed"
    hint = "write it in a line of its own, below its section and with an indent"
    return Finding("NLM-V031", "error", change.file, change.line, change.key, "", what, hint)
