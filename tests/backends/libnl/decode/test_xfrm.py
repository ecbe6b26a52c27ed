"""IPsec in the libnl implementation: states, policies, acquires, expiries, flushes, and no key anywhere."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from nlmon.errors import UsageError
from nlmon.eventjson.write import event_to_json
from nlmon.events import XfrmAlgorithm, XfrmFlushInfo, XfrmPolicyInfo, XfrmSelector, XfrmStateInfo, XfrmTemplate
from nlmon.testing.messages import attr, big, message, number
from support.decoding import ORDERS, backend, decode, event, findings, payload
from support.xfrm import (
    KEY,
    acquire,
    aead,
    aevent,
    algorithm,
    auth,
    policy,
    policy_id,
    selector,
    state,
    state_id,
    template,
)

XFRM = 6
NEWSA, DELSA, NEWPOLICY, DELPOLICY, ACQUIRE, EXPIRE, UPDPOLICY, UPDSA, POLEXPIRE = 16, 17, 19, 20, 23, 24, 25, 26, 27
FLUSHSA, FLUSHPOLICY, NEWAE = 28, 29, 30
FAMILIES = [2, 10]
SPI = 0x01020304


def text(family: int) -> tuple[str, str]:
    """Source and destination."""
    return ("10.0.0.1", "10.0.0.2") if family == 2 else ("fd00::1", "fd00::2")


def means_selector(family: int) -> XfrmSelector:
    return XfrmSelector(family, *text(family), 16, 24, 6, (40000, 0xFF00), (443, 0xFFFF), 3, 1000)


def means_state(family: int, **more: Any) -> XfrmStateInfo:
    src, dst = text(family)
    head = XfrmStateInfo(family, dst, SPI, 50, src, 1, 16385, 32, 0x20, 0x0A0B0C0D, means_selector(family))
    return replace(head, **{"bytes": 0x0102030405060708, "packets": 99, **more})


def means_policy(family: int, **more: Any) -> XfrmPolicyInfo:
    return replace(XfrmPolicyInfo(means_selector(family), 1, SPI, 0x0A0B0C0D, 0, 2, 3), **more)


def xfrm(kind: int, *parts: bytes, order: str = "little") -> bytes:
    return message(kind, b"".join(parts), byteorder=order)


def flag(value: int, size: int) -> bytes:
    """A byte and its padding."""
    return bytes([value]).ljust(size, b"\0")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", [NEWSA, UPDSA])
def test_state(kind: int, family: int, order: str) -> None:
    """Every field of xfrm_usersa_info."""
    assert payload("libnl", XFRM, xfrm(kind, state(family, order), order=order), order) == means_state(family)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("hard", [0, 1])
def test_expiry(hard: int, family: int, order: str) -> None:
    """A state or a policy, and whether it is gone."""
    data = xfrm(
        EXPIRE, state(family, order), flag(hard, 8), attr(31, number("I", 7, byteorder=order), order), order=order
    )
    assert payload("libnl", XFRM, data, order) == means_state(family, hard=bool(hard), if_id=7)
    data = xfrm(POLEXPIRE, policy(family, order), flag(hard, 8), order=order)
    assert payload("libnl", XFRM, data, order) == means_policy(family, hard=bool(hard))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("family", FAMILIES)
def test_both_shapes_of_a_deleted_state(family: int, order: str) -> None:
    """A program names it; the kernel's announcement holds the whole of it in XFRMA_SA."""
    src, dst = text(family)
    named = payload("libnl", XFRM, xfrm(DELSA, state_id(family, order), order=order), order)
    whole = attr(6, state(family, order), order)
    full = payload("libnl", XFRM, xfrm(DELSA, state_id(family, order), whole, order=order), order)
    assert (named, full) == (XfrmStateInfo(family, dst, SPI, 50), means_state(family))
    assert full.saddr == src


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_deleted_state_of_another_family_is_not_this_one(family: int, order: str) -> None:
    """Its addresses would be cut or padded; the message still names a state."""
    _, dst = text(family)
    whole = attr(6, state(12 - family, order), order)
    decoded = decode("libnl", XFRM, xfrm(DELSA, state_id(family, order), whole, order=order), order)
    why = f"its state is of family {12 - family}, the message of family {family}"

    assert [event.payload for event in decoded.events] == [XfrmStateInfo(family, dst, SPI, 50)]
    assert [(error.what, error.path, error.offset) for error in decoded.errors] == [(why, "XFRMA_SA", 40)]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("family", FAMILIES)
