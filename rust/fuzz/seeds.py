"""Writes what the fuzz targets begin with.

Comes in: the models, conditions and examples of the tests, from a built package. Goes out: one folder of
seeds for each target.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import creditcore as cc

HERE = Path(__file__).parent
TESTS = HERE.parents[1] / "tests"
FORMATS = {
    "lightgbm text": "lightgbm_text",
    "catboost json": "catboost_json",
    "catboost cbm": "catboost_cbm",
    "xgboost json": "xgboost_json",
    "xgboost ubj": "xgboost_ubj",
    "xgboost binary": "xgboost_binary",
}
LONGEST = 1 << 18
POLICY = {
    "tactics": [
        {
            "id": "t",
            "purpose": "p",
            "rules": [
                {
                    "id": "r",
                    "when": "a > 1 AND b IS NOT NULL",
                    "action": "score(-10)",
                    "on_null": "hit",
                    "owner": "o",
                    "reason": {"en": "r", "zh": "r"},
                }
            ],
        }
    ]
}


def main(folder: Path) -> None:
    """Write the seeds."""
    found: dict[str, list[bytes]] = {target: [] for target in FORMATS.values()}
    for path in sorted((TESTS / "model" / "data").rglob("*")):
        if path.suffix in {".parquet", ".md"} or path.is_dir():
            continue
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        try:
            model = cc.Fleet.load(path).models[0]
        except cc.CreditcoreError:
            continue
        if len(data) <= LONGEST:
            found[FORMATS[model["format"]]].append(data)
    cases = json.loads((TESTS / "expr" / "sql_semantics.json").read_text())
    texts = [text for text in _texts(cases) if " " in text]
    found["condition"] = [text.encode() for text in texts]
    found["policy"] = [json.dumps(POLICY).encode()]
    found["compiled_fleet"] = [bytes([section, 0, 0, 4, 1, 2, 3, 4]) for section in range(13)]
    records = {"key": [1, 2, 3], "phone": ["a", "b", "a"], "device": ["x", None, "y"]}
    network = cc.Network.build(records, key="key", identifiers={"phone": "phone", "device": "device"})
    found["network"] = [network.to_bytes()[8:-8]]
    sums = cc.aggregate({"city": ["310100", "110100"], "x": [1.5, 2.0]}, by="city", score="x")
    found["sums"] = [sums.to_bytes()[8:-8]]
    for target, seeds in found.items():
        if not seeds:
            sys.exit(f"no seed for the target `{target}`")
        (folder / target).mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds):
            (folder / target / f"seed{number}").write_bytes(seed)


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in inner for text in _texts(part)]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
