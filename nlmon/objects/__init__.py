"""The objects of a host by the kernel's rules: when two messages are about the same one, what a new one replaces, and
what goes with a link or a nexthop object.

``values`` names the fields that an object is known by, ``keys`` says which of them decide, and what an event is about,
``partial`` which messages leave most of it as it was, ``groups`` keeps the routes to one destination in the kernel's
order, ``implied`` says what ends in silence with a link, ``nexthops`` what does with a nexthop object.

Rules:
1. Each rule stands once. ``nlmon.state`` applies it to what implementations read, ``nlmon.transport.recorded`` to
   bytes.
2. Nothing is decoded: rules are given values and compare them, whatever these are.

Not here: the objects themselves (``nlmon.state.tables``, ``nlmon.transport.recorded.objects``).
"""

__all__ = ()
