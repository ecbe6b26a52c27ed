"""What a subclass may replace: a handler, a decoder, a row of a policy, and nothing by accident.

Not here: subclasses with mistakes (``nlmon.testing.zoo``).
"""

from __future__ import annotations

from typing import ClassVar

import pytest

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.libnl.decode.route import RouteDecoder
from nlmon.errors import InternalError
from nlmon.testing.zoo.decoding import PeerAddress
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.transport.recorded.transport import RecordedFactory

ROUTE = 0


def test_a_name_that_is_no_method_is_reported() -> None:
    """A handler that nobody has is a bug of the subclass, and says which it is."""

    class Wrong(LibnlBackend):
        handlers: ClassVar = {ROUTE: {16: ("no_such_thing", 16)}}

    with pytest.raises(InternalError, match="protocol 0 name 'no_such_thing', which is no method"):
        Wrong(RecordedFactory(RecordedKernel("little")))


def test_no_decoder_is_hidden_by_the_backend() -> None:
    """A handler is looked for on the backend first, where no name of the good table may be found."""
    names = {name for kinds in LibnlBackend.handlers.values() for name, _ in kinds.values()}

    assert {name for name in names if hasattr(LibnlBackend, name)} == set()
    assert len(names) > 20


def test_a_replaced_row_stays_with_its_class() -> None:
    """What a subclass compiles is its own, and what two instances of a class compile is the same."""
    first, second = RouteDecoder("little"), RouteDecoder("little")
    peer, big = PeerAddress.Peer("little"), RouteDecoder("big")

    assert first._tables is second._tables
    assert len({id(one._tables) for one in (first, peer, big)}) == 3
    assert [row.path for row in peer.addr_policy.attributes][:2] == ["IFA_ADDRESS", "IFA_ADDRESS"]
    assert peer.addr_policy.fields == first.addr_policy.fields
