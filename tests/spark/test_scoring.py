"""Scores and decisions on Spark, to the bit those of one machine, and what a failing task says."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import creditcore as cc
import creditcore.spark as cs
from creditcore.demo import UCI, UCI_CASE
from creditcore.pipeline.pipeline import Pipeline
from creditcore.spark import session, travel
from tests.spark.test_aggregation import in_spark
from tests.spark_session import collected

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

MODEL = Path(__file__).parents[1] / "model" / "data" / "small_lightgbm.txt"
RULES = [
    {"id": "young", "when": "AGE < 25", "action": "reject", "on_null": "review", "reason": "too young"},
    {"id": "late", "when": "PAY_0 > 1", "action": "review", "on_null": "no_hit", "reason": "late"},
    {"id": "known", "when": "IN_LIST(name, 'suspects')", "action": "review", "on_null": "no_hit"},
]


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Real clients, with keys."""
    path = tmp_path_factory.mktemp("clients") / "clients.parquet"
    Pipeline.load(UCI_CASE).write(UCI, path)
    frame = pl.read_parquet(path).head(4_000).with_row_index("key")
    return frame.drop("fraud_p", "pd", "points_model", "points_final").cast({"key": pl.Int64})


def test_scores_are_those_of_one_machine(spark: SparkSession, clients: pl.DataFrame) -> None:
    scored = cs.score(in_spark(spark, clients, 5), UCI_CASE, "probability")
    assert scored.rdd.getNumPartitions() == 5
    found = collected(scored).sort("key")
    wanted = Pipeline.load(UCI_CASE).score(clients, "probability")
    assert found.select(clients.columns).equals(clients)
    assert found.select(wanted.columns).equals(wanted)
    with pytest.raises(cc.SchemaError, match="have a column `fraud_p` already"):
        cs.score(scored, UCI_CASE)


def test_rules_of_a_pipeline_run_after_its_models(spark: SparkSession, clients: pl.DataFrame) -> None:
    plain = Pipeline.load(UCI_CASE)
    rule = {"id": "poor", "when": "pd > 0.2", "action": "review", "on_null": "review"}
    policy = cc.Policy({"tactics": [{"id": "entry", "rules": [rule]}]})
    pipeline = Pipeline(plain.fleet, plain.schema, plain.blend, plain.scaling, policy)
    found = collected(cs.score(in_spark(spark, clients, 3), pipeline)).sort("key")
    wanted = pipeline.score(clients)
    assert found.select(wanted.columns).equals(wanted)
    assert wanted["decision"].n_unique() == 2


def test_a_fleet_gives_its_raw_outputs(spark: SparkSession, clients: pl.DataFrame, tmp_path: Path) -> None:
    fleet = cc.Fleet.load(MODEL)
    fleet.compile(tmp_path / "fleet.ccf")
    columns = [feature["column"] for feature in fleet.features]
    rows = clients.select(
        "key", *((pl.col("key") % (at + 3) / 4).alias(name) for at, name in enumerate(columns))
    )
    outputs = fleet.predict(rows)
    for models in (fleet, tmp_path / "fleet.ccf"):
        found = collected(cs.score(in_spark(spark, rows, 2), models)).sort("key")
        assert found.select(outputs.columns).equals(outputs)


def test_decisions_are_those_of_one_machine(
    spark: SparkSession, clients: pl.DataFrame, tmp_path: Path
) -> None:
    (tmp_path / "suspects.txt").write_text("n7\nn11\n")
    lists = {"suspects": {"file": str(tmp_path / "suspects.txt")}}
    policy = cc.Policy({"lists": lists, "tactics": [{"id": "entry", "rules": RULES}]})
    rows = clients.with_columns(name="n" + pl.col("key").cast(str))
    further: dict[str, Any] = {"shadow": True, "language": "zh"}
    none: dict[str, Any] = {}
    for arguments in (none, further):
        decided = cs.decide(in_spark(spark, rows, 3), policy, as_of="2026-01-02", **arguments)
        found = collected(decided).sort("key")
        wanted = policy.decide(rows, as_of="2026-01-02", **arguments)
        assert found.select(wanted.columns).equals(wanted)
        assert found.filter(pl.col("rules").list.contains("known"))["key"].to_list() == [11]
    with pytest.raises(cc.TacticError, match="AGE"):
        cs.decide(in_spark(spark, rows.drop("AGE"), 2), policy)


def test_a_bad_row_is_told_with_partition_and_key(spark: SparkSession, clients: pl.DataFrame) -> None:
    ages = pl.when(pl.col("key") == 3_456).then(pl.lit("old")).otherwise(pl.col("AGE").cast(str))
    rows = in_spark(spark, clients.with_columns(AGE=ages).drop("key"), 1)
    keyed = in_spark(spark, clients.with_columns(AGE=ages), 1).sortWithinPartitions("key")
    told = r"partition 0, row 3457 \(`key` is `3456`\): .*`AGE`.*`old`"
    with pytest.raises(cc.SchemaError, match=told), session.house_errors():
        cs.score(keyed, UCI_CASE).count()
    with pytest.raises(cc.SchemaError, match=r"partition 0, row \d+: "), session.house_errors():
        cs.score(rows, UCI_CASE).count()
    with pytest.raises(cc.SchemaError, match=told):
        cs.rank(cs.score(keyed, UCI_CASE), "EDUCATION", regions="none")


def test_a_model_file_that_is_gone_is_named(spark: SparkSession) -> None:
    from pyspark import SparkFiles

    # Of a name of its own, so that no worker has loaded it for another test.
    fleet = cc.Fleet.load({"gone": MODEL})
    rows = pl.DataFrame({feature["column"]: [0.5] for feature in fleet.features})
    scored = cs.score(in_spark(spark, rows, 1), fleet)
    name = travel.send_fleet(spark, fleet)
    # An executor fetches what it is sent with its next task, and is not sent it again.
    spark.range(1).repartition(1).count()
    Path(SparkFiles.get(name)).unlink()
    with (
        pytest.raises(cc.SourceError, match=f"partition 0: `{name}` is not on executor"),
        session.house_errors(),
    ):
        scored.count()


def test_faults_of_spark_are_told_in_the_house_s_words() -> None:
    told = "x\ncreditcore.errors.SchemaError: partition 3, row 4: column `a`\n\n\tat org.apache"
    made = session.house_error(told)
    assert isinstance(made, cc.SchemaError)
    assert str(made) == "partition 3, row 4: column `a`"
    absent = session.house_error("ModuleNotFoundError: No module named 'creditcore'")
    assert "an executor's Python has no `creditcore`" in str(absent)
    assert "another version" in str(session.house_error("[PYTHON_VERSION_MISMATCH] Python in worker"))
    assert "`python9`" in str(session.house_error('Cannot run program "python9": error=2'))
    assert session.house_error("java.lang.OutOfMemoryError") is None
    with pytest.raises(cc.ArgumentError, match=r"of version 3\.4\.2; 3\.5 or newer is needed"):
        session.refuse_old("3.4.2", "Spark")
    session.refuse_old("4.3.0", "Spark")
    assert math.isfinite(travel.loaded("some content", lambda: 1.0))
