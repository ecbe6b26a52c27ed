"""Checks of a monitor that runs, on what its status says.

Not here: what the status holds (``nlmon.monitor.status``).
"""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from nlmon.monitor.doctor.finding import Finding, note, ok, problem, warning
from nlmon.monitor.doctor.host import Host

__all__ = ["arrivals", "control_socket", "exports", "losses", "memory", "namespace", "reconnects", "running"]

MIB = 1 << 20
# A monitor that has grown to so many times of its size at the start, and by so much, keeps growing.
GROWN, GROWN_BY = 2, 64 * MIB
# A socket that was opened again so often is not lost by chance.
OFTEN = 3
# The largest buffer that a configuration may ask for.
LARGEST_BUFFER = 10 * MIB


def running(host: Host) -> Iterator[Finding]:
    """Whether a monitor runs with this configuration."""
    if host.status is not None:
        yield ok("NLM-M097", f"a monitor runs, pid {host.status.pid}, with {host.status.implementation}")
    elif host.trouble:
        yield warning("NLM-M097", "the monitor cannot be asked", host.trouble, host.command("--status"))
    else:
        why = "" if host.is_root else "one of another user is asked as that user or as root"
        # With nothing behind it the command prints its help.
        command = host.command("") if host.options else "nlmon --config FILE"
        yield note("NLM-M097", "no monitor runs with this configuration", why, command)


def losses(host: Host) -> Iterator[Finding]:
    """Whether the kernel has dropped messages, or the monitor events, since it has started."""
    if host.status is None:
        return
    lost = [one for one in host.status.protocols if one.dropped > 0]
    buffer = 0 if host.loaded.config is None else host.loaded.config.netlink.buffer_size.receive
    raised = min(2 * buffer, LARGEST_BUFFER)
    for one in lost:
        what = f"the kernel dropped {one.dropped} messages of {one.name}"
        why = f"its receive buffer was full; raise netlink.buffer_size.receive from {buffer} to {raised}"
        yield warning("NLM-M085", what, why, f"NLMON_NETLINK_BUFFER_SIZE_RECEIVE={raised} {host.command('')}")
    dropped = {reason: count for reason, count in host.status.dropped.items() if reason == "rate limit" and count}
    for count in dropped.values():
        what = f"{count} events were more than core.rate_limit"
        yield warning("NLM-M085", what, "with 0 there is no limit", f"NLMON_CORE_RATE_LIMIT=0 {host.command('')}")
    if not lost and not dropped:
        yield ok("NLM-M085", "nothing was lost since the monitor has started")


def memory(host: Host) -> Iterator[Finding]:
    """Whether the monitor has grown since it has started."""
    if host.status is None:
        return
    size = host.status.memory
    grown = size.now - size.at_start
    if size.now > GROWN * size.at_start and grown > GROWN_BY:
        what = f"the monitor has grown from {size.at_start // MIB} to {size.now // MIB} MiB"
        caches = ", ".join(f"{one.name} {one.objects}" for one in host.status.caches)
        why = f"its caches hold {caches} objects; switch off what is not needed" if caches else "it keeps no caches"
        yield warning("NLM-M086", what, why, f"NLMON_NETLINK_CACHING_ENABLED=false {host.command('')}")
    else:
        yield ok("NLM-M086", f"the monitor has {size.now // MIB} MiB, at most {size.peak // MIB}")


def exports(host: Host) -> Iterator[Finding]:
    """Whether exports of the monitor work, and have dropped nothing."""
    if host.status is None:
        return
    well = True
    for one in host.status.exports:
        code = one.error.partition(":")[0]
        explain = f"nlmon explain {code}" if code.startswith("NLM-") else host.command("--status")
        if one.state in {"failing", "broken"}:
            well = False
            yield problem("NLM-M091", f"the export {one.name} is {one.state}", one.error, explain)
        dropped = sum(one.dropped.values())
        if dropped:
            well = False
            reasons = ", ".join(f"{reason} {count}" for reason, count in one.dropped.items() if count)
            what = f"the export {one.name} dropped {dropped} events"
            yield warning("NLM-M091", what, reasons, host.command("--status"))
    if host.status.exports and well:
        yield ok("NLM-M091", f"exports work: {', '.join(one.name for one in host.status.exports)}")


def reconnects(host: Host) -> Iterator[Finding]:
    """Whether sockets of the monitor are lost again and again."""
    if host.status is None:
        return
    often = [one for one in host.status.protocols if one.reconnects >= OFTEN]
    for one in often:
        what = f"{one.name} was reconnected {one.reconnects} times"
        why = "what the kernel sent meanwhile is lost; its network namespace may come and go"
        yield warning("NLM-M093", what, why, "journalctl -u nlmon | grep reconnect")
    gone = [one for one in host.status.protocols if one.enabled and one.fd == -1]
    for one in gone:
        what, why = f"{one.name} is not listened to any more", "its socket was lost and could not be opened again"
        yield problem("NLM-M093", what, why, "journalctl -u nlmon | grep reconnect")
    if not often and not gone:
        yield ok("NLM-M093", "no socket of the monitor was lost again and again")


def namespace(host: Host) -> Iterator[Finding]:
    """Whether the monitor listens in the network namespace that this process is in."""
    if host.status is None or not host.namespace or not host.monitor_namespace:
        return
    if host.namespace == host.monitor_namespace:
        yield ok("NLM-M095", "the monitor listens in this network namespace")
    else:
        what = "the monitor listens in another network namespace"
        why = f"{host.monitor_namespace} instead of {host.namespace}: what changes here it does not see"
        yield note("NLM-M095", what, why, f"ip netns identify {host.status.pid}; ip netns list")


def arrivals(host: Host) -> Iterator[Finding]:
    """Whether events arrive, and get past the rules."""
    if host.status is None:
        return
    arrived = sum(one.events for one in host.status.protocols)
    rules = host.status.rules
    if not arrived:
        why = "either nothing has changed on this host, or nothing arrives"
        yield note("NLM-M096", "no event has come since the monitor has started", why, "ip monitor all")
    elif rules and not any(one.matched for one in rules):
        what = f"the rules match none of {arrived} events"
        yield note("NLM-M096", what, ", ".join(one.name for one in rules), "nlmon filter test EXPRESSION CAPTURE")
    else:
        yield ok("NLM-M096", f"{arrived} events have come")


def control_socket(host: Host) -> Iterator[Finding]:
    """Whether the control socket is its owner's alone, and is not left over."""
    one = host.socket
    if one.mode is None:
        return
    if one.folder_open:
        what = "every user may replace the control socket"
        why = f"the folder of {one.path} may be written by all"
        yield problem("NLM-M088", what, why, f'ls -ld "$(dirname {quote(one.path)})"')
    elif one.mode & 0o077:
        what = f"the control socket has the permissions {one.mode:04o}"
        yield problem("NLM-M088", what, "others may ask the monitor", f"sudo chmod 600 {quote(one.path)}")
    elif host.status is None and not host.trouble:
        what = f"a monitor has left its control socket behind: {one.path}"
        yield note("NLM-M088", what, "it was killed; the next monitor replaces it")
    else:
        yield ok("NLM-M088", "the control socket is its owner's alone")
