"""Whole messages: those that a recipe describes are read from bytes to event at once.

These are the five kinds of rtnetlink that make up nearly all of its traffic, and nl80211's but for vendor commands.

Not here: what the recipes are (``policies.recipes``), and messages of other kinds, whose handlers have layouts for
their attributes alone (``ranges``).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from nlmon.backends.libnl.layouts.cache import LARGEST_SAMPLE, InlineCache, KeySpace, LayoutStore, Sample
from nlmon.backends.libnl.layouts.shape import Range, shape_of
from nlmon.backends.libnl.layouts.source import Program, Source, Value
from nlmon.backends.libnl.policies import Policy
from nlmon.backends.libnl.policies.readers import DecodeContext
from nlmon.backends.libnl.policies.recipes import NAMES, Either, Recipe, text_of
from nlmon.backends.libnl.policies.resolve import header_codes
from nlmon.backends.libnl.policies.tables import Table
from nlmon.backends.libnl.uapi import NLMSG_HDRLEN
from nlmon.events import Event

__all__ = ["MessageLayouts", "Tables"]

ANY = -1
PARAMETERS = "data, whole, at, timestamp, frame_number, request, errors, link_name"
SEQ, PID = Value("seq", 8, 12, "I"), Value("pid", 12, 16, "I")


class Tables(Protocol):
    """What layouts use of a decoder: its byte order, its tables, and by which recipe it reads a message."""

    sign: str
    attribute: Callable[[bytes, int], tuple[Any, ...]]

    def table(self, policy: Policy, family: int, path: str) -> tuple[Table, int]:
        """What a policy compiles to for one family, nested in the attribute at ``path``; and its number of fields."""

    def recipe_of(self, handler: str, msg_type: int, first: int) -> Recipe | None:
        """The recipe of a message whose body begins with the byte ``first``."""


class MessageLayouts:
    """Whole-message layouts of one decoder and protocol, with names of handlers by message type (-1: all others).

    ``caches``: by the first eight bytes of a message, which are its length, type and flags. A function gets a message
    of this length, the datagram that it is in, its offset there, the datagram's time, number and request, the list that
    takes errors, and what names an interface, and gives the event. The datagram is not of another namespace."""

    def __init__(self, store: LayoutStore, protocol: int, decoder: Tables, handlers: Mapping[int, str]) -> None:
        self._space = KeySpace(self._describe)
        self.caches: Mapping[bytes, InlineCache] = self._space.caches
        self._store = store
        self._protocol = protocol
        self._decoder = decoder
        self._handlers = handlers

    def walked(self, msg_type: int, data: bytes, offset: int, end: int) -> None:
        """A message was read by its handler without an error."""
        handler = self._handlers.get(msg_type) or self._handlers.get(ANY)
        if handler is None or end - offset > LARGEST_SAMPLE:
            return
        recipe = self._decoder.recipe_of(handler, msg_type, data[offset + NLMSG_HDRLEN])
        if recipe is None:
            return
        sample = data[offset:end]
        key, store, space = sample[:8], self._store, self._space
        if store.should_compile(space, key, sample) and not store.widen(space, key, sample):
            self._add(recipe, msg_type, sample)

    def _add(self, recipe: Recipe, msg_type: int, sample: bytes) -> None:
        decoder, policy = self._decoder, getattr(self._decoder, recipe.policy)
        header, begin = _header(recipe, policy)
        first = sample[NLMSG_HDRLEN]
        table, _ = decoder.table(policy, first if recipe.per_family else 0, "")
        shape = shape_of(sample, table, decoder.attribute, begin)
        if shape is None:
            return
        fields = policy.fields
        # The first eight bytes are the key. The first number of the header decides how attributes are read: it is the
        # family, or the command.
        fixed = ((NLMSG_HDRLEN, NLMSG_HDRLEN + 1), *shape.fixed)
        attributes = (Value(fields[s.slot], s.begin, s.end, "", s.read, s.at) for s in shape.spots)
        values = (SEQ, PID, *header[1:], *attributes)

        def write(loose: Collection[Range]) -> Program:
            source = Source(decoder.sign, sample, fixed, values, loose)
            source.names |= {**NAMES, "Event": Event, "DecodeContext": DecodeContext, "decoder": decoder}
            source.constants |= {"msg_type": msg_type, header[0].name: first}
            source.absent(fields[:1], recipe.missing)
            source.absent(fields, None)
            lines = [f"if not ({recipe.condition}): return None"] if recipe.condition else []
            if source.calls_readers:
                lines.append("m = DecodeContext(whole, frame_number, errors, request)")
            return source.program(PARAMETERS, self._event(recipe, sample, source), after=lines)

        self._store.add(self._space, sample[:8], Sample(sample, fixed, values, write))

    def _event(self, recipe: Recipe, sample: bytes, source: Source) -> str:
        """The call that makes the event."""
        msg_type, flags = struct.unpack_from(self._decoder.sign + "HH", sample, 4)
        index = recipe.ifindex
        if index in source.constants or index == "None":
            name = f"link_name({index})" if (source.constants.get(index) or 0) > 0 else "None"
        else:
            name = f"link_name({index}) if {index} is not None and {index} > 0 else None"
        if recipe.ifname != "None":
            name = text_of(Either(recipe.ifname, f"({name})" if " " in name else name), source.constants)
        # By these alone many functions would differ, and be compiled each.
        source.names |= {"TYPE": msg_type, "FLAGS": flags}
        head = f"timestamp, {self._protocol}, TYPE, FLAGS, seq, pid, frame_number, at"
        return f"Event({head},\n        {name},\n        {text_of(recipe.payload, source.constants)})"

    def _describe(self, key: bytes) -> tuple[int, int, str]:
        (msg_type,) = struct.unpack_from(self._decoder.sign + "H", key, 4)
        return self._protocol, msg_type, "message"


def _header(recipe: Recipe, policy: Policy) -> tuple[Sequence[Value], int]:
    """The numbers of the fixed header, and where the attributes begin."""
    codes, at = [], NLMSG_HDRLEN
    for code in header_codes(policy):
        size = struct.calcsize("=" + code)
        if not code.endswith("x"):
            codes.append((at, at + size, code))
        at += size
    return [Value(name, *place) for name, place in zip(recipe.header, codes, strict=True)], at
