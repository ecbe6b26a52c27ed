"""The world of a backend: datagrams in and out, from the running kernel or from a recording that plays one.

Rules of this room:
1. A backend sees ``base`` and nothing else; ``kernel`` and ``replay`` are two ways to be it.
2. Of a message only what the kernel's side must know is read, and that reading is shared with no implementation.
3. What was not recorded is refused as a kernel refuses it; nothing is made up.

Read ``base`` first. A live run has ``kernel``, over ``sockets`` and with ``names`` for as long as they are true, and
``recorder`` between it and the backend. A replayed one has ``replay``, which delivers by ``groups`` and suffers
``faults``; ``told`` remembers what the recording said of its kernel, ``objects`` the rows of its tables, and
``answers`` answers requests from both.

Not here: decoding (``nlmon.backends``), and files (``nlmon.capture``).
"""

__all__ = ()
