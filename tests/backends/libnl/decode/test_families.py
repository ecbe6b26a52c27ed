"""Generic families: numbers and groups as nlctrl announces them, followed as they come and go."""

from __future__ import annotations

import errno

import pytest

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.errors import NotFound, Overrun, TransportError, UsageError
from nlmon.events import Event
from nlmon.testing.messages import family
from nlmon.testing.transport import GENERIC, FakeKernel

NLCTRL = 16
NEW, DEL, NEWGRP, DELGRP = 1, 2, 7, 8
KNOWN = {"nl80211": (35, {"config": 5, "scan": 6}), "TASKSTATS": (23, {}), "devlink": (21, {"config": 9})}


class House:
    """A backend on a fake kernel that knows ``KNOWN``."""

    def __init__(self, wanted: tuple[str, ...] | None = None, known: tuple[str, ...] = tuple(KNOWN)) -> None:
        self.kernel = FakeKernel()
        for name in known:
            self.kernel.families[name] = family(KNOWN[name][0], name, KNOWN[name][1])
        self.backend = LibnlBackend(self.kernel, BackendOptions(generic_families=wanted))
        self.events: list[Event] = []
        self.errors: list[Exception] = []
        self.backend.set_callback(self.events.append, self.errors.append)
        self.backend.enable(GENERIC)

    @property
    def groups(self) -> set[int]:
        """Groups of the open socket, nlctrl's own left out."""
        (one,) = self.kernel.sockets(GENERIC)
        assert NLCTRL in one.groups
        return one.groups - {NLCTRL}

    def say(self, *announcements: bytes) -> None:
        """nlctrl announces, and the backend reads it all."""
        for data in announcements:
            self.kernel.notify(data, GENERIC)
        while self.backend.process(GENERIC):
            pass


@pytest.mark.parametrize(
    ("wanted", "groups"),
    [
        (None, {5, 6, 9}),
        ((), set()),
        (("nl80211",), {5, 6}),
        (("taskstats", "devlink"), {9}),
        (("NL80211",), {5, 6}),
        (("nl8021",), set()),
    ],
)
def test_groups_of_the_wanted_families_are_joined(wanted: tuple[str, ...] | None, groups: set[int]) -> None:
    """The groups of listed families and no others; None joins all."""
    house = House(wanted)

    assert house.groups == groups
    assert (house.kernel.requests, house.events, house.errors) == ([(NLCTRL, 3)], [], [])


def test_numbers_are_resolved_through_nlctrl() -> None:
    """By the kernel's name, and by the guide's spelling of taskstats; nlctrl has its fixed number."""
    house = House()
    numbers = [house.backend.resolve(name) for name in ("nl80211", "TASKSTATS", "taskstats", "nlctrl")]

    assert numbers == [35, 23, 23, 16]
    assert len(house.kernel.requests) == 1


@pytest.mark.parametrize(
    ("name", "hint"), [("nl8021", "did you mean nl80211?"), ("xyz", "load the kernel module that provides it")]
)
def test_a_family_that_is_not_there(name: str, hint: str) -> None:
    """The guide's words, the families there are, the nearest name; nlctrl was asked once more."""
    house = House()
    with pytest.raises(NotFound) as caught:
        house.backend.resolve(name)

    assert caught.value.what == f"Failed to resolve family '{name}'"
    assert caught.value.why == "families here: TASKSTATS, devlink, nl80211, nlctrl"
    assert caught.value.hint == hint
    assert len(house.kernel.requests) == 2


def test_resolving_needs_the_protocol() -> None:
    """Without NETLINK_GENERIC it is a mistake of the caller."""
    with pytest.raises(UsageError):
        LibnlBackend(FakeKernel()).resolve("nl80211")


def test_a_family_that_appears_is_joined() -> None:
    """What was asked for and not there is joined and resolved when nlctrl announces it, and no longer unresolved."""
    house = House(("nl80211",), known=("devlink",))
    before = (house.groups, house.backend.unresolved())
    house.say(family(35, "nl80211", {"config": 5}), family(36, "other", {"events": 7}))

    assert before == (set(), ("nl80211",))
    assert (house.groups, house.backend.unresolved(), house.backend.resolve("nl80211")) == ({5}, (), 35)
    assert [event.msg_type for event in house.events] == [NLCTRL, NLCTRL]


def test_resolution_is_tried_again() -> None:
    """A name that failed is found once the kernel has it, announced or not."""
    house = House(known=())
    with pytest.raises(NotFound):
        house.backend.resolve("nl80211")
    house.kernel.families["nl80211"] = family(35, "nl80211")

    assert house.backend.resolve("nl80211") == 35


def test_groups_come_and_go() -> None:
    """CTRL_CMD_NEWMCAST_GRP joins a group, CTRL_CMD_DELMCAST_GRP leaves it."""
    house = House(("nl80211",))
    seen = []
    for command, groups in ((NEWGRP, {"mlme": 8}), (DELGRP, {"config": 5}), (NEWGRP, {"config": 12})):
        house.say(family(35, "nl80211", groups, command=command))
        seen.append(house.groups)

    assert seen == [{5, 6, 8}, {6, 8}, {6, 8, 12}]


