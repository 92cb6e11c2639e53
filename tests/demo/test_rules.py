"""The demo's policy: what it is, and that it knows no future."""

from __future__ import annotations

from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import polars as pl
import pytest
import yaml

import creditcore as cc
from creditcore.demo.network_columns import NETWORK, add_network
from creditcore.demo.rules import CARDS, KNOWN_BY, POLICY, kept_for, write_policy
from creditcore.demo.world import World, write_world
from creditcore.tactics.data import json_schema


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("rules")
    records, _ = write_world(made, World(30_000, 4))
    add_network(records)
    write_policy(made, records)
    return made


def test_the_policy_has_forty_rules_in_several_tactics(folder: Path) -> None:
    policy = cc.Policy.load(folder / "policy" / "policy.yaml")
    assert len([rule for rule in policy.rules if rule["mode"] == "live"]) >= 40
    assert len({rule["tactic"] for rule in policy.rules}) == 7
    assert {"fraud_p", "pd", "points_model"} <= set(policy.columns)
    assert set(policy.columns) & set(NETWORK)
    assert policy.time_zone == "Asia/Shanghai"
    assert all(rule["reason"] != rule["reason_zh"] for rule in policy.rules)
    jsonschema.Draft202012Validator(json_schema()).validate(
        yaml.safe_load(POLICY.read_text(encoding="utf-8"))
    )


def test_its_check_finds_nothing(folder: Path) -> None:
    policy = cc.Policy.load(folder / "policy" / "policy.yaml")
    schema = folder / "records.parquet"
    # The last row of a table whose first fitting row counts may always hold.
    assert policy.check(schema, also=["fraud_p", "pd", "points_model"], as_of="2026-07-11") == []
    assert set(kept_for(folder / "policy" / "policy.yaml")) <= set(pl.read_parquet_schema(schema))


def test_a_ring_rejects_nobody_by_itself(folder: Path) -> None:
    policy = cc.Policy.load(folder / "policy" / "policy.yaml")
    of_rings = [rule for rule in policy.rules if rule["tactic"] == "network"]
    assert {rule["action"].partition("(")[0] for rule in of_rings} == {"review", "flag", "score"}


def test_the_list_holds_what_was_known_then(folder: Path) -> None:
    records = pl.read_parquet(folder / "records.parquet", columns=["card", "fraud_at"])
    known = records.filter(pl.col("fraud_at").dt.replace_time_zone(None) < KNOWN_BY)["card"]
    listed = (folder / "policy" / CARDS).read_text().split()
    assert listed == sorted(set(known))
    assert 0 < len(listed) < records.drop_nulls()["card"].n_unique()
