"""What an application shares with those before it: point in time, in the records, in their order."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from creditcore.demo.network_columns import NETWORK, add_network, features_of
from creditcore.demo.world import World, write_world


def test_later_records_change_no_bit_of_earlier_ones(records: pl.DataFrame) -> None:
    half = records[: len(records) // 2]
    before, after = features_of(half), features_of(records)
    assert before.columns == ["key", *NETWORK]
    assert after.join(half.select("key"), on="key", how="semi").equals(before)
    # And the second half knows of the first.
    alone = features_of(records[len(half) :])
    assert after.join(alone.select("key"), on="key", how="semi")["net_at_partners"].sum() > (
        alone["net_at_partners"].sum()
    )


def test_members_of_rings_share_more_than_others(both: pl.DataFrame) -> None:
    told = both.join(features_of(both), on="key", how="left")
    # An applicant's own applications meet too: they are compared among first ones.
    told = told.filter(pl.col("unit_id") == pl.col("key"))
    ringed = pl.col("ring_id").is_not_null()
    # The tablets of shops are devices of many honest people.
    shared = (pl.col("net_at_card_partners") + pl.col("net_at_phone_partners")).mean()
    means = told.group_by(ringed.alias("ring")).agg(net_at_partners=shared).sort("ring")
    honest, member = means["net_at_partners"]
    assert member > 10 * honest


def test_the_columns_stand_behind_the_others_and_nothing_else_changes(tmp_path: Path) -> None:
    path, _ = write_world(tmp_path, World(9_000, 3))
    before = pl.read_parquet(path)
    add_network(path)
    after = pl.read_parquet(path)
    assert after.columns == [*before.columns, *NETWORK]
    assert after[:, : before.width].equals(before)
    assert after.select("key", *NETWORK).equals(features_of(before))
    assert set(after.select(NETWORK).dtypes) == {pl.Float32}
    assert after.select(NETWORK).null_count().transpose()["column_0"].sum() == 0
    assert not list(tmp_path.glob("*.new"))
