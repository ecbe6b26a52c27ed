"""Where the repository is that a command runs in.

Not here: what is made of it (``nlmon.report.places``).
"""

from __future__ import annotations

import os
from pathlib import Path

from nlmon.report.places import Places

__all__ = ["places"]

# The folder that GitLab has checked out (docs.gitlab.com, "Predefined CI/CD variables").
CHECKED_OUT = "CI_PROJECT_DIR"


def places() -> Places:
    """The folder of the command, and the repository around it: what GitLab has checked out, or the nearest folder with
    a ``.git``; where there is neither, the folder itself."""
    folder = Path.cwd()
    around = (folder, *folder.parents)
    given = Path(os.environ.get(CHECKED_OUT) or "-").resolve()
    top = given if given in around else next((one for one in around if (one / ".git").exists()), folder)
    return Places(str(top), str(folder))
