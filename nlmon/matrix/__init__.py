"""Any number of implementations beside each other: who says what of each message, and who is right by its bytes.

Rules:
1. No implementation is the measure of another, and no majority is: the bytes are, by the third reading of
   ``nlmon.compare.evidence``. What they do not decide is said to be open.
2. A crash, a late answer, garbage or a wrong order is *errored*; it is never counted as agreement.
3. A key that is missing is not provided and contradicts nobody; null says that the message does not carry it. A value
   that a program declares for what is absent is counted apart.

Read ``judging`` first, which is given each datagram with what each implementation made of it; ``third`` says what the
bytes hold, by the encodings of ``encodings``; ``places`` keeps the first of each kind of disagreement; ``run`` feeds
captures, and ``model`` is the report, which ``text`` and ``markdown`` write for people.

Not here: the verdict on a move from one implementation to another (``nlmon.engine.replay``), and what the header of an
event and the name of its interface are, which a program does not say.
"""

__all__ = ()
