"""The state of a host: objects by identity, made of events and held against dumps.

``identity`` says which messages are about one object, ``describe`` names it for people. ``tables`` folds events and
``dumps`` holds dumps against them; ``indexes`` finds objects by interface, and routes by group.

Not here: comparing two states (``nlmon.compare.final``).
"""

__all__ = ()
