"""Hidden rings among the applicants: what is found, what components alone would have joined, what is missed.

Comes in: a world's records, and at the end its truth. Goes out: judged rings, and a line. A person here is an
applicant: the applications of one are no ring. Names nobody.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import polars as pl

from creditcore.demo.network_columns import IDENTIFIERS
from creditcore.demo.real_case import Evidence
from creditcore.linking.groups import Groups, find_groups
from creditcore.linking.network import components

MATCH = 0.5
"""A planted ring is found where a judged one has this share of both together (Jaccard's index)."""


class Rings(NamedTuple):
    """What was found, against what was planted."""

    planted: int
    found: int
    members_right: int
    members: int
    dormitory: int
    """Residents of dormitories."""
    dormitory_judged: int
    """Those of them, in no planted ring, who are members of a judged one."""


def judged(records: Path) -> Groups:
    """Find rings of applicants who share devices, phones and cards."""
    return find_groups(records, "unit_id", IDENTIFIERS, "event_time")


def against(members: pl.DataFrame, truth: Path, records: Path) -> Rings:
    """Hold judged members against the planted rings.

    Args:
        members: `key` (of an applicant) and `group_id`.
        truth: the world's truth.
        records: for the applicant of each record.
    """
    units = pl.scan_parquet(records).select("key", "unit_id")
    told = pl.scan_parquet(truth).select("key", "ring_id", "dormitory")
    known = (
        units.join(told, on="key")
        .group_by(key="unit_id")
        .agg(pl.col("ring_id").max(), pl.col("dormitory").any())
        .collect()
    )
    planted = known.drop_nulls("ring_id").group_by("ring_id").agg(planted=pl.len())
    both = members.select("key", "group_id").join(known, on="key", how="left")
    sizes = members.group_by("group_id").agg(judged=pl.len())
    shared = both.drop_nulls("ring_id").group_by("group_id", "ring_id").agg(shared=pl.len())
    union = pl.col("judged") + pl.col("planted") - pl.col("shared")
    matched = shared.join(sizes, on="group_id").join(planted, on="ring_id")
    matched = matched.filter(pl.col("shared") / union >= MATCH)
    strangers = both.filter(pl.col("ring_id").is_null())
    return Rings(
        planted=len(planted),
        found=matched["ring_id"].n_unique(),
        members_right=len(both) - len(strangers),
        members=len(both),
        dormitory=int(known["dormitory"].sum()),
        dormitory_judged=int(strangers["dormitory"].sum()),
    )


def largest_component(records: Path) -> int:
    """How many applicants the largest component joins when addresses, contacts and networks link too."""
    joined = IDENTIFIERS | {"contact": "contact_phone", "address": "address", "ip": "ip"}
    found = components(records, "unit_id", joined)
    return int(found["component"].value_counts()["count"].max())  # type: ignore[arg-type]


def ring_line(groups: pl.DataFrame, members: pl.DataFrame, folder: Path, check: str) -> Evidence:
    """One ring in words, and the rings against what was planted.

    Args:
        groups: the judged rings.
        members: their members.
        folder: the demo's, with records and truth.
        check: the commands that give the line again.
    """
    records, truth = folder / "records.parquet", folder / "truth.parquet"
    rings = against(members, truth, records)
    joined = largest_component(records)
    people = pl.scan_parquet(records).select(pl.col("unit_id").n_unique()).collect().item()
    one = _in_words(groups) if len(groups) else "No group is judged a ring."
    return Evidence(
        f"Rings: {one} Components over all identifiers alone would have joined {joined:,} of {people:,} "
        f"applicants into one. {len(groups):,} groups are judged rings, {rings.found:,} of {rings.planted:,} "
        f"planted rings are among them with at least half of both in common, {rings.planted - rings.found:,} "
        f"are missed (most share little, or only a contact's phone); {rings.members - rings.members_right:,} "
        f"of {rings.members:,} members are false alarms; {rings.dormitory - rings.dormitory_judged:,} of "
        f"{rings.dormitory:,} residents of dormitories are spared, as an address links nobody here.",
        check,
    )


def _in_words(groups: pl.DataFrame) -> str:
    row = groups.sort(["size", "score", "group_id"], descending=[True, True, False]).row(0, named=True)
    days = "" if row["span_days"] is None else f" within {row['span_days']:.0f} days"
    return (
        f"The largest one has {row['size']} applicants who came{days}; {row['shared']}; "
        f"{row['exclusivity_static']:.0%} of their ties stay inside, and without {row['dissolved_by']} "
        "shared identifiers it falls apart."
    )
