"""Other people's decoders, doing as nearly the same as they can.

``libraries`` are timed in a process of ours, ``programs`` as a whole; ``libnl.c`` is a program of ours around the C
library. Each says what it does for a message, since none does the same.

Not here: whether they agree with us (``tests/peers``).
"""
