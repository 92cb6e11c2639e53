"""The demo's real case: clients of a bank through a published credit model.

Comes in: the folder `uci`. Goes out: scored clients in a file, and lines of evidence. The model's outputs
equal
its training library's to the bit; that is tested, not shown.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl

from creditcore.demo import UCI, UCI_CASE, UCI_DEFAULT, UCI_HOLDOUT
from creditcore.pipeline.pipeline import Pipeline
from creditcore.ranking.of_records import rank
from creditcore.scoring.metrics import auc

EDUCATION = {1: "graduate school", 2: "university", 3: "high school", 4: "others"}


class Evidence(NamedTuple):
    """One line of evidence, and the command that checks it."""

    text: str
    check: str


def real_case(folder: Path) -> Iterator[Evidence]:
    """Score the clients and rank them by education.

    Args:
        folder: where `uci.parquet` goes.
    """
    pipeline = Pipeline.load(UCI_CASE)
    scored_file = folder / "uci.parquet"
    clients = pipeline.write(UCI, scored_file).records
    scored = pl.read_parquet(scored_file)
    held = pl.read_csv(gzip.decompress(UCI_HOLDOUT.read_bytes()))
    held_auc = auc(held["IS_DEFAULT_TRUE"], pipeline.score(held)["pd"])
    whole_auc = auc(scored[UCI_DEFAULT], scored["pd"])
    yield Evidence(
        f"A real case: {clients:,} credit-card clients (UCI data set 350) through a published XGBoost model, "
        f"113 trees over 34 derived inputs: hold-out AUC {held_auc:.4f} over {len(held):,} clients "
        f"({whole_auc:.4f} over all, which includes the rows it was trained on).",
        f"creditcore score {UCI} --models {UCI_CASE} -o {scored_file}",
    )
    points, defaults = (
        {row["code"]: row for row in rank(scored, "EDUCATION", score, regions="none").rows()}
        for score in ("points_model", UCI_DEFAULT)
    )
    groups = "; ".join(
        f"{name} {points[str(code)]['mean']:.1f} ± {points[str(code)]['se']:.1f} points, "
        f"{defaults[str(code)]['mean']:.1%} of {points[str(code)]['n']:,} in default"
        for code, name in EDUCATION.items()
    )
    [warning] = pipeline.input_warnings(["EDUCATION"])
    yield Evidence(
        f"The same by EDUCATION: {groups}. Mind: {warning}.",
        f"creditcore rank {scored_file} --by EDUCATION --score points_model --regions none "
        f"--models {UCI_CASE}",
    )
