"""The state of a host: objects by identity, made of events and held against dumps.

``identity`` says which object a message is about, ``describe`` names it for people, and ``listing`` gives the ``rows``
that `ip -j` would of all of them, with the names that ``iproute`` has for numbers. ``tables`` folds events by the
kernel's rules (``nlmon.objects``) and ``dumps`` holds dumps against them; ``indexes`` finds objects by interface, and
``hops`` takes hops from routes.

Not here: comparing two states (``nlmon.compare.final``).
"""

__all__ = ()
