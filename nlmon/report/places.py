"""Where the files of a report are, for readers that know them by their place in a repository.

Rules:
1. Paths are compared as text; no file is looked at.

Not here: finding the repository (``nlmon.project.repository``).
"""

from __future__ import annotations

import os
from pathlib import PurePath

from msgspec import Struct

__all__ = ["NOWHERE", "Places"]


class Places(Struct, frozen=True):
    """``folder``: the one that relative paths start from; ``repository``: the top of the repository that it is in.
    Where neither is known, relative paths are taken to start from the top."""

    repository: str = ""
    folder: str = ""

    def in_repository(self, path: str) -> str:
        """A path from the top of the repository, with slashes; of a file outside of it the name and a word."""
        whole = PurePath(os.path.normpath(PurePath(self.folder, path)))
        if self.repository and whole.is_relative_to(self.repository):
            return whole.relative_to(self.repository).as_posix()
        outside = whole.is_absolute() or whole.parts[:1] == ("..",)
        return f"{whole.name or whole} (outside of the repository)" if outside else whole.as_posix()


NOWHERE = Places()
