"""``python -m nlmon``: the command ``nlmon`` where its console script is not on the path.

Not here: the command itself (``nlmon.cli.main``).
"""

from nlmon.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
