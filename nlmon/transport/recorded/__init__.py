"""A recorded kernel behind the transport interface.

``kernel`` remembers what the recording says of its kernel, ``objects`` the rows of its tables, whose ``values`` are
read by ``reading``; ``answers`` answers requests from both. ``transport`` delivers to the sockets that joined a group
(``groups``), and suffers ``faults``.

Not here: decoding (``nlmon.backends``), and which datagram is a notification (``nlmon.capture.conversation``).
"""

__all__ = ()
