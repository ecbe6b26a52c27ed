"""What a recording joins: the groups of every implementation, more by name, and those of families that come later."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from typing import cast

import pytest
from click.testing import CliRunner

from nlmon.backends.every_group import announces_family, groups_to_join, join_generic
from nlmon.backends.groups import EXTRA_GROUPS
from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.libnl.cache import CACHES
from nlmon.backends.options import BackendOptions
from nlmon.cli.record import _record, command
from nlmon.errors import TransportError, UsageError
from nlmon.testing.messages import native
from nlmon.testing.transport import FakeKernel
from nlmon.transport.recorder import RecordingTransport
from nlmon.wire import Datagram


@pytest.mark.parametrize("implementation", [LegacyBackend, LibnlBackend])
def test_no_implementation_misses_a_group(implementation: type[LegacyBackend | LibnlBackend]) -> None:
    """Whatever an implementation joins by itself is recorded."""
    joined = groups_to_join()
    missed = {p: set(numbers) - set(joined[p]) for p, numbers in implementation.groups.items()}

    assert len(missed) >= 4
    assert {p: numbers for p, numbers in missed.items() if numbers} == {}


@pytest.mark.parametrize("name", EXTRA_GROUPS)
def test_a_named_group_is_joined_on_top(name: str) -> None:
    """Every group that libnl knows by name can be recorded, and none is without being named."""
    usual, more = groups_to_join()[0], groups_to_join([name])[0]

    assert set(more) - set(usual) == set(EXTRA_GROUPS[name])
    assert set(usual) < set(more)


def test_an_unknown_name_is_reported() -> None:
    """A name that no group has is a mistake, with the names there are."""
    with pytest.raises(UsageError, match="there are tc, prefix, netconf, mdb, nsid, nexthop, stats") as caught:
        groups_to_join(["tcp"])

    assert caught.value.code == "NLM-U011"


@pytest.mark.parametrize(
    ("words", "code"), [(("--group", "tcp"), "NLM-U011"), (("--group", "tc", "--protocol", "audit"), "NLM-U012")]
)
def test_a_group_that_cannot_be_recorded_is_a_mistake(words: tuple[str, ...], code: str) -> None:
    """A usage mistake before anything is opened."""
    error = CliRunner().invoke(command, ["out.pcapng", *words]).exception

    assert isinstance(error, UsageError)
    assert error.code == code


class Generic:
    """A transport of NETLINK_GENERIC whose kernel has so many groups, and one more family behind every announcement."""

    protocol = 16

    def __init__(self, groups: int, *waiting: bytes) -> None:
        self.groups, self.waiting, self.joined = groups, list(waiting), set[int]()
        self.ours, self.theirs = socket.socketpair()
        self.theirs.send(b"!")

    def fileno(self) -> int:
        return self.ours.fileno()

    def join(self, group: int) -> None:
        if group > self.groups:
            raise TransportError("NLM-T999", "refused", errno=errno.EINVAL)
        if group == 2:
            raise TransportError("NLM-T999", "refused", errno=errno.EPERM)
        self.joined.add(group)

    def recv(self) -> Datagram | None:
        if not self.waiting:
            return None
        data = self.waiting.pop(0)
        self.groups += announces_family(data)
        return Datagram(1, 0, 16, data)


@pytest.mark.parametrize(("kind", "groups"), [(16, {1, 3, 4}), (17, {1, 3})])
def test_families_that_come_later_are_joined(kind: int, groups: set[int]) -> None:
    """What nlctrl says makes the recording join again; what others say does not. A refused group stops nothing."""
    transport = Generic(3, native(kind, bytes(4)))
    join_generic(cast("RecordingTransport", transport))
    assert transport.joined == {1, 3}
    reader, writer = socket.socketpair()

    assert _record([cast("RecordingTransport", transport)], reader, 1, None) == 1
    assert transport.joined == groups
    for one in (reader, writer, transport.ours, transport.theirs):
        one.close()


@pytest.mark.parametrize("data", [b"", native(16)[:15], native(20)])
def test_what_is_not_of_nlctrl(data: bytes) -> None:
    """Too short for a header, or of a family."""
    assert not announces_family(data)


@pytest.mark.parametrize(
    ("options", "what", "known"),
    [
        (BackendOptions(caches=("tc",)), "there is no cache called 'tc'", CACHES),
        (BackendOptions(extra_groups=("link",)), "there is no group called 'link'", EXTRA_GROUPS),
    ],
    ids=["cache", "group"],
)
def test_a_cache_is_no_group(options: BackendOptions, what: str, known: Mapping[str, object]) -> None:
    """Who misspells one is shown the names of its kind alone."""
    with pytest.raises(UsageError) as caught:
        LibnlBackend(FakeKernel(), options)

    assert (caught.value.what, caught.value.hint) == (what, f"there are {', '.join(known)}")
