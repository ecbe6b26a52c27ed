"""The libnl implementation: policy tables over pyroute2's definitions, compiled into decoders.

``policy`` says which field comes from which attribute, ``resolve`` finds the numbers, ``decoder`` compiles and
walks, ``readers`` reads values, ``messages`` reads control messages, ``dump`` follows multipart answers, and
``backend`` is the implementation itself.

Not here, on purpose: anything shared with the legacy implementation.
"""

from nlmon.backends.libnl.backend import LibnlBackend

__all__ = ["LibnlBackend"]
