"""What a comparison cannot see: what of the compared messages is read by neither of two implementations, or by one.

``readings`` says who reads which attribute, ``kernel`` lays that over all that the kernel defines. Of the messages of a
comparison, ``layouts`` works out once for those of one layout what of it is not read, ``count`` counts messages by
layout and so their ``parts``, ``changes`` finds changes that show in blind attributes alone, ``inner`` what changed
inside of these, and ``rows`` gives all of that for a report, by the kernel's names. ``held`` counts every attribute of
captures, and ``capture`` gives it those of one. There is one ``walk`` over the attributes of a message.

Rules:
1. What a comparison finds does not depend on any of this, nor does a verdict.
2. A message costs a look-up and a counter; only its layout is worked out. What the messages decide is bounded.

Not here: what one implementation reads (``nlmon.backends.reads``), and names (``nlmon.names``).
"""

__all__ = ()
