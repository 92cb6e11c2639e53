"""Labels of people: confirmed fraud, confirmed good, unknown.

Comes in: a column of the records, or a series aligned with their rows. Goes out: `key` and `label`, and for
the people of a network 1, 0 or -1 each. Of a key's rows one true makes it true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from creditcore.errors import ArgumentError
from creditcore.sources import Records

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray


def label_rows(records: Records, key: str, labels: Any, ring: str | None = None) -> pl.DataFrame:
    """Give the labels of the records as a frame of `key` and `label` (Int8, null for unknown).

    With `ring`, a column that names confirmed rings, the frame has it as `ring`.

    Raises:
        ArgumentError: labels of another length than the rows, or of values other than true, false and null.
    """
    from creditcore._frame import source_parts, to_frame
    from creditcore.sources import open_source

    wanted = [(key, "key")] + ([(labels, "number")] if isinstance(labels, str) else [])
    place = str(len(wanted))
    wanted += [] if ring is None else [(ring, "key")]
    parts = [part for part, _, _ in source_parts(open_source(records), wanted)]
    frame = parts[0].vstack(parts[1]) if len(parts) > 1 else parts[0]
    for part in parts[2:]:
        frame = frame.vstack(part)
    if isinstance(labels, str):
        values = frame["1"]
    else:
        values = to_frame({"label": labels})["label"]
        if len(values) != len(frame):
            raise ArgumentError(f"there are {len(values)} labels for {len(frame)} rows; give one for each")
    if not (values.dtype.is_numeric() or str(values.dtype) in ("Boolean", "Null")):
        raise ArgumentError(
            f"labels are of type {values.dtype}; give true (confirmed fraud), false (confirmed good) or null"
        )
    whole = values.cast(int)
    if len(whole.drop_nulls()) and not set(whole.drop_nulls().unique().to_list()) <= {0, 1}:
        raise ArgumentError("labels are true (confirmed fraud), false (confirmed good) or null (unknown)")
    made = frame.select("0").rename({"0": "key"}).with_columns(whole.alias("label"))
    return made if ring is None else made.with_columns(frame[place].alias("ring"))


def known_of(people: pl.Series, labels: pl.DataFrame | None) -> NDArray[np.int8]:
    """Give for each key 1 for known fraud, 0 for known good, -1 for unknown."""
    if labels is None:
        # A key is never null: everybody is unknown.
        return people.is_null().cast(int).to_numpy().astype("int8") - 1
    one = labels.select("key", "label").drop_nulls("label").group_by("key").max()
    one = one.with_columns(one["key"].cast(people.dtype))
    joined = people.to_frame("key").join(one, on="key", how="left", maintain_order="left")
    return joined["label"].fill_null(-1).to_numpy().astype("int8")
