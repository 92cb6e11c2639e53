"""`python benches/rings.py`: one table of methods that look for rings, on made-up graphs of every timing.

In: sizes and seeds as arguments. Out: the table of `creditcore bench groups`, for each timing regime.
"""

from __future__ import annotations

import argparse

from creditcore.bench.credit_graph import TIMINGS
from creditcore.bench.rings import compare, few_labels


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=300_000)
    parser.add_argument("--train", type=int, default=1)
    parser.add_argument("--test", type=int, default=2)
    parser.add_argument("--timing", choices=TIMINGS, action="append")
    parser.add_argument("--only-ours", action="store_true")
    parser.add_argument("--few", type=int, nargs="+", help="confirmed rings to learn from, and nothing else")
    told = parser.parse_args()
    for timing in told.timing or TIMINGS:
        asked = (told.people, told.train, told.test, timing)
        for line in few_labels(*asked, told.few) if told.few else compare(*asked, others=not told.only_ours):
            print(line, flush=True)


if __name__ == "__main__":
    main()
