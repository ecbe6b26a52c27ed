"""Text of IP addresses, against the library's classes and the C library."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlmon.backends.libnl.policies.addresses import ip_text

# Zeros often, so that there are runs of them.
groups = st.lists(st.one_of(st.just(0), st.integers(0, 0xFFFF)), min_size=8, max_size=8)


@given(st.binary(min_size=4, max_size=4))
def test_ipv4_is_dotted(packed: bytes) -> None:
    """Four numbers."""
    assert ip_text(packed) == str(ipaddress.IPv4Address(packed)) == socket.inet_ntop(socket.AF_INET, packed)


@given(groups)
def test_ipv6_leaves_out_the_longest_run_of_zeros(numbers: list[int]) -> None:
    """The first of the longest runs, of two groups at least (RFC 5952)."""
    packed = b"".join(number.to_bytes(2, "big") for number in numbers)

    assert ip_text(packed) == socket.inet_ntop(socket.AF_INET6, packed)
    assert ipaddress.IPv6Address(ip_text(packed)).packed == packed
    assert ip_text(packed) == str(ipaddress.IPv6Address(packed)) or "." in ip_text(packed)


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("::", "::"),
        ("::1", "::1"),
        ("1::", "1::"),
        ("2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"),
        ("2001:0:0:1:0:0:1:1", "2001::1:0:0:1:1"),
        ("1:0:2:0:3:0:4:0", "1:0:2:0:3:0:4:0"),
        ("10:100:1000:0:0:0:0:0", "10:100:1000::"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("::192.0.2.1", "::192.0.2.1"),
        ("::fffe:192.0.2.1", "::fffe:c000:201"),
        ("::1:2", "::0.1.0.2"),
        ("8000:0:0:8000::", "8000:0:0:8000::"),
        ("0:8000:0:0:7fff:8000:ffff:0", "0:8000::7fff:8000:ffff:0"),
    ],
)
def test_edges(address: str, text: str) -> None:
    """Where a run begins or ends the address, and where the last part is dotted."""
    assert ip_text(ipaddress.IPv6Address(address).packed) == text
