"""Two statements side by side: any two, and those of ours."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from nlmon.compare.classify import Classifier
from nlmon.compare.contract import KIND_TYPES, PARTS, load_contract
from nlmon.compare.difference import Class
from nlmon.compare.evidence.reading import WHOLE, FieldReader
from nlmon.compare.pair import Pair, pair_of
from nlmon.compare.statement import Statement, stated, statement_of
from nlmon.events import RouteInfo, RuleInfo
from support.examples import examples

KINDS = sorted(KIND_TYPES.keys() - {"generic", "overrun"})
# Kinds of which one structure stands for two kinds of messages, so that one payload has the rows of one.
TWOFOLD = {"diag"}
FIELDS = st.fixed_dictionaries(
    {kind: st.frozensets(st.sampled_from(KIND_TYPES[kind].__struct_fields__)) for kind in KINDS}
)


def side(name: str, fields: dict[str, frozenset[str]]) -> Statement:
    """A statement of these fields and of no groups."""
    events = frozenset(kind for kind, names in fields.items() if names) - PARTS.keys()
    return Statement(name, fields, events, events)


def payload(kind: str, statement: Statement, **other: Any) -> Any:
    """A payload with what an implementation provides: 1, but for ``other``."""
    names = KIND_TYPES[kind].__struct_fields__
    values = {name: 1 if statement.provides(kind, name) else UNSET for name in names}
    return KIND_TYPES[kind](**{**values, **other})


@examples(60)
@given(FIELDS, FIELDS, st.sampled_from(KINDS), st.data())
def test_every_field_is_compared_or_read_or_nobodys(
    one: dict[str, frozenset[str]], other: dict[str, frozenset[str]], kind: str, data: st.DataObject
) -> None:
    """What both provide must be equal and is not read, what one does is counted for who does and read, and what neither
    does is neither."""
    pair = Pair(load_contract(), (side("a", one), side("b", other)))
    left, right = pair.statements
    both, alone = one[kind] & other[kind], one[kind] ^ other[kind]
    field = data.draw(st.sampled_from(KIND_TYPES[kind].__struct_fields__))
    judge = Classifier(pair)

    changed = {field: 2} if field in other[kind] else {}
    found = list(judge.payloads(payload(kind, left), payload(kind, right, **changed)))

    assert [(one.cls, one.field) for one in found] == [(Class.CONFLICT, field)] * (field in both)
    assert judge.enhancements == {f"{kind}.{name}": 1 for name in other[kind] - one[kind]}
    assert judge.services == {f"{kind}.{name}": 1 for name in one[kind] - other[kind]}
    if kind not in TWOFOLD:
        rows = {row.field.name for row in FieldReader(pair, "little").rows(kind, None)}
        whole = {one.name for one in pair.contract.kinds[kind].fields if WHOLE & set(one.paths)}
        assert rows & both == set()
        assert alone <= rows | whole


@examples(60)
@given(FIELDS, FIELDS)
def test_who_gives_more(one: dict[str, frozenset[str]], other: dict[str, frozenset[str]]) -> None:
    """It is who provides a field that the other one does not; exchanged, the two see the same of each other."""
    pair = Pair(load_contract(), (side("a", one), side("b", other)))
    back = pair.between("b", "a")
    more = [any(left[kind] - right[kind] for kind in KINDS) for left, right in ((one, other), (other, one))]

    assert [pair.may_give_more(number) for number in (0, 1)] == more
    assert [back.may_give_more(number) for number in (1, 0)] == more
    assert [pair.covers(number, KINDS) for number in (1, 0)] == [not one for one in more]
    assert [pair.shares(kind) for kind in KINDS] == [back.shares(kind) for kind in KINDS]


@pytest.mark.parametrize(
    ("names", "shared", "alone"),
    [
        (("legacy", "libnl"), True, (False, True)),
        (("libnl", "legacy"), True, (True, False)),
        (("libnl", "libnl"), True, (True, True)),
        (("legacy", "legacy"), True, (False, False)),
        (("mine", "libnl"), True, (True, True)),
        (("mine", "legacy"), True, (True, False)),
    ],
)
def test_ours_and_one_that_states_nothing(names: tuple[str, str], shared: bool, alone: tuple[bool, bool]) -> None:
    """Who may give more is judged by the bytes: libnl, also beside itself, and who states nothing."""
    pair = pair_of(*names)

    assert (pair.shares("link"), pair.shares("tc"), pair.shares_field("link", "mtu")) == (shared, False, True)
    assert (pair.may_give_more(0), pair.may_give_more(1)) == alone


def test_a_message_of_one_alone() -> None:
    """RTM_NEWQDISC gives an event of libnl alone, RTM_NEWLINK of both, and 255 of nobody."""
    pair = pair_of("legacy", "libnl")
    found = [
        (pair.shares_message(0, kind), pair.gives_alone(0, 0, kind), pair.gives_alone(1, 0, kind))
        for kind in (36, 16, 255)
    ]

    assert found == [(False, False, True), (True, False, False), (False, False, False)]


def test_families_that_one_leaves_out() -> None:
    """Both provide the destination of a route of IP; of MPLS it is libnl's alone, and read."""
    pair, reader = pair_of("legacy", "libnl"), FieldReader(pair_of("legacy", "libnl"), "little")
    routes = [RouteInfo(family, *[0] * 8) for family in (2, 28)]

    assert pair.families("route", "dst") == frozenset({2, 10, 128, 129})
    assert ["dst" in {row.field.name for row in reader.rows("route", one)} for one in routes] == [False, True]


RULE = statement_of("libnl").fields["rule"]


def rule(**fields: Any) -> RuleInfo:
    """A rule in which nothing is but ``fields``."""
    return RuleInfo(**{**dict.fromkeys(RuleInfo.__struct_fields__), **fields})


@pytest.mark.parametrize(
    ("left", "right", "found", "counted"),
    [
        (None, 0, [], {"rule.priority": 1}),
        (0, 0, [], {}),
        (5, 5, [], {}),
        (None, 7, [Class.CONFLICT], {}),
        (5, 0, [Class.LOSS], {}),
        (5, 6, [Class.CONFLICT], {}),
        (None, False, [Class.CONFLICT], {}),
    ],
)
def test_a_declared_value_equals_not_in_the_message(
    left: Any, right: Any, found: list[Class], counted: dict[str, int]
) -> None:
    """And nothing else: where the message has a value, 0 is a loss. That holds in both directions."""
    program = stated("mine", {"rule": sorted(RULE)}, {"rule.priority": 0})
    pair = Pair(load_contract(), (statement_of("libnl"), program))
    forward, back = Classifier(pair), Classifier(pair.between("mine", "libnl"))
    before, after = rule(priority=left), rule(priority=right)

    assert [one.cls for one in forward.payloads(before, after)] == found
    assert len(list(back.payloads(after, before))) == len(found)
    assert (forward.absent, back.absent) == (counted, counted)


def test_a_difference_shows_the_value_that_was_given() -> None:
    """Not what it stands for."""
    program = stated("mine", {"rule": sorted(RULE)}, {"rule.priority": 0})
    judge = Classifier(Pair(load_contract(), (statement_of("libnl"), program)))
    (found,) = judge.payloads(rule(priority=5), rule(priority=0))

    assert (found.reference, found.candidate, found.reason) == (5, 0, "mine found no value in the message")
