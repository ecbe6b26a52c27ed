"""The libnl implementation: policies over pyroute2's definitions, compiled into decoders, and what a monitor does
around them.

Rules of this folder:
1. Nothing raises for any bytes; what cannot be read is an error value with its place.
2. Of pyroute2 the definitions are used, for numbers and headers, and never its decoder.
3. Only ``backend`` and ``requests`` meet a transport, and ``pool``, which reads ahead; all else is values in, values
   out.

From the bytes up: ``policies`` says which field comes from which attribute, ``decode`` walks messages with them, and
what repeats itself is read by the functions of ``layouts``. ``dump`` follows answers, ``requests`` asks.
``cache`` holds what was said, ``recovery`` finds what was missed, ``pool`` waits;
``backend`` is the implementation itself.

Not here, on purpose: anything shared with the legacy implementation.
"""

from __future__ import annotations

from nlmon.backends.libnl.backend import LibnlBackend

__all__ = ["LibnlBackend"]
