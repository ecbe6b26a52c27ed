"""The language of filters part by part: what it takes, what it refuses and where, and what it says of a filter.

Not here: whether a filter answers right (``test_properties``).
"""

from __future__ import annotations

import pickle
import re
import sys

import pytest
from msgspec import UNSET

from nlmon.events import (
    ConntrackInfo,
    Event,
    FlowTuple,
    GenericInfo,
    LinkInfo,
    NeighInfo,
    NextHop,
    Nl80211Info,
    RouteInfo,
    RuleInfo,
)
from nlmon.filters import FilterError, compile_filter
from nlmon.filters.complete import complete
from nlmon.filters.parse import names_in
from nlmon.filters.regex import compile_regex
from support.filters import event
from support.paths import REPOSITORY

LINK = event(
    LinkInfo(0, 2, 0x1043, ifname="eth0", mtu=1500, operstate=2, altnames=("enp1", "wan")), "eth0", msg_type=16
)
ROUTE = event(
    RouteInfo(2, 24, 0, 0, 4, 0, 1, 0, 254, dst="192.0.2.0", multipath=(NextHop(2, 1, 0, "10.0.0.1"), NextHop(3, 1, 0)))
)
NEIGH = event(NeighInfo(2, 2, 4, 0, dst="10.0.0.9", lladdr="02:00:00:00:00:01"))
FLOW = event(ConntrackInfo(2, 6, 3, bytes_orig=5000, reply=FlowTuple(src_addr="10.9.9.9")), UNSET, protocol=12)
WIFI = event(GenericInfo(28, 46, 1, nl80211=Nl80211Info(46, freq=5180), genl_family_name="nl80211"), protocol=16)
RULE = event(RuleInfo(2, 0, 0, 0, 1, 0, 254, sport_range=(80, 90)))

MATCHES = [
    (LINK, 'netlink.link.operstate == "DOWN"'),
    (LINK, 'netlink.link.operstate == "down" and netlink.link.operstate == IF_OPER_DOWN'),
    (LINK, "netlink.link.flags contains IFF_UP"),
    (LINK, "netlink.link.flags contains [IFF_UP, 'RUNNING']"),
    (LINK, "NOT netlink.link.flags contains [IFF_UP, IFF_PROMISC]"),
    (LINK, "netlink.link.flags contains 0x42"),
    (LINK, "event.flags CONTAINS 'MULTICAST'"),
    (LINK, 'netlink.link.altnames contains "wan"'),
    (LINK, 'netlink.link.altnames == "enp1" && netlink.link.altnames != "enp1"'),
    (LINK, 'netlink.link.altnames startswith "en"'),
    (LINK, "netlink.link.mtu > netlink.link.ifindex"),
    (LINK, "interface == netlink.link.ifname"),
    (LINK, "type == RTM_NEWLINK and protocol == 'route' and msg_type == 'RTM_NEWLINK'"),
    (LINK, "0.5 < netlink.link.mtu and 1500.5 > netlink.link.mtu"),
    (LINK, "synthetic == false and NOT synthetic == TRUE"),
    (LINK, "event.type == 'netlink'"),
    (LINK, "interface endswith '0' or interface == 'x'"),
    (LINK, "interface not in ['eth1' 'lo',]"),
    (LINK, "NOT NOT interface == 'eth0'"),
    (LINK, '(interface == "lo" or interface == "eth0") and !(netlink.link.mtu < 1500)'),
    (ROUTE, 'netlink.route.multipath.gateway == "10.0.0.1"'),
    (ROUTE, "netlink.route.multipath.ifindex IN [3, 4]"),
    (ROUTE, "netlink.route.table == RT_TABLE_MAIN AND netlink.route.protocol == RTPROT_STATIC"),
    (ROUTE, "NOT netlink.route.gateway != 'x'"),
    (NEIGH, "netlink.neigh.state IN [NUD_STALE, NUD_FAILED]"),
    (NEIGH, 'netlink.neigh.lladdr startswith "02:"'),
    (FLOW, "netlink.ct.bytes_orig > 4096 AND netlink.data.conntrack.reply.src_addr == '10.9.9.9'"),
    (FLOW, "netlink.ct.tcp_state == TCP_CONNTRACK_ESTABLISHED"),
    (FLOW, "NOT interface !~ 'eth'"),
    (WIFI, "netlink.data.nl80211.freq >= 5000 AND netlink.genl_family_name == 'nl80211'"),
    (WIFI, "netlink.nl80211.cmd == NL80211_CMD_CONNECT"),
    (RULE, "netlink.rule.sport_range == 90"),
]


