"""What holds of any filter: it answers as a plain evaluator does, its text is itself again, and no text breaks it.

Not here: single forms (``test_language``).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from nlmon.events import AddrInfo, ConntrackInfo, Event, FlowTuple, LinkInfo, NextHop, RouteInfo
from nlmon.filters import FilterError, compile_filter
from nlmon.filters.constants import constant_names
from nlmon.filters.fields import FIELDS
from nlmon.filters.tree import quoted
from support.filters import event, holds

WORDS = ["", "eth0", "eth", "0", "10.0.0.1", "1500", "-1", "0x10", "1.5", "é", "a'b\"c\\d\n\t", "DOWN", "UP"]
NUMBERS = [-1, 0, 1, 2, 3, 16, 1500, 0x1043, 1 << 63]
FIELDS_USED = [
    *("interface", "netlink.protocol", "netlink.msg_type", "netlink.msg_flags", "synthetic", "nsid"),
    *("netlink.link.ifname", "netlink.link.mtu", "netlink.link.flags", "netlink.link.operstate", "netlink.link.kind"),
    *("netlink.link.altnames", "netlink.addr.addr", "netlink.addr.flags", "netlink.route.multipath.gateway"),
    *("netlink.route.multipath.flags", "netlink.conntrack.reply.src_port", "netlink.conntrack.reply.src_addr"),
]

words, numbers = st.sampled_from(WORDS), st.sampled_from(NUMBERS)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value, or none for either reason."""
    return st.one_of(values, st.none(), st.just(UNSET))


hops = st.lists(st.builds(NextHop, numbers, numbers, numbers, st.none() | words), max_size=3).map(tuple)
payloads = st.one_of(
    st.builds(
        LinkInfo,
        *(numbers, numbers, numbers),
        ifname=st.none() | words,
        mtu=st.none() | numbers,
        operstate=st.none() | numbers,
        kind=maybe(words),
        altnames=maybe(st.lists(words, max_size=3).map(tuple)),
    ),
    st.builds(AddrInfo, *(numbers,) * 4, addr=st.none() | words, flags=numbers | st.just(UNSET)),
    st.builds(RouteInfo, *(numbers,) * 9, multipath=st.none() | hops),
    st.builds(ConntrackInfo, numbers, reply=maybe(st.builds(FlowTuple, src_addr=words, src_port=numbers))),
)
events = st.builds(
    event, payloads, maybe(words), protocol=numbers, msg_type=numbers, nsid=st.none() | numbers, synthetic=st.booleans()
)

fractions = st.decimals(-2000, 2000, places=2).map(lambda value: format(value or value.copy_abs(), "f"))
scalars = st.one_of(numbers.map(str), fractions, words.map(quoted), st.sampled_from(["RTM_NEWLINK", "IFF_UP", "TRUE"]))
lists = st.lists(scalars, max_size=3).map(lambda found: f"[{', '.join(found)}]")
fields = st.sampled_from(FIELDS_USED)
comparisons = st.one_of(
    st.tuples(fields, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), st.one_of(scalars, fields)),
    st.tuples(scalars, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), st.one_of(scalars, fields)),
    st.tuples(fields, st.sampled_from(["IN", "NOT IN"]), lists),
    st.tuples(fields, st.sampled_from(["STARTSWITH", "ENDSWITH", "CONTAINS"]), words.map(quoted)),
    st.tuples(fields, st.just("CONTAINS"), st.one_of(scalars, lists)),
    st.tuples(fields, st.sampled_from(["=~", "!~"]), st.sampled_from(["eth", "^$", "[0-9]+$", "a|b"]).map(quoted)),
).map(" ".join)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        inner.map(lambda one: f"NOT ({one})"),
        st.lists(inner, min_size=2, max_size=4).map(lambda some: "(" + ") AND (".join(some) + ")"),
        st.lists(inner, min_size=2, max_size=4).map(lambda some: "(" + ") OR (".join(some) + ")"),
    ),
    max_leaves=8,
)


@given(conditions, st.lists(events, min_size=1, max_size=4))
def test_a_filter_answers_as_a_plain_evaluator_does(expression: str, some: list[Event]) -> None:
    """Whatever it consists of, and whatever is missing of an event. What is refused is refused by a rule."""
    try:
        found = compile_filter(expression)
    except FilterError as error:
        assert error.code in {"NLM-W002", "NLM-W005"}
        return

    assert [found.matches(one) for one in some] == [holds(found.tree, one) for one in some]


@given(conditions)
def test_printing_and_parsing_is_the_identity(expression: str) -> None:
    """The text of a filter is that filter again."""
    try:
        found = compile_filter(expression)
    except FilterError:
        return
    again = compile_filter(found.text)

    assert (again.tree, again.text, again.fields) == (found.tree, found.text, found.fields)


pieces = st.sampled_from(
    [*FIELDS, *constant_names(), *"()[],!&|=<>~+-.'\"\\", "AND", "or", "not in", "IN", "=~", "0x", "5", "1.5", "x"]
)


@given(st.one_of(st.text(), st.lists(st.one_of(pieces, st.text(max_size=3)), max_size=12).map(" ".join)))
def test_any_text_gives_a_filter_or_a_mistake(text: str) -> None:
    """With a position inside the text."""
    try:
        found = compile_filter(text)
    except FilterError as error:
        assert 0 <= error.position <= len(text)
        assert len(error.marked[1]) <= len(error.marked[0]) + 1
        return

    assert compile_filter(found.text).tree == found.tree


@given(st.decimals(-1000, 1000, places=3))
def test_a_fraction_is_compared_as_it_is_written(value: Decimal) -> None:
    """And not as the nearest binary number."""
    one = event(LinkInfo(0, 1, 0, mtu=int(value)))

    assert compile_filter(f"netlink.link.mtu == {value:f}").matches(one) is (value == int(value))
