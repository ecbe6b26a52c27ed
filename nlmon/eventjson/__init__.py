"""Events as JSON, and back.

``plan`` says how each field is written; by it ``write`` makes lines of events, ``read`` events of lines, and ``schema``
the JSON Schema of a line.

Not here: files.
"""

__all__ = ()
