"""What is counted over all captures of a matrix, and the report that comes of it.

Rules:
1. Of a field the outcome of each implementation is one letter; a message adds one string of them to a counter.
2. A message that an implementation passes over without a word is *missing* if it gives events of the same type and
   family elsewhere; else it does not read these, which contradicts nobody.
3. Failures whose texts differ in numbers alone are one, by the first of them.

Not here: what the outcome is (``judging``).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from msgspec import structs

from nlmon.matrix.explained import Explanation, explanation_of
from nlmon.matrix.model import Example, Failure, FieldRow, Implementation, MatrixReport, MessageRow, Said, Unread

__all__ = [
    "ABSENT_SAID",
    "AGREED",
    "ALONE",
    "MALFORMED",
    "NONE",
    "NOT_PROVIDED",
    "OPEN",
    "REPORTED",
    "RIGHT",
    "WRONG",
    "Tally",
]

# The outcome of one implementation for one field of one message; ``NONE``: it gave no event of it.
RIGHT, WRONG, AGREED, OPEN, ALONE, ABSENT_SAID = "r", "w", "=", "?", "1", "a"
MALFORMED, REPORTED, NOT_PROVIDED, NONE = "m", "e", "-", "."
# As ``Said`` has them.
LETTERS = RIGHT, WRONG, AGREED, OPEN, ALONE, ABSENT_SAID, MALFORMED, REPORTED, NOT_PROVIDED
# What an example is kept of, the worst first, and how many of a field.
WORST, KEPT = (WRONG, OPEN, MALFORMED), 3
# A number in a text, which may stand behind a sign of hexadecimal digits; not that of a code.
# So many kinds of failures are kept.
FAILURES = 1000
_NUMBER = re.compile(r"(?<!NLM-[A-Z])\b(0x[0-9a-f]+|\d+)\b")
# Where a message is, for what an implementation reads: protocol, type, first byte behind the header.
Read = tuple[int, int, int]


class Tally:
    """Counters by the numbers of the implementations. ``fields``: by kind, field and the outcomes of all; ``events``:
    that were compared; ``whole``: by number, kind and problem, ``excused`` those that the bytes excuse; ``failures``:
    by number and text without its numbers, each with its first text and place."""

    def __init__(self) -> None:
        self.messages = self.agreed = 0
        self.fields: Counter[tuple[str, str, str]] = Counter()
        self.events: Counter[int] = Counter()
        self.examples: dict[tuple[str, str], dict[str, Example]] = defaultdict(dict)
        self.whole: Counter[tuple[int, str, str]] = Counter()
        self.excused: Counter[tuple[int, str, str]] = Counter()
        self.first: dict[tuple[int, str, str], tuple[Example, str]] = {}
        self.failures: Counter[tuple[int, str]] = Counter()
        self.failed_first: dict[tuple[int, str], tuple[str, str, int]] = {}
        self.reads: set[tuple[int, Read]] = set()
        self.silent: dict[tuple[int, Read, str], tuple[int, Example]] = {}

    def problem(self, number: int, kind: str, problem: str, *, wrong: bool, text: str, example: Example) -> None:
        """One more problem with a whole message; ``wrong``: by the bytes."""
        key = number, kind, problem
        (self.whole if wrong else self.excused)[key] += 1
        if wrong:
            self.first.setdefault(key, (example, text))

    def wants(self, kind: str, field: str, outcomes: Sequence[str]) -> str:
        """What an example of these outcomes is kept by, empty if none is wanted."""
        worst = next((letter for letter in WORST if letter in outcomes), "")
        if not worst:
            return ""
        key = worst + "".join(one if one == worst else NONE for one in outcomes)
        kept = self.examples[kind, field]
        return "" if key in kept or sum(one[0] == worst for one in kept) >= KEPT else key

    def failed(self, number: int, text: str, capture: str, frame: int) -> None:
        """One more datagram without an answer that counts."""
        kind = _NUMBER.sub("#", text)
        if len(self.failures) >= FAILURES and (number, kind) not in self.failures:
            kind = ""  # a program may fail in other words each time
        self.failures[number, kind] += 1
        self.failed_first.setdefault((number, kind), (text, capture, frame))

    def silence(self, number: int, read: Read, kind: str, example: Example) -> None:
        """One more message that an implementation passed over and that is well-formed."""
        count, first = self.silent.get((number, read, kind), (0, example))
        self.silent[number, read, kind] = count + 1, first

    def report(
        self,
        who: Sequence[Implementation],
        captures: Sequence[str],
        unread: Sequence[Unread],
        explanations: Sequence[Explanation],
    ) -> MatrixReport:
        """All of it. ``who``: the implementations, whose counts are filled in here."""
        for (number, read, kind), (count, example) in self.silent.items():
            if (number, read) in self.reads:
                self.whole[number, kind, "missing"] += count
                self.first.setdefault((number, kind, "missing"), (example, ""))
        names = [one.name for one in who]
        rows = list(self._rows(names, explanations))
        wrong = [row for row in rows if row.wrong]
        others = [row for row in rows if not row.wrong]
        whole = tuple(self._whole(names, explanations))
        return MatrixReport(
            implementations=tuple(self._who(number, one, rows) for number, one in enumerate(who)),
            captures=tuple(captures),
            unread=tuple(unread),
            messages=self.messages,
            agreed=self.agreed,
            fields=len(rows),
            values=sum(one.right + one.wrong + one.absent for row in rows for one in row.said.values()),
            rows=tuple(sorted(wrong, key=_worst)),
            open=tuple(row for row in others if any(one.open for one in row.said.values())),
            malformed=tuple(row for row in others if any(one.malformed for one in row.said.values())),
            whole=whole,
            failures=tuple(self._failures(names, explanations)),
        )

    def _who(self, number: int, one: Implementation, rows: Sequence[FieldRow]) -> Implementation:
        errored = sum(count for (at, _), count in self.failures.items() if at == number)
        wrong = sum(row.said[one.name].wrong for row in rows if one.name in row.said)
        given = Counter(row.kind for row in rows if one.name in row.said and _gave(row.said[one.name]))
        return structs.replace(one, events=self.events[number], errored=errored, wrong=wrong, fields=dict(given))

    def _rows(self, names: Sequence[str], explanations: Sequence[Explanation]) -> Iterator[FieldRow]:
        by_field: dict[tuple[str, str], Counter[tuple[int, str]]] = defaultdict(Counter)
        for (kind, field, outcomes), count in self.fields.items():
            for number, outcome in enumerate(outcomes):
                by_field[kind, field][number, outcome] += count
        for (kind, field), counts in sorted(by_field.items()):
            said = {}
            for number, name in enumerate(names):
                found = [counts[number, letter] for letter in LETTERS]
                if any(found):
                    said[name] = Said(*found)
            wrong = sorted((name for name in said if said[name].wrong), key=lambda name: (-said[name].wrong, name))
            explained = {
                name: text for name in wrong if (text := explanation_of(explanations, name, f"{kind}.{field}"))
            }
            kept = self.examples.get((kind, field), {})
            examples = [kept[key] for key in sorted(kept, key=lambda key: WORST.index(key[0]))]
            yield FieldRow(kind, field, said, tuple(wrong), explained, tuple(examples))

    def _whole(self, names: Sequence[str], explanations: Sequence[Explanation]) -> Iterator[MessageRow]:
        keys = self.whole.keys() | self.excused.keys()
        for key in sorted(keys, key=lambda key: (-self.whole[key], key)):
            number, kind, problem = key
            example, text = self.first.get(key, (None, ""))
            why = explanation_of(explanations, names[number], f"{kind}.({problem})")
            yield MessageRow(
                kind, names[number], problem, self.whole[key], self.excused[key], text, example, explained=why
            )

    def _failures(self, names: Sequence[str], explanations: Sequence[Explanation]) -> Iterator[Failure]:
        for (number, kind), count in self.failures.most_common():
            text, capture, frame = self.failed_first[number, kind]
            why = explanation_of(explanations, names[number], "(errored)")
            yield Failure(names[number], count, text, capture, frame, explained=why)


def _gave(said: Said) -> bool:
    """Whether an implementation gave a field in any message."""
    return any(structs.astuple(structs.replace(said, not_provided=0)))


def _worst(row: FieldRow) -> tuple[int, int, int, str]:
    """What nobody explains first, then what most are wrong about, then what is wrong most often."""
    unexplained = len(set(row.wrong) - row.explained.keys())
    return -bool(unexplained), -len(row.wrong), -sum(one.wrong for one in row.said.values()), f"{row.kind}.{row.field}"