@pytest.mark.parametrize(("one", "expression"), MATCHES, ids=[row[1] for row in MATCHES])
def test_what_matches(one: Event, expression: str) -> None:
    """Every form of the language has an event that it matches."""
    assert compile_filter(expression).matches(one)


@pytest.mark.parametrize("operator", ["==", "!=", "<", ">=", "=~", "!~", "IN", "NOT IN", "CONTAINS", "STARTSWITH"])
@pytest.mark.parametrize("value", [None, UNSET])
def test_a_field_that_is_not_there_compares_as_false(operator: str, value: object) -> None:
    """Whether the message did not carry it or the implementation does not provide it; NOT turns it round."""
    right = "['veth']" if operator.endswith("IN") else "'veth'"
    one = event(LinkInfo(0, 2, 0, kind=value))  # type: ignore[arg-type]

    assert not compile_filter(f"netlink.link.kind {operator} {right}").matches(one)
    assert compile_filter(f"NOT netlink.link.kind {operator} {right}").matches(one)


def test_every_operator_that_is_a_word_is_known_everywhere() -> None:
    """What the grammar reads is matched, offered by a shell, and on the page."""
    grammar = (REPOSITORY / "nlmon" / "filters" / "grammar.lark").read_text(encoding="utf-8")
    page = (REPOSITORY / "docs" / "reference" / "filters.md").read_text(encoding="utf-8").partition("## Fields")[0]
    words = re.findall(r"^OPERATOR.*/\(([a-z_|]+)\)", grammar, re.MULTILINE)[0].upper().split("|")
    matched = [compile_filter(f"interface {word} " + ("['eth0']" if word == "IN" else "'eth0'")) for word in words]

    assert [one.text for one in matched if not one.matches(LINK)] == []
    assert [word for word in words if f"interface {word}" not in complete(f"interface {word[:-1]}")] == []
    assert [word for word in words if f"`{word}" not in page] == []


TEXTS = [
    ("protocol==0", "netlink.protocol == 0"),
    ("netlink.data.LINK.mtu==0x10", "netlink.link.mtu == 16"),
    ("5 < netlink.link.mtu", "netlink.link.mtu > 5"),
    ("((a == b))".replace("a", "interface").replace("b", "'b'"), 'interface == "b"'),
    (
        "interface=='a' or (interface=='b' or interface=='c')",
        'interface == "a" OR interface == "b" OR interface == "c"',
    ),
    ("!(interface=='a' && interface=='b')", 'NOT (interface == "a" AND interface == "b")'),
    ("nsid == '7'", "nsid == 7"),
    ("synthetic == 'true'", "synthetic == TRUE"),
    (r"""interface == 'a\'b"c\\d\n\te\.f'""", r'interface == "a' + "'" + r'b\"c\\d\n\te\\.f"'),
    ("netlink.neigh.flags contains 'router'", "netlink.neigh.flags CONTAINS NTF_ROUTER"),
    ("netlink.diag.timer == 'KEEPALIVE'", "netlink.diag.timer == 2"),
]


@pytest.mark.parametrize(("expression", "text"), TEXTS, ids=[row[0] for row in TEXTS])
def test_the_text_of_a_filter_has_one_form(expression: str, text: str) -> None:
    """With the paths of fields, words in capitals, and no brackets that change nothing."""
    assert compile_filter(expression).text == text
    assert str(compile_filter(text)) == text


