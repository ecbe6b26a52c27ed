"""Finds uses of what the migration guide calls old, and says what to write instead and until when one need not.

    from nlmon.deprecations.search import search
    [use.text for use in search([Path("src")]).uses]

``table`` says what is old, ``yaml``, ``python`` and ``c`` find it in the content of a file, ``search`` goes through
files and folders, and ``found`` has what comes of it.

Not here: rewriting a file, and printing (``nlmon.cli``).
"""

from __future__ import annotations

__all__ = ()
