"""What an application shares with those before it: the columns `net_at_*` of the demo's records.

Comes in: the records of a world. Goes out: for each record features of its surroundings as they were known
when it was made, point in time: a record that comes later changes no bit of them. A record is a person of
the network; the applications of one applicant meet through phone and card.

Device, phone and card link. The others do not, for reasons that hold in life too: an address joins whole
dormitories and homes, a contact is another applicant's phone for most of the honest, so that nobody is a
stranger to anybody; an employer is shared by thirty; and of the private addresses of a network there are
sixteen million, which millions of homes share by chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from creditcore.linking.network import Network

IDENTIFIERS = {"device": "device_id", "phone": "phone", "card": "card"}
STRENGTHS = {"card": 9.0, "device": 7.5, "phone": 8.6}
"""Minus the logarithm (base 2) of the share of applicants who share one with another: what `Network.fit`
learns of applicants (`unit_id`) in a world of this kind, rounded. Frozen: a record's features must not depend
on the records after it."""
TAU = 30.0
"""Days in which a tie fades by 1/e."""
OF_ALL = ("partners", "strength", "strength_static", "strength_max", "triangles", "one_hop", "two_hop")
OF_EACH = ("partners", "degree", "strength", "share")
NETWORK = (
    *(f"net_at_{name}" for name in OF_ALL),
    *(f"net_at_{sort}_{name}" for sort in IDENTIFIERS for name in OF_EACH),
)
"""The columns, in their order; docs/groups.md tells what each means."""
CHUNK = 1 << 18


def network_of(records: Any) -> Network:
    """Build the network of some records: files or a frame with `key`, `event_time` and the identifiers."""
    return Network.build(records, "key", IDENTIFIERS, "event_time", {"strengths": STRENGTHS})


def features_of(records: Any) -> pl.DataFrame:
    """Give `key`, ascending, and the columns `NETWORK`."""
    return network_of(records).ego_features(view="at", tau=TAU)


def with_network(frame: pl.DataFrame, features: pl.DataFrame) -> pl.DataFrame:
    """Put the columns `NETWORK` beside records, by their `key`; rows keep their order."""
    return frame.join(features, on="key", how="left", maintain_order="left", validate="1:1")


def add_network(records: Path) -> None:
    """Write a world's records anew, with the columns `NETWORK` behind the others.

    Args:
        records: `records.parquet` as `write_world` leaves it; it is replaced when the new file is whole.

    Memory: some 150 bytes a record for the network and its features.
    """
    from polars.io.plugins import register_io_source

    features = features_of(records)
    scanned = pl.scan_parquet(records)
    total = len(features)

    def chunks(*_asked: object) -> Iterator[pl.DataFrame]:
        # Keys ascend in both, as records are numbered in their order.
        for start in range(0, total, CHUNK):
            rows = scanned.slice(start, CHUNK).collect()
            yield with_network(rows, features[start : start + CHUNK])

    schema = {**scanned.collect_schema(), **dict.fromkeys(NETWORK, pl.Float32())}
    made = records.with_suffix(".new")
    source = register_io_source(chunks, schema=pl.Schema(schema))
    source.sink_parquet(made, compression="zstd", compression_level=1, row_group_size=CHUNK)
    made.replace(records)
