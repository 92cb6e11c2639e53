"""How often a test that draws its cases draws them.

In: the variable `CI`. Out: every round where it is set, as for each change that is taken, and a part of them
elsewhere, so that the tests of a working folder end in minutes.
"""

from __future__ import annotations

import os


def rounds(all_of_them: int, part: int = 4) -> int:
    """How many rounds to run: all of them, or one in `part` of them."""
    return all_of_them if os.environ.get("CI") else -(-all_of_them // part)