def test_both_shapes_of_a_deleted_policy(family: int, order: str) -> None:
    """Named by selector, direction and index, or whole in XFRMA_POLICY."""
    named = payload("libnl", XFRM, xfrm(DELPOLICY, policy_id(family, order), order=order), order)
    whole = attr(7, policy(family, order), order)
    full = payload("libnl", XFRM, xfrm(DELPOLICY, policy_id(family, order), whole, order=order), order)
    assert (named, full) == (XfrmPolicyInfo(means_selector(family), 1, SPI), means_policy(family))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", [NEWPOLICY, UPDPOLICY])
def test_policy(kind: int, family: int, order: str) -> None:
    """Every field of xfrm_userpolicy_info, and two templates."""
    src, dst = text(family)
    one = XfrmTemplate(family, src, dst, SPI, 50, 1, 16385, 2, True)
    data = xfrm(kind, policy(family, order), attr(5, template(family, order) * 2, order), order=order)
    assert payload("libnl", XFRM, data, order) == means_policy(family, templates=(one, one))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("family", FAMILIES)
def test_acquire(family: int, order: str) -> None:
    """The policy that was met, and the state that is wanted."""
    src, dst = text(family)
    wanted = XfrmStateInfo(family, dst, SPI, 50, src, seq=77, selector=means_selector(family))
    data = xfrm(ACQUIRE, acquire(family, order), attr(16, b"\1\0\0\0\0\0", order), order=order)
    assert payload("libnl", XFRM, data, order) == means_policy(family, type=1, acquire=wanted)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("family", FAMILIES)
def test_aevent(family: int, order: str) -> None:
    """A state's name and its use so far; why it is announced (XFRM_AE_CR) is no flag of the state (WILDRECV)."""
    src, dst = text(family)
    used = attr(9, number("QQQQ", 1 << 40, 12, 0, 0, byteorder=order), order)
    found = payload("libnl", XFRM, xfrm(NEWAE, aevent(family, order), used, order=order), order)
    assert found == XfrmStateInfo(family, dst, SPI, 50, src, reqid=16385, flags=None, bytes=1 << 40, packets=12)


@pytest.mark.parametrize("order", ORDERS)
def test_flush(order: str) -> None:
    """All states of a protocol, all policies of a type; a type that is not said is None."""
    assert payload("libnl", XFRM, xfrm(FLUSHSA, b"\xff", order=order), order) == XfrmFlushInfo(255)
    typed = xfrm(FLUSHPOLICY, attr(16, b"\1\0\0\0\0\0", order), order=order)
    assert payload("libnl", XFRM, typed, order) == XfrmFlushInfo(None, 1)
    assert payload("libnl", XFRM, xfrm(FLUSHPOLICY, order=order), order) == XfrmFlushInfo(None, None)


