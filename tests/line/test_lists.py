"""Lists of texts as one text: what polars joins one by one, whichever way is taken."""

from __future__ import annotations

import polars as pl
import pytest

from creditcore.frames.lists import FEW, joined_lists

ODD = [[], ["x"], None, [None], [""], ["y", None]]


@pytest.mark.parametrize("several", [0, 1, FEW, 10 * FEW])
def test_lists_are_joined_as_polars_joins_them(several: int) -> None:
    lists = [*ODD, *[["a"]] * 6 * FEW, *[["b", "c"], [None, "d", ""]] * several]
    rows = pl.DataFrame(
        {"rules": lists, "other": range(len(lists))},
        schema={"rules": pl.List(pl.String), "other": pl.Int64},
    )
    made = joined_lists(rows)
    assert made.equals(rows.with_columns(pl.col("rules").list.join("|")))
    assert made["rules"].null_count() == 1
    assert joined_lists(rows.clear()).schema == {"rules": pl.String, "other": pl.Int64}
    assert joined_lists(made) is made
