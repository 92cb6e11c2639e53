"""What links applications: homes, hubs and rings, and no real number among them."""

from __future__ import annotations

import ipaddress

import polars as pl

from creditcore.demo.identifiers import NAMES, PLACEHOLDER_DEVICE
from creditcore.demo.rings import KINDS, MEMBER_SHARE, ROLES, SHARED
from tests.demo.conftest import RECORDS


def shared(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """Values of an identifier by how many units show them."""
    return frame.group_by(name).agg(pl.col("unit_id").n_unique().alias("units"))


def test_homes_share_an_address_and_a_city(both: pl.DataFrame) -> None:
    plain = both.filter(~pl.col("dormitory") & pl.col("ring_id").is_null())
    homes = plain.group_by("home_id").agg(pl.col("unit_id", "address", "city").n_unique())
    several = homes.filter(pl.col("unit_id") > 1)
    assert 0.1 < len(several) / len(homes) < 0.4
    assert several["unit_id"].max() <= 12  # type: ignore[operator]
    assert (homes["address"] == 1).all()
    assert (homes["city"] == 1).all()


def test_members_of_a_home_name_its_head_as_their_contact(both: pl.DataFrame) -> None:
    heads = (
        both.filter(pl.col("unit_id") == pl.col("home_id")).unique("unit_id").select("home_id", head="phone")
    )
    moved = both.filter((pl.col("unit_id") != pl.col("home_id")) & pl.col("ring_id").is_null())
    moved = moved.join(heads, on="home_id")
    assert len(moved) > 1_000
    assert (moved["contact_phone"] == moved["head"]).mean() > 0.95  # type: ignore[operator]


def test_hubs_link_many(both: pl.DataFrame) -> None:
    dormitories = shared(both.filter(pl.col("dormitory")), "address")
    assert dormitories["units"].max() >= 20  # type: ignore[operator]
    tablets = shared(both.filter(pl.col("shop") & (pl.col("device_id") != PLACEHOLDER_DEVICE)), "device_id")
    assert tablets["units"].max() >= 10  # type: ignore[operator]
    carriers = shared(both.filter(pl.col("carrier")), "ip")
    assert carriers["units"].max() >= 50  # type: ignore[operator]
    # A hub of a city serves that city.
    assert (
        both.filter(pl.col("dormitory")).group_by("address").agg(pl.col("city").n_unique())["city"] == 1
    ).all()


def test_rings_of_every_kind_are_planted(truth: pl.DataFrame, both: pl.DataFrame) -> None:
    members = both.filter(pl.col("ring_id").is_not_null())
    assert set(members["ring_kind"]) == set(KINDS)
    assert set(members["ring_role"]) == set(ROLES)
    assert members["unit_id"].n_unique() / RECORDS < MEMBER_SHARE * 1.05
    assert members["unit_id"].n_unique() / RECORDS > MEMBER_SHARE * 0.7
    sizes = members.group_by("ring_id").agg(pl.col("unit_id").n_unique())["unit_id"]
    assert sizes.min() >= 3  # type: ignore[operator]
    assert (members.group_by("unit_id").agg(pl.col("ring_id").n_unique())["ring_id"] == 1).all()
    assert set(members.filter(pl.col("ring_kind") == "shell_companies")["kind"]) == {"enterprise"}
    assert set(members.filter(pl.col("ring_kind") != "shell_companies")["kind"]) == {"person"}
    honest = members.filter(pl.col("fraud_kind_true").is_null())
    assert set(honest["ring_role"]) == {"recruited"}
    assert truth.filter(pl.col("ring_id").is_null())["ring_kind"].null_count() == RECORDS - len(members)


def test_members_of_a_ring_share_what_their_kind_shares(both: pl.DataFrame) -> None:
    columns = {"device": "device_id", "contact": "contact_phone"}
    for sort, kinds in SHARED.items():
        name = columns.get(sort, sort)
        for kind, shares in zip(KINDS, kinds, strict=True):
            members = both.filter((pl.col("ring_kind") == kind) & pl.col(name).is_not_null())
            if sort == "ip":
                members = members.filter(~pl.col("ip").str.starts_with("100."))
            pairs = members.group_by("ring_id", name).agg(pl.col("unit_id").n_unique().alias("units"))
            linked = pairs.filter(pl.col("units") > 1)["units"].sum() / members["unit_id"].n_unique()
            assert (linked > 0.15) == bool(shares), (sort, kind, linked)


def test_rings_apply_in_bursts(both: pl.DataFrame) -> None:
    first = both.filter(pl.col("unit_id") == pl.col("key"))
    days = first.group_by("ring_kind", "ring_id").agg(
        (pl.col("event_time").max() - pl.col("event_time").min()).dt.total_days().alias("days")
    )
    spans = dict(days.group_by("ring_kind").agg(pl.col("days").median()).rows())
    assert spans["device_farm"] < 20
    assert spans["device_farm"] < spans["recruited"] < 200
    assert spans[None] > 700


def test_no_identifier_can_be_a_real_one(records: pl.DataFrame) -> None:
    assert records["phone"].str.contains(r"^12\d{9}$").all()
    assert records["contact_phone"].str.contains(r"^12\d{9}$").all()
    assert records["card"].str.contains(r"^9\d{15}$").all()
    inside = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("100.64.0.0/10")]
    for address in records["ip"].unique()[:2_000]:
        assert any(ipaddress.ip_address(address) in network for network in inside)


def test_placeholders_and_gaps_are_there(records: pl.DataFrame) -> None:
    assert records.filter(pl.col("device_id") == PLACEHOLDER_DEVICE)["unit_id"].n_unique() > 20
    assert (records["device_id"].is_null() == (records["channel"] == "branch")).all()
    assert (records["employer"].is_null() == (records["kind"] == "enterprise")).all()
    assert set(NAMES) <= set(records.columns)
