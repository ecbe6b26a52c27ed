"""Two final states, held against each other object by object.

What differs has a field: that of the object, or in parentheses what is with the object as a whole, ``(missing)`` or
``(extra)`` in the candidate, ``(gone)`` or ``(appeared)`` where that was corrected.

Not here: how a state came to be (``nlmon.state.tables``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from nlmon.compare.classify import Classifier
from nlmon.compare.difference import Class, Difference
from nlmon.compare.explain import show
from nlmon.compare.pair import Pair
from nlmon.events import RoutePayload
from nlmon.objects.keys import Key
from nlmon.state.describe import show_key
from nlmon.state.dumps import VOLATILE, Unannounced
from nlmon.state.tables import KINDS, State

__all__ = ["compare_corrections", "compare_recovery", "compare_states"]

# Tables of the state that hold another kind of payload than their name says.
KIND_OF_TABLE = {kind: {"port": "link"}.get(kind, kind) for kind in KINDS}


MISSING, EXTRA = "(missing)", "(extra)"


def compare_states(
    reference: State, candidate: State, classifier: Classifier, frame: int, recovered: Collection[tuple[str, Key]] = ()
) -> Iterator[tuple[Difference, RoutePayload | None, RoutePayload | None]]:
    """Differences of class ``state``, each with the object as the one and as the other has it; ``frame`` is the last
    datagram both have seen. Objects of which one of them gives no events, or not all that tells
    them apart, are not compared. ``recovered``: objects that
    one of them recovered after a loss, which are no difference but a service."""
    for kind in filter(classifier.shares, KINDS):
        before, after = reference.tables[kind], candidate.tables[kind]
        for key in sorted(before.keys() | after.keys(), key=repr):
            if (kind, key) in recovered:
                continue
            name = show_key(kind, key, reference.tables["link"] or candidate.tables["link"])
            old, new = before.get(key), after.get(key)
            if old is None or new is None:
                field, who = (MISSING, "reference") if new is None else (EXTRA, "candidate")
                left, right = ("present", "absent") if new is None else ("absent", "present")
                yield _state(name, frame, field, left, right, f"only the {who} has it"), old, new
                continue
            for found in classifier.payloads(old, new):
                left, right = show(found.reference), show(found.candidate)
                yield _state(name, frame, found.field, left, right, found.reason), old, new


def compare_corrections(
    pair: Pair,
    reference: Iterable[Unannounced],
    candidate: Iterable[Unannounced],
    recovered: Collection[tuple[str, Key]] = (),
) -> Iterator[Difference]:
    """Differences of class ``state`` that were corrected at once: an object that only one of them had wrong, or in
    other fields, when the same dump or the same end of a link corrected both. Without this, a recording that ends
    with dumps would excuse every lost event. Only what both provide counts."""
    before, after = ({(u.kind, u.key, u.change, u.frame): u for u in side} for side in (reference, candidate))
    for key in (*before, *(key for key in after if key not in before)):  # in an order that is always the same
        old, new = before.get(key), after.get(key)
        one = old or new
        if one is None or (one.kind, one.key) in recovered or not pair.shares_objects(KIND_OF_TABLE[one.kind]):
            continue
        if one.change == "changed":
            kind = KIND_OF_TABLE[one.kind]
            fields = [{f for f in (side.fields if side else ()) if pair.shares_field(kind, f)} for side in (old, new)]
            found = [(name, [name in names for names in fields]) for name in sorted(fields[0] ^ fields[1])]
        else:
            found = [(f"({one.change})", [side is not None for side in (old, new)])]
        for field, corrected in found:
            if not all(corrected):
                values = ["corrected" if side else "correct before" for side in corrected]
                yield _state(one.object, one.frame, field, values[0], values[1], f"{one.change}: {one.reason}")


def compare_recovery(
    name: str,
    held: State,
    truth: State,
    judge: Classifier,
    known: tuple[Collection[tuple[str, Key]], Collection[tuple[str, Key]]],
    frame: int,
) -> Iterator[Difference]:
    """What ``name`` made of a loss: the objects it holds after the resync, against those that the recorded
    kernel holds (``truth``, as ``judge``'s reference reads them). What ``name`` knows from a recorded dump is no work
    of its own: ``known`` are the objects that events reported to it, which alone are judged by value, or for being
    held still, and those that vanished from its state without an event, which are not missed."""
    reported, vanished = known
    links = {key[0] for key in truth.tables["link"]}
    for kind in KINDS:
        ours, theirs = held.tables[kind], truth.tables[kind]
        # A recording of several namespaces may hold objects on links that are none of this one's.
        there = [key for key, payload in theirs.items() if not links or _link_of(payload) in {None, *links}]
        gone = [key for key in ours if key not in theirs and (kind, key) in reported]
        for key in sorted([*there, *gone], key=repr):
            old, new = theirs.get(key), ours.get(key)
            rows: list[tuple[str, str, str]] = []
            if new is None and (kind, key) in vanished:
                continue
            if old is None or new is None:
                rows = [(MISSING, "present", "absent") if new is None else (EXTRA, "absent", "present")]
            elif (kind, key) in reported:
                found = (one for one in judge.payloads(old, new) if one.field not in VOLATILE[kind])
                rows = [(one.field, show(one.reference), show(one.candidate)) for one in found]
            for field, before, after in rows:
                reason = f"after the resync of {name} it is {after}, in the recorded kernel {before}"
                yield _state(show_key(kind, key, truth.tables["link"]), frame, field, before, after, reason)


def _link_of(payload: RoutePayload) -> int | None:
    index: int | None = getattr(payload, "ifindex", None) or getattr(payload, "oif", None)
    return index


def _state(name: str, frame: int, field: str, reference: str, candidate: str, reason: str) -> Difference:
    return Difference(
        *(Class.STATE, name, frame, 0, field, "", -1, "", reference, candidate, reason),
    )
