"""The legacy implementation, in the style of the C original: the standard library and plain parsing by hand.

Rules of this folder:
1. Nothing raises for any bytes; what cannot be read is an error value with its place.
2. No package but the standard library, and no code or constant of the other implementation.

Read ``backend`` first: the walk over the messages of a datagram, and the table that says which method parses which.
Then ``reading``, the loop over attributes, and one module per protocol: ``route``, ``sockets``, ``netfilter``,
``generic``. ``reads`` declares which attributes they read.

Not here: caches, recovery, families by name, IPsec and audit, which this implementation does not have.
"""

from __future__ import annotations

from nlmon.backends.legacy.backend import LegacyBackend

__all__ = ["LegacyBackend"]
