"""What becomes of an event: kept, matched, let go, exported."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from nlmon.events import Event
from nlmon.monitor.pipeline import NO_RULE, RATE_LIMIT, UNWANTED, Pipeline
from support.planned import Kept, event, lost, plan_of

NEW, GONE, ADDR = event(16, "eth0"), event(17, "wlan0"), event(20, None)
EVENTS = [NEW, GONE, ADDR]
ROWS = [
    ("", EVENTS, {}),
    ("monitoring: {message_types: [RTM_DELLINK]}", [GONE], {UNWANTED: 2}),
    ("monitoring: {interfaces: {include: ['eth*', 'lo']}}", [NEW], {UNWANTED: 2}),
    ("monitoring: {interfaces: {exclude: ['w*']}}", [NEW, ADDR], {UNWANTED: 1}),
    ("monitoring: {interfaces: {include: ['*0'], exclude: [wlan0]}}", [NEW], {UNWANTED: 2}),
    ("monitoring: {interfaces: {include: ['ETH*']}}", [], {UNWANTED: 3}),
    ("monitoring: {protocols: [generic]}", [], {UNWANTED: 3}),
    ("monitoring: {protocols: [route], message_types: [16]}", [NEW], {UNWANTED: 2}),
    ('filter: interface == "wlan0"', [GONE], {NO_RULE: 2}),
    (
        "filters: [{name: a, expression: 'interface == \"wlan0\"'}, {name: b, expression: 'interface == \"eth0\"'}]",
        [NEW, GONE],
        {NO_RULE: 1},
    ),
    ("filters: [{name: a, expression: 'interface == \"wlan0\"', enabled: false}]", EVENTS, {}),
    ("core: {rate_limit: 2}", [NEW, GONE], {RATE_LIMIT: 1}),
    ('core: {rate_limit: 1}\nfilter: interface == "wlan0"', [GONE], {NO_RULE: 2}),
]


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(("text", "out", "dropped"), ROWS, ids=[text or "nothing" for text, _, _ in ROWS])
def test_what_goes_out(text: str, out: list[Event], dropped: dict[str, int], together: bool) -> None:
    """And why the others do not, one by one or many at once."""
    kept = Kept()
    pipeline = Pipeline(plan_of(text), [kept.queue])
    if together:
        pipeline.take_all([(one, b"") for one in EVENTS])
    else:
        for one in EVENTS:
            pipeline.take(one, b"")

    assert (kept.end(), pipeline.events, dict(pipeline.dropped)) == (out, 3, dropped)


def test_the_place_of_a_loss_always_goes_out() -> None:
    """Whatever is kept, and whichever rules there are: nobody can say what was lost."""
    kept = Kept()
    text = 'monitoring: {interfaces: {include: [x]}}\nfilter: interface == "x"\ncore: {rate_limit: 1}'
    pipeline = Pipeline(plan_of(text), [kept.queue])
    for one in (lost(), event(), lost()):
        pipeline.take(one, b"")

    assert [one.type for one in kept.end()] == ["overrun", "overrun"]


def limited(limit: int, steps: Callable[[Pipeline], None]) -> tuple[list[Event], list[str]]:
    """What gets through a rate limit in some steps, and what is said of it."""
    kept = Kept()
    pipeline = Pipeline(plan_of(f"core: {{rate_limit: {limit}}}"), [kept.queue])
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("nlmon.monitor")
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING)
    try:
        steps(pipeline)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    return kept.end(), said


RATES = [
    ("in order", (5.0, 5.1, 5.2, 5.9, 6.0, 6.1, 6.2), [50, 51, 60, 61], [2, 1]),
    ("out of order", (5.0, 6.0, 5.1, 6.1, 5.2, 6.2), [50, 60, 51], [3]),
    ("a clock that was set back", (5.0, 5.1, 5.2, 1.0), [50, 51, 10], [1]),
]


@pytest.mark.parametrize(("what", "times", "through", "dropped"), RATES, ids=[row[0] for row in RATES])
def test_the_rate_limit_is_of_a_second_of_the_events(
    what: str, times: tuple[float, ...], through: list[int], dropped: list[int]
) -> None:
    """Each second may have as many; how many were dropped is said when the next one begins, and at the end. An event
    that is a little late counts to the second of those before it."""

    def steps(pipeline: Pipeline) -> None:
        for at in times:
            pipeline.take(event(at=at), b"")
        pipeline.end()

    events, said = limited(2, steps)

    assert [one.timestamp // 10**8 for one in events] == through
    assert said == [f"{number} event{'s' * (number > 1)} dropped: core.rate_limit is 2 a second" for number in dropped]


@pytest.mark.parametrize(("now", "times"), [(5.9, 0), (6.0, 1)])
def test_what_the_rate_limit_drops_is_said_though_no_event_follows(now: float, times: int) -> None:
    """Once its second is over, and not before."""

    def steps(pipeline: Pipeline) -> None:
        for at in (5.0, 5.1):
            pipeline.take(event(at=at), b"")
        pipeline.settle(int(now * 1e9))

    events, said = limited(1, steps)

    assert (len(events), said) == (1, ["1 event dropped: core.rate_limit is 1 a second"] * times)


def test_every_rule_has_its_count() -> None:
    """Also one behind another that matches; by another plan a rule of the same name keeps its own."""
    text = """
filters:
  - {name: any, expression: 'netlink.protocol == 0'}
  - {name: lo, expression: 'interface == "lo"', action: alert}
"""
    pipeline = Pipeline(plan_of(text), [])
    for name in ("eth0", "lo", "lo"):
        pipeline.take(event(interface=name), b"")
    before = dict(pipeline.matched)
    pipeline.change(plan_of("filters: [{name: lo, expression: 'interface == \"eth0\"'}]"), [])

    assert (before, dict(pipeline.matched)) == ({"any": 3, "lo": 2}, {"lo": 2})
