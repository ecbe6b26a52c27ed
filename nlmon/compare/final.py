"""Two final states, held against each other object by object.

Not here: how a state came to be (``nlmon.state``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from nlmon.compare.classify import Classifier
from nlmon.compare.contract import Contract
from nlmon.compare.difference import Class, Difference
from nlmon.compare.explain import show
from nlmon.identity import Key, show_key
from nlmon.state import KINDS, VOLATILE, State, Unannounced

__all__ = ["compare_corrections", "compare_recovery", "compare_states"]

# Tables of the state that hold another kind of payload than their name says.
KIND_OF_TABLE = {kind: {"port": "link"}.get(kind, kind) for kind in KINDS}


def compare_states(
    reference: State, candidate: State, classifier: Classifier, frame: int, recovered: Collection[tuple[str, Key]] = ()
) -> Iterator[Difference]:
    """Differences of class ``state``; ``frame`` is the last datagram both have seen. ``recovered``: objects that
    one of them made up for after a loss, which are no difference but a service."""
    for kind in KINDS:
        before, after = reference.tables[kind], candidate.tables[kind]
        for key in sorted(before.keys() | after.keys(), key=repr):
            if (kind, key) in recovered:
                continue
            name = show_key(kind, key)
            if key not in after:
                yield _state(name, frame, "", "present", "absent", "only the reference holds it")
            elif key not in before:
                yield _state(name, frame, "", "absent", "present", "only the candidate holds it")
            else:
                for found in classifier.payloads(before[key], after[key]):
                    yield _state(name, frame, found.field, show(found.reference), show(found.candidate), found.reason)


def compare_corrections(
    contract: Contract,
    reference: Iterable[Unannounced],
    candidate: Iterable[Unannounced],
    recovered: Collection[tuple[str, Key]] = (),
) -> Iterator[Difference]:
    """Differences of class ``state`` that were mended at once: an object that only one of them had wrong, or in
    other fields, when the same dump or the same end of a link corrected both. Without this, a recording that ends
    with dumps would excuse every lost event. Only fields that both provide count."""
    before, after = ({(u.kind, u.key, u.change, u.frame): u for u in side} for side in (reference, candidate))
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        one = old or new
        if one is None or (one.kind, one.key) in recovered:
            continue
        if one.change == "changed":
            common = {field.name for field in contract.kinds[KIND_OF_TABLE[one.kind]].fields if field.by == "both"}
            fields = [set() if side is None else common.intersection(side.fields) for side in (old, new)]
            if fields[0] == fields[1]:
                continue
            values = [f"corrected: {', '.join(sorted(names))}" if names else "was right" for names in fields]
        elif old is not None and new is not None:
            continue
        else:
            values = ["was right" if side is None else "corrected" for side in (old, new)]
        yield _state(one.object, one.frame, "", values[0], values[1], f"{one.change}: {one.reason}")


def compare_recovery(
    contract: Contract, name: str, held: State, truth: State, kinds: Iterable[str], frame: int
) -> Iterator[Difference]:
    """What ``name`` made of a loss: the objects it holds after it made up for it, against those that the recorded
    kernel holds (``truth``, in the fields that both provide)."""
    for kind in kinds:
        fields = [field.name for field in contract.kinds[KIND_OF_TABLE[kind]].fields if field.by == "both"]
        ours, theirs = held.tables[kind], truth.tables[kind]
        for key in sorted(ours.keys() | theirs.keys(), key=repr):
            there = ["absent" if key not in table else "present" for table in (theirs, ours)]
            rows = [("", *there)] if there[0] != there[1] else []
            if not rows:
                quiet = VOLATILE[kind]
                values = ((f, getattr(theirs[key], f), getattr(ours[key], f)) for f in fields if f not in quiet)
                rows = [(f, show(old), show(new)) for f, old, new in values if old != new]
            for field, old, new in rows:
                reason = f"after a loss {name} holds {new}, the recorded kernel {old}"
                yield _state(show_key(kind, key), frame, field, old, new, reason)


def _state(name: str, frame: int, field: str, reference: str, candidate: str, reason: str) -> Difference:
    return Difference(
        *(Class.STATE, name, frame, 0, field, "", -1, "", reference, candidate, reason),
    )
