"""The libnl implementation: policies over pyroute2's definitions, compiled into decoders, and what a monitor does
around them.

Rules of this folder:
1. Nothing raises for any bytes; what cannot be read is an error value with its place.
2. Of pyroute2 the definitions are used, for numbers and headers, and never its decoder.
3. Only ``backend``, ``requests`` and ``lookups`` meet a transport, ``membership``, which joins groups, and ``pool``,
   which reads ahead; all else is values in, values out.

From the bytes up: ``uapi`` has numbers of the kernel's headers, ``policies`` says which field comes from which
attribute, ``decode`` walks messages with them, and messages that look like earlier ones are read by the functions of
``layouts``. ``requests`` asks the kernel, and ``dump`` follows its answers. ``cache`` holds links, addresses and
routes, and ``lookups`` fills and reads it. ``resync`` says what is done about a loss and when, ``recovery`` which
events that gives. ``membership`` joins the groups of generic families, ``pool`` holds datagrams that were read ahead.
``backend`` is the implementation itself.

Not here, on purpose: anything shared with the legacy implementation.
"""

from __future__ import annotations

from nlmon.backends.libnl.backend import LibnlBackend

__all__ = ["LibnlBackend"]
