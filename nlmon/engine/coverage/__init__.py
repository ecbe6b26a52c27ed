"""What a comparison cannot see: what of the compared messages is read by neither of two implementations, or by one.

``readings`` says who reads which attribute, ``kernel`` lays that over all that the kernel defines.

Rules:
1. What a comparison finds does not depend on any of this, nor does a verdict.

Not here: what one implementation reads (``nlmon.backends.reads``), and names (``nlmon.names``).
"""

__all__ = ()
