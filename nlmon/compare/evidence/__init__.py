"""Evidence: a third reading of the bytes, which shares no code with either implementation.

``check`` compares an event with its message, ``reading`` and ``offsets`` say where the contract finds a value,
``values`` how it is encoded, ``locate`` where attributes stand, ``generic`` what generic families need. ``tree`` says
what a message consists of, ``hidden`` where keys are, and ``sample`` holds what a report shows of a difference.

Not here: comparing two implementations (``nlmon.compare.judge``).
"""

__all__ = ()