REFUSED = [
    ("", "NLM-W001", 0, "write one such as"),
    ("interface ==", "NLM-W001", 12, ""),
    ('interface == "a" AND', "NLM-W001", 20, ""),
    ("interface = 'a'", "NLM-W001", 10, "write == to compare"),
    ("interface == 'a' & x", "NLM-W001", 17, "write && or AND"),
    ("interface == 'a", "NLM-W001", 13, "close it with '"),
    ("(interface == 'a'", "NLM-W001", 17, "close it with )"),
    ("interface == 'a')", "NLM-W001", 16, ""),
    ("nsid IN [1, 2", "NLM-W001", 13, "close it with ]"),
    ("nsid == 1 == 2", "NLM-W001", 10, "join two of them by AND"),
    ("nsid == 5abc", "NLM-W001", 8, "write 1500"),
    ("nsid == " + "9" * 50, "NLM-W001", 8, ""),
    ("rate(nsid) > 1", "NLM-W001", 0, ""),
    ("interface IN ('a')", "NLM-W001", 13, "IN [...]"),
    ("interface == ('a')", "NLM-W001", 13, "leave the brackets out"),
    ("(interface) == 'a'", "NLM-W001", 12, "leave the brackets out"),
    ("interface startswith ('a')", "NLM-W001", 21, "leave the brackets out"),
    ("interface LIKE 'a%'", "NLM-W001", 10, "write =~ or CONTAINS"),
    ("interface is 'a'", "NLM-W001", 10, "write =="),
    ("interface not 'a'", "NLM-W001", 10, "write !="),
    ("interface == “a”", "NLM-W001", 13, "text stands in"),
    ("int\u0435rface == 'a'", "NLM-W001", 3, ""),
    ("event.type == 'link'", "NLM-W002", 14, 'it is "netlink" or "overrun"'),
    ("event.type IN ['overrun', 'lost']", "NLM-W002", 26, 'it is "netlink" or "overrun"'),
    ("OR nsid == 1", "NLM-W001", 0, ""),
    ("nsid == 1 nsid == 2", "NLM-W001", 10, ""),
    ("nsid == $x", "NLM-W001", 8, ""),
    ("ifname == 'x'", "NLM-W002", 0, "did you mean netlink.link.ifname"),
    ("netlink.link.mtuu == 1", "NLM-W002", 0, "did you mean netlink.link.mtu?"),
    ("netlink.data.ct.dst_prt == 1", "NLM-W002", 0, "did you mean netlink.conntrack.dst_port"),
    ("netlnk.link.mtu == 1", "NLM-W002", 0, "did you mean netlink.link.mtu"),
    ("netlink.msg_type == RTM_NEWLNK", "NLM-W002", 20, "did you mean RTM_NEWLINK"),
    ("interface == eth0", "NLM-W002", 13, 'text stands in quotes: "eth0"'),
    ("nosuchfield == 1", "NLM-W002", 0, "nlmon filter fields"),
    ("netlink.link.operstate == 'DWN'", "NLM-W002", 26, 'did you mean "DOWN"?'),
    ("interface =~ '(?=a)'", "NLM-W003", 13, ""),
    ("interface =~ 5", "NLM-W005", 13, 'write =~ "5"'),
    ("interface", "NLM-W005", 0, "compare it"),
    ("NOT 5", "NLM-W005", 4, "compare a field"),
    ("nsid == 1 OR [1]", "NLM-W005", 13, ""),
    ("interface IN 'a'", "NLM-W005", 13, 'write IN ["a"]'),
    ("nsid == [1]", "NLM-W005", 8, "write IN [...]"),
    ("nsid IN [interface]", "NLM-W005", 9, ""),
    ("nsid IN [[1]]", "NLM-W005", 9, ""),
    ("[1] == nsid", "NLM-W005", 0, ""),
    ("'a' =~ interface", "NLM-W005", 0, "write FIELD =~ VALUE"),
    ("interface contains interface", "NLM-W005", 19, ""),
    ("interface contains ['a']", "NLM-W005", 19, ""),
    ("nsid == 1 OR " * 700 + "nsid == 1", "NLM-W006", 8192, ""),
    ("NOT " * 60 + "nsid == 1", "NLM-W006", 240, ""),
    ("NOT " * 2000 + "nsid == 1", "NLM-W006", 8000, ""),
    ("nsid IN " + "[" * 4000 + "]" * 4000, "NLM-W005", 9, ""),
    ("[" * 8000, "NLM-W001", 8000, "close it with ]"),
    ("a" * 8000 + " +", "NLM-W001", 8001, ""),
    ("interface == '\udc80'", "NLM-W001", 14, ""),
]


@pytest.mark.parametrize(("expression", "code", "position", "hint"), REFUSED, ids=[row[0][:40] for row in REFUSED])
def test_a_mistake_has_a_code_a_place_and_a_hint(expression: str, code: str, position: int, hint: str) -> None:
    """The caret stands under what is wrong."""
    with pytest.raises(FilterError) as caught:
        compile_filter(expression, name="a.yaml")
    error = caught.value

    assert (error.code, error.position) == (code, position)
    assert hint in error.hint
    assert error.where.startswith("a.yaml:")


def test_the_caret_of_a_long_text_is_shown_with_what_is_around_it() -> None:
    """And in a text of several lines with its own line."""
    with pytest.raises(FilterError) as caught:
        compile_filter('interface == "a"\n\tAND nsid = 1')
    with pytest.raises(FilterError) as far:
        compile_filter("interface == 'a' OR " * 100 + "nsid = 1")

    assert (caught.value.line, caught.value.column, caught.value.where) == (2, 11, "column 2:11")
    assert caught.value.marked == (" AND nsid = 1", "          ^")
    line, caret = far.value.marked
    assert len(line) <= 100
    assert line[caret.index("^")] == "="


