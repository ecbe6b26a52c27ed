"""Layouts: messages of one kernel resemble each other, so what was walked often is read by a function of its own.

The messages that a kernel sends of one kind have the same attributes in the same places nearly always. A layout is
such a message with its values left out. Its function compares every byte that decides how the message would be walked,
all at once, and unpacks the values at one stroke. Where the comparison fails, nothing has happened, and the policy is
walked. This is the function of an IPv6 route that was deleted::

    def layout(data, whole, at, timestamp, frame_number, request, errors, link_name):
        if from_bytes(data, 'little') & MASK != EXPECTED: return None
        seq, pid, dst = UNPACK(data)
        dst = IP_TEXT[dst]
        return Event(timestamp, 0, TYPE, FLAGS, seq, pid, frame_number, at,
            link_name(oif) if oif is not None and oif > 0 else None,
            RouteInfo(family, dst_len, src_len, tos, protocol, scope, type, flags, ...))

What it does not unpack, such as the family, never changed so far and is a constant; the constants are compared, too.
``nlmon debug layout`` prints the functions that a capture leads to.

Rules of this folder:
1. A layout gives exactly what the policy gives, for any bytes. It is made only of what was read without an error, and
   used only where the walk would call the same readers at the same places. A reader whose form it does not know, it
   calls.
2. Layouts are used by the decoders and backends that declare it by a class keyword. No subclass inherits that, since
   what it changes is not known here.
3. Generated code is made of our own names and of integers, some of which are a message's type and flags; no text of a
   message is ever part of a source.
4. Bounded: layouts, their bytes, their memos, and how often functions are made, so that a sender of ever new layouts
   gains nothing by it.

``shape`` finds what stands where, ``source`` writes functions, with ``memo`` for texts. ``ranges`` makes layouts of
attributes, for every protocol, ``messages`` of whole messages, for those that a recipe describes; ``cache`` keeps what
was made and counts, within the ``budget``. Messages of another namespace are walked: few monitors receive any.

Not here: policies, readers and recipes, and the walk that all this stands for (``decode.attributes``).
"""

__all__ = ()
