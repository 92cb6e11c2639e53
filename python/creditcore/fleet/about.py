"""What there is to know about the models of a fleet, as plain records.

Comes in: what the native fleet says of its models, and what is declared of them. Goes out: records by
model and by column.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from creditcore.fleet.declarations import Declaration


def model_records(about_all: str, declarations: Sequence[Declaration]) -> list[dict[str, Any]]:
    """Give a record for each model: of its file, and what is declared."""
    records = []
    for about, told in zip(json.loads(about_all), declarations, strict=True):
        records.append(
            {
                "name": told.name,
                "file": str(told.file),
                "target": told.target,
                "applies_to": told.applies_to,
                "calibration": told.calibration,
                "status": told.status,
                "valid_from": told.valid_from,
                "weight": told.weight,
                **about,
                "file_version": about["version"],
                "version": told.version,
            }
        )
    return records


def column_records(models: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give a record for each column that a tree of some model tests."""
    columns: dict[str, dict[str, Any]] = {}
    for model in models:
        for feature in model["features"]:
            if feature["splits"] == 0:
                continue
            name = feature["column"] or feature["name"]
            fresh = {"column": name, "categorical": False, "splits": 0, "models": []}
            record = columns.setdefault(name, fresh)
            record["categorical"] = record["categorical"] or feature["categorical"]
            record["splits"] += feature["splits"]
            record["models"].append(model["name"])
    return list(columns.values())
