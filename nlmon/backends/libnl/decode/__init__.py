"""Decoders of the libnl implementation: one module per protocol, over the tables and recipes of ``policies``.

``attributes`` compiles policies and walks with them. On it stand the decoders, one a protocol or part of one:
``route``, ``network``, ``sockets``, ``netfilter``, ``xfrm``, ``audit``, ``generic`` with its ``families``.
``messages`` gives each message of a datagram to its decoder, and to ``control`` what is none of theirs.

Not here: sockets, caches and recovery (``nlmon.backends.libnl``), and functions for messages that resemble earlier ones
(``layouts``).
"""

__all__ = ()
