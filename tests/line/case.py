"""A small case of the whole line: models, a policy, a population, identifiers, records.

In: a folder. Out: its files written, and records by a seed. Models are single trees, so what they say can be
seen.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl

TREE = """tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=0
objective=binary sigmoid:1
feature_names={feature}
feature_infos=[0:99]

Tree=0
num_leaves=3
num_cat=0
split_feature=0 0
threshold={cuts}
decision_type=2 2
left_child=-1 -2
right_child=1 -3
leaf_value={values}
leaf_count=3 3 4
internal_count=10 7

end of trees
"""
FLEET = """
[[model]]
name = "fraud"
file = "fraud.txt"
target = "fraud"

[[model]]
name = "income"
file = "income.txt"
target = "default"
weight = 2

[[model]]
name = "ties"
file = "ties.txt"
target = "default"

[[model]]
name = "next"
file = "income.txt"
target = "default"
status = "challenger"
"""
POLICY = """
tactics:
  - id: entry
    rules:
      - {id: minor, when: "age < 18", action: reject, on_null: review, reason: too young}
      - {id: risky, when: "fraud_p > 0.03 OR next > 0.2", action: review, on_null: no_hit}
      - {id: new, when: "product = 'B' AND pd > 0.05", action: cap(560), on_null: no_hit}
"""
CONFIG = """
[columns]
key = "id"
version = "v"
event_time = "t"
region = "adcode"
keep = ["product"]

[time]
zone = "UTC"

[fleet]
models = "models"

[weights]
column = "exposure"
step = 0.01

[population]
exclude = {staff = "is_staff", rejected = "decision = 'reject'"}

[[rankings]]
by = ["city", "province"]

[[rankings]]
by = "product"
min_n = 2
"""
NETWORK = """
[network]
identifiers = {device = "device"}
strengths = {device = 4.0}
cut = 1.0
"""
START = dt.datetime(2026, 3, 1)
CITIES = ["310100", "330400", "330100", "440300", "110100", "330000", "x"]


def write(folder: Path, *, network: bool = False) -> Path:
    """Write configuration, models and policy; gives the configuration's file."""
    models = folder / "models"
    models.mkdir(parents=True)
    ties = "net_now_partners" if network else "income"
    for name, feature, cuts, values in (
        ("fraud", "age", "25 60", "-3 -4.5 -4"),
        ("income", "income", "3000 9000", "-1.5 -3.25 -4.5"),
        ("ties", ties, "1 3" if network else "5000 20000", "-4 -3 -1"),
    ):
        (models / f"{name}.txt").write_text(TREE.format(feature=feature, cuts=cuts, values=values))
    (models / "fleet.toml").write_text(FLEET)
    (models / "policy.yaml").write_text(POLICY)
    (folder / "creditcore.toml").write_text(CONFIG + (NETWORK if network else ""))
    return folder / "creditcore.toml"


def records(rows: int, seed: int = 1, *, first: int = 0, version: int = 1) -> pl.DataFrame:
    """Draw records with keys from `first` on."""
    draw = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "id": np.arange(first, first + rows),
            "v": np.full(rows, version),
            "t": [START + dt.timedelta(seconds=int(late)) for late in draw.integers(0, 864_000, rows)],
            "adcode": draw.choice(CITIES, rows),
            "product": draw.choice(["A", "B", "C"], rows),
            "exposure": draw.integers(1, 100_000, rows) / 100,
            "is_staff": draw.random(rows) < 0.05,
            "age": draw.integers(16, 80, rows),
            "income": draw.lognormal(8.6, 0.8, rows).round(2),
            "device": draw.choice(max(rows // 2, 1), rows).astype(str),
        }
    )
