"""The command line: `creditcore VERB ...`.

Data goes to standard output, progress and notes to standard error. Exit status: 0 done, 1 failed on its data,
2 bad usage, 3 a check failed, 130 interrupted. Each verb stands in a file of its own and is loaded when it
is called, so that `creditcore --version` starts at once.
"""

from __future__ import annotations

import gc
import sys

# A run makes few Python objects that outlive it; looking for garbage among the modules' would only cost time.
_OBJECTS_BETWEEN_COLLECTIONS = 100_000


def main() -> None:
    """Run the command line; the entry point of the `creditcore` script."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from creditcore._core import __version__

        print(f"creditcore {__version__}")
        return
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    from creditcore.cli.app import run

    sys.exit(run())
