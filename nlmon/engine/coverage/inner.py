"""What changed inside an attribute that nobody reads, as far down as the kernel's tables say what nests.

Not here: whether a change is blind (``changes``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, TypeAlias

from nlmon.framing import walk_attributes

if TYPE_CHECKING:  # a start-up reads no tables of names
    from nlmon.names.attributes import Attribute

__all__ = ["AttributePath", "Pair", "changed_inside"]

# Path of an attribute, and the kinds that decide what nests on the way to it.
AttributePath: TypeAlias = tuple[tuple[int, ...], tuple[str, ...]]
DEEPEST = 8
# A payload before and after; None: the attribute was not there.
Pair: TypeAlias = tuple[bytes | None, bytes | None]


def changed_inside(
    root: str, path: tuple[int, ...], kind: str, payloads: Pair, byteorder: Literal["little", "big"]
) -> Iterator[AttributePath]:
    """The innermost attributes in which two payloads of an attribute differ, without those that nobody need read.
    ``root``: the set that the path begins in; ``kind``: what says which attributes nest in it, if anything does."""
    from nlmon.names.attributes import find, inside  # noqa: PLC0415  (a start-up reads no tables of names)

    name = root
    for number in path[:-1]:
        name = inside(find(name, number)).set
    yield from _Search(byteorder).differing(find(name, path[-1]), path, (), kind, payloads, 0)


class _Search:
    """The search for what differs, in one byte order."""

    def __init__(self, byteorder: Literal["little", "big"]) -> None:
        self._order = byteorder

    def differing(
        self, one: Attribute, path: tuple[int, ...], kinds: tuple[str, ...], kind: str, payloads: Pair, depth: int
    ) -> Iterator[AttributePath]:
        """The places in the payloads of ``one``, which stands at ``path``."""
        from nlmon.names.attributes import inside  # noqa: PLC0415

        before, after = payloads
        if one.ignored or before == after:
            return
        nest = inside(one, kind)
        if one.selector >= 0:
            kinds = (*kinds, kind)
        if before is None or after is None or not nest.set or depth >= DEEPEST:
            yield path, kinds
            return
        if before[: nest.before] != after[: nest.before]:
            yield path, kinds  # the structure before the attributes
        inner = before[nest.before :], after[nest.before :]
        yield from self._nested(nest.set, one.indices, path, kinds, inner, depth)

    def _nested(
        self, name: str, indices: int, path: tuple[int, ...], kinds: tuple[str, ...], payloads: Pair, depth: int
    ) -> Iterator[AttributePath]:
        from nlmon.names.attributes import find, kind_text  # noqa: PLC0415

        left, right = (self._attributes(payload or b"") for payload in payloads)
        for number in [*left, *(number for number in right if number not in left)]:
            inner = left.get(number), right.get(number)
            if inner[0] == inner[1]:
                continue
            if indices:
                yield from self._nested(name, indices - 1, path, kinds, inner, depth)
                continue
            one = find(name, number)
            beside = right.get(one.selector) or left.get(one.selector)
            kind = "" if beside is None else kind_text(find(name, one.selector), beside, self._order)
            yield from self.differing(one, (*path, number), kinds, kind, inner, depth + 1)

    def _attributes(self, payload: bytes) -> dict[int, bytes]:
        return {
            number: payload[begin:end] for number, begin, end in walk_attributes(payload, 0, len(payload), self._order)
        }