NAMED = XfrmAlgorithm("hmac(sha256)", 128)
# field: attribute number, payload, value
STATE_FIELDS: dict[str, tuple[int, Any, object]] = {
    "crypt": (2, lambda order: algorithm(b"cbc(aes)", order), XfrmAlgorithm("cbc(aes)", 128)),
    "comp": (3, lambda order: algorithm(b"deflate", order), XfrmAlgorithm("deflate", 128)),
    "encap": (4, lambda order: number("H", 2, byteorder=order) + big("HH", 4500, 4501) + bytes(18), (2, 4500, 4501)),
    "aead": (18, lambda order: aead(b"rfc4106(gcm(aes))", order), XfrmAlgorithm("rfc4106(gcm(aes))", 128, 128)),
    "auth": (20, lambda order: auth(b"hmac(sha256)", order), replace(NAMED, trunc_len=96)),
    "mark": (21, lambda order: number("II", 0x0102, 0xFFFF, byteorder=order), (0x0102, 0xFFFF)),
    "extra_flags": (24, lambda order: number("I", 3, byteorder=order), 3),
    "if_id": (31, lambda order: number("I", 42, byteorder=order), 42),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", [NEWSA, DELSA, EXPIRE, NEWAE])
@pytest.mark.parametrize("field", STATE_FIELDS)
def test_attribute_of_a_state(field: str, kind: int, order: str) -> None:
    """One attribute fills one field and no other, whatever message a state is in."""
    number_, make, value = STATE_FIELDS[field]
    heads = {NEWSA: state, DELSA: state_id, EXPIRE: lambda f, o: state(f, o) + bytes(8), NEWAE: aevent}
    head = xfrm(kind, heads[kind](2, order), order=order)
    found = payload(
        "libnl", XFRM, xfrm(kind, heads[kind](2, order), attr(number_, make(order), order), order=order), order
    )
    assert found == replace(payload("libnl", XFRM, head, order), **{field: value})


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("kind", "head"),
    [
        (NEWPOLICY, policy),
        (DELPOLICY, policy_id),
        (POLEXPIRE, lambda f, o: policy(f, o) + bytes(8)),
        (ACQUIRE, acquire),
    ],
)
def test_attributes_of_a_policy(kind: int, head: Any, order: str) -> None:
    """Type, mark and interface number, whatever message a policy is in."""
    rows = [(16, "BxHxx", (1, 0)), (21, "II", (0x0102, 0xFFFF)), (31, "I", (42,))]
    data = [attr(n, number(code, *values, byteorder=order), order) for n, code, values in rows]
    bare = payload("libnl", XFRM, xfrm(kind, head(2, order), order=order), order)
    found = payload("libnl", XFRM, xfrm(kind, head(2, order), *data, order=order), order)
    assert found == replace(bare, type=1, mark=(0x0102, 0xFFFF), if_id=42)


@pytest.mark.parametrize("order", ORDERS)
def test_authentication_comes_twice(order: str) -> None:
    """Older programs know only the form without truncation; the other one is shown wherever it stands."""
    old, new = attr(1, algorithm(b"hmac(sha256)", order), order), attr(20, auth(b"hmac(sha256)", order), order)
    found = [
        payload("libnl", XFRM, xfrm(NEWSA, state(2, order), *rows, order=order), order).auth
        for rows in ([old], [old, new], [new, old])
    ]
    assert found == [NAMED, *[replace(NAMED, trunc_len=96)] * 2]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", [NEWSA, UPDSA, DELSA, EXPIRE, NEWAE])
def test_no_key_in_an_event(kind: int, order: str) -> None:
    """Neither the event nor its JSON has the bytes of a key in any form; names and lengths are there."""
    heads = {DELSA: state_id(2, order), EXPIRE: state(2, order) + bytes(8), NEWAE: aevent(2, order)}
    rows = [attr(number_, make(order), order) for number_, make, _ in STATE_FIELDS.values()]
    rows += [attr(1, algorithm(b"hmac(sha256)", order), order), attr(23, KEY, order), attr(8, KEY, order)]
    data = xfrm(kind, heads.get(kind, state(2, order)), *rows, order=order)
    found = event("libnl", XFRM, data, order)
    shown = event_to_json(found).decode() + repr(found)
    assert data.count(KEY) == 7
    assert [form in shown.lower() for form in (KEY.hex(), KEY.hex()[:8], KEY.hex(":")[:12], "\\xc2", "94, 194")] == [
        False
    ] * 5
    assert ("hmac(sha256)" in shown, "rfc4106(gcm(aes))" in shown) == (True, True)


@pytest.mark.parametrize("cut", range(1, 100, 7))
def test_no_key_in_an_error(cut: int) -> None:
    """Also when the algorithm's attribute is cut, no error shows its bytes."""
    whole = auth(b"hmac(sha256)", "little")
    decoded = decode("libnl", XFRM, xfrm(NEWSA, state(2, "little"), attr(20, whole[cut:] + KEY)[:-cut]))
    shown = " ".join(map(str, decoded.errors)) + repr(decoded.events)
    assert (len(decoded.events), KEY.hex()[:8] in shown.lower()) == (1, False)


