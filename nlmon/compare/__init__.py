"""The comparison: what two implementations made of the same datagrams, as differences that a person can act on.

Rules of this room:
1. Values in, values out: no capture, no transport, no backend, and no file but the contract.
2. The contract says who must provide what. What both provide is held against each other; what only one provides is
   held against the bytes, by a third reading that shares nothing with either.
3. Every class of difference, its code and its weight stand in one table, in ``difference``.

Read ``contract`` and ``difference`` first, then ``judge``, which is given each datagram. Of most datagrams
``fast`` says at once that both make the same of them; nothing else runs then.
Else ``judge`` pairs events with ``align`` and compares them with ``classify``, errors with ``problems`` and the states
in the end with ``final``. ``evidence`` holds against the bytes what has no counterpart. ``explain`` makes a difference
of a finding, with the bytes that ``evidence`` finds, and ``findings`` keeps the first ones with what they rest on.

Not here: feeding the implementations (``nlmon.engine.replay``), and printing (``nlmon.report``).
"""

__all__ = ()
