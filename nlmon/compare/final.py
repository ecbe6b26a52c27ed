"""Two final states, held against each other object by object.

Not here: how a state came to be (``nlmon.state``).
"""

from __future__ import annotations

from collections.abc import Iterator

from nlmon.compare.classify import Classifier
from nlmon.compare.difference import Class, Difference
from nlmon.compare.explain import show
from nlmon.identity import show_key
from nlmon.state import KINDS, State

__all__ = ["compare_corrections", "compare_states"]


def compare_states(reference: State, candidate: State, classifier: Classifier, frame: int) -> Iterator[Difference]:
    """Differences of class ``state``; ``frame`` is the last datagram both have seen."""
    for kind in KINDS:
        before, after = reference.tables[kind], candidate.tables[kind]
        for key in sorted(before.keys() | after.keys(), key=repr):
            name = show_key(kind, key)
            if key not in after:
                yield _state(name, frame, "", "present", "absent", "only the reference holds it")
            elif key not in before:
                yield _state(name, frame, "", "absent", "present", "only the candidate holds it")
            else:
                for found in classifier.payloads(before[key], after[key]):
                    yield _state(name, frame, found.field, show(found.reference), show(found.candidate), found.reason)


def compare_corrections(reference: State, candidate: State) -> Iterator[Difference]:
    """Differences of class ``state`` that a later dump has mended: an object that only one of them had wrong when
    the dump came. Without this, a recording that ends with dumps would excuse every lost event."""
    before, after = ({(u.object, u.change, u.frame): u for u in s.unannounced} for s in (reference, candidate))
    for key in sorted(before.keys() ^ after.keys(), key=lambda one: (one[2], one[0])):
        found = before.get(key) or after[key]
        if found.change == "changed":
            continue  # compared field by field where both have the object
        values = ("corrected", "was right") if key in before else ("was right", "corrected")
        yield _state(found.object, found.frame, "", *values, f"{found.change}: {found.reason}")


def _state(name: str, frame: int, field: str, reference: str, candidate: str, reason: str) -> Difference:
    return Difference(
        *(Class.STATE, name, frame, 0, field, "", -1, "", reference, candidate, reason),
    )
