"""Checks of what the system lets a monitor do: privilege, protocols, families, buffers.

Not here: the configuration (``configured``) and a monitor that runs (``running``).
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from difflib import get_close_matches
from shlex import quote
from types import MappingProxyType

from nlmon.api.config import NetlinkConfig
from nlmon.monitor.doctor.finding import Finding, note, ok, problem, warning
from nlmon.monitor.doctor.host import Host, Refused
from nlmon.names import PROTOCOLS
from nlmon.uapi import CAP_NET_ADMIN, NETLINK_GENERIC, NETLINK_NETFILTER, NETLINK_SOCK_DIAG

__all__ = ["buffers", "families", "file_capabilities", "privilege", "protocols"]

# What provides a protocol or a family; a module that provides a family is mostly called like it.
_PROTOCOL_MODULES = MappingProxyType({NETLINK_SOCK_DIAG: "inet_diag", NETLINK_NETFILTER: "nfnetlink"})
_FAMILY_MODULES = MappingProxyType(
    {
        "nl80211": "cfg80211",
        "nl802154": "ieee802154",
        "l2tp": "l2tp_netlink",
        "batadv": "batman_adv",
        "IPVS": "ip_vs",
        "HSR": "hsr",
        "TIPCv2": "tipc",
        **dict.fromkeys(("ovs_datapath", "ovs_flow", "ovs_packet", "ovs_vport", "ovs_meter"), "openvswitch"),
        **{name: name for name in ("team", "wireguard", "macsec", "ovpn", "gtp", "fou", "nbd", "dpll")},
    }
)
_NOT_PERMITTED = {errno.EPERM, errno.EACCES}
_NOT_THERE = {errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT, errno.EAFNOSUPPORT}


def privilege(host: Host) -> Iterator[Finding]:
    """Whether the monitor has CAP_NET_ADMIN, or this process could give it to one."""
    lacking = [PROTOCOLS[one] for one, refused in host.refused.items() if refused.errno in _NOT_PERMITTED]
    held = _may_administer(host)
    if host.status is not None:
        who = f"the monitor runs as {host.status.user}"
    else:
        who = "this user has CAP_NET_ADMIN" if held else "this user lacks CAP_NET_ADMIN"
    command = f"sudo {host.command('')}"
    if held:
        yield ok("NLM-M080", who)
    elif lacking:
        yield problem("NLM-M080", who, f"the kernel refuses {', '.join(lacking)} without CAP_NET_ADMIN", command)
    else:
        why = "it is needed for NETLINK_NETFILTER, and for buffers beyond the system's bound"
        yield note("NLM-M080", who, why, command)


def _may_administer(host: Host) -> bool:
    """Whether the monitor that runs has CAP_NET_ADMIN, or this process, if none runs."""
    return host.may(CAP_NET_ADMIN) if host.status is None else "CAP_NET_ADMIN" in host.status.user


def file_capabilities(host: Host) -> Iterator[Finding]:
    """Whether capabilities were given to the command, which is a script and cannot have any."""
    if host.file_capabilities:
        what = f"capabilities of the file {host.program} have no effect"
        why = "it is a script, which its interpreter runs; a service has AmbientCapabilities"
        yield warning("NLM-M081", what, why, f"sudo setcap -r {quote(host.program)}")


def protocols(host: Host) -> Iterator[Finding]:
    """Whether each protocol of the configuration can be opened."""
    if host.loaded.config is None:
        return
    running = () if host.status is None else host.status.protocols
    listening = {one.name for one in running if one.enabled and one.fd >= 0}
    for protocol in NetlinkConfig.of(host.loaded.config.netlink).protocols:
        name, refused = PROTOCOLS[protocol], host.refused.get(protocol)
        if name in listening:
            yield ok("NLM-M082", f"{name} is open")
        elif refused is None:
            yield ok("NLM-M082", f"{name} can be opened")
        else:
            yield problem("NLM-M082", f"{name} cannot be opened", refused.why, _to_open(host, protocol, refused))


def _to_open(host: Host, protocol: int, refused: Refused) -> str:
    """What to type for a protocol that cannot be opened."""
    if refused.errno in _NOT_THERE and protocol in _PROTOCOL_MODULES:
        return f"sudo modprobe {_PROTOCOL_MODULES[protocol]}"
    return f"sudo {host.command('doctor')}" if refused.errno in _NOT_PERMITTED else host.command("--test-mode")


def families(host: Host) -> Iterator[Finding]:
    """Whether the kernel has the generic families of the configuration, which libnl joins."""
    config = host.loaded.config
    if config is None or not config.netlink.use_libnl or not config.netlink.protocols.generic:
        return
    if NETLINK_GENERIC in host.refused:
        return
    wanted = config.netlink.generic_families
    for name in wanted:
        if name in host.unresolved:
            hint = _meant(name, host.unresolved[name])
            misspelt = hint.startswith("did you mean")
            command = "genl ctrl list" if misspelt else f"sudo modprobe {_FAMILY_MODULES.get(name, name)}"
            yield warning("NLM-M083", f"Failed to resolve family '{name}'", hint, command)
    if wanted and not host.unresolved:
        yield ok("NLM-M083", f"the kernel has the generic families {', '.join(wanted)}")


def _meant(name: str, hint: str) -> str:
    """What to say of a family that the kernel does not have: it may be misspelt, and of a module that is not loaded."""
    if name in _FAMILY_MODULES or hint.startswith("did you mean"):
        return hint
    near = get_close_matches(name, _FAMILY_MODULES, 1)
    return f"did you mean {near[0]}?" if near else hint


def buffers(host: Host) -> Iterator[Finding]:
    """Whether sockets get the buffers that the configuration asks for; beyond the system's bound only a process with
    CAP_NET_ADMIN gets them (socket(7): SO_RCVBUFFORCE)."""
    if host.loaded.config is None:
        return
    asked = host.loaded.config.netlink.buffer_size
    fits = True
    for name, size, bound, key in (
        ("receive", asked.receive, host.rmem_max, "net.core.rmem_max"),
        ("send", asked.send, host.wmem_max, "net.core.wmem_max"),
    ):
        if bound is None or size <= bound or _may_administer(host):
            continue
        fits = False
        what = f"netlink.buffer_size.{name} is {size}, and the system gives {bound}"
        yield warning("NLM-M084", what, "a smaller buffer loses more in a burst", f"sudo sysctl -w {key}={size}")
    if fits:
        sizes = f"a receive buffer of {asked.receive} and a send buffer of {asked.send} bytes"
        yield ok("NLM-M084", f"the system gives {sizes}")