NOTICES = [
    ("netlink.ct.tcp_state == TCP_CONNTRACK_NEW", "the kernel has no TCP_CONNTRACK_NEW"),
    ("netlink.ct.tcp_state == TCP_ESTABLISHED", "TCP_ESTABLISHED is no value of netlink.conntrack.tcp_state"),
    ("netlink.protocol == RTM_NEWLINK", "RTM_NEWLINK is no value of netlink.protocol; its number 16 is compared"),
    ("namespace == ''", 'nsid == "" never holds: the field is a number'),
    ("netlink.link.mtu =~ '15'", "never holds: the field is a number"),
    ("synthetic == 'yes'", "never holds: the field is true or false"),
    ("netlink.link.mtu contains 1", "never holds: the field is one number and no set of flags"),
    ("netlink.link.mtu == interface", "never holds: one is text and the other a number"),
    ("interface contains 5", "never holds: a number is no part of a text"),
    ("interface IN []", "never holds: the list is empty"),
    ("1 == 1", "1 == 1 compares no field"),
]


@pytest.mark.parametrize(("expression", "notice"), NOTICES, ids=[row[0] for row in NOTICES])
def test_what_can_never_hold_is_reported(expression: str, notice: str) -> None:
    """It is no mistake, since it means something."""
    (said,) = compile_filter(expression).notices

    assert notice in said


def test_a_good_filter_has_no_notice() -> None:
    """Nothing is said of constants in their own fields."""
    expressions = [row[1] for row in MATCHES]

    assert [one for one in expressions if compile_filter(one).notices] == []


def test_without_re2_a_search_is_refused_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own expressions take its place nowhere."""
    monkeypatch.setitem(sys.modules, "re2", None)
    compile_regex.cache_clear()
    with pytest.raises(FilterError) as caught:
        compile_filter("interface =~ 'a'")

    assert (caught.value.code, caught.value.hint) == ("NLM-W004", "pip install 'nlmon[monitor]'")
    assert compile_filter("interface contains 'a'").matches(event(LinkInfo(0, 1, 0), "eta"))


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|aa)+$", "(x+x+)+y", "a{900}{900}", "((a{100}){100}){100}"])
def test_no_expression_takes_for_ever(pattern: str) -> None:
    """It is searched in a time that grows with the text, or refused."""
    one = event(LinkInfo(0, 1, 0), "a" * 100_000 + "!")
    try:
        answers = [compile_filter(f"interface {operator} '{pattern}'").matches(one) for operator in ("=~", "!~")]
    except FilterError as error:
        answers = [error.code == "NLM-W003", False]

    assert sorted(answers) == [False, True]


def test_a_text_that_is_no_utf_8_is_searched() -> None:
    """As our implementations write its bytes."""
    one = event(LinkInfo(0, 1, 0), "e\udcff")

    assert [compile_filter(f"interface {right}").matches(one) for right in ("=~ '^e'", "!~ '^e'", r"=~ 'dcff$'")] == [
        *(True, False, True)
    ]


def test_what_an_implementation_filled_wrongly_matches_nothing() -> None:
    """And raises nothing."""
    one = event(LinkInfo(0, 2, "up", ifname=5, mtu="x", altnames=7), b"eth0")  # type: ignore[arg-type]
    flow = event(ConntrackInfo(2, reply="10.0.0.1"))  # type: ignore[arg-type]
    expressions = [
        *("interface == 'eth0'", "interface =~ 'e'", "netlink.link.mtu > 5", "netlink.link.flags contains IFF_UP"),
        *("netlink.link.ifname < 'x'", "netlink.link.altnames == 'x'", "netlink.link.mtu IN [1]"),
        *("netlink.link.ifname startswith 'x'", "netlink.link.mtu == netlink.link.flags"),
    ]

    assert [text for text in expressions if compile_filter(text).matches(one)] == []
    assert not compile_filter("netlink.conntrack.reply.src_port != 0").matches(flow)


def test_a_filter_goes_to_another_process() -> None:
    """It is compiled again there, with the notices that its writer got."""
    one = compile_filter("netlink.link.mtu > 1400 OR netlink.conntrack.tcp_state == TCP_CONNTRACK_NEW", name="large")
    other = pickle.loads(pickle.dumps(one))

    assert (other.text, other.name, other.notices, other.tree) == (one.text, one.name, one.notices, one.tree)
    assert one.notices != ()


NAMES = [
    ("a == 1 AND (NOT b.c IN [d, e] OR 1 == f)", [("a", 0), ("b.c", 16), ("f", 38)]),
    ('interface == "protocol"', [("interface", 0)]),
    ("state\n  == UP", [("state", 0), ("UP", 11)]),
]


@pytest.mark.parametrize(("expression", "names"), NAMES)
def test_names_are_found_where_they_stand(expression: str, names: list[tuple[str, int]]) -> None:
    """Beside an operator, known or not, in the order of the text."""
    assert [(word.text, word.position) for word in names_in(expression)] == names
