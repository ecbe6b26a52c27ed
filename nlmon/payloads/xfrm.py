"""What IPsec messages carry: states, policies, what asks for them and what ends them.

Addresses are text of the family of their object; the unspecified address is written out (``::``, ``0.0.0.0``).

Not here: keys. The kernel sends them to privileged listeners; nlmon reads only the names and lengths of
algorithms, so that no export can leak a key.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from nlmon.payloads.diag import IpProtocol
from nlmon.payloads.route import Family

__all__ = ["XfrmAlgorithm", "XfrmFlushInfo", "XfrmPolicyInfo", "XfrmSelector", "XfrmStateInfo", "XfrmTemplate"]

XfrmMode: TypeAlias = Annotated[int, Meta(extra={"names": "xfrm_mode"})]
XfrmDirection: TypeAlias = Annotated[int, Meta(extra={"names": "xfrm_dir"})]
XfrmAction: TypeAlias = Annotated[int, Meta(extra={"names": "xfrm_action"})]


class XfrmSelector(Struct, frozen=True, gc=False):
    """``xfrm_selector``: which traffic. Ports are pairs of value and mask."""

    family: Family
    src: str
    dst: str
    prefixlen_s: int
    prefixlen_d: int
    proto: IpProtocol
    sport: tuple[int, int]
    dport: tuple[int, int]
    ifindex: int
    user: int


class XfrmAlgorithm(Struct, frozen=True, gc=False):
    """An algorithm without its key. ``key_len``, ``icv_len`` and ``trunc_len`` in bits."""

    name: str
    key_len: int
    icv_len: int | None = None
    trunc_len: int | None = None


class XfrmStateInfo(Struct, frozen=True, gc=False):
    """A security association (``xfrm_usersa_info``), or what names one (``xfrm_usersa_id``, ``xfrm_aevent_id``).

    Fields a message of its kind does not hold are None. ``flags``: XFRM_STATE_*, so not those of an aevent, XFRM_AE_*,
    which say what it is about. ``hard``: of XFRM_MSG_EXPIRE, whether the state is gone.
    ``bytes``, ``packets``: its use so far. ``encap``: (type, source port, destination port) of UDP
    encapsulation. ``mark``: (value, mask).
    """

    family: Family
    daddr: str
    spi: int
    proto: IpProtocol
    saddr: str | None = None
    mode: XfrmMode | None = None
    reqid: int | None = None
    replay_window: int | None = None
    flags: int | None = None
    seq: int | None = None
    selector: XfrmSelector | None = None
    bytes: int | None = None
    packets: int | None = None
    hard: bool | None = None
    auth: XfrmAlgorithm | None = None
    crypt: XfrmAlgorithm | None = None
    aead: XfrmAlgorithm | None = None
    comp: XfrmAlgorithm | None = None
    encap: tuple[int, int, int] | None = None
    mark: tuple[int, int] | None = None
    if_id: int | None = None
    extra_flags: int | None = None


class XfrmTemplate(Struct, frozen=True, gc=False):
    """``xfrm_user_tmpl``: one transformation that a policy asks for."""

    family: Family
    saddr: str
    daddr: str
    spi: int
    proto: IpProtocol
    mode: XfrmMode
    reqid: int
    share: int
    optional: bool


class XfrmPolicyInfo(Struct, frozen=True, gc=False):
    """A policy (``xfrm_userpolicy_info``), what names one (``xfrm_userpolicy_id``), or an acquire
    (``xfrm_user_acquire``), whose ``acquire`` is the state that is wanted. ``hard``: of XFRM_MSG_POLEXPIRE."""

    selector: XfrmSelector
    dir: XfrmDirection | None = None
    index: int | None = None
    priority: int | None = None
    action: XfrmAction | None = None
    flags: int | None = None
    share: int | None = None
    type: int | None = None
    templates: tuple[XfrmTemplate, ...] | None = None
    mark: tuple[int, int] | None = None
    if_id: int | None = None
    hard: bool | None = None
    acquire: XfrmStateInfo | None = None


class XfrmFlushInfo(Struct, frozen=True, gc=False):
    """All states of a protocol (0 or 255: of every protocol), or all policies of a type, are gone."""

    proto: IpProtocol | None = None
    type: int | None = None