SHORT = {
    NEWSA: 224,
    UPDSA: 224,
    DELSA: 24,
    NEWPOLICY: 168,
    DELPOLICY: 64,
    ACQUIRE: 280,
    EXPIRE: 232,
    UPDPOLICY: 168,
    POLEXPIRE: 176,
    FLUSHSA: 1,
    NEWAE: 48,
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("kind", "size"), SHORT.items())
def test_short_header(kind: int, size: int, order: str) -> None:
    """One byte less than the structure gives no event and is said; with it there is an event."""
    decoded = decode("libnl", XFRM, xfrm(kind, bytes(size - 1), order=order), order)
    assert (decoded.events, findings(decoded)) == ([], [("HeaderError", 0, "")])
    assert payload("libnl", XFRM, xfrm(kind, bytes(size), order=order), order) is not None


@pytest.mark.parametrize("kind", [18, 21, 22, 31, 32, 33, 34, 36, 38, 39])
def test_other_messages_are_counted(kind: int) -> None:
    """Questions, reports, migrations and mappings give no event and no error."""
    decoded = decode("libnl", XFRM, xfrm(kind, state(2, "little")))
    assert (decoded.events, findings(decoded), len(decoded.unknown)) == ([], [], 1)


def test_legacy_does_not_support_it() -> None:
    """Enabling is refused, and bytes of it give nothing but a count."""
    with pytest.raises(UsageError):
        backend("legacy").enable(XFRM)
    decoded = decode("legacy", XFRM, xfrm(NEWSA, state(2, "little")))
    assert (decoded.events, decoded.errors, len(decoded.unknown)) == ([], [], 1)


def test_sizes_of_the_builders() -> None:
    """The structures have the sizes that pahole shows on a 64-bit kernel."""
    made = (selector, state, state_id, aevent, policy, policy_id, acquire, template)
    assert [len(one(2, "little")) for one in made] == [56, 224, 24, 48, 168, 64, 280, 64]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("inner", "outer"), [(2, 10), (10, 2), (2, 2)])
def test_acquire_of_a_tunnel_of_another_family(inner: int, outer: int, order: str) -> None:
    """The addresses of the wanted state are of the family of the first template, the selector's of the traffic's."""
    src, dst = text(outer)
    head = acquire(outer, order)[:40] + acquire(inner, order)[40:]
    found = payload("libnl", XFRM, xfrm(ACQUIRE, head, attr(5, template(outer, order), order), order=order), order)
    assert found.acquire == XfrmStateInfo(outer, dst, SPI, 50, src, seq=77, selector=means_selector(inner))
    assert (found.templates[0].family, found.selector.family) == (outer, inner)


def unpadded(kind: int) -> bytes:
    """The structure as i386 has it, whose 64-bit members need no more than four bytes of alignment."""
    if kind == ACQUIRE:
        whole = acquire(2, "little")
        return whole[: 96 + 164] + whole[96 + 168 :]
    head = policy(2, "little")[:164] if kind in {NEWPOLICY, UPDPOLICY, POLEXPIRE} else state(2, "little")[:220]
    return head + (b"\0\0\0\0" if kind in {EXPIRE, POLEXPIRE} else b"")


@pytest.mark.parametrize("kind", [NEWSA, UPDSA, NEWPOLICY, UPDPOLICY, EXPIRE, POLEXPIRE, ACQUIRE])
@pytest.mark.parametrize("marked", [False, True])
def test_structures_of_a_kernel_that_does_not_pad(kind: int, marked: bool) -> None:
    """A message of a 32-bit kernel is refused and reported, with and without attributes, and never misread."""
    rows = [attr(21, number("II", 1, 2, byteorder="little"))] * marked
    decoded = decode("libnl", XFRM, xfrm(kind, unpadded(kind), *rows, order="little"))
    assert (decoded.events, findings(decoded)) == ([], [("HeaderError", 0, "")])