def test_groups_of_a_stranger_are_left_alone() -> None:
    """A group of a family that nobody named is not learned, and none of an unwanted one is joined."""
    house = House(("nl80211",))
    house.say(family(99, "odd", {"x": 40}, command=NEWGRP), family(21, "devlink", {"more": 41}, command=NEWGRP))

    assert house.groups == {5, 6}
    assert house.backend.families.name(99) is None


def test_a_family_that_vanishes_is_forgotten() -> None:
    """Its number means nothing any more and its groups are left, since the kernel gives both away again."""
    house = House()
    house.kernel.families.pop("nl80211")
    house.say(family(35, "nl80211", command=DEL))

    assert (house.groups, house.backend.families.name(35)) == ({9}, None)
    with pytest.raises(NotFound):
        house.backend.resolve("nl80211")


def test_a_number_is_used_again() -> None:
    """Another family with the number and the groups of one that went is that other family."""
    house = House(("nl80211",))
    house.say(family(35, "nl80211", command=DEL), family(35, "other", {"events": 5}))
    assert (house.groups, house.backend.families.name(35)) == (set(), "other")
    house.say(family(36, "nl80211", {"config": 5, "scan": 7}))

    assert (house.groups, house.backend.resolve("nl80211")) == ({5, 7}, 36)


@pytest.mark.parametrize(
    ("announcements", "number", "groups"),
    [
        ((family(35, "other", {"events": 7}),), None, {7, 9}),
        ((family(40, "nl80211", {"config": 8}),), 40, {8, 9}),
    ],
)
def test_a_farewell_that_was_lost(announcements: tuple[bytes, ...], number: int | None, groups: set[int]) -> None:
    """A number under a new name, or a name under a new number, ends what was known of the old one."""
    house = House()
    house.kernel.families.clear()
    house.say(*announcements)
    found = house.backend.families.named("nl80211")

    assert (None if found is None else found.id, house.groups) == (number, groups)


def test_families_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than ``REMEMBERED`` are learned, and those that are known are still followed."""
    monkeypatch.setattr("nlmon.backends.libnl.decode.families.REMEMBERED", 4)
    house = House()
    house.say(family(50, "one more", {"x": 40}), family(35, "nl80211", {"config": 41}))

    assert (house.groups, house.backend.families.name(50)) == ({9, 41}, None)


def test_a_group_that_needs_more_privilege() -> None:
    """It is reported once, and the other groups are joined."""
    house = House(known=())
    house.kernel.group_errors[5] = errno.EPERM
    house.say(family(35, "nl80211", {"config": 5, "scan": 6}), family(36, "other", {"events": 7}))

    assert house.groups == {6, 7}
    assert [getattr(error, "errno", None) for error in house.errors] == [errno.EPERM]


def test_families_after_an_overrun() -> None:
    """What came and went without a message is learned when the socket is drained, not before."""
    house = House()
    house.kernel.families.pop("nl80211")
    house.kernel.families["new"] = family(41, "new", {"events": 13})
    house.kernel.overrun(GENERIC)
    house.kernel.notify(family(21, "devlink", {"config": 9}), GENERIC)
    house.backend.process(GENERIC)
    assert len(house.kernel.requests) == 1
    while house.backend.process(GENERIC):
        pass

    assert [type(error) for error in house.errors] == [Overrun]
    assert (len(house.kernel.requests), house.groups) == (2, {9, 13})
    assert house.backend.families.named("nl80211") is None


def test_nlctrl_does_not_answer_after_an_overrun() -> None:
    """That is reported, once; groups that are known are joined again, and reading goes on."""
    house = House()
    house.kernel.sockets(GENERIC)[0].groups -= {5}  # as the kernel does when a family goes and comes back
    house.kernel.outcomes.append("broken")
    house.kernel.overrun(GENERIC)
    while house.backend.process(GENERIC):
        pass

    assert [getattr(error, "errno", None) for error in house.errors] == [errno.ENOBUFS, errno.ETIMEDOUT]
    assert house.groups == {5, 6, 9}


@pytest.mark.parametrize("fate", ["interrupted", "empty", "failed", "unfinished"])
def test_a_dump_that_is_not_whole_forgets_nobody(fate: str) -> None:
    """Absence is proved by a complete answer alone."""
    house = House()
    house.kernel.outcomes.append(fate)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        house.backend.resolve("xyz")

    assert house.groups == {5, 6, 9}


def test_a_new_socket_knows_the_old_families() -> None:
    """After the socket was lost its successor is in the groups, though the kernel answers no dump just now."""
    house = House(("nl80211",))
    house.kernel.outcomes.append("failed")
    house.kernel.fail(TransportError("NLM-T003", "lost", errno=errno.EBADF), GENERIC)
    house.backend.process(GENERIC)

    assert len(house.kernel.opened) == 2
    assert (house.groups, house.backend.resolve("nl80211")) == ({5, 6}, 35)


def test_events_have_the_name_of_their_family() -> None:
    """A number is named as nlctrl named it at that point of the stream."""
    house = House()
    plain = family(35, "x")[:4] + (35).to_bytes(2, "little") + family(35, "x")[6:]
    house.say(plain, family(35, "nl80211", command=DEL), plain)

    names = [getattr(event.payload, "genl_family_name", "none") for event in house.events if event.msg_type == 35]
    assert names == ["nl80211", None]
