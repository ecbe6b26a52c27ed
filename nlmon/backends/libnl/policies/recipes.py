"""Recipes: how an event's payload is made of a message's fixed header and the values of its policy.

A field of the payload is the value of the same name, unless the recipe says otherwise. A recipe is stated once and
becomes two things: the ``builder`` that a decoder calls with what it walked, and the last lines of every function that
``layouts`` writes. So the two cannot differ.

Rules of this file:
1. Names are ``msg_type``, those of the header here, and of the policy's rows. No two are alike, and none is a
   parameter of the functions of ``layouts``.
2. An expression does no more than choose between values.

Not here: reading the values (``readers``), and handlers of messages that need more than a choice (``decode``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from msgspec import UNSET, Struct

from nlmon.events import AddrInfo, GenericInfo, LinkInfo, NeighInfo, Nl80211Info, RouteInfo, RuleInfo

__all__ = [
    "ATTRIBUTES",
    "NAMES",
    "NL80211",
    "ROUTE",
    "Argument",
    "Call",
    "Either",
    "Recipe",
    "builder",
    "call",
    "text_of",
]


class Either(NamedTuple):
    """A value, or another where it is None."""

    value: str
    other: str


class Call(NamedTuple):
    """A structure that is made of arguments."""

    structure: type[Struct]
    arguments: tuple[Argument, ...]


# A string is the name of a value, or an expression.
Argument: TypeAlias = str | Either | Call


class Recipe(NamedTuple):
    """How a payload is made. ``policy``: the attribute of the decoder that holds the policy. ``header``: names of the
    fixed header's numbers, in order. ``payload``: the call that makes it. ``ifindex`` and ``ifname``: names of the
    values that identify the interface, or None.

    ``missing``: the value of the policy's first row when the message lacks it. ``per_family``: the first number of the
    header is the address family, by which the policy is compiled. ``framing``: what attributes that do not fit are
    reported as. ``condition``: what must hold besides, an expression that may name ``decoder``."""

    policy: str
    header: tuple[str, ...]
    payload: Call
    ifindex: str = "None"
    ifname: str = "None"
    missing: Any = None
    per_family: bool = True
    framing: str = ""
    condition: str = ""


def call(structure: type[Struct], **fields: Argument) -> Call:
    """A structure each field of which is the value of the same name, but for ``fields``."""
    return Call(structure, tuple(fields.get(name, name) for name in structure.__struct_fields__))


# What the text of an argument refers to, but for values.
NAMES: Mapping[str, Any] = MappingProxyType(
    {
        "UNSET": UNSET,
        **{one.__name__: one for one in (AddrInfo, GenericInfo, LinkInfo, NeighInfo, Nl80211Info, RouteInfo, RuleInfo)},
    }
)
NOTHING: Mapping[str, Any] = MappingProxyType({})


def text_of(argument: Argument, known: Mapping[str, Any] = NOTHING) -> str:
    """An argument as Python text, given the values that are known when it is written."""
    if isinstance(argument, str):
        return "None" if known.get(argument, argument) is None else argument
    if isinstance(argument, Call):
        return f"{argument.structure.__name__}({', '.join([text_of(one, known) for one in argument.arguments])})"
    value, other = argument
    if value in known:
        return other if known[value] is None else value
    return f"{other} if {value} is None else {value}"


@functools.cache
def builder(recipe: Recipe, fields: tuple[str, ...]) -> Callable[..., Any]:
    """A function of the message's type, the header's numbers and the values of ``fields``, the policy's. It gives the
    payload, and the interface by index and by name."""
    result = f"{text_of(recipe.payload)}, {recipe.ifindex}, {recipe.ifname}"
    text = f"lambda {', '.join(('msg_type', *recipe.header, *fields))}: ({result})"
    made: Callable[..., Any] = eval(text, dict(NAMES))
    return made


# By the name of the handler of NETLINK_ROUTE.
ROUTE: Mapping[str, Recipe] = MappingProxyType(
    {
        "link": Recipe(
            "link_policy",
            ("family", "type", "ifindex", "flags", "change"),
            call(LinkInfo),
            ifindex="ifindex",
            ifname="ifname",
        ),
        # The own address is IFA_LOCAL where there is one (linux/if_addr.h), and None where that could not be read.
        "addr": Recipe(
            "addr_policy",
            ("family", "prefixlen", "short_flags", "scope", "ifindex"),
            call(
                AddrInfo,
                addr="address if local is UNSET else local",
                peer="None if local is UNSET or local is None or local == address else address",
                flags=Either("flags", "short_flags"),
            ),
            ifindex="ifindex",
            missing=UNSET,
        ),
        # Tables above 255 are only in RTA_TABLE and FRA_TABLE.
        "route": Recipe(
            "route_policy",
            ("family", "dst_len", "src_len", "tos", "short_table", "protocol", "scope", "type", "flags"),
            call(RouteInfo, table=Either("table", "short_table")),
            ifindex="oif",
        ),
        "neigh": Recipe(
            "neigh_policy", ("family", "ifindex", "state", "flags", "type"), call(NeighInfo), ifindex="ifindex"
        ),
        "rule": Recipe(
            "rule_policy",
            ("family", "dst_len", "src_len", "tos", "short_table", "reserved1", "reserved2", "action", "flags"),
            call(RuleInfo, table=Either("table", "short_table")),
        ),
    }
)

# Where errors are that are found only by reading the attributes of every family, as the contract calls it.
ATTRIBUTES = "(genl_attributes)"

# A message of nl80211 that is no vendor command. A family's number is given away when the family goes.
NL80211 = Recipe(
    "nl80211_policy",
    ("cmd", "version", "reserved"),
    call(
        GenericInfo,
        genl_family_id="msg_type",
        genl_cmd="cmd",
        genl_version="version",
        vendor_id="None",
        vendor_subcmd="None",
        genl_family_name="'nl80211'",
        attributes="None",
        nl80211=call(Nl80211Info),
        qca_vendor="None",
    ),
    ifindex="ifindex",
    ifname="ifname",
    per_family=False,
    framing=ATTRIBUTES,
    condition="(known := decoder.families.by_id.get(msg_type)) is not None and known.name == 'nl80211'",
)
