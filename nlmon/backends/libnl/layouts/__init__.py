"""Layouts: messages of one kernel repeat themselves, so what was walked twice is read by a function of its own.

The messages that a kernel sends of one kind have the same attributes in the same places nearly always. A layout is
such a message with its values left out. Its function checks every byte that decides how the message would be walked,
all at once, and reads the values at one stroke. Where the check fails, nothing has happened, and the policy is
walked as ever.

Rules of this folder:
1. A layout gives exactly what the policy gives, for any bytes. It is made only of what was read without an error, and
   used only where the walk would call the same readers at the same places. A reader whose form it does not know, it
   calls.
2. What a subclass replaced is not known here: a handler has a whole-message function only while it is the original.
3. Generated code is made of our own names and of integers, some of which are a message's type, flags and first byte;
   no text of a message is ever part of a source.
4. Bounded: layouts, their bytes, their memos, and how often functions are made, so that a sender of ever new layouts
   gains nothing by it.

``shape`` says what stands where, ``source`` writes functions, with ``memo`` for texts. ``ranges`` makes layouts of
attributes, for every protocol, ``messages`` of whole messages, for rtnetlink's five kinds and nl80211; ``cache`` keeps
what was made and counts. Messages of another namespace are walked: few monitors hear any.

Not here: policies and readers, and the walk that all this stands for (``decode.attributes``).
"""

__all__ = ()
