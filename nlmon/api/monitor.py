"""A monitor: one implementation, its sockets, and whoever receives its events.

    with Monitor(NetlinkConfig(use_libnl=True)) as monitor:
        monitor.set_callback(print)
        monitor.start()
        ...                                    # when monitor.fileno(NETLINK_ROUTE) can be read:
        monitor.process(NETLINK_ROUTE)

    async with Monitor() as monitor:
        monitor.start()
        async for event in monitor:
            ...

Rules:
1. The implementation is chosen when the monitor is made, and stays.
2. Methods raise what they cannot do; an overrun is an event and no error.
3. A monitor is for one thread, and has no thread or loop of its own: who uses it waits for its descriptors.

Not here: the functions of the guide (``unified``), its sockets (``listener``), waiting in a loop of asyncio
(``stream``), and decoding (``nlmon.backends``).
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from nlmon.api.config import NetlinkConfig, Section, config_of, wrong_kind
from nlmon.api.event import NlmonEvent, translate
from nlmon.api.listener import Listener
from nlmon.backends.base import Backend
from nlmon.backends.status import BackendStatus
from nlmon.errors import NlmonError, UsageError
from nlmon.events import Event
from nlmon.framing import header
from nlmon.transport.base import TransportFactory

if TYPE_CHECKING:
    from nlmon.api.stream import Stream

__all__ = ["Callback", "Monitor", "of_implementation", "to_a_callback"]

Callback: TypeAlias = Callable[[NlmonEvent, Any], object]


class Monitor:
    """A netlink monitor of one implementation; see the module. ``config``: what it was made with.

    ``transports`` opens its sockets, by default on the running kernel; ``on_error`` is called with what could not be
    read, which ends nothing and is counted in ``status`` anyway. Closing is up to who made it, best by ``with``.
    """

    def __init__(
        self,
        config: NetlinkConfig | Section | None = None,
        *,
        transports: TransportFactory | None = None,
        on_error: Callable[[NlmonError], None] | None = None,
    ) -> None:
        self._callback: Callback | None = None
        self._user_data: Any = None
        self._stream: Stream | None = None
        self._delivering = False
        self.config = NetlinkConfig() if config is None else config_of(config)
        self._listener = Listener(
            self.config.implementation, self.config.options, transports or _kernel(), self._deliver, on_error
        )

    def _set_up(self, config: NetlinkConfig) -> None:
        """Make the implementation anew, with no protocol enabled."""
        self.config = config
        self._listener.set_up(config.implementation, config.options)

    @property
    def _backend(self) -> Backend:
        return self._listener.backend

    # -- protocols -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Enable the protocols of the configuration; raises as ``enable`` does, and leaves enabled what is."""
        for protocol in self.config.protocols:
            self.enable(protocol)

    def enable(self, protocol: int) -> None:
        """Open the socket of a protocol; enabling twice does nothing. Raises ``UsageError`` for a protocol that the
        implementation does not support, ``TransportError`` if the kernel refuses."""
        self._backend.enable(_number(protocol))
        if self._stream is not None:
            self._stream.wake()

    def disable(self, protocol: int) -> None:
        """Close the socket of a protocol; what waits in it is gone."""
        if self._stream is not None:
            self._stream.let_go(_number(protocol))
        self._backend.disable(_number(protocol))

    @property
    def protocols(self) -> tuple[int, ...]:
        """The protocols that have an open socket."""
        return tuple(self._listener.taps)

    def fileno(self, protocol: int) -> int:
        """Descriptor to wait for, -1 when the protocol is not enabled. libnl may open another one for a socket that
        was lost: ask after each ``process``."""
        return self._backend.fileno(_number(protocol))

    # -- events ----------------------------------------------------------------------------------------------------

    def set_callback(self, callback: Callback | None, user_data: Any = None) -> None:
        """Who receives events, as ``callback(event, user_data)``; None discards them. Allowed at any time. A callback
        may do anything but ``process`` this monitor."""
        if callback is not None and not callable(callback):
            raise wrong_kind(callback, "callback", "give a function of an event and user_data, or None")
        self._callback, self._user_data = callback, user_data

    def process(self, protocol: int) -> bool:
        """Read one datagram and deliver its events; False when nothing waited. Never blocks. With a message pool what
        was read ahead is delivered, too, since no descriptor shows it.

        What a callback raises is raised, and the rest of its datagram is not delivered. Raises ``UsageError`` when the
        protocol is not enabled, or to a callback (NLM-A004); ``TransportError`` when the socket is lost and not
        replaced."""
        if self._delivering:
            raise to_a_callback("read the next datagram")
        self._delivering = True
        try:
            return self._listener.process(_number(protocol))
        finally:
            self._delivering = False

    def due(self) -> float | None:
        """Seconds until ``process`` should be called though no descriptor is ready; None: never."""
        return self._backend.due()

    def _deliver(self, event: Event, datagram: bytes) -> None:
        if self._callback is not None:
            self._callback(translate(event, self._message(event, datagram)), self._user_data)

    def _message(self, event: Event, datagram: bytes) -> bytes:
        """The bytes of an event; none where it is no message."""
        if not datagram:
            return b""
        length = header(datagram, event.offset, self._listener.byteorder).length
        return bytes(datagram[event.offset : event.offset + length])

    # -- the whole ---------------------------------------------------------------------------------------------------

    def status(self) -> BackendStatus:
        """Counters and socket settings of every protocol that was ever enabled."""
        return self._backend.status()

    def close(self) -> None:
        """Close every socket, which ends an ``async for``. Closing twice is allowed."""
        if self._stream is not None:
            self._stream.close()
        self._backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> Stream:
        """The events, in a running loop of asyncio; takes the place of a callback. See ``stream``."""
        from nlmon.api.stream import stream_of  # noqa: PLC0415

        self._stream = stream_of(self, self._listener.taps, self._stream)
        return self._stream


def to_a_callback(what: str) -> UsageError:
    """The error of what a callback asks for and cannot have while events are delivered."""
    return UsageError(
        "NLM-A004",
        f"a callback cannot {what}",
        why="the datagram that its event came in is not delivered to its end",
        hint="return from the callback first",
    )


def _number(protocol: int) -> int:
    """The number of a protocol, which must be one. Raises ``UsageError``."""
    if not isinstance(protocol, int):
        raise wrong_kind(protocol, "protocol", "give its number, such as NLMON_PROTO_ROUTE")
    return protocol


def _kernel() -> TransportFactory:
    from nlmon.transport.kernel.transport import KernelFactory  # noqa: PLC0415

    return KernelFactory()


def of_implementation(monitor: Monitor | None, use_libnl: bool) -> Monitor:
    """The monitor, if there is one and it is of the implementation that a call names. Raises ``UsageError``."""
    if not isinstance(monitor, Monitor):
        what = "there is no context" if monitor is None else f"{type(monitor).__name__} is no context"
        raise UsageError("NLM-A002", what, hint="nlmon_netlink_init() makes one")
    if monitor.config.use_libnl != use_libnl:
        asked = "libnl" if use_libnl else "legacy"
        raise UsageError(
            "NLM-A001",
            f"the context is of {monitor.config.implementation}, and the call asks for {asked}",
            hint=f"pass use_libnl={monitor.config.use_libnl}, as the context was made with",
        )
    return monitor
