"""Challengers, shadow models and shadow rules run in every refresh, and move nothing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import creditcore as cc
from tests.line import case

SCORES = ["id", "fraud_p", "pd", "points_model", "points_final", "decision", "rules", "reasons", "cause"]
SHADOW = """
      - {id: quiet, when: "age < 30", action: reject, on_null: no_hit, mode: shadow}
"""


def configured(
    folder: Path, statuses: dict[str, str], policy: str = case.POLICY, fleet: str = ""
) -> cc.Config:
    """The case with models of other statuses beside its own."""
    if not (folder / "models").exists():
        case.write(folder)
    models = folder / f"models{len(list(folder.iterdir()))}"
    shutil.copytree(folder / "models", models)
    more = [
        f'\n[[model]]\nname = "{name}"\nfile = "income.txt"\ntarget = "default"\nstatus = "{status}"\n'
        for name, status in statuses.items()
    ]
    (models / "fleet.toml").write_text((fleet or case.FLEET) + "".join(more))
    (models / "policy.yaml").write_text(policy)
    told = cc.Config.load(folder / "creditcore.toml").to_dict()
    return cc.Config.of(told | {"fleet": {"models": models.name}}, folder)


def filled(folder: Path, config: cc.Config) -> cc.Portfolio:
    portfolio = cc.Portfolio.create(folder, config)
    portfolio.ingest(case.records(150))
    portfolio.refresh(case.records(40, 3, first=130, version=2))
    return portfolio


def test_what_is_tried_stands_beside_and_moves_nothing(tmp_path: Path) -> None:
    plain = filled(tmp_path / "plain", configured(tmp_path, {}))
    statuses = {"later": "challenger", "dark": "shadow", "gone": "retired"}
    told = filled(tmp_path / "told", configured(tmp_path, statuses, case.POLICY + SHADOW.lstrip("\n")))
    assert told.to_polars().select(SCORES).equals(plain.to_polars().select(SCORES))
    for name in plain.config.by:
        assert told.ranking(name).to_polars().equals(plain.ranking(name).to_polars())
    rows = told.to_polars()
    assert {name for name in rows.columns if ":" in name} == {
        "challenger:next",
        "challenger:later",
        "shadow:dark",
    }
    pipeline = told.line.pipeline
    assert pipeline is not None
    wanted = pipeline.outputs(pipeline.features(rows), ["later", "dark"])
    assert rows["challenger:later"].to_list() == wanted["later"].to_list()
    assert rows["shadow:dark"].to_list() == wanted["dark"].to_list()
    hit = rows.filter(pl.col("shadow_rules") == "quiet")
    # A rejection ends what comes behind it, shadow rules too.
    low = rows.filter(pl.col("age") < 30, ~pl.col("rules").str.contains("minor"))
    assert hit["id"].to_list() == low["id"].to_list()
    assert len(hit) > 10
    tried = told.tried()
    assert [(one["model"], one["status"], one["records"]) for one in tried["models"]] == [
        ("next", "challenger", 170),
        ("later", "challenger", 170),
        ("dark", "shadow", 170),
    ]
    (rule,) = tried["rules"]
    assert (rule["rule"], rule["hits"]) == ("quiet", len(hit))
    assert rule["pass"] == hit["decision"].to_list().count("pass")
    assert plain.tried()["rules"] == []


def test_a_challenger_is_promoted(tmp_path: Path) -> None:
    before = configured(tmp_path, {"later": "challenger"})
    after = configured(tmp_path, {"later": "champion"})
    portfolio = filled(tmp_path / "state", before)
    points = portfolio.to_polars()["points_model"].to_list()
    change = portfolio.reconfigure(after)
    assert (change.sections, change.rescored) == (("fleet",), 170)
    assert portfolio.to_polars()["points_model"].to_list() != points
    assert "challenger:later" not in portfolio.to_polars().columns
    fresh = filled(tmp_path / "fresh", after)
    assert portfolio.digest() == fresh.digest()
    portfolio.reconfigure(before)
    assert portfolio.digest() == filled(tmp_path / "again", before).digest()
    assert portfolio.replay(1000).right


def test_a_model_that_is_another_in_its_place_counts_from_the_reconfiguration_on(tmp_path: Path) -> None:
    config = cc.Config.load(case.write(tmp_path))
    portfolio = filled(tmp_path / "state", config)
    model = tmp_path / "models" / "income.txt"
    model.write_text(model.read_text().replace("3000", "4000"))
    assert portfolio.reconfigure(config).rescored == 170
    assert portfolio.digest() == filled(tmp_path / "fresh", config).digest()
    portfolio.compact()
    more = case.records(20, 3, first=160, version=2)
    portfolio.refresh(more)
    fresh = filled(tmp_path / "again", config)
    fresh.refresh(more)
    assert portfolio.digest() == fresh.digest()


def test_a_challenger_without_an_output_is_null(tmp_path: Path) -> None:
    fleet = (
        case.FLEET
        + '\n[[model]]\nname = "some"\nfile = "income.txt"\nstatus = "shadow"\napplies_to = "age > 40"\n'
    )
    portfolio = filled(tmp_path / "state", configured(tmp_path, {}, fleet=fleet))
    rows = portfolio.to_polars()
    nulls: Any = rows.filter(pl.col("shadow:some").is_null())["age"]
    assert 0 < len(nulls) < 170
    assert nulls.max() <= 40
    (told,) = (one for one in portfolio.tried()["models"] if one["model"] == "some")
    assert told["records"] == 170 - len(nulls)


@pytest.mark.parametrize("name", ["challenger:next", "shadow_rules", "decision_policy"])
def test_a_column_of_what_is_made_cannot_be_brought(tmp_path: Path, name: str) -> None:
    config = configured(tmp_path, {}, case.POLICY + SHADOW.lstrip("\n"))
    rows = case.records(3).with_columns(pl.lit("x").alias(name))
    with cc.Portfolio.create(tmp_path / "s", config) as portfolio:
        with pytest.raises(cc.SchemaError, match=f"the records have a column `{name}`, which is made here"):
            portfolio.ingest(rows)
        with pytest.raises(cc.SchemaError, match="rename it"):
            portfolio.refresh(rows)
        assert portfolio.refresh(case.records(3)).changed == 3
