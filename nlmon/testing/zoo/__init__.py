"""Bad implementations, for everybody who tests a comparison: each has one mistake, and says how it must be found.

    from nlmon.testing.zoo import ZOO

    @pytest.mark.parametrize("bad", ZOO.values(), ids=ZOO.keys())
    def test_it_is_found(bad): ...

``base`` is what one of them is, ``decoding`` has mistakes of decoders, ``events`` those with events, ``values`` those
with single values, ``alike`` those that hardly show, ``rare`` those that only a rare message shows. ``behaviour`` has
those of an implementation's life: what it joins, where it raises, what it hides; ``faults`` those that only a fault
shows, ``resynced`` those of synthetic events, ``counting`` those of counters. Known bugs of the C program
have a name that begins with their id, such as ``N07``; ``upstream`` has those that are no mistake of a decoder.

Not here: how a comparison is made (``nlmon.engine``).
"""

from nlmon.testing.zoo.alike import ALIKE
from nlmon.testing.zoo.base import BadImplementation
from nlmon.testing.zoo.behaviour import BEHAVIOUR
from nlmon.testing.zoo.counting import COUNTING
from nlmon.testing.zoo.decoding import DECODING
from nlmon.testing.zoo.events import EVENTS
from nlmon.testing.zoo.faults import FAULTS
from nlmon.testing.zoo.rare import RARE
from nlmon.testing.zoo.resynced import RESYNCED
from nlmon.testing.zoo.upstream import UPSTREAM
from nlmon.testing.zoo.values import VALUES

__all__ = ["ZOO", "BadImplementation"]

MISTAKES = (*DECODING, *UPSTREAM, *EVENTS, *ALIKE, *RARE, *BEHAVIOUR, *FAULTS, *RESYNCED, *COUNTING)

ZOO: dict[str, BadImplementation] = {
    bad.name: bad for bad in (*MISTAKES, *(value.implementation() for value in VALUES))
}
