"""Sockets of the running kernel behind the transport interface.

``transport`` is the interface, ``sockets`` opens and reads sockets, ``waiting`` waits for them, ``requests`` asks and
collects the answers, ``ifnames`` remembers names of interfaces.

Not here: a recorded kernel (``nlmon.transport.recorded``).
"""

__all__ = ()
