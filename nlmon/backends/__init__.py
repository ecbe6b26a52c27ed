"""The two implementations of the monitor, and the one interface that both have.

Rules of this room:
1. ``legacy`` and ``libnl`` know nothing of each other and share no decoding code: what both had wrong in common, no
   comparison would show.
2. A backend talks to a transport and to nothing else, so it cannot tell a kernel from a recording.

Read ``base`` first, with its ``options`` and ``status``; ``reads`` is how an implementation says which attributes it
reads, ``groups`` names what is joined on request, ``every_group`` lists what a
recording joins, and ``registry`` finds an implementation by name. Then ``legacy`` for
how little a monitor needs, then ``libnl`` for what it can be.

Not here: sockets and recordings (``nlmon.transport``), and comparing the two (``nlmon.compare``).
"""

__all__ = ()
